"""Segment changes: each has exactly one cause, by the documented rules."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._segment.moves import CAUSES, explain_moves

SINCE = date(2026, 5, 31)
ORDER = ("Best", "Good", "Gone")
BEFORE = {"customer_id": pl.String, "segment": pl.String, "rows": pl.Int64, "net_total": pl.Float64}
NOW = {**BEFORE, "segment_before": pl.String}

customers = st.dictionaries(
    st.sampled_from([f"c{number}" for number in range(12)]),
    st.tuples(st.sampled_from(ORDER), st.integers(1, 3), st.integers(0, 3).map(float)),
)


def before(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=BEFORE, orient="row")


def now(*rows: tuple[str, str, int, float, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=NOW, orient="row")


def causes(then: pl.DataFrame, today: pl.DataFrame) -> dict[str, str | None]:
    moves = explain_moves(then, today, since=SINCE, order=ORDER)
    return dict(moves.customers.select("customer_id", "cause").iter_rows())


def test_each_cause_is_assigned_by_its_rule() -> None:
    then = before(
        ("ann", "Good", 3, 30.0),
        ("bob", "Best", 2, 20.0),
        ("cho", "Best", 4, 40.0),
        ("dee", "Good", 1, 10.0),
        ("eve", "Good", 1, 10.0),
        ("fay", "Good", 2, 10.0),
    )
    today = now(
        ("ann", "Best", 4, 39.0, "Best"),
        ("bob", "Good", 2, 20.0, "Good"),
        ("cho", "Good", 4, 40.0, "Best"),
        ("dee", "Good", 9, 90.0, "Best"),
        ("fay", "Gone", 2, 4.0, "Gone"),
        ("gil", "Good", 1, 5.0, "Good"),
    )
    assert causes(then, today) == {
        "ann": "behaviour",
        "bob": "ageing",
        "cho": "definition",
        "dee": None,
        "eve": "gone",
        "fay": "behaviour",
        "gil": "new",
    }


@pytest.mark.slow
@settings(deadline=None)
@given(customers, customers)
def test_the_matrix_counts_every_customer_of_either_day_once(
    then: dict[str, tuple[str, int, float]], today: dict[str, tuple[str, int, float]]
) -> None:
    moves = explain_moves(
        before(*((name, *rest) for name, rest in then.items())),
        now(*((name, *rest, rest[0]) for name, rest in today.items())),
        since=SINCE,
        order=ORDER,
    )
    assert moves.matrix["customers"].sum() == len({*then, *today})
    stayed = moves.matrix.filter(pl.col("previous_segment") == pl.col("segment"))["customers"].sum()
    assert stayed + moves.matrix.select(pl.sum_horizontal(CAUSES).sum()).item() == len({*then, *today})
    assert moves.customers["customer_id"].is_sorted()


@pytest.mark.slow
@settings(deadline=None)
@given(customers, customers)
def test_an_unchanged_definition_is_no_cause_and_without_new_rows_ageing_is_the_only_one(
    then: dict[str, tuple[str, int, float]], today: dict[str, tuple[str, int, float]]
) -> None:
    aged = {name: (today[name][0], *then[name][1:]) for name in {*then} & {*today}}
    moves = explain_moves(
        before(*((name, *then[name]) for name in aged)),
        now(*((name, *rest, rest[0]) for name, rest in aged.items())),
        since=SINCE,
        order=ORDER,
    )
    assert set(moves.customers["cause"].drop_nulls()) <= {"ageing"}
    assert moves.matrix["definition"].sum() == 0


def test_the_remark_adds_up() -> None:
    moves = explain_moves(
        before(("ann", "Good", 1, 1.0), ("bob", "Good", 1, 1.0), ("cho", "Good", 1, 1.0), ("dee", "Best", 1, 1.0)),
        now(("ann", "Best", 2, 1.0, "Best"), ("bob", "Gone", 1, 1.0, "Gone"), ("cho", "Good", 1, 1.0, "Good"),
            ("eve", "Good", 1, 1.0, "Good")),
        since=SINCE,
        order=ORDER,
    )  # fmt: skip
    assert moves.remarks == [
        "since 2026-05-31: 2 of 3 customers moved (66.7%): 1 by behaviour, 1 by ageing, 0 by definition; 1 new; 1 gone"
    ]


def test_segments_that_no_longer_exist_come_last_in_the_matrix() -> None:
    moves = explain_moves(
        before(("ann", "Old name", 1, 1.0), ("bob", "Gone", 1, 1.0)),
        now(("ann", "Best", 1, 1.0, "Old name"), ("bob", "Gone", 1, 1.0, "Gone")),
        since=SINCE,
        order=ORDER,
    )
    assert moves.matrix.select("previous_segment", "segment", "definition").rows() == [
        ("Gone", "Gone", 0),
        ("Old name", "Best", 1),
    ]
