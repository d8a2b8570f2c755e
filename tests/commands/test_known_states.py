"""A shop's exports over three days: every order once, in its last state, and as of a day as it was known then."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ckm.customers import ledger_cache, ledger_extension
from ckm.customers.ledger import Ledger
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_all_days
from ckm.dataset import open_dataset
from ckm.profile import profile
from ckm.workspace import lay_out
from tests.conftest import Run
from tests.customers.test_ledger_extension import assert_equal
from tests.ingest.workspace import Desk

HEADER = "order,sku,who,at,net,kind,dated"
MAPPING = """\
table: transactions
columns:
  order_id: order
  product_id: sku
  customer_id: who
  ordered_at: at
  net: net
  currency: {value: EUR}
  type: kind
  dated_by: dated
"""
SAID = ("customer_id", "segment", "recency_days", "frequency", "monetary", "orders")
START = datetime(2024, 1, 1, 9, tzinfo=UTC)
PER_DAY = 9
DAYS = 260


def line(order: int, sku: str, net: float, kind: str = "sale", dated: str = "") -> str:
    at = START + timedelta(days=order // PER_DAY, hours=order % PER_DAY)
    who = order // 9 + Random(-order).randrange(120)
    return f"{order},{sku},customer {who},{at:%Y-%m-%dT%H:%M:%SZ},{net},{kind},{dated}"


def export(day: int) -> list[str]:
    """The shop on the evening of a day: the refunds and cancellations of the nights before are in it."""
    rows = []
    for order in range(PER_DAY * (day + 1)):
        dice = Random(order)
        changes_on = order // PER_DAY + dice.randrange(1, 4) if dice.random() < 0.2 else 10**6
        cancelled = changes_on <= day and dice.random() < 0.4
        skus = ["mug", "pot"][: 1 + order % 2]
        rows += [line(order, sku, 10.0 + len(sku) + order % 5, "cancel" if cancelled else "sale") for sku in skus]
        if changes_on <= day and not cancelled:
            rows.append(line(order, "mug", -4.0, "return", "order"))
    return rows


class Walk:
    def __init__(self, root: Path, run: Run) -> None:
        lay_out(root)
        self.desk, self.run = Desk(root), run
        self.desk.mapping("shop", MAPPING)

    def take(self, name: str, rows: list[str]) -> dict[str, Any]:
        path = self.desk.orders(name, *rows, header=HEADER)
        return self.desk.one(path, "--map", self.desk.root / "maps" / "shop.yaml")

    def customers(self, *words: str) -> list[dict[str, Any]]:
        result = self.run("segment", "-C", self.desk.root, "--customers", "--refit", "-f", "json", *words)
        assert result.exit_code == 0, result.output
        found: list[dict[str, Any]] = json.loads(result.stdout)
        rows = [{name: row[name] for name in SAID} for row in found]
        return sorted(rows, key=lambda row: row["customer_id"])

    def stored(self) -> list[tuple[Any, ...]]:
        rows = self.desk.table().select("order_id", "product_id", "net", "type").rows()
        return sorted(rows)


def number(row: str) -> int:
    return int(row.split(",")[0])


def as_stored(rows: list[str]) -> list[tuple[Any, ...]]:
    cells = [row.split(",") for row in rows]
    return sorted((order, sku, float(net), kind) for order, sku, _, _, net, kind, _ in cells)


def day_of(number: int) -> str:
    return f"{START + timedelta(days=number):%Y-%m-%d}"


@pytest.fixture
def walk(tmp_path: Path, run: Run) -> Walk:
    return Walk(tmp_path / "shop", run)


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_days_loaded_in_any_order_are_known_as_of_each_day(
    tmp_path: Path, run: Run, walk: Walk, order: tuple[int, ...]
) -> None:
    for number in order:
        walk.take(f"day{number}.csv", export(DAYS + number))
    assert walk.stored() == as_stored(export(DAYS + 2))
    for number in range(3):
        alone = Walk(tmp_path / f"alone{number}", run)
        for earlier in range(number + 1):
            alone.take(f"day{earlier}.csv", export(DAYS + earlier))
        assert walk.customers("--as-of", day_of(DAYS + number)) == alone.customers()
    assert walk.customers("--as-of", day_of(DAYS + 2)) == walk.customers()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["segment", "churn-warn", "loyalty-report", "check"])
def test_a_run_as_of_a_day_is_that_of_the_data_of_that_day(tmp_path: Path, run: Run, walk: Walk, command: str) -> None:
    alone = Walk(tmp_path / "alone", run)
    alone.take("day0.csv", export(DAYS))
    walk.take("day1.csv", export(DAYS + 1))
    walk.take("day0.csv", export(DAYS))
    words = ["--as-of", day_of(DAYS), "-f", "json"]
    results = [run(command, "-C", each.desk.root, *words) for each in (walk, alone)]
    assert results[0].exit_code == results[1].exit_code == 0, results[0].output
    then, now = ([row for row in json.loads(each.stdout) if row.get("section") != "data_quality"] for each in results)
    assert then == now


@pytest.mark.slow
def test_a_profile_as_of_a_day_has_the_orders_of_the_data_of_that_day(tmp_path: Path, run: Run, walk: Walk) -> None:
    alone = Walk(tmp_path / "alone", run)
    alone.take("day0.csv", export(DAYS))
    walk.take("day1.csv", export(DAYS + 1))
    walk.take("day0.csv", export(DAYS))
    day = START.date() + timedelta(days=DAYS)
    then, now = (open_dataset(each.desk.root) for each in (walk, alone))
    customers = now.transactions.select("customer_id").unique().collect()["customer_id"].sort().to_list()
    for customer in customers[:40]:
        found = [json.loads(profile(each, customer, as_of=day).to_json()) for each in (then, now)]
        assert found[0] == found[1]


def test_pages_and_a_filter_of_refunds_leave_every_order_once(walk: Walk) -> None:
    first = export(DAYS)
    cut = next(
        at for at in range(len(first) // 2, len(first)) if first[at].split(",")[0] == first[at - 1].split(",")[0]
    )
    walk.take("page1.csv", first[:cut])
    result = walk.take("page2.csv", first[cut:])
    assert any(remark.startswith("1 order was merged") for remark in result["remarks"])
    assert walk.stored() == as_stored(first)
    second = export(DAYS + 1)
    changed = {number(row) for row in second if row not in first and number(row) < PER_DAY * (DAYS + 1)}
    walk.take("refunds.csv", [row for row in second if number(row) in changed])
    walk.take("day1.csv", second)
    assert walk.stored() == as_stored(second)


def test_undo_restores_the_state_before(walk: Walk) -> None:
    walk.take("day0.csv", export(DAYS))
    before = walk.customers("--no-cache")
    walk.take("day1.csv", export(DAYS + 1))
    assert walk.customers() != before
    walk.desk.call("--undo", "day1.csv")
    assert walk.stored() == as_stored(export(DAYS))
    assert walk.customers() == before


@pytest.mark.slow
def test_returns_of_unknown_days_are_in_the_report_and_in_no_feature_of_churn(tmp_path: Path, run: Run) -> None:
    rows = export(DAYS)
    undated = [row for row in rows if row.endswith(",order")]
    with_returns, without = Walk(tmp_path / "with", run), Walk(tmp_path / "without", run)
    with_returns.take("day0.csv", rows)
    without.take("day0.csv", [row for row in rows if row not in undated])
    results = [run("churn-warn", "-C", each.desk.root, "--all", "-f", "json", "-v") for each in (with_returns, without)]
    assert results[0].exit_code == 0, results[0].output
    told = f"{len(undated)} refunds (100% of all) have no date and count on the day of the order"
    assert told in results[0].stderr
    assert told not in results[1].stderr
    probability = [{row["customer_id"]: row["p_churn"] for row in json.loads(each.stdout)} for each in results]
    assert probability[0] == probability[1]
    customers = [sum(row["monetary"] for row in each.customers()) for each in (with_returns, without)]
    assert customers[0] == pytest.approx(customers[1] - 4.0 * len(undated))


def test_the_cached_ledger_is_extended_by_states_and_equals_one_that_is_rebuilt(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_extension, "MOST_CHANGED", 10**9)
    monkeypatch.setattr(ledger_extension, "MOST_REREAD", 10**9)
    rebuilds: list[int] = []

    def rebuilt(*arguments: Any, **options: Any) -> Ledger:
        rebuilds.append(1)
        return read_all_days(*arguments, **options)

    monkeypatch.setattr(ledger_cache, "read_all_days", rebuilt)
    # Where the largest amount goes, the whole is read.
    walk.take("day1.csv", ["100000,mug,whale,2023-12-31T09:00:00Z,99999,sale,", *export(21)])
    steps: list[Callable[[], object]] = [
        lambda: walk.take("day2.csv", export(22)),
        lambda: walk.take("day0.csv", export(20)),
        lambda: walk.desk.call("--undo", "day2.csv"),
        lambda: walk.desk.call("--undo", "day0.csv"),
    ]
    for step in (lambda: None, *steps):
        step()
        dataset = open_dataset(workspace=walk.desk.root)
        extended = cached_ledger(dataset.tables, find_cache(dataset), needs=EVERYTHING, keep_stray_dates=True)
        assert_equal(extended, read_all_days(dataset.tables, needs=EVERYTHING))
        assert extended.returns.sum_of("undated_lines") or step == steps[1]
    assert rebuilds == [1]
