"""Definitions fitted to all customers, applied to partitions of them, give the same results as on all customers."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm._churn.customer_snapshot import snapshot
from ckm._segment.definition_file import SavedDefinition
from ckm._segment.learn import segment_customers
from ckm._segment.tables import definition_table
from ckm.config import Config
from ckm.customers.history import History, read_history
from ckm.customers.ledger import Ledger
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import compared_with, period_until
from ckm.metrics.context import ReportContext
from ckm.metrics.relationships import relationship_metrics
from tests._segment.test_rules import TEA_CLUB
from tests.conftest import examples
from tests.metrics.stores import SHOPS

METHODS = ("rfm", "value", "lifecycle", "clusters", "rules")
COUNTS = ("customers_active", "customers_new", "customers_retained", "customers_lost", "orders", "purchase_days")


@cache
def shop() -> dict[str, pl.LazyFrame]:
    return {name: rows.collect().lazy() for name, rows in SHOPS["example"][0]().items()}


@cache
def whole() -> Ledger:
    return read_ledger(shop(), needs=EVERYTHING)


@cache
def history() -> History:
    return read_history(shop())


@cache
def learned(method: str) -> SavedDefinition:
    if method == "rules":
        from ckm._segment.rules.definition import load_rules

        return segment_customers(shop(), by=load_rules(TEA_CLUB)).definition
    return segment_customers(shop(), by=method).definition


def parts(ledger: Ledger, number: int, seed: int) -> list[np.ndarray]:
    of = np.random.default_rng(seed).integers(0, number, len(ledger.customers))
    return [of == each for each in range(number) if (of == each).any()]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=examples(3))
@given(number=st.integers(1, 50), seed=st.integers(0, 10**6))
def test_every_method_gives_each_customer_the_same_segment_in_any_partition(
    method: str, number: int, seed: int
) -> None:
    saved, ledger = learned(method), whole()

    def assigned(part: Ledger) -> pl.DataFrame:
        table = definition_table(saved, part, None, as_of=None)
        return pl.concat([table.frame.select("customer_id"), saved.definition.assign(table.frame)], how="horizontal")

    found = [assigned(ledger.only(each)) for each in parts(ledger.of_buyers(), number, seed)]
    assert_frame_equal(pl.concat(found).sort("customer_id"), assigned(ledger), check_exact=True)


@pytest.mark.slow
@settings(max_examples=examples(3))
@given(st.integers(1, 50), st.integers(0, 10**6))
def test_a_snapshot_of_some_customers_equals_their_rows_in_the_full_snapshot(number: int, seed: int) -> None:
    known = history()
    of_all = snapshot(known, known.last_day - 90, 90)
    seen = np.zeros(len(of_all), dtype=bool)
    for part in parts(known.ledger, number, seed):
        codes = np.flatnonzero(part)
        places = np.flatnonzero(np.isin(of_all.customers, codes))
        found = snapshot(known.only(codes), known.last_day - 90, 90) if len(places) else None
        if found is None:
            continue
        assert codes[found.customers].tolist() == of_all.customers[places].tolist()
        assert found.value.tolist() == of_all.value[places].tolist()
        for name, values in found.features.items():
            np.testing.assert_array_equal(values, of_all.features[name][places])
        seen[places] = True
    assert seen.all()


@pytest.mark.slow
@settings(max_examples=examples(4))
@given(st.integers(1, 50), st.integers(0, 10**6))
def test_counts_and_revenue_of_partitions_add_up_to_those_of_all_customers(number: int, seed: int) -> None:
    ledger = whole()
    period = period_until(ledger.as_of, 12)

    def measured(part: Ledger) -> dict[str, float]:
        context = ReportContext(shop(), part, period, compared_with(period, 12, "previous"), Config())
        found = {each.name: each.value or 0.0 for each in relationship_metrics(context)[0] if each.name in COUNTS}
        return {**found, "revenue": part.revenue_of_customers(period)}

    totals: dict[str, float] = {}
    for each in parts(ledger, number, seed):
        for name, value in measured(ledger.only(each)).items():
            totals[name] = totals.get(name, 0) + value
    assert totals == measured(ledger)
