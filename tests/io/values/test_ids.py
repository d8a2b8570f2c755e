"""Spreadsheet marks and invisible characters are removed from ids, null words are missing, and both are counted."""

from __future__ import annotations

import polars as pl
import pytest

from ckm.io.values.ids import INVISIBLE_IN_IDS, IdReader, id_null_words, needs_cleaning


def read(ids: list[str | None]) -> tuple[list[str | None], list[str]]:
    reader = IdReader()
    texts = pl.DataFrame({"id": pl.Series(ids, dtype=pl.String)})
    found = reader.careful(texts.select(reader.quick(pl.col("id"))).to_series()).to_list()
    return found, reader.remarks("column 'id'")


@pytest.mark.parametrize("mark", INVISIBLE_IN_IDS, ids=lambda mark: f"U+{ord(mark):04X}")
def test_invisible_characters_are_removed_from_ids(mark: str) -> None:
    found, remarks = read([f"{mark}C1", f"C{mark}1", f"C1{mark}", f" {mark} C1", "C1"])
    assert found == ["C1"] * 5
    assert remarks == ["column 'id': invisible characters were removed from 4 ids"]


def test_joiners_between_letters_of_an_id_are_kept() -> None:
    name = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"
    assert read([name, "C\u200d1", "\u200cC1"])[0] == [name, "C1", "C1"]


@pytest.mark.parametrize("guarded", ['="00123"', "'00123", ' ="00123" ', '="\u200b00123"'])
def test_text_marks_of_spreadsheets_are_removed_from_ids(guarded: str) -> None:
    found, remarks = read([guarded, "00123"])
    assert found == ["00123", "00123"]
    assert any("spreadsheet text marks were removed from 1 ids" in remark for remark in remarks)


@pytest.mark.parametrize("plain", ["'t Hoen", "=", "C=1", "O'Neill", "007", "null-7", "NA", "Nannan", "é", "客戶1"])
def test_ids_that_only_resemble_text_marks_are_unchanged(plain: str) -> None:
    assert read([plain]) == ([plain], [])


@pytest.mark.parametrize("word", id_null_words())
def test_null_words_are_read_as_missing_ids(word: str) -> None:
    found, remarks = read([word, "C1", f" {word} ", None])
    assert found == [None, "C1", None, None]
    assert remarks == [f"column 'id': 2 ids are null words ({word}) and were read as missing"]


def test_ids_that_need_cleaning_are_detected_without_parsing() -> None:
    odd = [*(f"C{mark}" for mark in INVISIBLE_IN_IDS), '="1"', "'1", *id_null_words()]
    texts = pl.DataFrame({"id": [*odd, "C1", "客戶1", "-1"]})
    assert texts.filter(needs_cleaning(pl.col("id")))["id"].to_list() == odd
