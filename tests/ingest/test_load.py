"""Every record of a load is stored, counted as a duplicate, or quarantined: once, with file and row."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.workspace import lay_out
from tests.conftest import examples
from tests.ingest.workspace import COUNTS, HEADER, Desk, counts

ONE, TWO = "A1,1,c1,2025-01-05,10.5,EUR", "A2,1,c2,2025-01-06,20,EUR"
BAD = "A3,1,c3,soon,much,EUR"


@pytest.mark.slow
def test_the_result_has_the_promised_fields(desk: Desk) -> None:
    result = desk.one(desk.orders("a.csv", ONE, TWO), "--as", "transactions")
    promised = "file table status encoding delimiter decimal date_format rows"
    assert list(result)[:13] == [*promised.split(), *COUNTS]
    assert list(result.values())[:5] == ["a.csv", "transactions", "loaded", "utf-8", ","]
    assert (result["decimal"], result["date_format"]) == (".", "%Y-%m-%d")


@pytest.mark.slow
def test_a_file_that_was_loaded_is_unchanged_under_any_name(desk: Desk) -> None:
    first = desk.orders("a.csv", ONE, TWO)
    assert counts(desk.one(first, "--as", "transactions")) == (2, 0, 0, 0, 0)
    copy = desk.write("again.csv", first.read_bytes())
    result = desk.one(copy, "--as", "transactions")
    assert (result["status"], counts(result)) == ("unchanged", (0, 0, 2, 0, 0))
    assert desk.ids() == ["A1", "A2"]


@pytest.mark.slow
def test_a_known_key_is_replaced_and_an_equal_row_is_unchanged(desk: Desk) -> None:
    desk.ingest(desk.orders("a.csv", ONE, TWO), "--as", "transactions")
    newer = desk.orders("b.csv", ONE, "A2,1,c2,2025-01-06,99,EUR", "A4,1,c2,2025-01-06,5,EUR")
    assert counts(desk.one(newer, "--as", "transactions")) == (1, 1, 1, 0, 0)
    assert sorted(desk.table()["net"]) == [5.0, 10.5, 99.0]


@pytest.mark.slow
def test_on_conflict_keeps_or_refuses_when_asked_to(desk: Desk) -> None:
    desk.ingest(desk.orders("a.csv", ONE, TWO), "--as", "transactions")
    newer = desk.orders("b.csv", "A2,1,c2,2025-01-06,99,EUR", "A4,1,c2,2025-01-06,5,EUR")
    refused = desk.one(newer, "--as", "transactions", "--on-conflict", "error", code=3)
    assert refused["status"] == "failed"
    assert desk.ids() == ["A1", "A2"]
    kept = desk.one(newer, "--as", "transactions", "--on-conflict", "keep")
    assert counts(kept) == (1, 0, 1, 0, 0)
    assert sorted(desk.table()["net"]) == [5.0, 10.5, 20.0]


@pytest.mark.slow
def test_exports_that_overlap_by_nine_days_load_once_while_genuine_repeats_stay(desk: Desk) -> None:
    header = "order_id,customer_id,ordered_at,product_id,net,currency"
    lines = [f"A{day},c1,2025-01-{day:02},milk,1,EUR" for day in range(1, 31) for _ in range(1 + day % 3)]
    january = [line for line in lines if int(line[1:].split(",")[0]) <= 20]
    later = [line for line in lines if int(line[1:].split(",")[0]) >= 12]
    shared = [line for line in january if line in later]
    desk.ingest(desk.orders("january.csv", *january, header=header), "--as", "transactions")
    result = desk.one(desk.orders("later.csv", *later, header=header), "--as", "transactions")
    assert counts(result) == (len(later) - len(shared), 0, len(shared), 0, 0)
    assert desk.ids() == sorted(line.split(",")[0] for line in lines)


@pytest.mark.slow
def test_a_failed_row_is_quarantined_with_its_file_row_number_reasons_and_text(desk: Desk) -> None:
    path = desk.orders("a.csv", ONE, BAD, "A5,1,c5,1850-01-01,1,E?", "A6,1,c6", TWO)
    result = desk.one(path, "--as", "transactions", "--max-rejects", "100%")
    assert counts(result) == (2, 0, 0, 0, 3)
    held = desk.quarantine()
    assert held.select("table", "source", "source_file", "source_row").rows() == [
        ("transactions", "transactions", "a.csv", row) for row in (3, 4, 5)
    ]
    reasons = held["reasons"].to_list()
    assert [reason.split("|")[0] for reason in reasons[0]] == ["ordered_at", "net"]
    assert [reason.split("|")[0] for reason in reasons[1]] == ["ordered_at", "currency"]
    assert reasons[2][0].startswith("record|")
    assert '"net":"much"' in held["raw"][0]
    assert held["raw"][2].strip() == "A6,1,c6"


@pytest.mark.slow
def test_above_max_rejects_nothing_is_loaded_and_the_reasons_are_counted(desk: Desk) -> None:
    path = desk.orders("a.csv", ONE, TWO, BAD)
    found = desk.call(path, "--as", "transactions", "-f", "json")
    assert found.exit_code == 3
    assert '"too-many-rejects"' in found.stderr
    result = desk.one(path, "--as", "transactions", code=3)
    assert (result["status"], result["rows"], result["quarantined"]) == ("failed", 3, 1)
    assert sorted(reason.split("|")[0] for reason in result["reasons"]) == ["net", "ordered_at"]
    assert desk.ids() == []
    assert desk.store.quarantine() is None
    assert desk.ask("--history") == []


@pytest.mark.slow
def test_every_row_of_a_second_load_with_a_fixed_mapping_is_unchanged(desk: Desk) -> None:
    path = desk.orders("incoming/a.csv", ONE, TWO)
    text = "table: transactions\nfiles: [incoming/*.csv]\ncolumns: {order_id: order_id, line_no: line_no, "
    text += "customer_id: customer_id, ordered_at: ordered_at, net: net, currency: currency}\n"
    desk.mapping("web", text)
    desk.ingest()
    desk.mapping("web", text + "rules: [{name: big, expr: net > 100000, action: flag}]\n")
    result = desk.one(path)
    assert (result["status"], counts(result)) == ("loaded", (0, 0, 2, 0, 0))


def test_two_currencies_load_side_by_side(desk: Desk) -> None:
    desk.ingest(desk.orders("a.csv", ONE, "A2,1,c2,2025-01-06,20,USD"), "--as", "transactions")
    assert sorted(desk.table()["currency"]) == ["EUR", "USD"]


def test_other_columns_are_kept_as_text_under_names_that_every_reader_accepts(desk: Desk) -> None:
    header = f"{HEADER},Gift note,ผู้ขาย,flag,FLAG,replaced_by,load_id"
    desk.ingest(desk.orders("a.csv", ONE + ",for you,สมชาย,007,x,me,mine", header=header), "--as", "transactions")
    extra = desk.table().select("Gift_note", "ผู้ขาย", "flag", "FLAG_", "replaced_by_", "load_id_")
    assert extra.rows() == [("for you", "สมชาย", "007", "x", "me", "mine")]


@pytest.mark.slow
def test_a_column_is_one_column_whatever_case_the_next_file_writes_it_in(desk: Desk) -> None:
    desk.ingest(desk.orders("a.csv", ONE + ",x", header=f"{HEADER},Note"), "--as", "transactions")
    desk.ingest(desk.orders("b.csv", TWO + ",y", header=f"{HEADER},NOTE"), "--as", "transactions")
    assert sorted(desk.table()["Note"]) == ["x", "y"]
    assert "NOTE" not in desk.table().columns


@pytest.mark.slow
def test_an_unmapped_column_named_like_a_helper_is_stored_under_another_name(desk: Desk) -> None:
    header = "order_id,line_no,customer_id,ordered_at,quantity,unit_price,currency"
    path = desk.orders("a.csv", "A1,1,c1,2025-01-05,2,5,EUR", header=header)
    desk.ingest(path, "--as", "transactions")
    text = "table: transactions\nfiles: [b.csv]\ncolumns: {order_id: order_id, ordered_at: ordered_at,"
    desk.mapping("b", text + " net: {value: 7}, currency: currency}\n")
    desk.ingest(desk.orders("b.csv", "B1,1,c1,2025-01-05,2,five,EUR", header=header))
    rows = desk.table().sort("order_id").select("order_id", "unit_price", "unit_price_").rows()
    assert rows == [("A1", 5.0, None), ("B1", None, "five")]


@pytest.mark.slow
def test_equal_numbers_of_two_tills_are_refused_with_a_hint_to_separate_them(desk: Desk) -> None:
    for till in ("north", "south"):
        desk.orders(f"{till}.csv", f"A1,1,{till},2025-01-05,1,EUR")
        text = f"table: transactions\nfiles: [{till}.csv]\ncolumns: {{order_id: order_id, line_no: line_no, "
        desk.mapping(till, text + "customer_id: customer_id, ordered_at: ordered_at, net: net, currency: currency}\n")
    found = desk.call()
    assert found.exit_code == 3
    assert "order_id" in found.stderr
    assert desk.table()["customer_id"].to_list() == ["north"]
    south = desk.root / "maps/south.yaml"
    south.write_text(south.read_text().replace("order_id: order_id", "order_id: {expr: \"'south-' || order_id\"}"))
    desk.ingest()
    assert desk.ids() == ["A1", "south-A1"]


@pytest.mark.slow
def test_times_without_a_zone_are_in_the_zone_of_the_mapping_or_the_option(desk: Desk) -> None:
    path = desk.orders("a.csv", "A1,1,c1,2025-01-05 08:00:00,1,EUR")
    desk.ingest(path, "--as", "transactions", "--time-zone", "Europe/Berlin")
    assert desk.table()["ordered_at"].to_list() == [datetime(2025, 1, 5, 7, tzinfo=UTC)]


@pytest.mark.slow
def test_excel_json_lines_and_parquet_give_the_same_rows_as_csv(desk: Desk) -> None:
    path = desk.orders("a.csv", ONE, TWO)
    frame = pl.read_csv(path, infer_schema=False)
    frame.write_excel(desk.root / "a.xlsx")
    frame.write_ndjson(desk.root / "a.jsonl")
    frame.with_columns(pl.col("ordered_at").str.to_datetime(), pl.col("net").cast(float)).write_parquet(
        desk.root / "a.parquet"
    )
    desk.ingest(path, "--as", "transactions")
    for name in ("a.xlsx", "a.jsonl", "a.parquet"):
        assert counts(desk.one(desk.root / name, "--as", "transactions")) == (0, 0, 2, 0, 0), name


order_lines = st.builds(
    lambda order, line, customer, day, net: f"A{order},{line},{customer},{day},{net},EUR",
    st.integers(1, 4),
    st.sampled_from(["", "", "1", "2"]),
    st.sampled_from(["c1", "c2", ""]),
    st.sampled_from(["2025-01-05", "2025-01-06", "never"]),
    st.sampled_from(["1", "2", "x", ""]),
)
odd_lines = st.sampled_from(["A1,1,c1", "A1,1,c1,2025-01-05,1,EUR,more,and more", '"A1', "", ",,,,,"])


@pytest.mark.slow
@settings(max_examples=examples(8), derandomize=True)
@given(st.lists(st.lists(order_lines | odd_lines, max_size=10), min_size=1, max_size=3))
def test_the_counts_of_a_load_add_up_to_its_rows_for_any_file(files: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        desk = Desk(Path(folder))
        seen: set[str] = set()
        loaded = quarantined = 0
        for number, lines in enumerate(files):
            path = desk.orders(f"{number}.csv", "A9,9,c9,2025-01-09,9,EUR", *lines)
            results = desk.ingest(path, "--as", "transactions", "--max-rejects", "100%")
            loaded += results[0]["accepted"]
            if (text := path.read_text()) not in seen:
                quarantined += results[0]["quarantined"]
            seen.add(text)
        assert len(desk.table()) == loaded
        held = desk.store.quarantine()
        assert (0 if held is None else len(held.collect())) == quarantined


@pytest.mark.slow
def test_rows_without_a_key_are_not_duplicated_if_their_file_is_loaded_with_other_options(desk: Desk) -> None:
    header = "order_id,customer_id,ordered_at,net"
    path = desk.orders("in.csv", "1,a,2025-01-05,1", "1,a,2025-01-05,1", "2,b,2025-01-06,2", header=header)
    desk.one(path, "--as", "transactions")
    again = desk.one(path, "--as", "transactions", "--currency", "GBP")
    assert (again["status"], again["accepted"]) == ("loaded", 3)
    assert again["remarks"][0].startswith("3 rows of an earlier load of this file removed")
    assert desk.table()["currency"].to_list() == ["GBP"] * 3
    assert desk.one(path, "--as", "transactions")["accepted"] == 3
    desk.call("--undo", "in.csv")
    assert desk.table()["currency"].to_list() == ["GBP"] * 3
