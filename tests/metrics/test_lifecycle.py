"""Life cycle stages and flow from the ledger equal those of ``ckm segment --by lifecycle`` in every month."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ckm._segment.apply import read_for
from ckm._segment.learn import segment_customers
from ckm._segment.library import Library
from ckm._segment.lifecycle.definition import STATES, LifecycleDefinition
from ckm._segment.lifecycle.flows import COUNTS, lifecycle_flows
from ckm._segment.result import segmented
from ckm._segment.tables import definition_table
from ckm.config import Config, Workspace
from ckm.customers.ledger_reader import read_ledger
from ckm.errors import NotEnoughDataError
from ckm.metrics.context import ReportContext
from ckm.metrics.lifecycle import lifecycle_definition, lifecycle_metrics, lifecycle_of
from ckm.metrics.metric import Metrics, Missing
from tests.conftest import examples
from tests.metrics.rows import START, bought, context, histories, on, tables
from tests.metrics.shop import AS_OF, shop_context
from tests.metrics.stores import SHOPS

RULER = LifecycleDefinition(gap_median_days=15.0, gap_p80_days=40.0)


def states(found: ReportContext, definition: LifecycleDefinition | None = None) -> dict[str, str]:
    lifecycle = lifecycle_of(found, definition)
    assert lifecycle is not None
    ids = found.ledger.customers.to_list()
    return {who: STATES[state] for who, state in zip(ids, lifecycle.state.tolist(), strict=True) if state >= 0}


def balanced(found: ReportContext, definition: LifecycleDefinition | None = None) -> list[dict[str, int]]:
    lifecycle = lifecycle_of(found, definition)
    assert lifecycle is not None
    return lifecycle_flows(found.ledger, lifecycle.definition).frame.select("period", *COUNTS).to_dicts()


def assert_as_segmented(data: dict[str, pl.LazyFrame], zone: str, found: ReportContext) -> None:
    segmentation = segment_customers(data, by="lifecycle", as_of=found.as_of, time_zone=zone)
    definition = segmentation.definition.definition
    assert isinstance(definition, LifecycleDefinition)
    mine = lifecycle_definition(found)
    assert mine is not None
    assert (mine.gap_median_days, mine.gap_p80_days) == (definition.gap_median_days, definition.gap_p80_days)
    theirs = dict(segmentation.kept.select("customer_id", "segment").iter_rows())
    assert states(found) == {who: state for who, state in theirs.items() if state != "prospect"}
    counted = Metrics(lifecycle_metrics(found, lifecycle_of(found))[0])
    tally = Counter(theirs.values())
    for each in counted.all("lifecycle_stage", "state"):
        assert each.value == tally.pop(each.of("state") or "", 0)
    assert not tally
    read = read_ledger(data, as_of=found.as_of, time_zone=zone)
    flows = lifecycle_flows(read, definition).frame
    for each in counted.all("active_customer_flow", "month", "kind"):
        month, kind = each.of("month"), each.of("kind")
        assert each.value == flows.filter(period=month)[kind or ""].item()


@pytest.mark.slow
@pytest.mark.parametrize("shop", SHOPS)
def test_whole_shops_have_the_states_and_flows_of_ckm_segment(shop: str) -> None:
    make, zone, months = SHOPS[shop]
    data = make()
    assert_as_segmented(data, zone, context(data, months=months, config=Config(time_zone=zone)))


@pytest.mark.slow
def test_the_small_shop_has_the_states_of_ckm_segment_now_and_before() -> None:
    found = shop_context()
    assert_as_segmented(dict(found.tables), "UTC", found)
    lifecycle = lifecycle_of(found)
    assert lifecycle is not None
    assert lifecycle.earlier is not None
    definition = segment_customers(found.tables, by="lifecycle", as_of=AS_OF).definition
    ledger = read_for(definition, found.tables, as_of=AS_OF)
    table = definition_table(definition, ledger, found.tables["customers"], as_of=found.compared.last)
    then = Counter(segmented(definition, table).kept["segment"])
    metrics = Metrics(lifecycle_metrics(found, lifecycle)[0])
    assert {each.of("state"): each.previous for each in metrics.all("lifecycle_stage", "state")} == {
        state: then[state] for state in ("active", "reactivated", "new", "cooling", "lapsed", "prospect")
    }


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(histories.filter(bought), st.integers(0, 1010))
def test_random_shops_have_the_states_and_flows_of_ckm_segment(rows: list, day: int) -> None:
    as_of = START + timedelta(day)
    assume(bought([each for each in rows if each[1].date() <= as_of]))
    data = tables(*rows)
    found = context(data, as_of=as_of)
    try:
        assert_as_segmented(data, "UTC", found)
    except NotEnoughDataError:
        assert lifecycle_of(found) is None


@pytest.mark.slow
@settings(max_examples=examples(15))
@given(histories.filter(bought), st.integers(0, 1010))
def test_active_customers_of_every_month_are_new_retained_and_reactivated(rows: list, day: int) -> None:
    as_of = START + timedelta(day)
    assume(bought([each for each in rows if each[1].date() <= as_of]))
    months = balanced(context(tables(*rows), as_of=as_of), RULER)
    for each in months:
        assert each["active"] == each["new"] + each["retained"] + each["reactivated"]
        assert each["active_before"] == each["retained"] + each["no_longer_active"]
    assert [each["active"] for each in months[:-1]] == [each["active_before"] for each in months[1:]]


def test_stages_of_a_slice_use_the_definition_of_all_customers() -> None:
    found = shop_context()
    ruler = lifecycle_definition(found)
    some = found.only((found.parties["country"] == "TH").fill_null(value=False).to_numpy())
    everybody, those = states(found), some.ledger.customers.to_list()
    assert states(some, ruler) == {who: everybody[who] for who in those}


@pytest.mark.slow
def test_a_workspaces_saved_definition_is_used(tmp_path: Path) -> None:
    found = shop_context()
    saved = segment_customers(found.tables, by="lifecycle", as_of=date(2025, 6, 30), name="lifecycle").definition
    Library(tmp_path / "segments").save(saved, "lifecycle")
    kept = shop_context(workspace=Workspace(tmp_path, Config()))
    assert lifecycle_definition(kept) == saved.definition
    assert lifecycle_definition(kept) != lifecycle_definition(found)
    elsewhere = replace(kept, ledger=replace(kept.ledger, time_zone="Asia/Bangkok"))
    assert lifecycle_definition(elsewhere) == lifecycle_definition(found)


def test_without_a_purchase_interval_the_stages_are_missing_with_a_reason() -> None:
    found = context(tables(on(AS_OF, "ann"), on(AS_OF - timedelta(9), "ann")))
    assert lifecycle_of(found) is None
    assert lifecycle_metrics(found, None) == (
        (), (Missing("relationships", "few_repeat_buyers", (("there", 1), ("needed", 10))),),
    )  # fmt: skip


def test_a_slice_by_purchases_has_no_prospects() -> None:
    found = shop_context()
    metrics = Metrics(lifecycle_metrics(found, lifecycle_of(found), with_prospects=False)[0])
    assert metrics.get("lifecycle_stage", state="prospect") is None
