"""A record holds all that a search shows, so that no file is opened for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckm.knowledge.folder import read_folder
from ckm.knowledge.records import EVERYBODY, id_of, record_of
from ckm.search.record import Record
from tests.knowledge.kb_files import small_base


@pytest.fixture
def records(tmp_path: Path) -> dict[str, Record]:
    return {entry.id: record_of(entry) for entry in read_folder(small_base(tmp_path)).entries}


def test_a_record_can_be_filtered_by_all_that_the_command_offers(records: dict[str, Record]) -> None:
    labels = records["late"].labels
    assert labels["kind"] == ("for",)
    assert labels["tag"] == labels["topic"] == ("delivery",)
    assert labels["product"] == ("P1",)
    assert labels["segment"] == ("loyal",)
    assert labels["reason"] == ("late_delivery",)
    assert labels["state"] == ("validated",)
    assert labels["lang"] == ("en", "de")


def test_who_may_read_is_a_label_and_nobody_named_is_everybody(records: dict[str, Record]) -> None:
    assert records["secret"].labels["role"] == ("manager",)
    assert records["late"].labels["role"] == (EVERYBODY,)


def test_days_of_validity_are_labels_only_where_there_are_some(records: dict[str, Record]) -> None:
    assert records["past"].labels["until"] == ("2025-12-31",)
    assert "until" not in records["late"].labels


def test_texts_keep_their_language_and_aliases_are_searched(records: dict[str, Record]) -> None:
    texts = records["late"].texts
    assert ("title", "de", "Das Paket kommt zu spät") in texts
    assert ("alias", "de", "Lieferverzug") in texts
    assert ("body", "en", "A parcel has not come in time and the customer waits.") in texts


def test_what_is_stored_is_json_with_the_day_of_the_next_review(records: dict[str, Record]) -> None:
    stored = json.loads(records["late"].stored)
    assert (stored["checked"], stored["due"]) == ("2026-01-10", "2026-04-20")
    assert stored["path"] == "deep/late.yaml"


def test_a_key_begins_with_the_id(records: dict[str, Record]) -> None:
    assert {id_of(record.key) for record in records.values()} == set(records)


def test_a_general_language_finds_its_special_cases(tmp_path: Path) -> None:
    text = (small_base(tmp_path) / "thai.yaml").read_text(encoding="utf-8").replace("lang: th", "lang: zh-Hant-TW")
    (tmp_path / "thai.yaml").write_text(text, encoding="utf-8")
    entry = next(entry for entry in read_folder(tmp_path).entries if entry.id == "thai")
    assert record_of(entry).labels["lang"] == ("zh-Hant-TW", "zh-Hant", "zh")
