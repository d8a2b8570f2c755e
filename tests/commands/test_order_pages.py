"""Pages of an export that cut an order: once all are there, they say what the whole export says."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from ckm.dataset import open_dataset
from ckm.store import Store
from ckm.workspace import lay_out
from tests.commands.test_platform_states import Rows, order, written
from tests.conftest import Run
from tests.ingest.workspace import Desk

SAID = ("order_id", "line_no", "net", "discount", "type", "ordered_at", "dated_by")
MUG, POT, TEA = ("MUG", 10.0), ("POT", 5.0), ("TEA", 4.0)


def desk_in(root: Path) -> Desk:
    lay_out(root)
    return Desk(root)


def cut_order(*, discount: float = 0.0, refunded: float = 0.0, voided: bool = False) -> Rows:
    """An order of three lines, of which the first says all that is said of the order."""
    rows = order(1000, 1, [MUG, POT, TEA], refunded=refunded, voided=voided)
    rows[0] |= {"Discount Amount": f"{discount:.2f}", "Subtotal": f"{19 - discount:.2f}"}
    rows[0]["Total"] = rows[0]["Subtotal"]
    return rows


def others(first: int, last: int) -> Rows:
    return [row for number in range(first, last) for row in order(number, 2, [MUG], refunded=0, voided=False)]


def said(rows: pl.LazyFrame | pl.DataFrame) -> list[tuple[object, ...]]:
    return sorted(rows.lazy().select(SAID).collect().rows(), key=str)


AMOUNTS = [
    {"refunded": 5.0}, {"refunded": 19.0}, {"discount": 17.0}, {"discount": 3.0, "refunded": 2.0}, {"voided": True}, {}
]  # fmt: skip
PAGES = {"two": [1], "after two lines": [2], "three": [1, 2]}


def pages(rows: Rows, cuts: list[int]) -> list[Rows]:
    ends = [1 + cut for cut in cuts]
    whole = [*others(2000, 2001), *rows, *others(2001, 2002)]
    return [whole[low:high] for low, high in zip([0, *ends], [*ends, len(whole)], strict=True)]


@pytest.mark.parametrize("amounts", AMOUNTS, ids=str)
@pytest.mark.parametrize("cuts", PAGES.values(), ids=PAGES)
def test_pages_say_of_an_order_what_the_whole_export_says(
    tmp_path: Path, amounts: dict[str, float], cuts: list[int]
) -> None:
    found = pages(cut_order(**amounts), cuts)  # type: ignore[arg-type]
    whole, paged = desk_in(tmp_path / "whole"), desk_in(tmp_path / "paged")
    whole.one(whole.write("all.csv", written([row for page in found for row in page])))
    before = []
    for number, page in enumerate(found):
        before.append(said(paged.table()) if number else [])
        paged.one(paged.write(f"{number}.csv", written(page)))
    assert said(paged.table()) == said(whole.table())
    moment = whole.table()["ordered_at"].max()
    assert said(Store(paged.root / "store").scan("transactions", known_before=moment)) == said(whole.table())  # type: ignore[arg-type]
    folder = open_dataset(_folder(tmp_path / "folder", found)).transactions
    assert said(folder) == said(whole.table())
    paged.call("--undo", f"{len(found) - 1}.csv")
    assert said(paged.table()) == before[-1]


def _folder(root: Path, found: list[Rows]) -> Path:
    root.mkdir()
    for number, page in enumerate(found):
        (root / f"orders_{number}.csv").write_text(written(page))
    return root


@pytest.mark.parametrize("amounts", AMOUNTS, ids=str)
def test_lines_from_the_quarantine_share_the_amounts_of_their_order(tmp_path: Path, amounts: dict[str, float]) -> None:
    rows = cut_order(**amounts)  # type: ignore[arg-type]
    first, second = [*others(2000, 2001), *rows[:1]], [*rows[1:], *others(2001, 2061)]
    whole, paged = desk_in(tmp_path / "whole"), desk_in(tmp_path / "paged")
    whole.one(whole.write("all.csv", written(first + second)))
    assert paged.one(paged.write("2.csv", written(second)))["quarantined"] == 2
    paged.one(paged.write("1.csv", written(first)))
    paged.call("--requarantine")
    assert said(paged.table()) == said(whole.table())


@pytest.mark.parametrize("cut", [1, 2])
def test_lines_of_one_product_on_two_pages_are_two(tmp_path: Path, cut: int) -> None:
    rows = order(1000, 1, [MUG, MUG, POT], refunded=5.0, voided=False)
    first, second = pages(rows, [cut])
    whole, paged = desk_in(tmp_path / "whole"), desk_in(tmp_path / "paged")
    whole.one(whole.write("all.csv", written(first + second)))
    for number, page in enumerate((first, second, [*first, *others(2002, 2003)], [*second, *others(2003, 2004)])):
        paged.one(paged.write(f"{number}.csv", written(page)))
        if number in (1, 3):
            mine = paged.table().filter(~pl.col("order_id").is_in(["#2002", "#2003"]))
            assert said(mine) == said(whole.table())


def test_lines_of_one_product_on_three_pages_are_three(tmp_path: Path) -> None:
    rows = order(1000, 1, [MUG, MUG, MUG, POT], refunded=5.0, voided=False)
    whole, paged = desk_in(tmp_path / "whole"), desk_in(tmp_path / "paged")
    whole.one(whole.write("all.csv", written(rows)))
    for number, page in enumerate((rows[:1], rows[1:2], rows[2:])):
        paged.one(paged.write(f"{number}.csv", written(page)))
    assert said(paged.table()) == said(whole.table())


def test_an_amended_order_that_a_page_cuts_has_the_lines_of_both_pages(tmp_path: Path) -> None:
    before = order(1000, 1, [MUG, MUG], refunded=0, voided=False)
    after = order(1000, 1, [MUG, MUG, POT], refunded=0, voided=False)
    whole, paged = desk_in(tmp_path / "whole"), desk_in(tmp_path / "paged")
    whole.one(whole.write("all.csv", written([*others(2000, 2002), *after, *others(2002, 2003)])))
    paged.one(paged.write("before.csv", written([*before, *others(2002, 2003)])))
    paged.one(paged.write("1.csv", written([*others(2000, 2002), after[0]])))
    paged.one(paged.write("2.csv", written([*after[1:], *others(2002, 2003)])))
    assert said(paged.table()) == said(whole.table())


def test_the_first_page_of_an_export_is_as_new_as_its_last_one(tmp_path: Path) -> None:
    """The page of the oldest orders ends before an older export does, and is newer."""

    def export(refunded: float, last: int) -> Rows:
        rows = [*order(1000, 1, [MUG, POT], refunded=refunded, voided=False), *cut_order()]
        for row in rows[2:]:
            row["Name"] = "#1001"
        return [
            *rows,
            *(row for day in range(2, last + 1) for row in order(2000 + day, day, [MUG], refunded=0, voided=False)),
        ]

    newest, older = export(15.0, 3), export(1.0, 2)
    whole, paged = desk_in(tmp_path / "whole"), desk_in(tmp_path / "paged")
    whole.one(whole.write("all.csv", written(newest)))
    for name, page in (("1", newest[:4]), ("2", newest[4:]), ("older", older)):
        paged.one(paged.write(f"{name}.csv", written(page)))
    nets = [desk.table().group_by("order_id", "line_no").agg(pl.col("net").sum().round(6)) for desk in (paged, whole)]
    assert sorted(nets[0].rows()) == sorted(nets[1].rows())


def test_a_page_of_old_orders_that_cuts_its_last_one_is_no_older_export(tmp_path: Path) -> None:
    def export(first: list[tuple[str, float]], last: int) -> Rows:
        orders = [order(1000, 1, first, refunded=0, voided=False), order(1001, 1, [MUG, POT], refunded=0, voided=False)]
        orders += [order(2000 + day, day, [TEA], refunded=0, voided=False) for day in range(2, last + 1)]
        return [row for rows in orders for row in rows]

    desk = desk_in(tmp_path / "shop")
    after = export([MUG, POT], 3)
    for name, page in (("before", export([MUG], 2)), ("1", after[:3]), ("2", after[3:])):
        desk.one(desk.write(f"{name}.csv", written(page)))
    assert desk.table().filter(order_id="#1000")["line_no"].sort().to_list() == ["MUG", "POT"]


def test_what_a_part_of_an_order_leaves_open_is_reported_until_the_rest_is_there(tmp_path: Path, run: Run) -> None:
    desk = desk_in(tmp_path / "shop")
    first, second = pages(cut_order(refunded=5.0), [1])
    result = desk.one(desk.write("1.csv", written(first)))
    assert any(remark.startswith("1 order with more goods than the lines") for remark in result["remarks"])
    assert desk.table().filter(pl.col("type") == "return")["net"].to_list() == [-5.0]

    def open_orders() -> list[str]:
        findings = json.loads(run("check", "-C", desk.root, "-f", "json").stdout)
        return [
            each["message"]
            for each in findings
            if each["check"] == "partial_orders" and "totals exceed" in each["message"]
        ]

    assert open_orders() == ["1 order whose totals exceed the sum of their loaded lines by 9.00 EUR"]
    result = desk.one(desk.write("2.csv", written(second)))
    assert "1 order was merged: the store has lines that this file does not contain" in result["remarks"]
    assert "2 rows with further lines of known orders, whose first lines are in an earlier file" in result["remarks"]
    assert open_orders() == []


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("page_first", [False, True])
def test_a_page_that_cuts_a_refunded_order_changes_it_as_its_first_line_says(
    tmp_path: Path, place: str, page_first: bool
) -> None:
    desk = desk_in(tmp_path / "shop")
    desk.one(desk.write("day1.csv", written([*others(2000, 2002), *cut_order()])))
    rows = cut_order(refunded=7.0)
    page = [*others(2002, 2003), *rows[:1]] if place == "last" else [*rows[:1], *others(2002, 2003)]
    if page_first:
        desk.one(desk.write("day2 page 1.csv", written(page)))
        desk.one(desk.write("day2 page 2.csv", written(rows[1:])))
    else:
        desk.one(desk.write("day2.csv", written(page)))
    mine = desk.table().filter(pl.col("order_id") == "#1000")
    assert mine.filter(pl.col("type") == "sale")["line_no"].sort().to_list() == ["MUG", "POT", "TEA"]
    assert round(mine.filter(pl.col("type") == "return")["net"].sum(), 2) == -7.0


@pytest.mark.parametrize("place", ["first", "last", "alone"])
def test_a_line_that_is_gone_leaves_where_the_totals_of_its_order_are_complete(tmp_path: Path, place: str) -> None:
    desk = desk_in(tmp_path / "shop")
    rest = [] if place == "alone" else others(2000, 2002)

    def placed(rows: Rows) -> str:
        return written([*rows, *rest] if place == "first" else [*rest, *rows])

    desk.one(desk.write("day1.csv", placed(order(1000, 1, [MUG, POT], refunded=0, voided=False))))
    rest += [] if place == "alone" else others(2002, 2003)
    facts = desk.one(desk.write("day2.csv", placed(order(1000, 1, [MUG], refunded=0, voided=False))))
    assert desk.table().filter(pl.col("order_id") == "#1000")["line_no"].to_list() == ["MUG"]
    assert not any("merged" in remark for remark in facts["remarks"])


def test_a_line_that_a_cut_order_lacks_stays_and_check_names_the_file(tmp_path: Path, run: Run) -> None:
    desk = desk_in(tmp_path / "shop")
    desk.one(desk.write("day1.csv", written([*others(2000, 2002), *cut_order()])))
    desk.one(desk.write("day2.csv", written([*others(2000, 2003), *cut_order(refunded=1.0)[:2]])))
    assert desk.table().filter(pl.col("order_id") == "#1000", pl.col("type") == "sale").height == 3
    findings = json.loads(run("check", "-C", desk.root, "-f", "json").stdout)
    assert [each["part"] for each in findings if each["check"] == "partial_orders"] == ["day2.csv"]
