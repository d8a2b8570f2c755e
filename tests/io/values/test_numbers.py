"""Numbers: every dress that people put them in, and no reading that could be another."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.io.values.numbers import NumberEvidence, NumberStyle, is_number, parse_numbers, weigh_numbers
from ckm.io.values.scripts import DIGITS
from tests.conftest import examples

if TYPE_CHECKING:
    from decimal import Decimal

amounts = st.decimals(-9_999_999, 9_999_999, places=2)


def parse(text: str, decimal: str | None = ".") -> float | None:
    return parse_numbers(pl.Series([text]), NumberStyle(decimal)).item()


def weigh(*texts: str) -> NumberEvidence:
    return weigh_numbers(pl.Series(texts))


def written(amount: Decimal, decimal: str, thousands: str) -> str:
    return f"{amount:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(
    amounts,
    st.sampled_from(
        [(".", ","), (",", "."), (",", " "), (",", "\u202f"), (".", "'"), (".", "’"), (",", "\xa0"), (",", "")]
    ),
    st.sampled_from(["{}", "€ {}", "{} €", "EUR {}", "{}CHF", " {} ", "${}", "{} บาท", "﷼{}", "\u200e{}\u200f"]),
)
def test_an_amount_comes_back_from_every_style(amount: Decimal, marks: tuple[str, str], dress: str) -> None:
    assert parse(dress.format(written(amount, *marks)), marks[0]) == float(amount)


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(amounts, st.sampled_from("٠۰๐０०"))
def test_an_amount_comes_back_from_every_script(amount: Decimal, zero: str) -> None:
    text = "".join(chr(ord(zero) + int(sign)) if sign.isdigit() else sign for sign in f"{amount:.2f}")
    assert parse(text) == float(amount)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(amounts, st.sampled_from([(".", ","), (",", ".")]))
def test_an_amount_with_cents_settles_its_decimal_mark(amount: Decimal, marks: tuple[str, str]) -> None:
    evidence = weigh(written(amount, *marks))
    assert evidence.decimal == marks[0]
    assert parse(written(amount, *marks), None) == float(amount)


@pytest.mark.slow
@settings(max_examples=examples(80))
@given(st.text(alphabet="0123456789.,-+ ()%€e'", max_size=12))
def test_what_is_read_without_a_known_mark_means_the_same_with_every_mark_that_reads_it(text: str) -> None:
    alone = parse(text, None)
    if alone is not None:
        assert alone in (parse(text, "."), parse(text, ","))


def test_all_digits_are_the_digits_they_stand_for() -> None:
    assert all(unicodedata.decimal(digit) == int(value) for digit, value in DIGITS.items())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-5", -5), ("5-", -5), ("(5.00)", -5), ("−5", -5), ("- 5", -5), ("-$5", -5), ("$-5", -5), ("($5)", -5),
        ("$(5)", -5),
        ("+5", 5), ("5,-", 5), ("5.--", 5), ("10%", 0.1), ("10 %", 0.1), ("12,5 ٪", None), (".5", 0.5), ("5.", 5),
        ("1e3", 1000), ("1,23,456.78", 123456.78), ("۱۲٫۵", 12.5), ("۱٬۲۳۴٫۵", 1234.5), ("US$ 3", 3), ("3 kr.", 3),
    ],
)  # fmt: skip
def test_signs_and_dress_are_understood(text: str, value: float | None) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    "text", ["", "abc", "12.34.56", "1,2345", "12,34", "1..2", "5-5", "inf", "NaN", "0x10", "1_000", "€", "--5", "1 2"]
)
def test_invalid_numbers_are_null(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("texts", "decimal"),
    [
        (["12.5"], "."), (["1,23"], ","), (["1.234,56"], ","), (["1,234.56"], "."), (["1.234.567"], ","),
        (["0,125"], ","),
        (["1234.567"], "."), (["1 234,567"], ","), (["1,234", "9.99"], "."), (["1.234E5"], "."),
        (["1.234", "12,5"], ","),
    ],
)  # fmt: skip
def test_one_telling_value_settles_the_mark(texts: list[str], decimal: str) -> None:
    assert weigh(*texts).decimal == decimal


def test_groups_of_three_alone_leave_the_mark_open() -> None:
    assert weigh("1,234", "5,678", "12").is_open
    assert weigh("1.234").is_open


def test_whole_numbers_need_no_mark() -> None:
    evidence = weigh("1", "20", "-3000", "1 234")
    assert not evidence.is_open
    assert evidence.decimal is None


def test_a_slip_among_many_does_not_unsettle_the_mark() -> None:
    slip = NumberEvidence(point=1000, comma=1)
    assert slip.decimal == "."
    assert slip.is_mixed
    assert NumberEvidence(point=3, comma=2, open=1).is_open


def test_without_a_mark_only_what_speaks_for_itself_is_read() -> None:
    assert [parse(text, None) for text in ("12.5", "12,5", "1,234", "1.234", "7")] == [12.5, 12.5, None, None, 7]


@pytest.mark.parametrize("decimal", [".", ",", None])
@settings(max_examples=examples(60))
@given(text=st.text(alphabet="0123456789.,-+e", min_size=1, max_size=10))
def test_the_quick_way_never_disagrees_with_the_careful_one(decimal: str | None, text: str) -> None:
    style = NumberStyle(decimal)
    quick = pl.DataFrame({"text": [text]}).select(style.quick(pl.col("text"))).item()
    if quick is not None:
        assert quick == parse(text, decimal)


def test_a_known_thousands_mark_excludes_the_others() -> None:
    assert parse_numbers(pl.Series(["1.234", "1 234"]), NumberStyle(",", ".")).to_list() == [1234, None]


def test_numbers_are_distinguished_from_words() -> None:
    assert is_number(pl.Series(["1,5", "1.5", "€3", "x", "3 apples"])).to_list() == [True, True, True, False, False]
