"""Synonyms: all spellings of a name are equal, and no name belongs to two columns."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from ckm.io.mapping.synonyms import candidates, exports, normalise, synonyms
from ckm.schema import TABLES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kunden-Nr.", "KUNDENNR"), ("Käufer", "Kaeufer"), ("Straße", "STRASSE"), ("order_id", "Order ID"),
        ("Ｏｒｄｅｒ", "order"),
        ("شماره مشتري", "شماره مشتری"), ("کد کالا", "كد كالا"), ("numéro", "numero"), ("می‌خواهم", "میخواهم"),
    ],
)  # fmt: skip
def test_spellings_of_a_name_are_normalised_to_one(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_thai_vowels_distinguish_names() -> None:
    assert normalise("ที่") != normalise("ทา")


@pytest.mark.parametrize("table", TABLES)
def test_no_synonym_belongs_to_two_columns_of_a_table(table: str) -> None:
    known = synonyms(table).own
    clashes = {(a, b): known[a] & known[b] for a, b in combinations(known, 2) if known[a] & known[b]}
    assert clashes == {}


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_synonyms_in_five_languages(table: str) -> None:
    scripts = {"latin": "a-z", "thai": "\u0e00-\u0e7f", "han": "\u4e00-\u9fff", "arabic": "\u0600-\u06ff"}
    for target in TABLES[table].targets:
        names = synonyms(table).of(target)
        for script, letters in scripts.items():
            assert any(re.search(f"[{letters}]", name) for name in names), (target, script)


def test_known_exports_name_targets_of_their_table() -> None:
    for export in exports():
        assert set(export.columns) <= set(TABLES[export.table].targets)


def test_candidates_are_sorted_by_similarity() -> None:
    assert candidates("customer_id", "transactions", ["colour", "Cust. Numbr", "Kundennumer"])[0] == "Kundennumer"
    assert candidates("customer_id", "transactions", ["zzz"]) == []


def test_a_short_name_within_a_longer_one_is_no_candidate() -> None:
    assert candidates("ordered_at", "transactions", ["id", "a"]) == []
    assert candidates("currency", "transactions", ["cur"]) == ["cur"]


@pytest.mark.parametrize(
    "column", ["amount_cents", "Net (cents)", "net_pct", "Discount %", "discount rate", "Net Pence"]
)
def test_a_column_in_another_unit_is_no_candidate(column: str) -> None:
    for target in ("net", "discount", "cost"):
        assert candidates(target, "transactions", [column]) == []
