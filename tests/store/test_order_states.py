"""States of orders: the table has every order once in its last state, and any earlier state as of its time."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.store import OnConflict, Store
from tests.conftest import examples
from tests.store.exports import ENDS, START, Export, Order, frame, known, newest, next_day, said, take

changes = st.dictionaries(
    st.sampled_from([str(n) for n in range(6)]), st.sampled_from(["refund", "cancel", "amend", "add"])
)


@st.composite
def days(draw: st.DrawFn) -> list[Export]:
    """Strategy: full exports of a shop on consecutive days."""
    found: list[Export] = [next_day((), {}, draw(st.integers(2, 4)))]
    for _ in range(draw(st.integers(1, 3))):
        found.append(next_day(found[-1], draw(changes), draw(st.integers(1, 2))))
    return found


def as_known(root: Path, moment: datetime) -> pl.LazyFrame:
    return Store(root).scan("transactions", known_before=moment)


def moments(exports: list[Export]) -> list[datetime]:
    return [newest(export) + timedelta(seconds=1) for export in exports]


@pytest.mark.slow
@settings(max_examples=examples(25), deadline=None)
@given(days(), st.data())
def test_exports_loaded_in_any_order_give_the_same_states(exports: list[Export], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(exports))))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        for number in order:
            rows = frame(exports[number])
            facts = take(root, rows, f"day{number}")
            assert facts.accepted + facts.updated + facts.unchanged == len(rows)
        dated = [(newest(export), export) for export in exports]
        assert said(Store(root).scan("transactions")) == known(dated)
        for moment in moments(exports):
            assert said(as_known(root, moment)) == known(dated, moment)


@pytest.mark.slow
@settings(max_examples=examples(25), deadline=None)
@given(days(), st.data())
def test_an_undone_load_leaves_the_states_of_the_other_loads(exports: list[Export], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(exports))))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        loads = {number: take(root, frame(exports[number]), f"day{number}").load_id for number in order}
        undone = data.draw(st.sampled_from(order))
        again = Store(root).undo(loads[undone]).load_again
        for number in (number for number in order if f"day{number}" in again):
            take(root, frame(exports[number]), f"day{number}")
        left = [(newest(export), export) for number, export in enumerate(exports) if number != undone]
        assert said(Store(root).scan("transactions")) == known(left)
        for moment in moments(exports):
            assert said(as_known(root, moment)) == known(left, moment)


def test_files_loaded_again_after_an_undo_keep_every_line(root: Path) -> None:
    first = (Order("0", 0, {"p": 10.0}), Order("1", 0, {"p": 10.0, "q": 5.0}))
    second = (*(replace(order, returned=2.0) for order in first), Order("2", 1, {"p": 10.0}))
    exports = [(ENDS[0], *each, ENDS[1]) for each in (first, second, (*second, Order("3", 2, {"p": 10.0})))]
    order = [0, 2, 1]
    loads = {number: take(root, frame(exports[number]), f"day{number}") for number in order}
    again = Store(root).undo(loads[0].load_id).load_again
    assert {*again} == {"day1", "day2"}
    for number in order[1:]:
        assert take(root, frame(exports[number]), f"day{number}").accepted >= 0
    left = [(newest(export), export) for export in exports[1:]]
    assert said(Store(root).scan("transactions")) == known(left)


def test_a_store_without_replaced_rows_has_no_states(root: Path) -> None:
    take(root, frame((Order("0", 0, {"p": 10.0}), ENDS[0])), "day0")
    assert Store(root).states("transactions").is_empty()


def test_two_files_that_are_loaded_again_count_a_refund_once(root: Path) -> None:
    first = (Order("0", 0, {"p": 10.0}), Order("1", 0, {"p": 10.0, "q": 5.0}))
    refunded = (replace(first[0], returned=2.0), first[1], Order("2", 1, {"p": 10.0}))
    exports = [(ENDS[0], *each, ENDS[1]) for each in (first, refunded, (*refunded, Order("3", 2, {"p": 10.0})))]
    loads = {number: take(root, frame(exports[number]), f"day{number}").load_id for number in (0, 2, 1)}
    again = Store(root).undo(loads[0]).load_again
    for number in (2, 1):
        assert f"day{number}" in again
        take(root, frame(exports[number]), f"day{number}")
    assert said(Store(root).scan("transactions")) == known([(newest(each), each) for each in exports[1:]])


def test_equal_increases_of_a_refund_have_one_date_after_the_file_between_them_is_undone(root: Path) -> None:
    order = Order("0", 0, {"p": 10.0})
    days = [
        (order,),
        (replace(order, returned=2.0), Order("1", 1, {"p": 10.0})),
        (replace(order, returned=4.0), Order("1", 1, {"p": 10.0}), Order("2", 2, {"p": 10.0})),
    ]
    exports = [(ENDS[0], *day, ENDS[1]) for day in days]
    loads = {number: take(root, frame(exports[number]), f"day{number}").load_id for number in (2, 1, 0)}
    assert Store(root).undo(loads[1]).load_again == ("day0",)
    take(root, frame(exports[0]), "day0")
    left = [(newest(exports[number]), exports[number]) for number in (0, 2)]
    assert said(Store(root).scan("transactions")) == known(left)


def test_a_file_that_is_loaded_again_keeps_its_moment(root: Path) -> None:
    exports = [next_day((), {}, 1)]
    for changes_ in ({}, {"0": "refund"}, {}):
        exports.append(next_day(exports[-1], changes_, 1))
    loads = [take(root, frame(export), f"day{number}").load_id for number, export in enumerate(exports)]
    assert Store(root).undo(loads[0]).load_again == ("day1", "day2", "day3")
    for number in (1, 2, 3):
        take(root, frame(exports[number]), f"day{number}")
    assert said(Store(root).scan("transactions")) == known([(newest(each), each) for each in exports[1:]])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


TWO = (Order("1", 0, {"p": 10.0, "q": 5.0}), Order("2", 0, {"p": 7.0}))


def test_an_order_cut_by_pages_is_stored_once(root: Path) -> None:
    rows = frame([*TWO, Order("3", 1, {"p": 1.0, "q": 2.0})])
    take(root, rows[:4], "page1")
    facts = take(root, rows[4:], "page2")
    assert facts.merged == 1
    assert said(Store(root).scan("transactions")) == said(rows)
    assert said(as_known(root, START + timedelta(days=9))) == said(rows)


def test_the_first_and_last_orders_of_pages_are_merged_even_if_the_source_has_whole_orders(root: Path) -> None:
    rows = frame([*TWO, Order("3", 1, {"p": 1.0, "q": 2.0})])
    take(root, rows[:4], "page1", whole=True)
    take(root, frame([Order("3", 1, {"q": 2.0}), Order("4", 1, {"p": 1.0, "q": 1.0})]), "page2", whole=True)
    assert said(Store(root).scan("transactions")) == said(frame([*TWO, Order("3", 1, {"p": 1.0, "q": 2.0}),
                                                                 Order("4", 1, {"p": 1.0, "q": 1.0})]))  # fmt: skip


def middle(order: Order) -> list[Order]:
    """Return the rows of a file in which the order is neither the first nor the last."""
    return [Order("0", 0, {"p": 1.0, "q": 1.0}), order, Order("9", 2, {"p": 1.0})]


@pytest.mark.parametrize("whole", [True, False])
def test_a_missing_line_is_removed_only_if_the_source_has_whole_orders(root: Path, whole: bool) -> None:
    take(root, frame(middle(TWO[0])), "day1", whole=whole)
    facts = take(root, frame([*middle(Order("1", 0, {"p": 11.0})), Order("10", 3, {"p": 1.0})]), "day2", whole=whole)
    left = Store(root).scan("transactions").filter(pl.col("order_id") == "1").sort("product_id").collect()
    assert left["net"].to_list() == ([11.0] if whole else [11.0, 5.0])
    assert facts.merged == (not whole)
    Store(root).undo(facts.load_id)
    assert said(Store(root).scan("transactions")) == said(frame(middle(TWO[0])))


def test_a_file_of_refunded_orders_only_is_a_later_state(root: Path) -> None:
    take(root, frame([*TWO, Order("3", 5, {"p": 1.0})]), "all")
    facts = take(root, frame([Order("1", 0, {"p": 10.0, "q": 5.0}, returned=4.0)]), "refunds")
    assert facts.older == 0
    returns = Store(root).scan("transactions").filter(pl.col("type") == "return").collect()
    assert returns.select("net", "ordered_at", "dated_by").rows() == [(-4.0, Order("3", 5, {}).at, "first_seen")]


def test_the_update_time_of_an_order_decides_which_state_is_later(root: Path) -> None:
    later = Order("1", 0, {"p": 12.0})
    take(root, frame([later], updated=START + timedelta(days=4)), "second")
    facts = take(root, frame([Order("1", 0, {"p": 10.0})], updated=START + timedelta(days=2)), "first")
    assert facts.older == 1
    assert said(Store(root).scan("transactions")) == said(frame([later]))
    assert said(as_known(root, START + timedelta(days=3))) == said(frame([Order("1", 0, {"p": 10.0})]))
    assert said(as_known(root, START + timedelta(days=5))) == said(frame([later]))


def test_the_caller_may_give_the_export_time(root: Path) -> None:
    take(root, frame([TWO[1]]), "a", exported=START + timedelta(days=4))
    facts = take(root, frame([Order("2", 0, {"p": 9.0})]), "b", exported=START + timedelta(days=3))
    assert facts.older == 1
    assert said(Store(root).scan("transactions")) == said(frame([TWO[1]]))
    take(root, frame([Order("2", 0, {"p": 8.0})]), "c", exported=START + timedelta(days=5))
    assert said(Store(root).scan("transactions")) == said(frame([Order("2", 0, {"p": 8.0})]))


def test_a_column_that_a_later_file_lacks_keeps_its_known_values(root: Path) -> None:
    take(root, frame(TWO).with_columns(cost=pl.lit(2.5)), "day1")
    take(root, frame([Order("1", 0, {"p": 10.0, "q": 6.0}), TWO[1]]).drop("cost"), "day2")
    found = Store(root).scan("transactions").collect()
    assert found["cost"].to_list() == [2.5] * 3
    assert sorted(found["net"]) == [6.0, 7.0, 10.0]
    facts = take(root, frame(TWO).drop("cost", "customer_id"), "day3", exported=START + timedelta(days=30))
    assert facts.updated == 1
    assert Store(root).scan("transactions").collect()["customer_id"].to_list() == ["ann"] * 3


def test_orders_of_another_source_with_equal_numbers_are_kept(root: Path) -> None:
    take(root, frame(TWO), "web")
    take(root, frame([Order("1", 0, {"p": 99.0})]), "till", source="till")
    assert said(Store(root).scan("transactions")) == said(pl.concat([frame(TWO), frame([Order("1", 0, {"p": 99.0})])]))
    take(root, frame([Order("1", 0, {"p": 98.0})]), "till 2", source="till", exported=START + timedelta(days=3))
    expected = pl.concat([frame(TWO), frame([Order("1", 0, {"p": 99.0})])])
    assert said(as_known(root, START + timedelta(days=2))) == said(expected)
    take(root, frame([Order("1", 0, {"p": 97.0})]), "fixed", source="till", on_conflict=OnConflict.KEEP)
    assert 98.0 in Store(root).scan("transactions").collect()["net"].to_list()


def test_a_mistyped_day_far_in_the_future_does_not_make_a_file_the_newest(root: Path) -> None:
    orders = [Order(str(n), n, {"p": 10.0}) for n in range(20)]
    take(root, frame([*orders, Order("20", 9000, {"p": 1.0})]), "day19")
    later = [*(Order(each.order_id, each.day, {"p": 11.0}) for each in orders), Order("21", 20, {"p": 10.0})]
    facts = take(root, frame(later), "day20")
    assert (facts.older, facts.updated) == (0, 20)
    assert facts.moment is not None
    assert facts.moment.startswith("2024-03-21")
    known_before = said(as_known(root, START + timedelta(days=19, hours=1)))
    assert [row[3] for row in known_before if int(row[0]) < 20] == [10.0] * 20


def test_the_last_day_of_a_file_with_few_or_distant_days_counts(root: Path) -> None:
    facts = take(root, frame([Order("1", 0, {"p": 1.0}), Order("2", 400, {"p": 1.0})]), "few")
    assert facts.moment is not None
    assert facts.moment.startswith("2025-04-05")


def test_orders_merged_in_parts_give_the_same_rows_as_merged_at_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckm.store.order_candidates.MOST_ROWS", 7)
    export = next_day((), {}, 30)
    exports = [export, next_day(export, {str(n): "refund" if n % 2 else "amend" for n in range(25)}, 3)]
    for number in (1, 0):
        take(root, frame(exports[number]), f"day{number}")
    dated = [(newest(each), each) for each in exports]
    assert said(Store(root).scan("transactions")) == known(dated)
    assert said(as_known(root, moments(exports)[0])) == known(dated, moments(exports)[0])
