"""What a refusal says, and what it offers."""

from __future__ import annotations

import pytest

from tests.ingest.workspace import Desk

HEADER = "order_id,customer_id,date,amount"


@pytest.mark.parametrize("side", ["{} CR", "{} DR.", "{}d", "{} Haben"])
def test_sides_of_an_account_are_no_matter_of_marks(desk: Desk, side: str) -> None:
    lines = [f"A{n},C{n},2025-01-0{n},{side.format(n + 0.5)}" for n in range(1, 7)]
    result = desk.call(desk.orders("bank.csv", *lines, header=HEADER), "--as", "transactions")
    assert result.exit_code == 3
    assert "with an expression for net" in result.stderr
    assert "--thousands" not in result.stderr


def test_lines_without_their_orders_first_line_name_the_page_before(desk: Desk) -> None:
    header = "Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,"
    header += "Lineitem price,Lineitem sku,Id,Payment Method"
    line = "#7,,,,,,,,1,Mug,5.00,MUG,,"
    result = desk.call(desk.orders("page2.csv", line, line.replace("MUG", "POT"), header=header), "--currency", "EUR")
    assert result.exit_code == 3
    assert "the first line of the order is missing in 2 rows (2, 3)" in result.stderr
    assert "hint: load the file with the first lines of these orders first" in result.stderr
    assert "--currency" not in result.stderr


def test_rows_are_counted_as_the_file_has_them(desk: Desk) -> None:
    header = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Fee,Status,Customer ID"
    paid = [f"ch_{n},2025-01-0{n} 10:00:00,10.00,5.00,eur,true,10.00,0,Paid,C{n}" for n in range(1, 4)]
    result = desk.call(desk.orders("pay.csv", *paid, paid[0].replace("Paid", "Unheard of"), header=header))
    assert "1 of 4 rows failed validation (25.0%, at most 5.0%): status: unknown value in row 5" in result.stderr
    assert "--save-map FILE" in result.stderr
