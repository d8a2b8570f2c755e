"""Accuracy of demand forecasts on Online Retail, compared with the best single method in hindsight.

    python bench/forecast.py [WEEKS]

``ckm.models.demand.forecast_demand`` forecasts from each week with the earlier weeks as history. Printed are the
weighted absolute percentage error of the total (WAPE), the WAPE of the single method with the smallest error over all
these forecasts, and the share of totals inside the 80 % interval.
"""

from __future__ import annotations

import os
import resource
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

from ckm.models.demand import forecast_demand, weeks_needed
from ckm.models.demand_methods import FIRST_ORIGIN, METHODS, SEASONAL

SHARED = Path(os.environ.get("CKM_SHARED", Path(__file__).parents[2] / "shared")) / "data"
FEWEST_WEEKS_SOLD = 20


def weekly(measure: pl.Expr) -> np.ndarray:
    rows = pl.read_parquet(SHARED / "transactions" / "online_retail_2009_2010.parquet").with_columns(
        day=pl.col("InvoiceDate").str.slice(0, 10).str.to_date()
    )
    # purchases of goods: no cancellations, no postage or manual entries
    goods = rows.filter(
        pl.col("Quantity") > 0, ~pl.col("Invoice").str.starts_with("C"), pl.col("StockCode").str.contains(r"^\d{5}")
    )
    last = goods["day"].max()
    weeks = ((last - goods["day"].min()).days + 1) // 7
    cells = (
        goods.with_columns(week=weeks - 1 - (pl.lit(last) - pl.col("day")).dt.total_days() // 7)
        .filter(pl.col("week") >= 0)
        .group_by("StockCode", "week")
        .agg(demand=measure)
    )
    sold = cells.group_by("StockCode").len().filter(pl.col("len") >= FEWEST_WEEKS_SOLD)["StockCode"].sort()
    numbered = cells.join(sold.to_frame().with_row_index("number"), on="StockCode")
    values = np.zeros((len(sold), weeks))
    values[numbered["number"].to_numpy(), numbered["week"].to_numpy()] = numbered["demand"].to_numpy()
    return values


def main() -> None:
    weeks = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    measures = {
        "units": pl.col("Quantity").sum().cast(pl.Float64),
        "buyers": pl.col("Customer ID").drop_nulls().n_unique().cast(pl.Float64),
    }
    for name, measure in measures.items():
        history = weekly(measure)
        starts = range(weeks_needed(weeks), history.shape[1] - weeks + 1)
        actuals = {start: history[:, start : start + weeks].sum(axis=1) for start in starts}
        errors = {
            each: sum(
                np.abs(made.mean(axis=1) * weeks - actuals[start]).sum()
                for start, made in enumerate(METHODS[each](history, weeks), FIRST_ORIGIN)
                if start in actuals
            )
            for each in METHODS
            if each not in SEASONAL
        }
        error = demand = inside = count = 0.0
        methods: Counter[str] = Counter()
        for start, actual in actuals.items():
            made = forecast_demand(history[:, :start], weeks)
            error += np.abs(made.total - actual).sum()
            demand += actual.sum()
            inside += ((actual >= made.low) & (actual <= made.high)).sum()
            count += (~np.isnan(made.low)).sum()
            methods[made.best] += 1
        best = min(errors, key=errors.__getitem__)
        print(
            f"{name}: {len(history):,} products, {weeks} weeks, {sum(methods.values())} starts: "
            f"WAPE {error / demand:.4f}, "
            f"best single method in hindsight ({best}) {errors[best] / demand:.4f}, "
            f"{inside / count:.1%} inside the 80 % interval; best method: {dict(methods.most_common(3))}"
        )
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"CPU {used.ru_utime:.1f} s, peak {used.ru_maxrss / 1e6:.2f} GB")
    print(f"polars {pl.__version__}, numpy {np.__version__}")


if __name__ == "__main__":
    main()
