"""Rows without an order number are a multiset: loading equal rows again adds none, whatever columns the file has."""

from __future__ import annotations

import pytest

from tests.ingest.workspace import Desk, counts

HEADER = "customer_id,ordered_at,net,quantity"
ROWS = ("ann,2024-03-01,5,1", "ann,2024-03-01,5,1", "ann,2024-03-01,7,2", "bob,2024-03-02,5,1")


def without_quantity(rows: tuple[str, ...]) -> list[str]:
    return [row.rpartition(",")[0] for row in rows]


def take(desk: Desk, name: str, *rows: str, header: str = HEADER) -> tuple[int, ...]:
    return counts(desk.one(desk.orders(name, *rows, header=header), "--as", "transactions"))


def test_equal_rows_of_one_file_are_separate_sales_and_of_two_files_the_same_sales(desk: Desk) -> None:
    assert take(desk, "a.csv", *ROWS)[:3] == (4, 0, 0)
    assert take(desk, "b.csv", *ROWS, "bob,2024-03-02,5,1")[:3] == (1, 0, 4)
    assert take(desk, "c.csv", *ROWS[:2])[:3] == (0, 0, 2)
    assert len(desk.table()) == 5


def test_rows_of_a_file_that_lacks_a_column_are_the_known_ones(desk: Desk) -> None:
    take(desk, "a.csv", *ROWS)
    rows = [*without_quantity(ROWS), "cho,2024-03-03,9"]
    assert take(desk, "b.csv", *rows, header="customer_id,ordered_at,net")[:3] == (1, 0, 4)
    assert sorted(desk.table().drop_nulls("quantity")["quantity"]) == [1, 1, 1, 2]
    assert take(desk, "c.csv", *rows, rows[0], header="customer_id,ordered_at,net")[:3] == (1, 0, 5)


@pytest.mark.parametrize("undone", [False, True])
def test_rows_of_a_file_with_one_more_column_replace_the_known_ones(desk: Desk, undone: bool) -> None:
    take(desk, "a.csv", *without_quantity(ROWS), header="customer_id,ordered_at,net")
    assert take(desk, "b.csv", *ROWS)[:3] == (0, 4, 0)
    if undone:
        desk.call("--undo", "b.csv")
    assert sorted(desk.table()["net"]) == [5, 5, 5, 7]
    assert desk.table()["quantity"].null_count() == (4 if undone else 0)


@pytest.mark.parametrize("first", ["web", ""])
def test_a_null_in_a_column_that_both_files_have_is_another_row(desk: Desk, first: str) -> None:
    header = "customer_id,ordered_at,net,channel"
    for name, channel in (("a.csv", first), ("b.csv", "" if first else "web")):
        assert take(desk, name, *[f"ann,2024-03-01,5,{channel}"] * 3, header=header)[:3] == (3, 0, 0)
    assert take(desk, "c.csv", *["ann,2024-03-01,5"] * 6, header="customer_id,ordered_at,net")[:3] == (0, 0, 6)
    assert desk.table()["net"].sum() == 30


def test_equal_rows_of_two_folders_are_two_where_one_folder_has_no_value(desk: Desk) -> None:
    for folder in ("channel=__HIVE_DEFAULT_PARTITION__", "channel=a%20b"):
        desk.orders(f"hive/{folder}/part.csv", *["ann,2024-03-01,5"] * 10, header="customer_id,ordered_at,net")
    desk.ingest(desk.root / "hive", "--as", "transactions")
    assert desk.table().group_by("channel").len().sort("channel")["len"].to_list() == [10, 10]
