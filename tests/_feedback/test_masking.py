"""Personal data in comments are masked, and other words are not."""

from __future__ import annotations

import pytest

from ckm._feedback.masking import masking_of

MASKING = masking_of(
    ["Käthe Zimmermann", "王小明", "สมชาย ใจดี", "วิชัย", "مریم رضایی", "عليرضا كريمي", "प्रिया", "Jürgen Groß"],
    frozenset({"gut"}),
)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Write to ann.smith@example.com today", "ann.smith"),
        ("call +49 30 1234567 please", "1234567"),
        ("IBAN DE89 3704 0044 0532 0130 00 is mine", "0532"),
        ("card 4111 1111 1111 1111", "1111"),
        ("Order 0012345678 never came", "0012345678"),
        ("see https://example.com/u/ann?id=7", "ann"),
        ("I am Zimmermann, Käthe", "Zimmermann"),
        ("KÄTHE here", "KÄTHE"),
        ("我是王小明，包裹没到", "王小明"),
        ("ผมสมชายครับ", "สมชาย"),
        ("من مریم هستم", "مریم"),
        ("พัสดุมาช้ามากและวิชัยไม่กดกริ่งเลย", "วิชัย"),
        ("من علیرضا کریمی هستم", "علیرضا"),
        ("मैं प्रिया हूँ", "प्रिया"),
        ("Juergen Gross schrieb", "juergen"),
        ("bei Zimmermanns", "zimmermann"),
        ("mail ann (at) example.com", "ann"),
        ("mail ann[at]example[dot]com", "example"),
        ("mail ann AT example DOT com", "example"),
        ("write to t.me/ann_smith", "ann_smith"),
        ("I am @ann_smith there", "ann_smith"),
        ("我的邮箱是ann@example.com请回复", "ann"),
        ("ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ wrote", "ann"),
    ],
)
def test_a_masked_text_contains_no_personal_data(text: str, secret: str) -> None:
    assert secret.casefold() not in MASKING.mask(text).casefold()


def test_common_words_short_numbers_and_dates_are_not_masked() -> None:
    assert MASKING.mask("Die Lieferung war gut").split() == ["Die", "Lieferung", "war", "gut"]
    assert MASKING.mask("zu spät am 3.5.") == "zu spät am 3.5."
    assert MASKING.mask("at home and/or at work, 24/7") == "at home and/or at work, 24/7"


def test_only_the_address_is_masked_in_a_chinese_sentence() -> None:
    assert MASKING.mask("我的邮箱是ann@example.com请回复").split() == ["我的邮箱是", "请回复"]


def test_a_name_is_recognised_in_lower_case_and_within_chinese_text() -> None:
    assert MASKING.is_name("zimmermann")
    assert MASKING.is_name("小明王小明")
    assert MASKING.is_name("小明")
    assert not MASKING.is_name("lieferung")
