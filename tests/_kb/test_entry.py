"""Entries: texts in the preferred or nearest language, validity including both dates, a field for every key."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._kb.entry import KnowledgeEntry, Review
from ckm._kb.entry_files import read_file
from ckm._kb.multilingual_text import MultilingualText, nearest_language

from .bases import smallest, write


def only(folder: Path, text: str) -> KnowledgeEntry:
    entries, mistakes = read_file(write(folder, text), folder)
    assert mistakes == []
    return entries[0]


def test_the_smallest_valid_entry_has_eight_keys(tmp_path: Path) -> None:
    entry = only(tmp_path, smallest())
    assert len(entry.plain) == 8
    assert (entry.id, entry.kind, entry.state.confidence) == ("late", "for", "wip")
    assert (entry.title, entry.cause, entry.aliases) == (MultilingualText({"": "Late parcel"}), None, {})
    assert not entry.in_use


def test_every_key_of_the_schema_is_read(tmp_path: Path) -> None:
    text = """\
schema: ckm.kb/1
id: spät
kind: from
facet: product
need: implied
lang: de
title: {de: Titel, zh-Hant: 標題}
issue: Frage
cause: Ursache
resolution: {de: Antwort}
aliases: {de: [anders], en: other}
environment: Laden
state: {confidence: not_validated, audience: partner, governance: compliance_based}
classify: {topics: [a, b], departments: c, products: ["01"], segments: [Champions]}
answers: {reasons: [late_delivery], questions: {de: [Wo?]}}
applies: {channels: [web], regions: [NO], valid_from: 2026-01-01, valid_until: 2026-12-31}
provenance: {origin: interview, sources: [call 12], collected_by: anna, collected_at: 2026-01-02}
authentic: {status: disputed, by: ben, at: 2026-01-03, how: asked}
evidence: {holdout: [1, 2]}
review: {owner: anna, reviewers: [ben], interval_days: 30, last: 2026-01-04, due: 2026-03-01}
access: {classification: internal, read: [service], write: [], contains_personal_data: yes}
seci: {mode: combine}
links: {supersedes: [old], related: [near]}
history: [{at: 2026-01-01, what: written}]
"""
    entry = only(tmp_path, text)
    assert entry.title.by_lang == {"de": "Titel", "zh-Hant": "標題"}
    assert entry.issue.by_lang == {"de": "Frage"}
    assert entry.aliases == {"de": ("anders",), "en": ("other",)}
    assert entry.classify.departments == ("c",)
    assert (entry.classify.products, entry.applies.regions) == (("01",), ("NO",))
    assert (entry.applies.valid_from, entry.applies.valid_until) == (date(2026, 1, 1), date(2026, 12, 31))
    assert entry.evidence == {"holdout": ["1", "2"]}
    assert (entry.review.interval_days, entry.review.due_on) == (30, date(2026, 3, 1))
    assert entry.access.contains_personal_data is True
    assert (entry.seci, entry.links.supersedes, entry.links.related) == ("combine", ("old",), ("near",))
    assert entry.history == [{"at": "2026-01-01", "what": "written"}]
    assert (entry.line, entry.line_of("links.related"), entry.line_of("nowhere")) == (1, 23, 1)


@pytest.mark.parametrize(
    ("prefer", "chosen"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("zh-TW", "zh-Hant"),
        ("zh-Hans-CN", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("fa", "en"),
        ("", "en"),
    ],
)
def test_a_text_is_in_the_preferred_language_or_the_nearest_one(prefer: str, chosen: str) -> None:
    assert nearest_language(["de", "en", "zh-Hans", "zh-Hant"], prefer) == chosen


def test_a_text_without_a_language_is_preferred_to_english_and_any_text_to_none() -> None:
    assert MultilingualText({"": "plain", "en": "English"}).in_language("th") == ("", "plain")
    assert MultilingualText({"th": "ไทย", "fa": "فارسی"}).in_language("de") == ("fa", "فارسی")
    assert MultilingualText({}).in_language("de") == ("", "")


@given(st.integers(-3, 3), st.none() | st.integers(-3, 3), st.none() | st.integers(-3, 3))
def test_an_entry_is_valid_from_its_first_to_its_last_day(day: int, first: int | None, last: int | None) -> None:
    from ckm._kb.entry import entry_from

    middle = date(2026, 6, 30)
    ends = {
        name: (middle + timedelta(days=each)).isoformat()
        for name, each in (("valid_from", first), ("valid_until", last))
        if each is not None
    }
    plain = {"id": "a", "state": {"confidence": "wip"}, "applies": ends}
    entry = entry_from(plain, path="a.yaml", line=1, document=1, lines={}, extra={})
    held = entry.valid_on(middle + timedelta(days=day))
    assert held == ((first is None or first <= day) and (last is None or day <= last))


@given(st.dates(), st.integers(1, 36500))
def test_the_next_review_is_an_interval_after_the_last_at_most_the_latest_date(last: date, days: int) -> None:
    due = Review(last=last, interval_days=days).due_on
    assert due is not None
    assert due == date.max or (due - last).days == days
    assert Review(last=last).due_on is None
    assert Review(interval_days=days).due_on is None
