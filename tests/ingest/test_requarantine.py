"""Quarantined rows are loaded again after a mapping was fixed, and none is lost."""

from __future__ import annotations

import pytest

from tests.ingest.workspace import Desk, counts

HEADER = "order_id,line_no,customer_id,ordered_at,net,currency,type"
TEXT = """table: transactions
files: [incoming/*.csv]
columns: {order_id: order_id, line_no: line_no, customer_id: customer_id, ordered_at: ordered_at, net: net,
          currency: currency, type: type}
"""
MENDED = TEXT + "translate: {type: {RMA-7: return}}\n"


@pytest.fixture
def refused(desk: Desk) -> Desk:
    """A workspace with three quarantined rows: one needs a translation, one stays invalid, one could not be parsed."""
    desk.mapping("web", TEXT)
    lines = [f"A{number},1,c1,2025-01-05,{number},EUR,sale" for number in range(1, 4)]
    lines += ["R1,1,c1,2025-01-06,-1,EUR,RMA-7", "X1,1,c1,never,1,EUR,sale", "X2,1,c1"]
    desk.orders("incoming/web.csv", *lines, header=HEADER)
    desk.ingest("--max-rejects", "100%")
    assert desk.ids() == ["A1", "A2", "A3"]
    assert len(desk.quarantine()) == 3
    return desk


@pytest.mark.slow
def test_rows_that_are_valid_now_are_loaded_and_the_others_stay_quarantined(refused: Desk) -> None:
    refused.mapping("web", MENDED)
    result = refused.one("--requarantine")
    assert counts(result) == (1, 0, 0, 0, 2)
    assert refused.ids() == ["A1", "A2", "A3", "R1"]
    assert refused.quarantine()["source_row"].to_list() == [6, 7]
    moved = refused.table().sort("order_id").select("source", "source_file", "source_row").rows()[-1]
    assert moved == ("web", "incoming/web.csv", 5)


@pytest.mark.slow
def test_a_second_requarantine_changes_nothing(refused: Desk) -> None:
    refused.mapping("web", MENDED)
    refused.ingest("--requarantine")
    before = refused.quarantine().drop("load_id")
    result = refused.one("--requarantine")
    assert counts(result) == (0, 0, 0, 0, 2)
    assert refused.ids() == ["A1", "A2", "A3", "R1"]
    assert refused.quarantine().drop("load_id").equals(before)


@pytest.mark.slow
def test_rows_of_the_corrected_file_are_unchanged_after_a_requarantine(refused: Desk) -> None:
    refused.mapping("web", MENDED)
    refused.ingest("--requarantine")
    result = refused.one("--max-rejects", "100%")
    assert counts(result) == (0, 0, 4, 0, 2)
    assert len(refused.quarantine()) == 2


@pytest.mark.slow
def test_undoing_the_file_removes_the_rows_loaded_from_its_quarantine_too(refused: Desk) -> None:
    refused.mapping("web", MENDED)
    refused.ingest("--requarantine")
    refused.call("--undo", "incoming/web.csv")
    assert refused.ids() == []
    assert len(refused.quarantine()) == 0


@pytest.mark.slow
def test_after_the_undo_of_a_requarantine_the_file_can_be_loaded_again(refused: Desk) -> None:
    refused.mapping("web", MENDED)
    load_id = refused.one("--requarantine")["load_id"]
    found = refused.call("--undo", load_id)
    assert "incoming/web.csv" in found.stderr
    assert refused.ids() == ["A1", "A2", "A3"]
    refused.ingest("--max-rejects", "100%")
    assert refused.ids() == ["A1", "A2", "A3", "R1"]
    assert len(refused.quarantine()) == 2


@pytest.mark.slow
def test_a_dry_run_of_a_requarantine_gives_the_same_result_and_changes_nothing(refused: Desk) -> None:
    refused.mapping("web", MENDED)
    before = refused.snapshot()
    rehearsed = refused.one("--requarantine", "--dry-run")
    assert refused.snapshot() == before
    assert rehearsed == refused.one("--requarantine")


@pytest.mark.slow
def test_unreadable_json_lines_stay_in_the_quarantine(desk: Desk) -> None:
    good = '{"order_id": "A1", "ordered_at": "2025-01-05", "net": 1, "currency": "EUR"}\n'
    path = desk.write(
        "a.jsonl", good + '{"order_id": "A2", "ordered_at"\n' + good.replace("A1", "A3").replace("1,", '"x",')
    )
    desk.ingest(path, "--as", "transactions", "--max-rejects", "100%")
    before = desk.quarantine().drop("load_id")
    assert len(before) == 2
    assert counts(desk.one("--requarantine")) == (0, 0, 0, 0, 2)
    assert desk.quarantine().drop("load_id").equals(before)


@pytest.mark.slow
def test_options_settle_what_the_few_quarantined_rows_leave_ambiguous(desk: Desk) -> None:
    desk.mapping("web", TEXT)
    lines = [f"A{day},1,c1,{day}/01/2025,1,EUR,sale" for day in range(1, 32)]
    desk.orders("incoming/web.csv", *lines, "R1,1,c1,03/04/2025,-1,EUR,RMA-7", header=HEADER)
    desk.ingest()
    desk.mapping("web", MENDED)
    found = desk.call("--requarantine")
    assert found.exit_code == 2
    assert "--dates" in found.stderr
    assert len(desk.quarantine()) == 1
    desk.ingest("--requarantine", "--dates", "dmy")
    assert desk.table()["ordered_at"].max().date().isoformat() == "2025-04-03"


def test_an_empty_quarantine_is_an_empty_result(desk: Desk) -> None:
    assert desk.ingest("--requarantine") == []


@pytest.mark.slow
def test_a_file_without_parsed_records_stays_in_the_quarantine(desk: Desk) -> None:
    path = desk.orders("a.csv", "A1,")
    desk.ingest(path, "--as", "transactions", "--max-rejects", "100%")
    before = desk.quarantine()
    result = desk.one("--requarantine")
    assert (result["status"], counts(result)) == ("unchanged", (0, 0, 0, 0, 1))
    assert desk.quarantine().equals(before)


@pytest.mark.slow
def test_a_corrected_row_that_equals_a_loaded_one_of_its_file_is_a_separate_sale(desk: Desk) -> None:
    desk.mapping("web", TEXT)
    sale = "A1,,c1,2025-01-05,5,EUR,"
    desk.orders("incoming/web.csv", sale + "return", sale + "return", sale + "RMA-7", header=HEADER)
    desk.ingest("--max-rejects", "100%")
    desk.mapping("web", MENDED)
    assert counts(desk.one("--requarantine")) == (1, 0, 0, 0, 0)
    assert desk.ids() == ["A1", "A1", "A1"]
    assert counts(desk.one()) == (0, 0, 3, 0, 0)
