"""The tables ``relationships`` and ``billing_fields``, loaded from files with headers as other programs write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckm.store import Store

if TYPE_CHECKING:
    import polars as pl

    from tests.ingest.workspace import Desk

RELATIONSHIPS = """Customer No,Relationship,Related To,Since,Until
A1,buys through,0D1,2024-01-01,
A2,Distributor,0D1,2024-01-01,2025-01-01
P1,works at,A1,,
A1,subsidiary of,H1,2023-02-01,
P1,referred by,P2,,
"""
BEZIEHUNGEN = """Kunden-Nr.;Beziehungsart;Partner-Nr.;Gültig ab;Gültig bis
A1;bezieht über;0D1;15.01.2024;
A2;Händler;0D1;01.01.2024;01.01.2025
P1;arbeitet bei;A1;;
A1;Tochtergesellschaft von;H1;01.02.2023;
P1;empfohlen von;P2;;
"""
BILLING = """Kunde,Rechnungsfeld,Nummer,Gültig ab,Fehlt auf Rechnung,Festgestellt am
A1,Projektnummer,007,2024-01-01,,
A1,Aktenzeichen,,2024-01-01,,
A1,Projektnummer,,,R-12,2025-02-03
"""


def stored(desk: Desk, table: str) -> pl.DataFrame:
    return Store(desk.root / "store").scan(table).collect()


@pytest.mark.parametrize("text", [RELATIONSHIPS, BEZIEHUNGEN], ids=["en", "de"])
def test_relationships_are_loaded_from_natural_headers_and_words(desk: Desk, text: str) -> None:
    found = desk.one(desk.write("links.csv", text), "--as", "relationships")
    assert (found["accepted"], found["quarantined"]) == (5, 0)
    rows = stored(desk, "relationships").select("customer_id", "relation", "related_id", "valid_until")
    assert {tuple(map(str, row)) for row in rows.iter_rows()} == {
        ("A1", "buys_through", "0D1", "None"),
        ("A2", "buys_through", "0D1", "2025-01-01"),
        ("P1", "works_at", "A1", "None"),
        ("A1", "owned_by", "H1", "None"),
        ("P1", "referred_by", "P2", "None"),
    }


def test_a_later_end_of_a_dated_relationship_updates_its_row(desk: Desk) -> None:
    header = "customer_id,relation,related_id,valid_from,valid_until\n"
    desk.one(desk.write("a.csv", f"{header}A1,owns,A2,2024-01-01,\n"), "--as", "relationships")
    found = desk.one(desk.write("b.csv", f"{header}A1,owns,A2,2024-01-01,2025-06-30\n"), "--as", "relationships")
    assert found["updated"] == 1
    assert str(stored(desk, "relationships")["valid_until"].to_list()) == "[datetime.date(2025, 6, 30)]"


def test_an_unknown_relation_and_an_end_before_the_begin_fail_validation(desk: Desk) -> None:
    rows = "\n".join(f"A{number},owns,B,2024-01-01," for number in range(60))
    text = (
        f"customer_id,relation,related_id,valid_from,valid_until\n{rows}\nA,likes,B,,\nA,owns,C,2024-02-01,2024-01-01\n"
    )
    found = desk.one(desk.write("links.csv", text), "--as", "relationships")
    assert (found["accepted"], found["quarantined"]) == (60, 2)
    assert {each.split(": ")[0] for each in found["reasons"]} == {
        "relation|vocabulary",
        "row|valid_from_before_valid_until",
    }


def test_billing_fields_are_loaded_from_natural_headers_and_keep_leading_zeros(desk: Desk) -> None:
    found = desk.one(desk.write("angaben.csv", BILLING), "--as", "billing_fields")
    assert found["accepted"] == 3
    rows = stored(desk, "billing_fields").select("customer_id", "field", "number", "invoice_id")
    assert set(rows.iter_rows()) == {
        ("A1", "project", "007", None),
        ("A1", "matter", None, None),
        ("A1", "project", None, "R-12"),
    }
