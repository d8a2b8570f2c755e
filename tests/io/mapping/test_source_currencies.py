"""A currency in the name of a column of amounts is the currency of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

import ckm
from ckm.errors import UsageError
from ckm.io.mapping.proposal import propose_mapping
from ckm.io.mapping.source_currencies import currency_in_name
from tests.conftest import Run


@pytest.mark.parametrize(
    ("column", "name", "mark"),
    [
        ("Purchase Amount (USD)", "Purchase Amount", "USD"), ("revenue_usd", "revenue", "usd"),
        ("Umsatz in EUR", "Umsatz", "EUR"), ("Betrag €", "Betrag", "€"), ("Betrag€", "Betrag", "€"),
        ("GBP_amount", "amount", "GBP"), ("ยอดขาย (บาท)", "ยอดขาย", "บาท"), ("金额（元）", "金额", "元"),
        ("Amount ($)", "Amount", "$"), ("Amount [in CHF]", "Amount", "CHF"),
    ],
)  # fmt: skip
def test_a_currency_is_found_in_a_column_name(column: str, name: str, mark: str) -> None:
    assert currency_in_name(column) == (name, mark)


@pytest.mark.parametrize(
    "column", ["net_all", "total top", "amount", "USD", "price (per unit)", "Amount (net)", "sum_pen"]
)
def test_a_word_is_no_currency(column: str) -> None:
    assert currency_in_name(column) is None


@pytest.mark.parametrize(
    ("column", "currency"), [("Amount USD", "USD"), ("Umsatz in EUR", "EUR"), ("sales_gbp", "GBP")]
)
def test_the_currency_of_the_name_is_that_of_the_file(column: str, currency: str) -> None:
    proposal = propose_mapping(["customer_id", "date", column], "transactions", default_currency="THB")
    assert getattr(proposal.mapping.columns["currency"], "value", None) == currency
    assert any(f"currency {currency}, by the name" in remark for remark in proposal.assumed)


def test_amounts_of_two_currencies_are_ambiguous() -> None:
    with pytest.raises(UsageError, match="both match net"):
        propose_mapping(["customer_id", "date", "Amount (USD)", "Amount (EUR)"], "transactions")


def written(folder: Path, column: str) -> Path:
    rows = [f"C{number % 7},2024-0{1 + number % 9}-10,{10 + number}" for number in range(40)]
    (folder / "sales.csv").write_text("\n".join([f"customer_id,date,{column}", *rows]))
    return folder / "sales.csv"


def test_segments_are_in_the_currency_of_the_name(tmp_path: Path) -> None:
    assert ckm.open(written(tmp_path, "Amount (GBP)")).segment().currency == "GBP"


def test_a_sign_of_several_currencies_and_a_contradicting_option_are_refused(tmp_path: Path, run: Run) -> None:
    shared = run("segment", written(tmp_path, "Amount ($)"))
    assert (shared.exit_code, "--currency" in shared.stderr) == (2, True)
    assert run("segment", written(tmp_path, "Amount ($)"), "--currency", "USD").exit_code == 0
    assert run("segment", written(tmp_path, "Amount (GBP)"), "--currency", "USD").exit_code == 2
