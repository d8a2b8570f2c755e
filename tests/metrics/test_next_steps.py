"""Amounts of the next steps by hand."""

from __future__ import annotations

from datetime import date

import polars as pl

from ckm.metrics.churn_estimates import ChurnEstimates
from ckm.metrics.lifecycle import lifecycle_of
from ckm.metrics.metric import Metric, Metrics, Missing
from ckm.metrics.next_steps import AT_RISK_COLUMNS, FEWEST_LAPSED, call_list, next_step_metrics
from ckm.metrics.value_at_risk import Risk
from tests.metrics.rows import context, on, tables
from tests.metrics.shop import AS_OF, shop_context, shop_tables


def risk_of(*customers: tuple[str, str | None, float | None, str | None]) -> Risk:
    frame = pl.DataFrame(
        customers,
        schema={"customer_id": pl.String, "level": pl.String, "value_at_risk": pl.Float64, "reason": pl.String},
        orient="row",
    ).with_columns(unanswered=pl.col("level").is_not_null(), p_leave=0.5)
    estimates = ChurnEstimates(frame, "now", AS_OF, 90, "rule", "", has_reasons=True)
    return Risk(estimates, frame, (), None, (), 13)


WARNED = risk_of(
    ("anna", "warn", 50.0, "silent"), ("dong", "urgent", 700.0, "silent"), ("hugo", None, None, None),
    ("gabi", "watch", 20.0, "late_delivery"),
)  # fmt: skip


def test_the_call_list_has_customers_with_a_warning_largest_value_first() -> None:
    found = call_list(shop_context(), WARNED)
    assert found.schema == AT_RISK_COLUMNS
    assert found["customer_id"].to_list() == ["dong", "anna", "gabi"]
    assert found["last_purchase"].to_list() == [date(2025, 7, 15), date(2025, 11, 10), date(2025, 5, 25)]
    metrics = Metrics(next_step_metrics(shop_context(), WARNED, found, None)[0])
    call = metrics.get("call_value")
    assert call is not None
    assert (call.value, call.n) == (770.0, 3)


def test_customers_who_refuse_contact_are_not_on_the_call_list() -> None:
    refused = pl.LazyFrame({"customer_id": ["dong"], "at": [date(2025, 1, 1)], "granted": [False]}).with_columns(
        pl.col("at").cast(pl.Datetime("us", "UTC"))
    )
    found = call_list(shop_context({**shop_tables(), "consents": refused}), WARNED)
    assert found["customer_id"].to_list() == ["anna", "gabi"]


def test_without_warnings_no_call_and_no_entry_is_proposed() -> None:
    none = Missing("churn", "no_forecast")
    found = call_list(shop_context(), none)
    assert found.is_empty()
    assert next_step_metrics(shop_context(), none, found, None) == ((), ())


def won_back(came_back: int, lapsed: int = 40) -> Metric | None:
    """Return the metric of customers who bought monthly for 100 in 2022 and lapsed; some bought once in 2025 for 60.

    Beside them 160 buy for a few euros, so that those are the top 20 %.
    """
    rows = [on(date(2022, month, 1), f"c{who}", 100.0) for who in range(lapsed) for month in range(1, 13)]
    rows += [on(date(2025, 6, 1), f"c{who}", 60.0) for who in range(came_back)]
    rows += [on(date(year, month, 15), f"small{who}", 1.0) for who in range(160) for year in (2023, 2024, 2025)
             for month in (1, 3, 5, 7, 9, 11)]  # fmt: skip
    found = context(tables(*rows), as_of=date(2025, 12, 31))
    metrics = next_step_metrics(found, Missing("churn", "no_forecast"), pl.DataFrame(), lifecycle_of(found))[0]
    return Metrics(metrics).get("win_back_value")


def test_lapsed_customers_are_worth_what_those_lapsed_before_brought_back() -> None:
    """Ten of forty brought back 600 of 48,000: 1.25 % of 30 · 1,200 + 10 · 60, the last active years of the lapsed."""
    found = won_back(10)
    assert found is not None
    assert (found.value, found.n) == (457.5, 40)
    none = won_back(0)
    assert none is not None
    assert none.value == 0.0


def test_the_rate_of_few_lapsed_customers_is_not_known() -> None:
    assert won_back(10, lapsed=FEWEST_LAPSED - 1) is None
