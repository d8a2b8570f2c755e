"""A sale loaded from a shop and from its payments is found, and counts once if the payments are declared."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from ckm.check import check_tables, reconcile
from ckm.customers import ledger_extension
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_all_days
from ckm.dataset import open_dataset
from ckm.workspace import lay_out
from tests.conftest import Run
from tests.customers.test_ledger_extension import assert_equal
from tests.ingest.workspace import Desk

START = datetime(2024, 3, 1, 9, tzinfo=UTC)
Rows = list[dict[str, Any]]


def row(
    source: str, order: str, day: int, net: float, who: str | None, kind: str = "sale", **more: str
) -> dict[str, Any]:
    at = START + timedelta(days=day)
    return {"source": source, "order_id": order, "customer_id": who, "ordered_at": at, "net": net, "currency": "EUR",
            "type": kind, **more}  # fmt: skip


def shop(count: int = 60) -> Rows:
    dice = Random(1)
    return [
        row("shop", f"#{1000 + n}", n // 2, dice.randrange(500, 9000) / 100, f"c{n % 25}@example.com")
        for n in range(count)
    ]


def payments(orders: Rows, *, described: bool, shipping: float = 0.0) -> Rows:
    """Return payments with ids of their own, which name the order in a description, or only the customer's address."""
    return [
        row("pay", f"ch_{n:05}x", (each["ordered_at"] - START).days, each["net"] + shipping, f"cus_{n % 25}",
            Description=f"Order {each['order_id']}" if described else "Payment", Email=each["customer_id"].upper())
        for n, each in enumerate(orders)
    ]  # fmt: skip


def frame(*parts: Rows) -> pl.LazyFrame:
    return pl.concat([pl.DataFrame(part) for part in parts], how="diagonal").lazy()


def found(*parts: Rows) -> list[Any]:
    return [each for each in check_tables({"transactions": frame(*parts)}).findings if each.check == "same_sales"]


@pytest.mark.parametrize(("described", "shipping"), [(True, 0.0), (True, 4.9), (False, 0.0)])
def test_the_same_sale_from_two_sources_is_an_error_with_its_share(described: bool, shipping: float) -> None:
    orders = shop()
    [finding] = found(orders, payments(orders[:40], described=described, shipping=shipping))
    assert (finding.count, finding.value, finding.part) == (40, 1.0, "pay, shop")
    assert "payments: [pay]" in finding.hint


def test_two_sources_with_different_sales_are_no_finding() -> None:
    dice = Random(2)
    others = [
        row("till", f"t{n}", n // 2, dice.randrange(500, 9000) / 100, f"c{n % 25}@example.com") for n in range(60)
    ]
    assert not found(shop(), others)
    assert not found(shop())


def test_equal_amounts_in_a_shop_with_one_price_match_by_chance() -> None:
    one = [row("shop", f"a{n}", n // 4, 10.0, f"c{n % 3}") for n in range(80)]
    other = [row("till", f"b{n}", n // 4, 10.0, f"c{n % 3}") for n in range(80)]
    assert not found(one, other)


def test_orders_without_a_payment_and_payments_without_an_order_are_listed() -> None:
    orders = [*shop(10), row("shop", "#2000", 3, 5.0, "c1@example.com", "cancel")]
    paid = payments(orders[:8], described=True)
    paid += [
        row("pay", "ch_fail1", 1, 9.0, "cus_1", "cancel", Description="Order #1001", Email=""),
        row("pay", "ch_fail2", 3, 5.0, "cus_1", "cancel", Description="Order #2000", Email=""),
        row("pay", "ch_alone", 4, 3.0, "cus_1", Description="Order #9999", Email=""),
    ]
    result = reconcile(frame(orders), frame(paid)).select("kind", "order_id", "payment_id").rows()
    assert result == [
        ("unpaid", "#1008", None),
        ("unpaid", "#1009", None),
        ("failed", "#2000", "ch_fail2"),
        ("unmatched", None, "ch_alone"),
    ]
    earlier = reconcile(frame(orders), frame(paid), as_of=date(2024, 3, 2))
    assert earlier.is_empty()


SHOP = """\
table: transactions
columns: {order_id: order, customer_id: mail, ordered_at: at, net: net, currency: {value: EUR}, type: kind}
"""
PAY = """\
table: transactions
payments: yes
columns: {order_id: id, customer_id: who, ordered_at: at, net: amount, currency: {value: EUR}, type: kind}
"""


class Shop:
    def __init__(self, root: Path) -> None:
        lay_out(root)
        self.desk = Desk(root)
        self.desk.mapping("shop", SHOP)

    def take(self, name: str, header: str, rows: list[str], mapping: str) -> None:
        path = self.desk.orders(name, *rows, header=header)
        self.desk.one(path, "--map", self.desk.root / "maps" / f"{mapping}.yaml")

    def orders(self, first: int, last: int) -> None:
        rows = [f"#{n},c{n % 9}@x.org,{START + timedelta(days=n):%Y-%m-%d},{10 + n},sale" for n in range(first, last)]
        self.take(f"shop{first}.csv", "order,mail,at,net,kind", rows, "shop")

    def paid(self, first: int, last: int) -> None:
        rows = [
            f"ch{n},cus{n % 9},{START + timedelta(days=n):%Y-%m-%d},{10 + n},sale,Order #{n}"
            for n in range(first, last)
        ]
        self.take(f"pay{first}.csv", "id,who,at,amount,kind,Description", rows, "pay")


@pytest.mark.parametrize("declared", ["mapping", "ckm.yaml"])
def test_declared_payments_are_reconciled_and_not_added(tmp_path: Path, run: Run, declared: str) -> None:
    made = Shop(tmp_path / "shop")
    made.orders(0, 40)
    alone = run("segment", "-C", made.desk.root, "-f", "json", "--refit").stdout
    made.desk.mapping("pay", PAY if declared == "mapping" else PAY.replace("payments: yes\n", ""))
    made.paid(0, 35)
    if declared == "ckm.yaml":
        assert run("segment", "-C", made.desk.root, "-f", "json", "--refit").stdout != alone
        findings = json.loads(run("check", "-C", made.desk.root, "-f", "json").stdout)
        assert [each["count"] for each in findings if each["check"] == "same_sales"] == [35]
        settings = made.desk.root / "ckm.yaml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("payments: []", "payments: [pay]"), encoding="utf-8")
    assert run("segment", "-C", made.desk.root, "-f", "json", "--refit").stdout == alone
    findings = json.loads(run("check", "-C", made.desk.root, "-f", "json").stdout)
    assert [(each["part"], each["count"]) for each in findings if each["check"] == "payments"] == [("unpaid", 5)]
    assert not [each for each in findings if each["check"] == "same_sales"]
    listed = run("check", "-C", made.desk.root, "--payments", "-f", "json")
    assert [each["order_id"] for each in json.loads(listed.stdout)] == [f"#{n}" for n in range(35, 40)]


def test_a_ledger_without_payments_is_extended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_extension, "MOST_CHANGED", 10**9)
    monkeypatch.setattr(ledger_extension, "MOST_REREAD", 10**9)
    made = Shop(tmp_path / "shop")
    made.desk.mapping("pay", PAY)
    made.orders(0, 40)
    for step in (lambda: made.paid(0, 20), lambda: made.orders(40, 50), lambda: made.paid(20, 45)):
        dataset = open_dataset(workspace=made.desk.root)
        cached_ledger(dataset.tables, find_cache(dataset), needs=EVERYTHING, keep_stray_dates=True)
        step()
        dataset = open_dataset(workspace=made.desk.root)
        extended = cached_ledger(dataset.tables, find_cache(dataset), needs=EVERYTHING, keep_stray_dates=True)
        assert_equal(extended, read_all_days(dataset.tables, needs=EVERYTHING))
        assert not [each for each in extended.customers if each.startswith("cus")]


def test_payments_need_to_be_declared_to_be_listed(tmp_path: Path, run: Run) -> None:
    made = Shop(tmp_path / "shop")
    made.orders(0, 3)
    result = run("check", "-C", made.desk.root, "--payments")
    assert result.exit_code == 2
    assert "payments: [SOURCE]" in result.output
