"""Records of the index: they contain all that a search shows, so that no file is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckm._kb.entry_files import read_folder
from ckm._kb.entry_record import EVERYBODY, record_of
from ckm.search.index_record import ANY, IndexRecord
from tests._kb.kb_files import small_base, write_entry


@pytest.fixture
def records(tmp_path: Path) -> dict[str, IndexRecord]:
    return {entry.id: record_of(entry) for entry in read_folder(small_base(tmp_path)).entries}


def test_a_record_has_labels_for_every_filter_of_the_command(records: dict[str, IndexRecord]) -> None:
    labels = records["late"].labels
    assert labels["kind"] == ("for",)
    assert labels["tag"] == labels["topic"] == ("delivery",)
    assert labels["product"] == ("P1",)
    assert labels["segment"] == ("loyal",)
    assert labels["reason"] == ("late_delivery",)
    assert labels["state"] == ("validated",)
    assert labels["lang"] == ("en", "de")


def test_the_roles_that_may_read_are_a_label_and_no_roles_mean_everybody(records: dict[str, IndexRecord]) -> None:
    assert records["secret"].labels["role"] == ("manager",)
    assert records["late"].labels["role"] == (EVERYBODY,)


def test_dates_of_validity_are_labels_if_the_entry_has_them(records: dict[str, IndexRecord]) -> None:
    assert records["past"].labels["until"] == ("2025-12-31",)
    assert "until" not in records["late"].labels


def test_texts_keep_their_language_and_aliases_are_searched(records: dict[str, IndexRecord]) -> None:
    texts = records["late"].texts
    assert ("title", "de", "Das Paket kommt zu spät") in texts
    assert ("alias", "de", "Lieferverzug") in texts
    assert ("body", "en", "A parcel has not come in time and the customer waits.") in texts


def test_the_stored_content_is_json_with_the_date_of_the_next_review(records: dict[str, IndexRecord]) -> None:
    stored = json.loads(records["late"].stored)
    assert (stored["checked"], stored["due"]) == ("2026-01-10", "2026-04-20")
    assert stored["path"] == "deep/late.yaml"


def test_a_key_begins_with_the_id(records: dict[str, IndexRecord]) -> None:
    assert {record.key.partition(" ")[0] for record in records.values()} == set(records)


def test_a_filter_by_a_general_language_tag_passes_its_variants(tmp_path: Path) -> None:
    text = (small_base(tmp_path) / "thai.yaml").read_text(encoding="utf-8").replace("lang: th", "lang: zh-Hant-TW")
    (tmp_path / "thai.yaml").write_text(text, encoding="utf-8")
    entry = next(entry for entry in read_folder(tmp_path).entries if entry.id == "thai")
    assert record_of(entry).labels["lang"][:3] == ("zh-Hant-TW", "zh-Hant", "zh")


@pytest.mark.parametrize(
    ("text", "asked", "not_asked"),
    [
        ("Wer offene Ware zurückgeben will, braucht den Kassenbon.", ("de",), ("en", "th")),
        ("Opened goods can be returned with the receipt.", ("en",), ("de",)),
        ("ลูกค้าคืนสินค้าได้ภายใน 30 วัน", ("th",), ("en",)),
        ("مشتری می‌تواند کالا را بازگرداند و این را", ("fa",), ("de", "ar")),
        ("چای", ("fa", "ar"), ("de",)),
        ("如何聯繫客戶服務", ("zh", "zh-Hant", "zh-TW"), ("zh-Hans", "ja")),
        ("如何联系客户服务", ("zh", "zh-Hans", "zh-CN"), ("zh-Hant",)),
        ("中文", ("zh", "zh-Hans", "zh-Hant"), ("en",)),
        ("Adobe 发布了新的 Photoshop 和 Creative Cloud", ("zh-Hans",), ("en",)),
    ],
)
def test_an_entry_without_a_language_passes_the_filter_by_its_detected_language(
    tmp_path: Path, text: str, asked: tuple[str, ...], not_asked: tuple[str, ...]
) -> None:
    write_entry(tmp_path, "some", text)
    (entry,) = read_folder(tmp_path).entries
    labels = {label.casefold() for label in record_of(entry).labels["lang"]}
    assert {tag.casefold() for tag in asked} <= labels
    assert labels.isdisjoint(tag.casefold() for tag in not_asked)
    assert "languages" not in json.loads(record_of(entry).stored)


@pytest.mark.parametrize("text", ["X-200 Turbo", "4711", "…", "נעליים"])
def test_an_entry_without_a_detected_language_passes_every_language_filter(tmp_path: Path, text: str) -> None:
    write_entry(tmp_path, "some", f"'{text}'")
    (entry,) = read_folder(tmp_path).entries
    assert record_of(entry).labels["lang"] == (ANY,)


@pytest.mark.parametrize(
    ("declared", "asked", "not_asked"),
    [
        ("zh", ("zh", "zh-Hans", "zh-Hant", "zh-TW"), ("yue",)),
        ("zh-Hant", ("zh", "zh-Hant", "zh-HK"), ("zh-Hans", "zh-CN")),
        ("zh-CN", ("zh", "zh-CN", "zh-Hans"), ("zh-Hant", "zh-TW")),
        ("de-AT", ("de", "de-AT"), ("de-CH",)),
    ],
)
def test_declared_languages_take_precedence_and_chinese_is_filtered_by_script_or_region(
    tmp_path: Path, declared: str, asked: tuple[str, ...], not_asked: tuple[str, ...]
) -> None:
    write_entry(tmp_path, "some", "Opened goods can be returned", f"lang: {declared}")
    (entry,) = read_folder(tmp_path).entries
    labels = {label.casefold() for label in record_of(entry).labels["lang"]}
    assert {tag.casefold() for tag in asked} <= labels
    assert labels.isdisjoint(tag.casefold() for tag in ("en", *not_asked))


LONG = "The courier company that we work with since last summer delivers parcels on Saturdays too."


@pytest.mark.parametrize(
    ("title", "issue", "field"),
    [
        (LONG[:60], LONG, "opening"),
        (f"{LONG[:60]}…", LONG, "opening"),
        (LONG[:60], LONG.replace(" ", "  "), "opening"),
        ("The courier company", LONG, "title"),
        (LONG, f"{LONG} Nobody has to be at home.", "title"),
        ("Saturdays for parcels, and Sundays", LONG, "title"),
        (LONG, LONG, "title"),
    ],
)
def test_a_title_that_is_a_truncated_text_has_the_weight_of_a_body(
    tmp_path: Path, title: str, issue: str, field: str
) -> None:
    write_entry(tmp_path, "some", f"'{title}'", issue=f"'{issue}'")
    (entry,) = read_folder(tmp_path).entries
    assert (field, "", title) in record_of(entry).texts
