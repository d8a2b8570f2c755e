"""Reconciliation of monthly totals with the control totals of finance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from ckm.check.controls_file import CONTROLS
from ckm.check.findings import Finding, Severity
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts


class _Total(NamedTuple):
    """Totals of the table for one month."""

    net: float
    rows: int


def controls(
    measured: TableCounts, wanted: pl.DataFrame, limits: CheckLimits, *, as_of: date | None
) -> Iterator[Finding]:
    """Compare the table with its control totals.

    A difference above ``reconciliation_difference`` is an error; in the month of ``as_of`` it is a
    warning, because that month may be incomplete. Control totals of later months are ignored. Months with rows but
    no control total are a warning up to the last month of ``wanted``, an info after it or before the first.

    Parameters
    ----------
    measured
        The table; transactions count with the types of ``limits.control_types``.
    wanted
        As :func:`read_controls` returns it.
    limits
        Thresholds.
    as_of
        The day given by the user; None if none.
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
        yield from _compare(measured.subject.name, line, here, all_types, severity, limits)
    yield from _uncontrolled(measured, lines, found)


def _by_month(measured: TableCounts, limits: CheckLimits | None) -> pl.DataFrame:
    """Return ``net`` and ``rows`` by ``month``, ``source`` and ``currency``; a column that the table lacks is null."""
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


def _pick(found: pl.DataFrame, line: Mapping[str, Any]) -> _Total:
    """Return the totals of the month of ``line``, of its source and currency if given."""
    for name in ("month", "source", "currency"):
        if line[name] is not None:
            found = found.filter(pl.col(name) == line[name])
    return _Total(float(found["net"].sum()), int(found["rows"].sum()))


def _compare(
    table: str, line: Mapping[str, Any], here: _Total, all_types: _Total, severity: Severity, limits: CheckLimits
) -> Iterator[Finding]:
    """Return one finding per control total that differs, by net if it differs, else by rows."""
    off = _differences(here, line, limits)
    parts = []
    if off["net"]:
        parts.append(f"net is {here.net:,.2f}, finance has {line['net']:,.2f}: difference {off['net']:+,.2f}")
    if off["rows"]:
        parts.append(f"{counted(here.rows, 'row')}, finance has {line['rows']:,}: difference {off['rows']:+,.0f}")
    if not parts:
        return
    series = f"{line['month']:%Y-%m}" + "".join(f" {line[name]}" for name in ("currency", "source") if line[name])
    column = "net" if off["net"] else "rows"
    yield Finding(
        check="controls",
        severity=severity,
        table=table,
        column=column,
        part=series,
        message=f"{series}: {'; '.join(parts)}",
        count=here.rows,
        value=off[column],
        limit=limits.reconciliation_difference if column == "net" else 0.0,
        hint=_hint(line, here, all_types, limits),
    )


def _differences(here: _Total, line: Mapping[str, Any], limits: CheckLimits) -> dict[str, float]:
    """Return the differences of net and rows; 0 if within the limit or if there is no control total."""
    off = {}
    for name, has, allowed in (("net", here.net, limits.reconciliation_difference), ("rows", here.rows, 0.0)):
        # Cents are not exact in binary floating point; differences below a billionth are ignored.
        difference = 0.0 if line[name] is None else round(has - line[name], 9)
        off[name] = difference if abs(difference) > allowed else 0.0
    return off


def _hint(line: Mapping[str, Any], here: _Total, all_types: _Total, limits: CheckLimits) -> str:
    if here != all_types and not any(_differences(all_types, line, limits).values()):
        return "equal if all row types count: list the types that finance counts in ckm.yaml, check.control_types"
    if not here.rows:
        return "no rows of that month: load its export"
    return "is a file missing, or loaded twice? ckm ingest --history lists the loads"


def _uncontrolled(measured: TableCounts, lines: pl.DataFrame, found: pl.DataFrame) -> Iterator[Finding]:
    """Find months with rows in a currency without a control total, for any source."""
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
            message=f"controls.csv has no total{of} in {', '.join(names)}, with {counted(count, 'row')}",
            count=count,
            value=float(len(names)),
            limit=0.0,
            hint="get this total from finance",
        )
