"""Personal data: found in every script and spelling; similar texts are not reported; messages never contain it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._kb.entry_files import read_folder
from ckm._kb.lint import LintOptions, lint_base
from ckm._kb.lint.personal_data import luhn, personal_kinds
from ckm.severity import Severity

from .bases import TODAY, full, write

MAIL, ROLE, PHONE, CARD, IBAN = (
    "an e-mail address",
    "a role mailbox",
    "a telephone number",
    "a card number",
    "an account number (IBAN)",
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to anna.meier@shop.example today", MAIL),
        ("客户邮箱：wang.li@例子.公司。", MAIL),
        ("อีเมล somchai@shop.example", MAIL),
        ("anna＠shop．example", MAIL),
        ("mail to Support@shop.example", ROLE),
        ("call +49 30 12345678", PHONE),
        ("call 0049 (30) 123-456-78", PHONE),
        ("call 030 / 123 45 67", PHONE),
        ("โทร 0812345678", PHONE),
        ("电话 13812345678", PHONE),
        ("تلفن ۰۹۱۲۳۴۵۶۷۸۹", PHONE),
        ("ring (555) 123-4567", PHONE),
        ("電話 ０３－１２３４－５６７８", PHONE),
        ("電話（０３）１２３４ー５６７８", PHONE),
        ("ruf 030–1234567 an", PHONE),
        ("请打电话13812345678谢谢", PHONE),
        ("โทร0812345678", PHONE),
        ("ruf 030‎‑‎1234567 an", PHONE),
        ("card 4111–1111–1111–1111", CARD),
        ("card 4111 1111 1111 1111", CARD),
        ("card 4111-1111-1111-1111.", CARD),
        ("card 378282246310005", CARD),
        ("карта 5555555555554444", CARD),
        ("๔๑๑๑๑๑๑๑๑๑๑๑๑๑๑๑", CARD),
        ("to DE89 3704 0044 0532 0130 00", IBAN),
        ("to gb82west12345698765432", IBAN),
    ],
)
def test_personal_data_is_found(text: str, kind: str) -> None:
    assert list(personal_kinds(text)) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-06-30 or 30.06.2026 or 2026/06/30",
        "from 2026-01-01 2026-12-31",
        "order 4006381333931",  # an article number
        "order 4111 1111 1111 1112",
        "order 1234567890123456",
        "DE89 3704 0044 0532 0130 01",
        "free call 0800 123 4567",
        "+800 1234 5678",
        "from 1,000,000.00 to 2,000,000.50 EUR",
        "version 1.2.3.4.5.6",
        "a@b and @home and me@localhost",
        "size 42 for 19.99 in 2026",
        "GES-051, GES-052, P0001-P0400",
    ],
)
def test_texts_that_resemble_personal_data_are_not_reported(text: str) -> None:
    assert personal_kinds(text) == {}


@given(st.text())
def test_no_text_raises_an_exception(text: str) -> None:
    assert set(personal_kinds(text)) <= {MAIL, ROLE, PHONE, CARD, IBAN}


@given(st.text("0123456789", min_size=1, max_size=18))
def test_exactly_one_of_ten_check_digits_is_valid(digits: str) -> None:
    assert sum(luhn(digits + str(check)) for check in range(10)) == 1


def test_published_card_numbers_are_valid() -> None:
    # https://www.paypalobjects.com/en_GB/vhelp/paypalmanager_help/credit_card_numbers.htm
    for number in ("378282246310005", "5610591081018250", "30569309025904", "6011111111111117", "3530111333300000"):
        assert luhn(number)


def test_messages_never_contain_personal_data_and_declared_data_are_an_info(tmp_path: Path) -> None:
    texts = ("Ask anna.meier@shop.example", "Pay with 4111 1111 1111 1111", "Call +49 30 12345678 now")
    for text in texts:
        write(tmp_path, full(title="x", issue=text, more=f"aliases: ['{text}']\nnote: {{deep: ['{text}']}}"))
        report = lint_base(read_folder(tmp_path), TODAY)
        found = [each for each in report.findings if each.rule == "personal-data"]
        assert [each.message.partition("under ")[2] for each in found] == ["'issue'", "'aliases'", "'note'"]
        assert not any(("anna" in f"{each}" and "@" in f"{each}") or "1111" in f"{each}" for each in report.findings)
        write(tmp_path, full(title="x", issue=text, more="access: {contains_personal_data: true}"))
        report = lint_base(read_folder(tmp_path), TODAY)
        assert {each.severity for each in report.findings if each.rule == "personal-data"} == {Severity.info}
    assert lint_base(read_folder(tmp_path), TODAY, LintOptions(skip=("personal-data",))).findings == ()


def test_owners_and_authors_may_be_email_addresses(tmp_path: Path) -> None:
    write(
        tmp_path, full().replace("owner: anna", "owner: anna@shop.example").replace("by: ben", "by: ben@shop.example")
    )
    assert lint_base(read_folder(tmp_path), TODAY).findings == ()
