"""The index: records are stored, filtered, ranked and returned."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.search.index import Index
from ckm.search.index_record import ANY
from ckm.search.index_record import IndexRecord as Record
from ckm.search.query import parse

SHARED = Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[3] / "shared" / "data") / "kb"

RETURNS = Record(
    "returns",
    "a.yaml",
    (
        ("title", "de", "Rückgabe offener Ware"),
        ("body", "de", "Wer offene Ware zurückgeben will, braucht den Kassenbon."),
        ("title", "en", "Returning opened goods"),
        ("body", "en", "Opened goods can be returned with the receipt."),
    ),
    {"kind": ("for",), "lang": ("de", "en")},
    '{"id": "returns"}',
)
SERVICE = Record(
    "service", "a.yaml", (("title", "", "客戶服務"), ("body", "", "如何聯繫客戶服務")), {"kind": ("about",)}
)
THAI = Record("thai", "b.yaml", (("title", "", "คืนสินค้า"), ("body", "", "ลูกค้าคืนสินค้าได้ภายใน 30 วัน")), {"kind": ("for",)})
PERSIAN = Record("persian", "b.yaml", (("body", "", "مشتری می‌تواند کالا را بازگرداند"),), {"kind": ("for",)})
RECORDS = (RETURNS, SERVICE, THAI, PERSIAN)


@pytest.fixture(scope="module")
def index() -> Index:
    index = Index.create()
    index.replace([], RECORDS)
    return index


def found(index: Index, text: str, **options: object) -> list[str]:
    return [hit.key for hit in index.search(parse(text), **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Rueckgabe", "returns"), ("Ruckgabe", "returns"), ("Rükgabe", "returns"), ("receipts", "returns"),
        ("客户服务", "service"), ("คืนสินคา", "thai"), ("كالا", "persian"), ("۳۰", "thai"), ("Kassenbons", "returns"),
    ],
)  # fmt: skip
def test_other_spellings_and_typos_find_their_entry(index: Index, text: str, key: str) -> None:
    assert found(index, text)[:1] == [key]


@pytest.mark.parametrize("text", ["packet", "Packet", "Packete"])
def test_a_misspelled_word_finds_the_similar_word_although_another_word_has_its_stem(text: str) -> None:
    index = Index.create()
    texts = {"other": "Glas sicher packen", "similar": "Das Paket ist zu spät, alle Pakete sind zu spät"}
    index.replace([], [Record(key, key, (("body", "de", body),)) for key, body in texts.items()])
    assert set(found(index, text)) == {"other", "similar"}


@pytest.mark.parametrize(
    ("phrase", "keys"),
    [
        ('"offene Ware"', ["returns"]), ('"Ware offene"', []), ('"客户服务"', ["service"]), ('"服务客户"', []),
        ('"คืนสินค้า"', ["thai"]), ('"สินค้าคืน"', []), ('"کالا را"', ["persian"]), ('"را کالا"', []),
    ],
)  # fmt: skip
def test_a_phrase_matches_adjacent_words_in_order_in_every_script(index: Index, phrase: str, keys: list[str]) -> None:
    assert found(index, phrase) == keys


def test_a_phrase_does_not_match_across_two_texts() -> None:
    index = Index.create()
    index.replace([], [Record("a", "a", (("body", "", "one two"), ("body", "", "three four")))])
    assert found(index, '"two three"') == []


def test_a_phrase_that_no_record_contains_counts_as_words(index: Index) -> None:
    hits = index.search(parse('Kassenbon "Ware offene"'))
    assert [(hit.key, hit.phrases) for hit in hits] == [("returns", False)]


def test_an_excluded_word_excludes_the_record_in_all_its_languages(index: Index) -> None:
    assert found(index, "receipt") == ["returns"]
    assert found(index, "receipt -Kassenbon") == []
    assert found(index, "-Ware kind:for") == ["persian", "thai"]


def test_filters_apply_before_ranking(index: Index) -> None:
    text = "Ware 客户 สินค้า کالا"
    assert set(found(index, text)) == {"returns", "service", "thai", "persian"}
    assert found(index, text, keep={"kind": ["ABOUT"]}) == ["service"]
    assert found(index, text, keep={"kind": ["for"], "lang": ["de", "fr"]}) == ["returns"]
    assert set(found(index, text, drop={"kind": ["for"]})) == {"service"}
    assert found(index, text, keep={"kind": []}) == []


def test_a_record_for_any_value_passes_every_filter_by_that_label_and_is_excluded_by_none() -> None:
    index = Index.create()
    texts = (("body", "", "goods"),)
    index.replace([], [Record("any", "a", texts, {"lang": (ANY,)}), Record("en", "a", texts, {"lang": ("en",)})])
    assert found(index, "goods", keep={"lang": ["de"]}) == ["any"]
    assert found(index, "goods lang:en") == ["any", "en"]
    assert found(index, "goods -lang:en") == ["any"]


def test_a_truncated_title_counts_once_and_matches_a_title_field() -> None:
    index = Index.create()
    index.replace([], [Record("a", "a", (("opening", "en", "opened goods"), ("body", "en", "opened goods of all")))])
    assert found(index, "title:opened") == ["a"]


def test_texts_of_another_script_do_not_change_a_score() -> None:
    german = [Record(f"de{n}", "a", (("body", "de", f"Wer offene Ware {n} will, braucht den Bon"),)) for n in range(12)]
    chinese = [Record(f"zh{n}", "a", (("body", "zh-Hans", f"客户服务第{n}条，Ware，请说明" * 9),)) for n in range(30)]
    alone, mixed = Index.create(), Index.create()
    alone.replace([], german)
    mixed.replace([], [*german, *chinese])
    for text in ("offene Ware", "Bon 7", "brauchen"):
        scores = {hit.key: hit.score for hit in mixed.search(parse(text), limit=50)}
        expected = {hit.key: hit.score for hit in alone.search(parse(text), limit=50)}
        assert {key: score for key, score in scores.items() if key in expected} == expected


def test_a_record_with_texts_in_several_scripts_is_one_record(tmp_path: Path) -> None:
    texts = (("body", "en", "opened goods"), ("body", "zh-Hans", "客户服务"), ("body", "th", "คืนสินค้า"))
    Index.create(tmp_path).replace(
        [], [Record("a", "a", texts, {"kind": ("for",)}, "kept"), Record("b", "b", texts[:1])]
    )
    index = Index.open(tmp_path)
    for text in ("goods", "客户服务", "คืนสินค้า", "goods 客户", "kind:for"):
        assert [hit.stored for hit in index.search(parse(text)) if hit.key == "a"] == ["kept"]
    assert found(index, "goods -客户服务") == ["b"]
    assert found(index, "客户 -goods") == []
    assert index.labels("kind") == {"for": 3}
    index.replace(["a"], [Record("a", "a", texts[2:])])
    assert found(index, "goods 客户 คืนสินค้า") == ["a", "b"]


def test_filters_do_not_change_a_score(index: Index) -> None:
    (alone,) = index.search(parse("Kassenbon"))
    (filtered,) = index.search(parse("Kassenbon"), keep={"kind": ["for"]}, drop={"kind": ["about"]})
    assert alone == filtered


def test_a_name_before_a_colon_is_a_label_or_a_text_field_or_else_a_word(index: Index) -> None:
    assert found(index, "title:returning") == ["returns"]
    assert found(index, "title:receipt") == []
    assert found(index, "kind:about") == ["service"]
    assert found(index, "nothing:Kassenbon") == ["returns"]


def test_a_query_of_filters_alone_returns_all_matches_in_order_of_keys(index: Index) -> None:
    assert found(index, "kind:for") == ["persian", "returns", "thai"]
    assert found(index, "") == []


def test_equal_scores_are_in_order_of_keys_across_segments() -> None:
    index = Index.create()
    for key in ("c", "a", "d", "b"):
        index.replace([], [Record(key, key, (("body", "en", "the same words"),))])
    assert found(index, "same words") == ["a", "b", "c", "d"]
    assert found(index, "same words", limit=2) == ["a", "b"]


def test_records_of_a_group_are_replaced_together(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "index")
    index.replace([], RECORDS)
    index.replace(["a.yaml"], [SERVICE])
    again = Index.open(tmp_path / "index")
    for one in (index, again):
        assert found(one, "Kassenbon") == []
        assert found(one, "客戶") == ["service"]
        assert len(one) == 3


def test_a_folder_without_an_index_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no index"):
        Index.open(tmp_path)


def test_a_title_weighs_more_than_a_body() -> None:
    index = Index.create()
    texts = {"a": ("Versand", "Fragen zur Rückgabe stehen hier."), "b": ("Rückgabe", "Fragen zum Versand stehen hier.")}
    index.replace([], [Record(key, key, (("title", "de", t), ("body", "de", b))) for key, (t, b) in texts.items()])
    assert found(index, "Rückgabe") == ["b", "a"]
    assert found(index, "Versand") == ["a", "b"]


def test_a_hit_in_any_language_has_the_stored_content(index: Index) -> None:
    assert [hit.stored for hit in index.search(parse("receipt"))] == ['{"id": "returns"}']
    assert [hit.stored for hit in index.search(parse("Kassenbon"))] == ['{"id": "returns"}']


def test_the_parts_of_a_score_add_up_to_the_score(index: Index) -> None:
    (hit,) = index.search(parse("Kassenbon"), explain=True)
    assert set(hit.parts) == {"words", "forms", "grams"}
    assert sum(hit.parts.values()) == pytest.approx(hit.score, abs=1e-3)


def test_a_text_that_shares_no_word_and_few_grams_is_not_a_hit(index: Index) -> None:
    assert found(index, "Xylophonkonzert") == []
    assert index.nearest("Kassettenrekorder") == []


def test_the_nearest_record_shares_at_least_half_of_the_grams(index: Index) -> None:
    assert found(index, "goo") == []
    assert [hit.key for hit in index.nearest("goo")] == ["returns"]  # one of two
    assert index.nearest("goo fly") == []  # one of four


def test_spelling_suggestions_are_words_as_written_in_lower_case(index: Index) -> None:
    assert index.vocabulary_near("Rukgabe") == ["rückgabe"]
    assert index.vocabulary_near("Kasenbon") == ["kassenbon"]
    assert index.vocabulary_near("Xylophon") == []


def test_similar_records_exclude_the_record_itself() -> None:
    index = Index.create()
    bodies = {"a": "Rückgabe der Ware im Laden", "b": "Ware und Rückgabe im Laden", "c": "Versand ins Ausland"}
    index.replace([], [Record(key, key, (("body", "de", body),)) for key, body in bodies.items()])
    assert [hit.key for hit in index.more_like("a")] == ["b"]
    assert index.more_like("unknown") == []


@given(
    st.one_of(st.text('"-: aWare客คک()[]*~^', max_size=30), st.text(st.characters(exclude_categories=[]), max_size=30))
)
def test_no_query_raises_an_exception(text: str) -> None:
    hits = ANYTHING.search(parse(text), limit=2)
    assert len(hits) <= 2
    ANYTHING.nearest(text)
    ANYTHING.vocabulary_near(text)


ANYTHING = Index.create()
ANYTHING.replace([], RECORDS)


@pytest.mark.slow
def test_the_mrr_of_a_real_set_is_as_documented() -> None:
    path = SHARED / "pqa-fa.json"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    real = json.loads(path.read_text("utf-8"))
    index = Index.create()
    index.replace([], [Record(entry["id"], "all", (("body", "", entry["text"]),)) for entry in real["corpus"]])
    ranks = [
        next((1 / rank for rank, key in enumerate(found(index, query["text"]), 1) if key in query["rel"]), 0.0)
        for query in real["queries"]
    ]
    assert sum(ranks) / len(ranks) >= 0.987


def test_coverage_counts_chinese_characters_and_most_grams_of_a_compound() -> None:
    index = Index.create()
    texts = {"zh": "商品可以退货", "de": "Frist der Rückgabe: Umtauschrecht"}
    index.replace([], [Record(key, key, (("body", "", text),)) for key, text in texts.items()])
    # 商, 品, 退 and 货 are in a bigram of the text; the bigrams across words (品退) are not
    assert index.coverage(parse("商品退货"), ["zh"]) == {"zh": 1.0}
    assert index.coverage(parse("Umtauschrechte"), ["de"]) == {"de": 1.0}
    assert index.coverage(parse("Umtauschgebühr"), ["de"]) == {}
