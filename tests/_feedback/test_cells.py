"""Counts by topic: one customer makes no trend, and few comments no mean and no percentage."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ckm._feedback.cells import cells

AS_OF, SINCE, BEFORE = date(2026, 6, 30), date(2026, 4, 1), date(2026, 1, 1)


def mentions(rows: list[tuple[int, int, str, float | None, str | None]]) -> pl.DataFrame:
    """Return mentions from rows of customer, days before the end, topic, polarity and product."""
    return pl.DataFrame(
        [
            (f"I{number}", code, AS_OF - timedelta(days=ago), topic, polarity, product, 0.5, None, False, 1.0, None)
            for number, (code, ago, topic, polarity, product) in enumerate(rows)
        ],
        schema={
            "interaction_id": pl.String, "code": pl.Int64, "day": pl.Date, "topic": pl.String, "polarity": pl.Float64,
            "product": pl.String, "cosine": pl.Float64, "kind": pl.String, "is_open": pl.Boolean,
            "revenue": pl.Float64, "value_at_risk": pl.Float64,
        },
        orient="row",
    )  # fmt: skip


def counted(rows: list[tuple[int, int, str, float | None, str | None]]) -> dict[str, dict[str, object]]:
    found = cells(mentions(rows), ["topic"], since=SINCE, before=BEFORE, as_of=AS_OF, min_group_size=5)
    return {row["topic"]: row for row in found.iter_rows(named=True)}


STEADY = [(code, ago, "steady", None, None) for code in range(100, 130) for ago in (10, 100)]


def test_comments_of_a_single_customer_do_not_make_a_topic_grow_but_those_of_many_do() -> None:
    before = [(code, 120, "late", None, None) for code in range(5)]
    others = [(code, 20, "late", None, None) for code in range(5)]
    flood = [(7, ago, "late", None, None) for ago in range(40)]
    many = [(code, 20, "late", None, None) for code in range(20, 60)]
    assert not counted([*STEADY, *before, *others, *flood])["late"]["growing"]
    assert counted([*STEADY, *before, *others, *many])["late"]["growing"]


def test_a_relative_change_needs_ten_comments_in_the_previous_period() -> None:
    few = [(code, ago, "late", None, None) for code in range(9) for ago in (20, 120)]
    enough = [(code, ago, "late", None, None) for code in range(10) for ago in (20, 120)]
    assert counted([*STEADY, *few])["late"]["trend"] is None
    assert counted([*STEADY, *enough])["late"]["trend"] == 0


def test_a_mean_polarity_needs_five_comments_with_a_polarity() -> None:
    rows = [(code, 20, "late", -1.0 if code < 4 else None, None) for code in range(20)]
    assert counted(rows)["late"]["polarity"] is None
    assert counted([*rows, (30, 20, "late", -1.0, None)])["late"]["polarity"] == -1.0


def test_a_product_is_named_if_customers_of_the_topic_name_it_twice_as_often_as_others() -> None:
    rows = [(code, 20, "late", None, "P1" if code < 10 else "P2") for code in range(20)]
    rows += [(code, 20, "other things", None, "P2") for code in range(20, 60)]
    assert counted(rows)["late"]["products"] == "P1"
    assert counted(rows)["other things"]["products"] is None
