"""The loyalty matrix of behaviour and attitude, and the rule that each loyal customer meets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.config import Config
from ckm.metrics.lifecycle import lifecycle_of
from ckm.metrics.loyalty_matrix import CELLS, LOYAL_COLUMNS, BehaviourAndAttitude, LoyalCustomers, loyalty_metrics
from ckm.metrics.loyalty_rules import load_loyalty_rules
from ckm.metrics.metric import Metric, Metrics, Missing
from ckm.settings import LoyaltySettings
from tests.metrics.shop import shop_context, shop_tables


def matrix(**options: object) -> tuple[LoyalCustomers, Metrics, tuple[Missing, ...]]:
    context = shop_context(**options)
    loyal, metrics, missing = loyalty_metrics(context, lifecycle_of(context))
    return loyal, Metrics(metrics), missing


def numbers(metrics: Metrics, name: str, dimension: str) -> dict[str | None, tuple[float | None, float | None]]:
    return {each.of(dimension): (each.value, each.previous) for each in metrics.all(name, dimension)}


def test_the_cells_by_hand() -> None:
    # rated in 2025, newest of any scale: anna 10 and bern CES 6, dong 9, gabi NPS 8 (after CSAT 5), juri CSAT 4,
    # hugo 10, elif NPS 6 (after CES 3), fred 3, lena CSAT 2. High: anna, bern, dong, juri, hugo.
    # Often is three purchase days of 2025: anna alone, who is active.
    _, metrics, missing = matrix()
    assert missing == ()
    # before: cara 2 and hugo 9 and elif CSAT 5 of 2024; nobody came on three days
    assert numbers(metrics, "loyalty_matrix_cell", "loyalty") == {
        "true": (1, 0),
        "spurious": (0, 0),
        "latent": (4, 2),
        "none": (4, 1),
    }
    # anna 270; bern 30, dong 1000, juri 300, hugo 1900; elif 90, fred 25, gabi 100, lena 60
    # before: hugo 1000 + elif 80; cara 300
    assert numbers(metrics, "loyalty_matrix_cell_revenue", "loyalty") == {
        "true": (270, 0),
        "spurious": (0, 0),
        "latent": (30 + 1000 + 300 + 1900, 1080),
        "none": (90 + 25 + 100 + 60, 300),
    }


def test_the_list_has_the_rule_and_the_facts_behind_it() -> None:
    loyal, metrics, _ = matrix()
    assert loyal.frame.rows() == [("anna", "behaviour_and_attitude", 3, 270.0, date(2025, 11, 10), "nps_0_10=10")]
    assert loyal.frame.schema == pl.Schema(LOYAL_COLUMNS)
    assert numbers(metrics, "loyal_customers", "rule") == {
        "behaviour_and_attitude": (1, 0),
        "behaviour": (0, 0),
        # the data begin in 2023: who bought in each of 2022 to 2024 is not known
        "steady": (0, None),
    }


def test_a_customer_without_a_rating_is_loyal_by_behaviour() -> None:
    tables = {name: table for name, table in shop_tables().items() if name != "interactions"}
    loyal, metrics, missing = matrix(tables=tables)
    assert loyal.frame.select("customer_id", "rule", "attitude").rows() == [("anna", "behaviour", None)]
    assert missing == ()  # without any interactions the satisfaction says so
    assert metrics.all("loyalty_matrix_cell", "loyalty") == ()


def test_the_threshold_of_frequent_purchases_can_be_set() -> None:
    config = replace(Config(), loyalty=LoyaltySettings(min_orders=2))
    _, metrics, _ = matrix(config=config)
    # two days of 2025: anna; dong and hugo, if they are active; gabi, who is not content
    assert metrics.value("loyalty_matrix_cell", loyalty="true") >= 2
    assert metrics.value("loyal_customers", rule="behaviour_and_attitude") == metrics.value(
        "loyalty_matrix_cell", loyalty="true"
    )


def test_without_a_purchase_interval_there_is_no_loyal_customer() -> None:
    context = shop_context(as_of=date(2023, 12, 31))
    loyal, metrics, missing = loyalty_metrics(context, lifecycle_of(context))
    assert (loyal.frame.height, metrics, missing) == (0, (), (Missing("loyalty", "no_rhythm"),))


def test_shuffled_rows_give_the_same_list_and_numbers() -> None:
    tables = shop_tables()
    shuffled = {}
    for name, table in tables.items():
        frame = table.collect()
        shuffled[name] = frame[Random(1).sample(range(frame.height), frame.height)].lazy()
    first, second = matrix(tables=tables), matrix(tables=shuffled)
    assert first[0].frame.equals(second[0].frame)
    assert list(first[1]) == list(second[1])


customers = st.lists(
    st.tuples(*[st.booleans()] * 3, st.sampled_from(["high", "low", "unknown"])), min_size=1, max_size=30
)


@given(customers)
def test_a_customer_is_in_at_most_one_cell_and_meets_at_most_one_rule(rows: list[tuple[bool, bool, bool, str]]) -> None:
    columns = list(zip(*rows, strict=True))
    active, often, steady = (np.array(each) for each in columns[:3])
    attitude = np.array(columns[3])
    stand = BehaviourAndAttitude(active, often, steady, attitude == "high", attitude == "low", pl.DataFrame())
    cells, loyal = stand.cells(), stand.loyal(load_loyalty_rules())
    assert tuple(cells) == CELLS
    assert np.array_equal(
        sum(mask.astype(int) for mask in cells.values()), (active & (attitude != "unknown")).astype(int)
    )
    assert np.all(sum(mask.astype(int) for mask in loyal.values()) <= active)
    # the truly loyal are those of the first rule, which the hiding of small cells rests on
    assert np.array_equal(cells["true"], loyal["behaviour_and_attitude"])
    assert not (cells["spurious"] & sum(loyal.values())).any()


@pytest.mark.parametrize(("attitude", "rule"), [("high", "steady"), ("unknown", "steady"), ("low", None)])
def test_a_customer_who_comes_each_year_is_loyal_unless_unhappy(attitude: str, rule: str | None) -> None:
    yes, no = np.array([True]), np.array([False])
    stand = BehaviourAndAttitude(
        yes, no, yes, np.array([attitude == "high"]), np.array([attitude == "low"]), pl.DataFrame()
    )
    made = [name for name, mask in stand.loyal(load_loyalty_rules()).items() if mask[0]]
    assert made == ([rule] if rule else [])


def test_all_metrics_are_in_the_catalogue() -> None:
    _, metrics, _ = matrix()
    assert {each.name for each in metrics} == {"loyalty_matrix_cell", "loyalty_matrix_cell_revenue", "loyal_customers"}
    assert all(isinstance(each, Metric) for each in metrics)
