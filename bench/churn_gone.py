"""Return rate of customers whom ckm churn-warn counts as churned (churn-decisions.md, "Going and gone").

    python bench/churn_gone.py [WORKSPACE]    CDNOW, Online Retail and, where it is named, the example shop, loaded

Customers with a margin in the last 12 months, by the days left on a day; and the share of each group that bought within
the next horizon. The groups look at nothing after the day.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from lifecycle import cdnow, online_retail

from ckm._churn.warning_levels import Thresholds, give_levels
from ckm.customers.features import feature_table
from ckm.dataset import open_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAD = 14
GROUPS = ("gone", "0-13 days left", "14-27 days left", "overdue", "in rhythm")


def returned(tables: Mapping[str, pl.LazyFrame], day: date, horizon: int) -> pl.DataFrame:
    """Return per group its customers, and the share of them that bought within the horizon."""
    then = feature_table(tables, as_of=day).frame
    last = feature_table(tables, as_of=day + timedelta(days=horizon)).frame
    customers = then.filter(pl.col("margin_12mo") > 0).select(
        "customer_id",
        p_churn=pl.lit(1.0),
        value_12mo="margin_12mo",
        days_silent="recency_days",
        long_gap_days="gap_p80_days",
    )
    judged = give_levels(customers, Thresholds(0, 0, 0), horizon=horizon, lead=LEAD)
    left = pl.col("days_left")
    group = (
        pl.when(left < 0)
        .then(pl.lit(GROUPS[0]))
        .when(left < LEAD)
        .then(pl.lit(GROUPS[1]))
        .when(left < 2 * LEAD)
        .then(pl.lit(GROUPS[2]))
        .when(pl.col("days_silent") > pl.col("long_gap_days"))
        .then(pl.lit(GROUPS[3]))
        .otherwise(pl.lit(GROUPS[4]))
    )
    return (
        judged.join(last.select("customer_id", later="last_purchase"), on="customer_id", how="left")
        .group_by(group=group.cast(pl.Enum(GROUPS)))
        .agg(customers=pl.len(), returned=(pl.col("later") > day).mean())
        .sort("group")
    )


def main() -> None:
    """Print a line per data set and day, ready for the page."""
    shops = [
        ("CDNOW", {"transactions": cdnow()}, 90, (date(1997, 12, 31), date(1998, 3, 31))),
        ("Online Retail", {"transactions": online_retail()}, 60, (date(2010, 6, 30), date(2010, 9, 30))),
    ]
    if len(sys.argv) > 1:
        tables = open_dataset(Path(sys.argv[1])).tables
        shops.append(("example shop", tables, 60, (date(2025, 12, 31), date(2026, 3, 31))))
    for name, tables, horizon, days in shops:
        for day in days:
            found = {row[0]: row[1:] for row in returned(tables, day, horizon).iter_rows()}
            cells = (f"{found[group][1]:.1%} of {found[group][0]:,}" if group in found else "" for group in GROUPS)
            print(f"| {name}, {day}, {horizon} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
