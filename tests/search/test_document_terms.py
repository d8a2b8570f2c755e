"""The fast analysis of documents gives the terms of the full analysis."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.search.analysis import analyse
from ckm.search.analysis.document_terms import terms

TEXTS = (
    "Wer offene Ware zurückgeben will, braucht den Kassenbon.",
    "Opened goods can be returned; the 30-day rule holds for a3.14b too.",
    "ลูกค้าคืนสินค้าได้ภายใน 30 วัน ด้วย iPhone 15",
    "如何聯繫客戶服務？Adobe Commerce 2.4 的用户 請說明三〇年",
    "مشتری می‌تواند کالا را بازگرداند ۱۲۳ ok",
    "Покупатель может вернуть товар. Ο πελάτης επιστρέφει το προϊόν.",
    "ﬁne ＡＢＣ １２３ e\u0301te\u0301 \u0301 ½ 한국어 カタカナ हिन्दी ລາວ ភាសា",
    "",
)
PIECES = st.sampled_from(
    [*"aeßüé 的說们ในขا۳३\u0301\u200c_-.Ⅷ", " der ", " the ", "客戶", "สินค้า", "کالا", " 12 ", " и "]
)


@pytest.mark.parametrize("lang", ["", "de", "en", "fa", "zh-Hant", "th", "xx"])
@pytest.mark.parametrize("text", TEXTS)
def test_document_terms_equal_those_of_the_full_analysis(text: str, lang: str) -> None:
    assert_same(text, lang)


@pytest.mark.slow
@given(st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join), st.sampled_from(["", "de", "ar", "zh"]))
def test_document_terms_equal_the_full_analysis_for_any_text(text: str, lang: str) -> None:
    assert_same(text, lang)


def assert_same(text: str, lang: str) -> None:
    full, short = analyse(text, lang), terms(text, lang)
    assert short.exact == [token.term for token in full.exact]
    assert short.words == [token.term for token in full.words]
    assert Counter(short.forms) == Counter(token.term for token in full.forms)
    assert Counter(short.grams) == Counter(token.term for token in full.grams)
    assert short.languages == set(full.languages)
    lengths: Counter[str] = Counter()
    for places, length in full.lengths.items():
        lengths[places[0]] += length
    assert +Counter(short.lengths) == +lengths
