"""Slices of ``--by``: known columns, largest revenue first, revenue and customers that add up to the total."""

from __future__ import annotations

from random import Random

import polars as pl
import pytest
from hypothesis import given, settings

from ckm.customers.ledger import NO_VALUE, OTHER
from ckm.errors import UnknownNameError, UsageError
from ckm.metrics.cell_suppression import hide_small
from ckm.metrics.changes import change_metrics
from ckm.metrics.dimensions import CustomerDimension, customer_dimension
from ckm.metrics.lifecycle import lifecycle_of
from ckm.metrics.metric import Metric, Metrics
from ckm.metrics.ratings import read_ratings
from ckm.metrics.relationships import relationship_metrics
from ckm.metrics.slices import find_dimension, slice_contexts, slice_metrics
from tests.conftest import examples
from tests.metrics.rows import bought, context, histories, tables
from tests.metrics.shop import shop_context, shop_tables

ADDITIVE = (
    "revenue",
    "revenue_of_customers",
    "revenue_without_customer",
    "revenue_returns",
    "customers_active",
    "orders",
)


def sliced(by: str, **options: object) -> Metrics:
    data = shop_tables()
    dimension = find_dimension(data, by)
    found = shop_context(data, by=dimension.of_rows, **options)
    return Metrics(slice_metrics(found, dimension, lifecycle_of(found), read_ratings(found)))


def values(metrics: Metrics, name: str, by: str) -> dict[str | None, tuple[float | None, float | None]]:
    return {each.of(by): (each.value, each.previous) for each in metrics.all(name, by)}


def test_countries_by_hand_the_largest_first() -> None:
    found = sliced("country")
    # DE: anna 270, bern 30, elif 90, fred 25, hugo 1900; before anna 100, elif 80, hugo 1000, ines 0
    # TH: dong 1000, gabi 100, juri 300; before cara 300, dong 1000
    # nobody knows where: lena 60, otto -12; before kiri 15
    revenue = values(found, "revenue", "country")
    assert revenue == {"DE": (2315, 1180), "TH": (1400, 1300), NO_VALUE: (48, 15)}
    assert list(revenue) == ["DE", "TH", NO_VALUE]
    assert values(found, "customers_active", "country") == {"DE": (5, 4), "TH": (3, 2), NO_VALUE: (1, 1)}
    # anna 3 + bern + elif + fred + hugo 2; dong 2 + gabi 2 + juri; lena
    assert values(found, "orders", "country") == {"DE": (8, 5), "TH": (5, 4), NO_VALUE: (1, 1)}
    # of anna, elif, hugo and ines the first three came back; of cara and dong one; kiri did not
    retention = values(found, "retention_rate", "country")
    assert [each[0] for each in retention.values()] == [0.75, 0.5, 0]


def test_responses_and_loyalty_are_those_of_the_slice() -> None:
    found = sliced("country")
    # DE: elif 6, fred 3, anna 10, hugo 10; TH: gabi 8, dong 9
    assert {key: value for key, (value, _) in values(found, "nps", "country").items()} == {"DE": 0, "TH": 50}
    # high: anna (often), bern, hugo; low: elif, fred
    cells = {
        each.of("loyalty"): each.value
        for each in found
        if each.name == "loyalty_matrix_cell" and each.of("country") == "DE"
    }
    assert cells == {"true": 1, "spurious": 0, "latent": 2, "none": 2}


def test_channels_by_hand_with_guest_sales() -> None:
    found = sliced("channel")
    # phone: dong 1000, hugo 1900; web: anna 270, elif 90, gabi 100, juri 300
    # till: otto -12, fred 25, bern 30, lena 60, and 20 - 5 of nobody
    assert values(found, "revenue", "channel") == {"phone": (2900, 2000), "web": (760, 480), "till": (118, 25)}
    assert values(found, "customers_active", "channel") == {"phone": (2, 2), "web": (4, 4), "till": (3, 1)}
    # the life cycle and loyalty are of a customer, and not of what was bought through a channel
    assert {each.name for each in found}.isdisjoint({"lifecycle_stage", "loyalty_matrix_cell", "loyal_customers"})


@pytest.mark.slow
@pytest.mark.parametrize("by", ["country", "party_type", "channel", "category", "type"])
def test_slices_add_up_to_the_whole(by: str) -> None:
    whole = shop_context()
    all_of_it = Metrics([*change_metrics(whole)[0], *relationship_metrics(whole)[0]])
    found = sliced(by)
    of_customers = by in ("country", "party_type")
    # a customer may buy through two channels; and the till has no country
    names = set(ADDITIVE) - (
        {"revenue", "revenue_without_customer", "revenue_returns"} if of_customers else {"customers_active", "orders"}
    )
    for name in names:
        for before in (False, True):
            parts = [each.previous if before else each.value for each in found.all(name, by)]
            total = all_of_it.get(name).previous if before else all_of_it.value(name)
            assert sum(part or 0 for part in parts) == pytest.approx(total), (name, before)


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(histories)
def test_euros_of_any_slices_add_up_to_the_cent(rows: list[tuple]) -> None:
    if not bought(rows):
        return
    data = tables(*rows)
    data["customers"] = pl.LazyFrame([("ann", "DE"), ("bob", "TH")], schema=("customer_id", "country"), orient="row")
    found = context(data, months=6)
    parts = slice_contexts(found, find_dimension(data, "country"))
    cents = [round(100 * part.ledger.money(int(part.ledger.net_between(found.period).sum()))) for _, part in parts]
    assert sum(cents) == round(100 * found.ledger.money(int(found.ledger.net_between(found.period).sum())))


def test_at_most_eight_values_the_rest_and_none() -> None:
    values = pl.Series([f"v{each:02}" for each in range(12)] + [None, OTHER])
    part = customer_dimension("country", values, (values.len() - pl.int_range(14, eager=True)).to_numpy())
    assert part.values == (*(f"v{each:02}" for each in range(8)), OTHER, NO_VALUE)
    assert part.place.tolist() == [*range(8), 8, 8, 8, 8, 9, 8]
    assert part.sums(values.is_not_null().cast(pl.Int64).to_numpy()).tolist() == [1] * 8 + [5, 0]


def test_slices_of_equal_revenue_are_sorted_by_name() -> None:
    part: CustomerDimension = customer_dimension("country", pl.Series(["b", "a"]), pl.Series([1, 1]).to_numpy())
    assert part.values == ("a", "b")


@pytest.mark.parametrize(
    ("by", "hint"),
    [("contry", "did you mean 'country'?"), ("chanel", "did you mean 'channel'?"), ("zodiac", "country")],
)
def test_an_unknown_dimension_is_refused_with_a_near_one(by: str, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_dimension(shop_tables(), by)
    assert caught.value.exit_code == 2
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("by", ["customer_id", "order_id", "net", "ordered_at"])
def test_a_column_that_identifies_customers_is_no_dimension(by: str) -> None:
    with pytest.raises(UsageError, match="no groups") as caught:
        find_dimension(shop_tables(), by)
    assert "country" in (caught.value.hint or "")


def test_a_column_of_both_tables_is_the_customers() -> None:
    data = shop_tables()
    data["transactions"] = data["transactions"].with_columns(country=pl.lit("DE"))
    assert find_dimension(data, "country").of_rows is None
    assert find_dimension(data, "channel").of_rows == "channel"


@pytest.mark.slow
def test_shuffled_rows_give_the_same_slices() -> None:
    data = shop_tables()
    shuffled = {}
    for name, table in data.items():
        frame = table.collect()
        shuffled[name] = frame[Random(2).sample(range(frame.height), frame.height)].lazy()
    for by in ("country", "category"):
        results = []
        for each in (data, shuffled):
            dimension = find_dimension(each, by)
            found = shop_context(each, by=dimension.of_rows)
            results.append(slice_metrics(found, dimension, lifecycle_of(found), read_ratings(found)))
        assert results[0] == results[1]


def test_suppressed_slices_are_absent_from_every_metric_and_cannot_be_computed() -> None:
    found = sliced("country")
    hidden = hide_small(found, min_group_size=4, by="country")
    # TH has 3 active customers and had 2, none has 1: fewer than four
    assert {each.of("country") for each in hidden.metrics} <= {"DE"}
    assert {each.reason for each in hidden.missing} == {"hidden_cells"}
    everything: list[Metric] = list(hide_small(found, min_group_size=0, by="country").metrics)
    assert everything == list(found)
