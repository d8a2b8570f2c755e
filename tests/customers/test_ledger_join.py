"""Ledgers of partitions of the customers, joined, equal the ledger of all rows, array by array."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.customers.ledger import Ledger
from ckm.customers.ledger_join import join_coverage, join_ledgers
from ckm.customers.ledger_needs import EVERYTHING, LEAST, Needs
from ckm.customers.ledger_reader import read_all_days, read_rows
from ckm.customers.shop_facts import ShopFacts
from tests.customers.test_ledger_extension import assert_equal

START = datetime(2025, 1, 1, 12, tzinfo=UTC)
CUSTOMERS = ("ann", "bob", "a customer with a long id", "ชาย", "zoe", None)

lines = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(CUSTOMERS),
            "order_id": st.sampled_from("abcdefgh"),
            "days": st.integers(0, 60),
            "cents": st.integers(-500, 5000),
            "type": st.sampled_from(["sale", "sale", "sale", "return", "cancel"]),
            "category": st.sampled_from(["tea", "ware", None]),
            "channel": st.sampled_from(["web", "till", "app", None]),
            "cost": st.sampled_from([None, 0.5, 2.0]),
            "discount": st.sampled_from([None, 0.25]),
        }
    ),
    min_size=3,
    max_size=60,
)


def transactions(rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = {
        "customer_id": pl.String, "order_id": pl.String, "days": pl.Int64, "cents": pl.Int64, "type": pl.String,
        "category": pl.String, "channel": pl.String, "cost": pl.Float64, "discount": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).select(
        pl.exclude("days", "cents"),
        ordered_at=pl.lit(START) + pl.duration(days="days"),
        net=pl.col("cents") / 100,
        currency=pl.lit("EUR"),
    )


def in_parts(frame: pl.DataFrame, needs: Needs, as_of: date | None) -> list[Ledger]:
    """Two customers in each part, and the guests in all of them."""
    number = pl.col("customer_id").replace_strict({name: at // 2 for at, name in enumerate(CUSTOMERS)}, default=None)
    numbered = frame.with_columns(part=pl.coalesce(number, pl.int_range(pl.len()) % 3))
    return [
        read_rows(numbered.filter(pl.col("part") == part).lazy(), time_zone="UTC", needs=needs, as_of=as_of)
        for part in range(3)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("needs", [EVERYTHING, LEAST, Needs(amounts=True, baskets=True)])
@pytest.mark.parametrize("as_of", [None, (START + timedelta(30)).date()])
@given(rows=lines)
def test_joined_partitions_equal_the_ledger_of_all_rows(
    needs: Needs, as_of: date | None, rows: list[dict[str, object]]
) -> None:
    sale = {"customer_id": "ann", "order_id": "z", "days": 1, "cents": 100, "type": "sale"}
    frame = transactions([*rows, sale])
    parts = in_parts(frame, needs, as_of)
    joined = join_ledgers(parts, join_coverage([each.coverage for each in parts]), "EUR")
    assert_equal(joined, read_all_days({"transactions": frame.lazy()}, as_of=as_of, needs=needs))


@given(rows=lines)
def test_facts_of_partitions_add_up_to_those_of_all_customers(rows: list[dict[str, object]]) -> None:
    sale = {"customer_id": "ann", "order_id": "z", "days": 1, "cents": 100, "type": "sale"}
    frame = transactions([*rows, sale])
    whole = read_all_days({"transactions": frame.lazy()}, needs=EVERYTHING)
    parts = [ShopFacts.of(part) for part in in_parts(frame, EVERYTHING, None)]
    joined = parts[0].joined(parts[1]).joined(parts[2])
    expected = ShopFacts.of(whole)
    assert joined.day_counts.tolist() == expected.day_counts.tolist()
    for name in ("only_returned", "busiest", "first_day", "largest_net", "costs_known", "discounts_known",
                 "categories_known", "channel_days"):  # fmt: skip
        assert getattr(joined, name) == getattr(expected, name), name


def test_a_customer_in_two_partitions_is_an_error() -> None:
    rows = transactions([{"customer_id": "ann", "order_id": "a", "days": 1, "cents": 100, "type": "sale"}])
    part = read_rows(rows.lazy(), time_zone="UTC", needs=LEAST)
    with pytest.raises(ValueError, match="two ledgers"):
        join_ledgers([part, part], part.coverage, "EUR")
