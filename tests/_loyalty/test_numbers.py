"""Numbers, money and days as each language writes them."""

from __future__ import annotations

from datetime import date

import pytest

from ckm._loyalty.numbers import ISOLATE, JOINER, RELEASE, Numbers
from ckm.customers.period import Period

LOCALES = {"en": "en", "de": "de", "zh": "zh_Hans_CN", "th": "th", "fa": "fa"}


def numbers(lang: str) -> Numbers:
    return Numbers(LOCALES[lang], "EUR")


def bare(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, f"{ISOLATE}{RELEASE}{JOINER}\u200e"))).replace("\xa0", " ")


@pytest.mark.parametrize(
    ("lang", "money", "share", "change"),
    [
        ("en", "€1,234,568", "12.3%", "−€12.50"),
        ("de", "1.234.568 €", "12,3 %", "−12,50 €"),
        ("zh", "€1,234,568", "12.3%", "−€12.50"),
        ("th", "€1,234,568", "12.3%", "−€12.50"),
        ("fa", "€ ۱٬۲۳۴٬۵۶۸", "۱۲٫۳٪", "−€ ۱۲٫۵۰"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(lang: str, money: str, share: str, change: str) -> None:
    write = numbers(lang)
    assert bare(write.money(1_234_567.8)) == money
    assert bare(write.share(0.1234, 1)) == share
    assert bare(write.money(-12.5, signed=True)) == change


@pytest.mark.parametrize(
    ("lang", "day", "month"),
    [
        ("en", "June 30, 2026", "Jun 2026"),
        ("de", "30. Juni 2026", "Juni 2026"),
        ("zh", "2026年6月30日", "2026年6月"),
        ("th", "30 มิถุนายน ค.ศ. 2026", "มิ.ย. 2026"),
        ("fa", "۳۰ ژوئن ۲۰۲۶", "ژوئن ۲۰۲۶"),
    ],
)
def test_days_are_those_of_the_gregorian_calendar_in_every_language(lang: str, day: str, month: str) -> None:
    assert bare(numbers(lang).day(date(2026, 6, 30))) == day
    assert bare(numbers(lang).month("2026-06")) == month


def test_a_period_breaks_between_its_ends_only() -> None:
    period = Period(date(2025, 7, 1), date(2026, 6, 30))
    assert numbers("de").period(period) == "1.\xa0Juli\xa02025 – 30.\xa0Juni\xa02026"
    assert bare(numbers("fa").period(period)) == "۱ ژوئیه ۲۰۲۵ تا ۳۰ ژوئن ۲۰۲۶"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert numbers("en").share(-0.0004, signed=True) == "0%"
    assert numbers("en").money(-0.004, signed=True) == "€0.00"


def test_exact_amounts_keep_their_cents_and_a_currency_without_cents_has_none() -> None:
    assert numbers("en").money(1_234_567.8, exact=True) == "€1,234,567.80"
    assert Numbers("en", "JPY").money(1_234.0, exact=True) == "¥1,234"


def test_a_persian_number_keeps_its_sign_and_unit_beside_it() -> None:
    text = numbers("fa").share(-0.5)
    assert text.startswith(ISOLATE)
    assert text.endswith(RELEASE)


def test_what_is_no_month_stays_as_it_is() -> None:
    assert numbers("de").month("(none)") == "(none)"
