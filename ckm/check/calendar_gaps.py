"""Days and channels without expected sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ckm.check.checked_table import SALES
from ckm.check.findings import Finding, Severity
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts

PAUSE_QUANTILE = 0.95
"""Quantile of a channel's pauses up to which a pause is usual."""


class Gap(NamedTuple):
    """Consecutive days without a sale; ``days`` is the number of usual selling days among them."""

    start: date
    end: date
    days: int


def calendar(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find runs of selling days without a sale: ``gap_days`` or more are a warning, all shorter runs one info."""
    short = []
    for gap in gaps(_sales(measured)["day"].unique(), limits):
        if gap.days < limits.gap_days:
            short.append(gap)
            continue
        yield Finding(
            check="calendar",
            severity=Severity.warning,
            table=measured.subject.name,
            part=f"{gap.start}/{gap.end}",
            message=f"no sales from {gap.start} to {gap.end}; {gap.days} of these days usually have sales",
            count=gap.days,
            value=float(gap.days),
            limit=float(limits.gap_days),
            hint="was the shop closed, or is an export missing?",
        )
    if short:
        missing = sum(gap.days for gap in short)
        yield Finding(
            check="calendar",
            severity=Severity.info,
            table=measured.subject.name,
            message=f"{counted(missing, 'day')} without sales that usually {'has' if missing == 1 else 'have'} some, "
            f"the last on {short[-1].end}",
            count=missing,
            value=float(max(gap.days for gap in short)),
            limit=float(limits.gap_days),
        )


def gaps(days: pl.Series, limits: CheckLimits) -> list[Gap]:
    """Return the gaps between the first and last of ``days`` (distinct dates with a sale), oldest first.

    A weekday is a selling day if ``open_share`` of its dates have a sale, counted over weeks with at least one sale, so
    that empty weeks are not usual. Days that are never selling days (such as Sundays) do not split a gap.
    """
    if days.is_empty():
        return []
    span = pl.DataFrame({"day": pl.date_range(days.min(), days.max(), eager=True)})  # type: ignore[arg-type]  # dates
    span = span.with_columns(
        sold=pl.col("day").is_in(days.implode()),
        weekday=pl.col("day").dt.weekday(),
        week=pl.col("day").dt.truncate("1w"),
    )
    span = span.with_columns(active=pl.col("sold").any().over("week"))
    usual = span.with_columns(
        expected=(pl.col("sold").filter("active").mean() >= limits.open_share).over("weekday")
        & (pl.col("active").sum() >= limits.min_weeks).over("weekday")
    )
    runs = (
        usual.with_columns(run=pl.col("sold").rle_id())
        .filter(~pl.col("sold"))
        .group_by("run", maintain_order=True)
        .agg(
            start=pl.col("day").filter("expected").first(),
            end=pl.col("day").filter("expected").last(),
            days=pl.col("expected").sum(),
        )
        .filter(pl.col("days") > 0)
    )
    return [Gap(start, end, days) for start, end, days in runs.select("start", "end", "days").iter_rows()]


def channels(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find channels with an unusually long pause, counted in days with sales of other channels: a warning.

    Days without any sale (Sundays, holidays) are not counted here; :func:`calendar` finds them.
    """
    sales = _sales(measured).group_by("day", "channel").agg().sort("day")
    business = sales.select(pl.col("day").unique().sort()).with_row_index("at")
    sales = sales.join(business, on="day")
    for (channel,), days in sales.drop_nulls("channel").sort("channel", "day").group_by("channel", maintain_order=True):
        if days.height < max(limits.channel_days, 2):
            continue
        at = days["at"].cast(pl.Int64)
        # The days after the last sale are a pause too.
        pauses = pl.concat([at.diff().drop_nulls() - 1, pl.Series([business.height - 1 - at[-1]])])
        usual = at.diff().drop_nulls().quantile(PAUSE_QUANTILE, "higher") or 1.0
        allowed = max(float(limits.silence_days), limits.silence_factor * usual)
        longest = int(pauses.arg_max() or 0)
        silent = int(pauses[longest])
        if silent <= allowed:
            continue
        since = days["day"][longest]
        ended = longest + 1 < days.height
        until = f"to {days['day'][longest + 1]}" if ended else "until the end of the data"
        yield Finding(
            check="channels",
            severity=Severity.warning,
            table=measured.subject.name,
            column="channel",
            part=str(channel),
            message=f"channel {channel} has no sales after {since} {until}: {counted(silent, 'day')} with sales of "
            "other channels only",
            count=silent,
            value=float(silent),
            limit=allowed,
            hint="is an export of that channel missing?",
        )


def _sales(measured: TableCounts) -> pl.DataFrame:
    dated = measured.on_usual_days(measured.by_day)
    return dated.filter(pl.col("type").is_in(SALES)) if "type" in dated.columns else dated
