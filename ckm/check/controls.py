"""Totals per month against those of finance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.controls_file import CONTROLS
from ckm.check.findings import Finding, Severity
from ckm.check.wording import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured


def controls(measured: Measured, wanted: pl.DataFrame, limits: CheckLimits, *, as_of: date | None) -> Iterator[Finding]:
    """Compare the table with the lines of ``wanted`` that are about it.

    A difference above ``control_difference`` is an error; in the month of ``as_of`` a warning, since that month may not
    be over. Lines about later months are left alone. Months with rows and no line are a warning up to the last month of
    ``wanted``, an info after it or before the first.

    Parameters
    ----------
    measured
        The table; transactions count with the types of ``limits.control_types``.
    wanted
        As :func:`read_controls` returns it.
    limits
        Thresholds.
    as_of
        The day given by the user; null when none was.
    """
    lines = wanted.filter(pl.col("table") == measured.subject.name)
    if as_of is not None:
        lines = lines.filter(pl.col("month") <= as_of)
    found = _by_month(measured, limits)
    everything = _by_month(measured, None)
    for line in lines.sort("month", "source", "currency").iter_rows(named=True):
        here, all_types = _pick(found, line), _pick(everything, line)
        unfinished = as_of is not None and (line["month"].year, line["month"].month) == (as_of.year, as_of.month)
        severity = Severity.warning if unfinished else Severity.error
        yield from _compare(measured, line, here, all_types, severity, limits)
    yield from _uncontrolled(measured, lines, found)


def _by_month(measured: Measured, limits: CheckLimits | None) -> pl.DataFrame:
    """``month``, ``source``, ``currency``, ``net``, ``rows``; null where the table has no such column."""
    days = measured.by_day.drop_nulls("day")
    if limits is not None and "type" in days.columns:
        days = days.filter(pl.col("type").is_in(limits.control_types))
    for name in ("source", "currency", "net"):
        if name not in days.columns:
            days = days.with_columns(pl.lit(None, CONTROLS[name]).alias(name))
    month = pl.col("day").dt.truncate("1mo").alias("month")
    return (
        days.group_by(month, "source", "currency").agg(pl.col("net", "rows").sum()).sort("month", "source", "currency")
    )


def _pick(found: pl.DataFrame, line: Mapping[str, object]) -> tuple[float, int]:
    """Net and rows of the months, source and currency of ``line``."""
    for name in ("month", "source", "currency"):
        if line[name] is not None:
            found = found.filter(pl.col(name) == line[name])
    return float(found["net"].sum()), int(found["rows"].sum())


def _series(line: Mapping[str, object]) -> str:
    of = "".join(f" {line[name]}" for name in ("currency", "source") if line[name] is not None)
    return f"{line['month']:%Y-%m}{of}"


def _compare(
    measured: Measured,
    line: Mapping[str, float | None],
    found: tuple[float, int],
    all_types: tuple[float, int],
    severity: Severity,
    limits: CheckLimits,
) -> Iterator[Finding]:
    for column, expected, has, with_others, allowed in (
        ("net", line["net"], found[0], all_types[0], limits.control_difference),
        ("rows", line["rows"], found[1], all_types[1], 0.0),
    ):
        if expected is None:
            continue
        # Cents are not exact in binary; a billionth of a unit is no difference.
        difference = round(has - expected, 9)
        if abs(difference) <= allowed:
            continue
        amount = ",.2f" if column == "net" else ",.0f"
        month = _series(line)
        hint = "load what is missing: ckm ingest --history lists what is there"
        if abs(with_others - expected) <= allowed:
            hint = "it is equal with cancelled orders counted: add cancel to check.control_types in ckm.yaml"
        elif found[1] == 0:
            hint = "no row of that month is there: " + hint
        yield Finding(
            check="controls",
            severity=severity,
            table=measured.subject.name,
            column=column,
            part=month,
            message=f"{month}: {column} is {has:{amount}}, finance has {expected:{amount}}: "
            f"difference {difference:+{amount}}",
            count=found[1],
            value=difference,
            limit=allowed,
            hint=hint,
        )


def _uncontrolled(measured: Measured, lines: pl.DataFrame, found: pl.DataFrame) -> Iterator[Finding]:
    """Months with rows whose currency has no line, whatever the source."""
    if lines.is_empty():
        return
    whole_months = lines.filter(pl.col("currency").is_null())["month"].unique()
    left = found.filter(~pl.col("month").is_in(whole_months.implode())).join(
        lines.select("month", "currency"), on=["month", "currency"], how="anti"
    )
    inside = pl.col("month").is_between(lines["month"].min(), lines["month"].max())
    months = left.group_by("currency", "month", inside=inside).agg(pl.col("rows").sum()).sort("month")
    for (currency, is_inside), series in months.group_by("currency", "inside", maintain_order=True):
        names = series["month"].dt.strftime("%Y-%m").to_list()
        count = int(series["rows"].sum())
        of = f" for {currency}" if currency else ""
        yield Finding(
            check="controls",
            severity=Severity.warning if is_inside else Severity.info,
            table=measured.subject.name,
            part=f"{names[0]}/{names[-1]}" + (f" {currency}" if currency else ""),
            message=f"controls.csv has no total{of} in {', '.join(names)}, with {rows(count)}",
            count=count,
            value=float(len(names)),
            limit=0.0,
            hint="ask finance for it",
        )
