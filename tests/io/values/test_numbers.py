"""Numbers are parsed in every common format, and ambiguous ones are rejected."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.io.values.numbers import NumberEvidence, NumberStyle, is_number, number_evidence, parse_numbers
from ckm.io.values.scripts import DIGITS
from tests.conftest import examples

if TYPE_CHECKING:
    from decimal import Decimal

amounts = st.decimals(-9_999_999, 9_999_999, places=2)


def parse(text: str, decimal: str | None = ".") -> float | None:
    return parse_numbers(pl.Series([text]), NumberStyle(decimal)).item()


def weigh(*texts: str) -> NumberEvidence:
    return number_evidence(pl.Series(texts))


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
def test_a_formatted_amount_is_parsed_back_in_every_style(amount: Decimal, marks: tuple[str, str], dress: str) -> None:
    assert parse(dress.format(written(amount, *marks)), marks[0]) == float(amount)


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(amounts, st.sampled_from("٠۰๐０०"))
def test_a_formatted_amount_is_parsed_back_in_every_script(amount: Decimal, zero: str) -> None:
    text = "".join(chr(ord(zero) + int(sign)) if sign.isdigit() else sign for sign in f"{amount:.2f}")
    assert parse(text) == float(amount)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(amounts, st.sampled_from([(".", ","), (",", ".")]))
def test_an_amount_with_cents_determines_the_decimal_mark(amount: Decimal, marks: tuple[str, str]) -> None:
    evidence = weigh(written(amount, *marks))
    assert evidence.decimal == marks[0]
    assert parse(written(amount, *marks), None) == float(amount)


@pytest.mark.slow
@settings(max_examples=examples(80))
@given(st.text(alphabet="0123456789.,-+ ()%€e'", max_size=12))
def test_a_number_parsed_without_a_decimal_mark_has_the_same_value_with_any_mark_that_parses_it(text: str) -> None:
    alone = parse(text, None)
    if alone is not None:
        assert alone in (parse(text, "."), parse(text, ","))


def test_digits_of_every_script_have_their_value() -> None:
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
def test_signs_and_currencies_around_numbers_are_parsed(text: str, value: float | None) -> None:
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
def test_one_unambiguous_value_determines_the_decimal_mark(texts: list[str], decimal: str) -> None:
    assert weigh(*texts).decimal == decimal


def test_groups_of_three_digits_leave_the_decimal_mark_ambiguous() -> None:
    assert weigh("1,234", "5,678", "12").is_open
    assert weigh("1.234").is_open


def test_whole_numbers_need_no_decimal_mark() -> None:
    evidence = weigh("1", "20", "-3000", "1 234")
    assert not evidence.is_open
    assert evidence.decimal is None


def test_a_single_deviating_value_does_not_change_the_decimal_mark() -> None:
    slip = NumberEvidence(point=1000, comma=1)
    assert slip.decimal == "."
    assert slip.is_mixed
    assert NumberEvidence(point=3, comma=2, open=1).is_open


def test_without_a_decimal_mark_only_unambiguous_numbers_are_parsed() -> None:
    assert [parse(text, None) for text in ("12.5", "12,5", "1,234", "1.234", "7")] == [12.5, 12.5, None, None, 7]


@pytest.mark.parametrize("decimal", [".", ",", None])
@settings(max_examples=examples(60))
@given(text=st.text(alphabet="0123456789.,-+e", min_size=1, max_size=10))
def test_the_fast_path_agrees_with_the_careful_path(decimal: str | None, text: str) -> None:
    style = NumberStyle(decimal)
    quick = pl.DataFrame({"text": [text]}).select(style.quick(pl.col("text"))).item()
    if quick is not None:
        assert quick == parse(text, decimal)


def test_a_given_thousands_separator_excludes_the_others() -> None:
    assert parse_numbers(pl.Series(["1.234", "1 234"]), NumberStyle(",", ".")).to_list() == [1234, None]


def test_numbers_are_distinguished_from_words() -> None:
    assert is_number(pl.Series(["1,5", "1.5", "€3", "x", "3 apples"])).to_list() == [True, True, True, False, False]
