"""The outcome of warnings: precision, recall and lead time once their horizon has passed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ckm._churn.saved_warnings import (
    RUN_COLUMNS,
    EarlierWarnings,
    closed_warnings,
)
from ckm._churn.warning_outcome import warning_outcome
from ckm.store import Store
from tests._churn.saved_runs import HORIZON, JUNE, MAY, now, run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_the_outcome_of_warnings_is_reported_once_their_horizon_has_passed(store: Store) -> None:
    run(store, date(2026, 5, 1), now(a=0.8))
    run(store, MAY, now(a=0.8, b=0.8, c=0.8, d=(0.8, "contacted"), e=0.1, f=0.1))
    assert closed_warnings(store, HORIZON, JUNE - timedelta(days=1)) is not None
    earlier = closed_warnings(store, HORIZON, MAY + timedelta(days=HORIZON))
    assert earlier is not None
    assert earlier.as_of == MAY
    since = pl.DataFrame(
        {
            "customer_id": list("abcdef"),
            "next_order": [None, date(2026, 6, 30), date(2026, 7, 1), None, None, date(2026, 6, 1)],
        }
    )
    outcome = warning_outcome(earlier, since, horizon=HORIZON)
    assert (outcome.customers, outcome.churned, outcome.warned, outcome.warned_churned) == (6, 4, 3, 2)
    # a and c churned on 10 July (MAY + 40 days); the first warning of a was 70 days earlier (1 May), of c 40 (31 May)
    assert outcome.median_days_before == 55.0
    assert outcome.sentence == (
        "of 3 customers with a warning on 2026-05-31, 2 churned by 2026-06-30; "
        "of 4 churned customers, 2 had a warning; median lead time 55 days"
    )


def test_without_a_churned_customer_with_a_warning_there_is_no_median_lead_time() -> None:
    earlier = EarlierWarnings(MAY, pl.DataFrame(schema=RUN_COLUMNS), {})
    outcome = warning_outcome(
        earlier,
        pl.DataFrame(
            {"customer_id": ["a"], "next_order": [None]}, schema={"customer_id": pl.String, "next_order": pl.Date}
        ),
        horizon=HORIZON,
    )
    assert (outcome.churned, outcome.warned, outcome.median_days_before) == (1, 0, None)
