"""Messages and hints of a file that is refused because too many rows failed."""

from __future__ import annotations

import json

import pytest

from tests.ingest.workspace import Desk

HEADER = "order_id,customer_id,date,amount"


@pytest.mark.parametrize("side", ["{} CR", "{} DR.", "{}d", "{} Haben"])
def test_debit_and_credit_marks_are_not_fixed_by_decimal_options(desk: Desk, side: str) -> None:
    lines = [f"A{n},C{n},2025-01-0{n},{side.format(n + 0.5)}" for n in range(1, 7)]
    result = desk.call(desk.orders("bank.csv", *lines, header=HEADER), "--as", "transactions")
    assert result.exit_code == 3
    assert "with an expression for net" in result.stderr
    assert "--thousands" not in result.stderr


@pytest.mark.parametrize(("side", "every"), [("{} CR", 3), ("{} DR", 4)])
def test_a_few_debit_or_credit_marks_are_not_fixed_by_decimal_options(desk: Desk, side: str, every: int) -> None:
    amounts = [side.format(n) if n % every == 0 else f"{n}.50" for n in range(1, 9)]
    lines = [f"A{n},C{n},2025-01-0{n},{amount}" for n, amount in enumerate(amounts, start=1)]
    result = desk.call(desk.orders("bank.csv", *lines, header=HEADER), "--as", "transactions")
    assert result.exit_code == 3
    assert "with an expression for net" in result.stderr


def test_a_percentage_among_amounts_is_named_as_one(desk: Desk) -> None:
    lines = [f"A{n},C{n},2025-01-0{n},{'10.5%' if n == 3 else n}" for n in range(1, 9)]
    result = desk.call(desk.orders("rates.csv", *lines, header=HEADER), "--as", "transactions")
    assert result.exit_code == 3
    assert "hint: a percentage is no amount: correct these rows in the file" in result.stderr


def test_records_of_json_have_no_options_of_csv(desk: Desk) -> None:
    good = [{"order_id": f"A{n}", "customer_id": "C", "date": "2025-01-02", "amount": n} for n in range(1, 5)]
    twice = '{"order_id": "A9", "order_id": "A8", "customer_id": "C", "date": "2025-01-02", "amount": 1}'
    path = desk.root / "incoming" / "orders.jsonl"
    path.write_text("\n".join([*map(json.dumps, good), twice]) + "\n", encoding="utf-8")
    result = desk.call(path, "--as", "transactions")
    assert result.exit_code == 3
    assert "correct these rows in the file" in result.stderr
    assert "--delimiter" not in result.stderr


def test_lines_without_their_orders_first_line_name_the_page_before(desk: Desk) -> None:
    header = "Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,"
    header += "Lineitem price,Lineitem sku,Id,Payment Method"
    line = "#7,,,,,,,,1,Mug,5.00,MUG,,"
    result = desk.call(desk.orders("page2.csv", line, line.replace("MUG", "POT"), header=header), "--currency", "EUR")
    assert result.exit_code == 3
    assert "the first line of the order is missing in 2 rows (2, 3)" in result.stderr
    assert "hint: load the file with the first lines of these orders first" in result.stderr
    assert "--currency" not in result.stderr


def test_failed_rows_are_counted_as_records_of_the_file(desk: Desk) -> None:
    header = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Fee,Status,Customer ID"
    paid = [f"ch_{n},2025-01-0{n} 10:00:00,10.00,5.00,eur,true,10.00,0,Paid,C{n}" for n in range(1, 4)]
    result = desk.call(desk.orders("pay.csv", *paid, paid[0].replace("Paid", "Unheard of"), header=header))
    assert "1 of 4 rows failed validation (25.0%, at most 5.0%): status: unknown value in row 5" in result.stderr
    assert "--save-map FILE" in result.stderr
