"""Drop of purchases at the end of the data: which changes are drops, and which are not."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ckm.customers.history import read_history
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.recent_drop import RecentDrop, recent_drop

START = datetime(2023, 1, 2, 12, tzinfo=UTC)
DAYS = 364


def shop(rate_by_day: np.ndarray, *, customers: int = 300, seed: int = 0) -> pl.DataFrame:
    """Return purchases of customers who start within two months, and then buy at a daily probability."""
    random = np.random.default_rng(seed)
    came = random.integers(0, 56, customers)
    days = np.arange(len(rate_by_day))
    bought = (random.random((customers, len(days))) < rate_by_day) & (days > came[:, None])
    bought[np.arange(customers), came] = True
    who, day = np.nonzero(bought)
    return pl.DataFrame(
        {
            "customer_id": [f"c{each:04}" for each in who],
            "ordered_at": [START + timedelta(days=int(each)) for each in day],
            "net": random.integers(5, 80, len(who)).astype(float),
            "type": "sale",
            "currency": "EUR",
        }
    )


def drop_in(rate_by_day: np.ndarray, **options: int) -> RecentDrop | None:
    return recent_drop(read_history({"transactions": shop(rate_by_day, **options).lazy()}).ledger)


def rates(*, last: int = 0, times: float = 1.0, days: int = DAYS) -> np.ndarray:
    found = np.full(days, 0.02)
    found[days - last :] *= times
    return found


@pytest.mark.parametrize(("last", "times"), [(28, 0.3), (28, 0.1), (35, 0.25), (14, 0.05)])
def test_a_recent_loss_of_most_rows_is_a_drop(last, times):
    found = drop_in(rates(last=last, times=times))
    assert found is not None
    assert found.share < 0.6
    assert "data may be missing" in found.sentence


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("customers", [5, 40, 300])
def test_a_constant_purchase_rate_is_no_drop(customers, seed):
    assert drop_in(rates(), customers=customers, seed=seed) is None


@pytest.mark.parametrize("day", [0, 100, 300])
def test_a_customer_with_returns_only_changes_nothing(day):
    rows = shop(rates(last=28, times=0.1))
    only = rows.head(1).with_columns(
        customer_id=pl.lit("returns only"),
        ordered_at=pl.lit(START + timedelta(days=day)),
        net=-5.0,
        type=pl.lit("return"),
    )
    with_returns = read_ledger({"transactions": pl.concat([rows, only], how="vertical_relaxed").lazy()})
    assert "returns only" in with_returns.customers.to_list()
    assert recent_drop(with_returns) == recent_drop(read_ledger({"transactions": rows.lazy()})) is not None


def test_a_slow_decline_is_no_drop():
    assert drop_in(0.03 * np.exp(-np.arange(DAYS) / 120)) is None


def test_a_january_is_a_drop_only_without_an_earlier_january():
    year = np.full(364, 0.01)
    year[300:336] = 0.04
    assert drop_in(np.concatenate([year, year])) is None
    assert drop_in(year) is not None


def test_a_club_that_bills_once_a_month_has_no_drop():
    monthly = np.zeros(DAYS)
    monthly[::30] = 1.0
    for end in range(DAYS - 30, DAYS):
        assert drop_in(monthly[:end]) is None


def test_a_history_of_a_few_weeks_has_no_drop():
    assert drop_in(rates(last=28, times=0.1, days=112)) is None


def test_churn_and_report_have_the_same_remark(run, tmp_path):
    path = tmp_path / "orders.csv"
    shop(rates(last=28, times=0.2)).write_csv(path)
    sentence = drop_in(rates(last=28, times=0.2)).sentence
    churn = run("churn-warn", path, "--horizon", "60d", "--model", "btyd", "-f", "json")
    report = run("loyalty-report", path, "-f", "json")
    assert sentence in churn.stdout + churn.stderr
    assert sentence in report.stdout + report.stderr
