"""Words that only one customer wrote are removed before topics are learned."""

from __future__ import annotations

from ckm._feedback.rare_words import without_rare_words

SENTENCES = ["the bag of this tea cannot be closed again", "the parcel came two days later than promised"] * 10


def test_words_of_one_customer_are_removed_if_they_are_few_of_all_words() -> None:
    marked = [f"{text} zq{chr(97 + row)}xiv" for row, text in enumerate(SENTENCES)]
    assert without_rare_words(marked, ["en"] * 20, range(20)) == SENTENCES
    assert (
        without_rare_words([f"袋子破了关不上 zq{chr(97 + row)}" for row in range(20)], ["zh-Hans"] * 20, range(20))
        == ["袋子破了关不上"] * 20
    )


def test_words_of_one_customer_are_kept_if_most_words_are_of_one_customer() -> None:
    different = [f"a{chr(97 + row)} b{chr(97 + row)} c{chr(97 + row)}" for row in range(20)]
    assert without_rare_words(different, ["en"] * 20, range(20)) == different


def test_latin_words_of_one_customer_are_kept_in_chinese_if_few_sentences_have_one() -> None:
    few = [*["袋子破了关不上"] * 19, "包裹晚到了两天 DHL"]
    assert without_rare_words(few, ["zh-Hans"] * 20, range(20)) == few


def test_a_sentence_of_only_rare_words_is_unchanged() -> None:
    marked = [f"{text} zq{chr(97 + row)}xiv" for row, text in enumerate(SENTENCES)] + ["onlythis"]
    assert without_rare_words(marked, ["en"] * 21, range(21))[-1] == "onlythis"
