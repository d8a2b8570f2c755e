"""Spend forecasts of CDNOW and Online Retail, compared with actual spend (issue 13, must show 6)."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from ckm.models.btyd.holdout import holdout_test
from ckm.models.btyd.purchases import Purchases
from ckm.models.spend.forecast import SpendForecast, forecast_spend
from ckm.models.spend.spend_snapshot import SpendSnapshot
from tests.models.btyd.customers import CALIBRATION_END, HOLDOUT_WEEKS, SHARED, cdnow_lines
from tests.models.spend.shops import model, purchases

JUNE, DECEMBER = ((date(2010, month, 9) - date(1970, 1, 1)).days for month in (6, 12))


def cdnow() -> tuple[Purchases, int, int]:
    customers, days, dollars = cdnow_lines()
    rows = list(
        zip(np.unique(customers, return_inverse=True)[1].tolist(), days.tolist(), dollars.tolist(), strict=True)
    )
    return purchases(rows), CALIBRATION_END, CALIBRATION_END + 7 * HOLDOUT_WEEKS


def online_retail() -> tuple[Purchases, int, int]:
    path = SHARED / "online_retail_2009_2010.parquet"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    lines = (
        pl.read_parquet(path)
        .filter(pl.col("Customer ID").is_not_null(), ~pl.col("Invoice").str.starts_with("C"), pl.col("Quantity") > 0)
        .select(
            pl.col("Customer ID").rank("dense").cast(pl.Int64),
            pl.col("InvoiceDate").str.to_datetime(time_unit="us").dt.date().to_physical().cast(pl.Int64),
            pl.col("Quantity") * pl.col("Price"),
        )
    )
    return purchases(list(lines.iter_rows())), JUNE, DECEMBER


@pytest.mark.slow
@pytest.mark.parametrize("data", [cdnow, online_retail])
def test_total_error_and_coverage_agree_with_actual_spend(data) -> None:
    everything, day, last = data()
    kept = everything.day <= day
    known = Purchases(everything.code[kept], everything.day[kept], everything.money[kept])
    today, horizon = SpendSnapshot(known, day), last - day
    halves = min(horizon, (day - known.first_day + 1) // 2)
    inner = holdout_test(known, split=day - halves, last_day=day)
    found: SpendForecast = forecast_spend(known, day, horizon, model(known, day, inner.best.model.name))
    came = everything.spent(today.buyers.codes, day, last)
    outer = holdout_test(everything, split=day, last_day=last)
    peers = [each.expected * outer.order_value for each in outer.models] + [today.rate * horizon]
    best = min(float(np.abs(each - came).mean()) for each in peers)
    assert found.spend.sum() == pytest.approx(came.sum(), rel=0.15)
    assert np.abs(found.spend - came).mean() <= 1.02 * best
    assert found.low is not None
    assert found.high is not None
    assert 0.75 <= ((found.low <= came) & (came <= found.high)).mean() <= 0.85
