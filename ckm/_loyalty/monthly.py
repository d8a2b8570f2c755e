"""Report section on revenue by month, with the previous year, and the season of the newest month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.render.chart_look import ruler
from ckm.render.time_charts import TrendPoint, trend_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.metric import Metric
    from ckm.render.document import Block

NAMED_EVERY = 3
"""The axis labels one month in ``NAMED_EVERY``."""
FEWEST_MONTHS = 2


def revenue_over_time(localized: LocalizedReport) -> Iterator[Block]:
    """Return the revenue by month with the same months of the previous year."""
    months = localized.all("monthly_revenue", "month")
    if len(months) < FEWEST_MONTHS:
        return
    names = [localized.numbers.month(each.of("month") or "") for each in months]
    points = [
        TrendPoint(name if (len(months) - 1 - number) % NAMED_EVERY == 0 else "", each.value or 0.0, each.previous)
        for number, (name, each) in enumerate(zip(names, months, strict=True))
    ]
    has_last_year = any(each.previous is not None for each in months)
    heights = [end for point in points for end in (point.value, point.before) if end is not None]
    legend = [localized.say("legend.this_year"), *([localized.say("legend.last_year")] if has_last_year else [])]
    rows = [
        (
            name,
            localized.written(each.name, each.value, exact=True),
            localized.written(each.name, each.previous, exact=True) if has_last_year else "",
            _change(localized, each),
        )
        for name, each in zip(names, months, strict=True)
    ]
    keys = ("month", "revenue", "last_year", "change") if has_last_year else ("month", "revenue")
    yield localized.figure(
        season_finding(localized, months[-1]),
        "monthly",
        trend_chart(points, ruler(heights, localized.numbers.money), legend, mirrored=localized.mirrored),
        localized.table(localized.title("monthly_revenue"), keys, [row[: len(keys)] for row in rows]),
        note=localized.of("seasonal_revenue", month=months[-1].of("month") or "") is not None,
    )


def season_finding(localized: LocalizedReport, newest: Metric) -> str:
    """Return a sentence on the revenue of the newest month compared with its seasonal interval."""
    month = newest.of("month") or ""
    values = {
        "month": localized.numbers.month(month),
        "value": localized.written(newest.name, newest.value),
        "change": _change(localized, newest),
    }
    season = localized.of("seasonal_revenue", month=month)
    if season is not None and season.lo is not None and season.hi is not None and newest.value is not None:
        how = "low" if newest.value < season.lo else "high" if newest.value > season.hi else "usual"
        return localized.say(
            f"find.season_{how}",
            **values,
            expected=localized.written(season.name, season.value),
            interval=localized.between(season.name, season.lo, season.hi, exact=False),
        )
    if newest.previous is None:
        return localized.say("find.month_only", **values)
    if values["change"]:
        return localized.say("find.month_year_ago", **values)
    return localized.say("find.month_after_none", **values, previous=localized.written(newest.name, newest.previous))


def _change(localized: LocalizedReport, month: Metric) -> str:
    if month.value is None or not month.previous or month.previous < 0:
        return ""
    return localized.numbers.share(month.value / month.previous - 1, 1, signed=True)
