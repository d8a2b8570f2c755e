"""A cached ledger that is updated equals a rebuilt one, array by array, after any changes of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_series_equal

from ckm.customers import ledger_cache, ledger_extension
from ckm.customers.ledger import Ledger
from ckm.customers.ledger_cache import FILE, cached_ledger, find_cache
from ckm.customers.ledger_file import StoredLedger
from ckm.customers.ledger_needs import EVERYTHING, LEAST, Needs
from ckm.customers.ledger_reader import read_all_days, read_rows
from ckm.dataset import open_dataset
from ckm.identities import FILE as IDENTITIES
from ckm.identities import Identities, Link, ordered, read_identities
from ckm.store import Store
from tests.conftest import Run
from tests.metrics.stores import example_frames

START = datetime(2024, 3, 1, tzinfo=UTC)
HEADER = "order_id,line_no,customer_id,ordered_at,net,currency,type,category,channel,cost,discount,campaign_id"
LARGEST = "largest,1,whale,2024-02-01T12:00:00Z,99999,EUR,sale,tea,web,,,"
"""Order with the largest amount; its removal would force a rebuild, so most tests keep it."""
CUSTOMERS = ("ann", "bob", "cho", "a customer with a long id", "a customer with a long id too", "ชาย", "zoe", "")
VALUES = ("tea", "ware", "", "(none)", "a category of many letters", "ชา")


def line(dice: Random, order: int, number: int, until: int = 40) -> str:
    at = START + timedelta(days=dice.randrange(until), minutes=dice.randrange(0, 1440, 17))
    cost = dice.choice(["", "", f"{dice.randrange(500) / 100}"])
    return (
        f"{order},{number},{dice.choice(CUSTOMERS)},{at:%Y-%m-%dT%H:%M:%SZ},{dice.randrange(-300, 2000) / 100},EUR,"
        f"{dice.choice(['sale', 'sale', 'sale', 'return', 'cancel'])},{dice.choice(VALUES[: 2 + order % 5])},"
        f"{dice.choice(['web', 'till', 'web', 'app', ''][: 2 + order % 4])},{cost},{dice.choice(['', '', '0.5'])},"
        f"{dice.choice(['', 'may'])}"
    )


class Shop:
    """A workspace with random loads, updates, undos and erasures."""

    def __init__(self, root: Path, run: Run, dice: Random) -> None:
        self.root, self.run, self.dice, self.orders, self.files = root, run, dice, 0, 0
        assert run("init", root).exit_code == 0

    @property
    def store(self) -> Store:
        return Store(self.root / "store")

    def take(self, *lines: str) -> None:
        self.files += 1
        path = self.root.parent / f"{self.files}.csv"
        path.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
        result = self.run("ingest", path, "--as", "transactions", "-C", self.root, "--on-conflict", "replace")
        assert result.exit_code == 0, result.output

    def new_orders(self) -> None:
        count = self.dice.choice([1, 2, 12])
        self.take(*(line(self.dice, self.orders + each, n) for each in range(count) for n in (1, 2, 3)[: 1 + each % 3]))
        self.orders += count

    def updates(self) -> None:
        some = {self.dice.randrange(self.orders) for _ in range(3)}
        self.take(*(line(self.dice, order, n) for order in some for n in (1, 2)))

    def undo(self) -> None:
        loads = [load for load in self.store.history()[1:] if not load.undone and load.facts.kind != "undo"]
        if loads:
            self.store.undo(self.dice.choice(loads).facts.load_id)

    def erase(self) -> None:
        self.store.erase_customer(self.dice.choice(CUSTOMERS[:-1]))

    def link(self) -> None:
        """Link two customers, or customers of two persons."""
        one, other = self.dice.sample(CUSTOMERS[:-1], 2)
        known = read_identities(self.root / IDENTITIES)
        known.having([ordered(Link(one, other, by="Ann", person_id=one))]).write(self.root / IDENTITIES)

    def unlink(self) -> None:
        known = read_identities(self.root / IDENTITIES).links
        kept = tuple(link for link in known if self.dice.random() < 0.5)
        Identities(kept).write(self.root / IDENTITIES)

    def customer_leaves_by_update(self) -> None:
        """Load an update that assigns all orders of a customer to another customer."""
        who = self.dice.choice(CUSTOMERS[:3])
        theirs = self.store.scan("transactions").filter(pl.col("customer_id") == who).collect()
        self.take(
            *(
                f"{row['order_id']},{row['line_no']},bob,{row['ordered_at']:%Y-%m-%dT%H:%M:%SZ},{row['net']},EUR,"
                f"{row['type']},new,,,,"
                for row in theirs.iter_rows(named=True)
            )
        )

    def extended(self, needs: Needs = EVERYTHING, **options: Any) -> Ledger:
        dataset = open_dataset(workspace=self.root)
        return cached_ledger(dataset.tables, find_cache(dataset), needs=needs, keep_stray_dates=True, **options)

    def rebuilt(self, needs: Needs = EVERYTHING, **options: Any) -> Ledger:
        return read_all_days(open_dataset(workspace=self.root).tables, needs=needs, **options)


@pytest.fixture
def shop(tmp_path: Path, run: Run) -> Callable[[int], Shop]:
    def make(seed: int) -> Shop:
        made = Shop(tmp_path / "shop", run, Random(seed))
        made.take(LARGEST, *(line(made.dice, order, 1, until=20) for order in range(30)))
        made.orders = 30
        return made

    return make


@pytest.fixture
def always_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Update the ledger however much changed; in a small shop a rebuild would always be as fast."""
    monkeypatch.setattr(ledger_extension, "MOST_CHANGED", 10**9)
    monkeypatch.setattr(ledger_extension, "MOST_REREAD", 10**9)


@pytest.fixture
def rebuilds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Return a list that gets one element per rebuild from all transactions."""
    found: list[int] = []

    def counted(*arguments: Any, **options: Any) -> Ledger:
        found.append(1)
        return read_all_days(*arguments, **options)

    monkeypatch.setattr(ledger_cache, "read_all_days", counted)
    return found


def assert_equal(one: Ledger, other: Ledger) -> None:
    """Assert that all facts and arrays of two ledgers are equal, in the same order."""
    packed, expected = StoredLedger.of(one), StoredLedger.of(other)
    assert packed.facts == expected.facts
    assert list(packed.arrays) == list(expected.arrays)
    for name, each in expected.arrays.items():
        np.testing.assert_array_equal(packed.arrays[name], each, err_msg=name)
    assert_series_equal(one.customers, other.customers)
    assert one.left_out == other.left_out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_an_updated_ledger_equals_a_rebuilt_one_after_any_sequence_of_changes(
    shop: Callable[[int], Shop], seed: int, always_updated: None, rebuilds: list[int]
) -> None:
    made = shop(seed)
    made.extended()
    steps = [made.new_orders] * 3 + [made.updates] * 3 + [made.undo, made.undo, made.erase]
    steps += [made.customer_leaves_by_update, made.link, made.link, made.link, made.unlink, made.unlink]
    for _ in range(12):
        assert rebuilds == [1]
        step = made.dice.choice(steps)
        step()
        if step == made.erase:
            assert not (made.root / "store" / "ledger" / FILE).exists()
            rebuilds.clear()
        needs = made.dice.choice([EVERYTHING, LEAST, Needs(amounts=True), Needs(baskets=True)])
        if rebuilds:
            assert_equal(made.extended(needs), made.rebuilt(needs))  # updated, with the sums of `needs` only
        assert_equal(made.extended(), made.rebuilt())  # from the cache, with all sums


@pytest.mark.slow
@pytest.mark.parametrize("needs", [LEAST, Needs(amounts=True), Needs(baskets=True), Needs(shop=True)])
def test_a_ledger_with_fewer_sums_is_updated_too(
    shop: Callable[[int], Shop], needs: Needs, always_updated: None, rebuilds: list[int]
) -> None:
    made = shop(3)
    made.extended(needs)
    for step in (made.new_orders, made.updates, made.undo):
        step()
        assert_equal(made.extended(needs), made.rebuilt(needs))
    assert rebuilds == [1]
    made.extended()
    assert rebuilds == [1, 1]


@pytest.mark.parametrize("zone", ["Asia/Bangkok", "America/Los_Angeles"])
def test_an_updated_ledger_has_days_in_the_shops_time_zone(
    shop: Callable[[int], Shop], zone: str, always_updated: None, rebuilds: list[int]
) -> None:
    made = shop(4)
    made.extended(time_zone=zone)
    made.updates()
    assert_equal(made.extended(time_zone=zone), made.rebuilt(time_zone=zone))
    assert rebuilds == [1]
    assert_equal(made.extended(), made.rebuilt())
    assert rebuilds == [1, 1]


def test_costs_are_unknown_after_the_only_known_cost_is_removed(
    tmp_path: Path, run: Run, always_updated: None, rebuilds: list[int]
) -> None:
    made = Shop(tmp_path / "shop", run, Random(0))
    made.take(LARGEST, "1,1,ann,2024-03-01T12:00:00Z,5,EUR,sale,tea,web,,,", "2,1,bob,2024-03-01,5,EUR,sale,tea,web,,,")
    assert not made.extended().costs_known
    made.take("3,1,ann,2024-03-02T12:00:00Z,5,EUR,sale,tea,web,2,1,")
    assert made.extended().costs_known
    assert_equal(made.extended(), made.rebuilt())
    made.store.undo(made.store.history()[-1].facts.load_id)
    assert not made.extended().costs_known
    assert_equal(made.extended(), made.rebuilt())
    assert rebuilds == [1]


def test_changed_rows_of_guest_ids_are_guest_sales(
    shop: Callable[[int], Shop], always_updated: None, rebuilds: list[int]
) -> None:
    made = shop(9)
    made.extended()
    settings = made.root / "ckm.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("guest_ids: []", 'guest_ids: ["bob"]'), encoding="utf-8")
    assert "bob" not in made.extended().customers
    assert rebuilds == [1, 1]  # a cache of other guest ids is not used
    made.updates()
    made.take("900,1,bob,2024-05-01T00:00:00Z,5,EUR,sale,tea,web,,,", "901,1,ann,2024-05-01T00:00:00Z,5,EUR,sale,,,,,")
    assert_equal(made.extended(), made.rebuilt())
    assert "bob" not in made.extended().customers
    assert rebuilds == [1, 1]


def test_merged_data_files_do_not_count_as_changes(
    shop: Callable[[int], Shop], always_updated: None, rebuilds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shop(5)
    for _ in range(5):
        made.new_orders()
    made.extended()
    before = len(Store(made.root / "store").scan("transactions").collect())
    monkeypatch.setattr("ckm.store.compaction.FANOUT", 2)
    made.take(line(made.dice, 1000, 1))
    assert len(Store(made.root / "store").scan("transactions").collect()) == before + 1
    seen: list[int] = []

    def watched(transactions: pl.LazyFrame, **options: Any) -> Ledger:
        seen.append(len(transactions.collect()))
        return read_rows(transactions, **options)

    monkeypatch.setattr(ledger_extension, "read_rows", watched)
    assert_equal(made.extended(), made.rebuilt())
    assert rebuilds == [1]
    assert seen[:2] == [1, 0]  # one added row, no removed row


def test_only_the_rows_of_changed_customers_are_read(
    shop: Callable[[int], Shop], always_updated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shop(6)
    made.extended()
    made.take("900,1,zoe,2024-05-01T00:00:00Z,5,EUR,sale,tea,web,,,", "901,1,,2024-05-01T00:00:00Z,5,EUR,sale,,,,,")
    read: list[set[str]] = []

    def watched(transactions: pl.LazyFrame, **options: Any) -> Ledger:
        read.append({*transactions.collect()["customer_id"]})
        return read_rows(transactions, **options)

    monkeypatch.setattr(ledger_extension, "read_rows", watched)
    assert_equal(made.extended(), made.rebuilt())
    assert read == [{"zoe", None}, set(), {"zoe"}]


@pytest.mark.parametrize(
    "what", ["the largest amount is gone", "another currency", "a file that went is deleted", "nobody is left"]
)
def test_the_ledger_is_rebuilt_if_the_changed_rows_are_not_enough(
    shop: Callable[[int], Shop], always_updated: None, rebuilds: list[int], what: str
) -> None:
    made = shop(7)
    made.extended()
    if what == "the largest amount is gone":
        made.take(LARGEST.replace("99999", "9"))
    elif what == "another currency":
        made.take("900,1,,2024-05-01T00:00:00Z,5,USD,sale,tea,web,,,")
    elif what == "a file that went is deleted":
        before = {*(made.root / "store" / "transactions").glob("*.parquet")}
        made.take(LARGEST.replace("99999", "999999"))
        for path in before:
            path.unlink()
    else:
        for load in made.store.history():
            made.store.undo(load.facts.load_id)
    needs = LEAST if what == "another currency" else EVERYTHING
    try:
        expected = made.rebuilt(needs)
    except Exception as error:
        with pytest.raises(type(error), match=str(error)[:20]):
            made.extended(needs)
    else:
        assert_equal(made.extended(needs), expected)
    assert rebuilds == [1, 1]


def test_the_ledger_is_rebuilt_if_that_is_as_fast(shop: Callable[[int], Shop], rebuilds: list[int]) -> None:
    made = shop(8)
    made.extended()
    made.take(*(line(made.dice, order, 9) for order in range(4)))  # of too many of the eight customers
    assert_equal(made.extended(), made.rebuilt())
    assert rebuilds == [1, 1]
    made.take(line(made.dice, 2000, 1))
    assert_equal(made.extended(), made.rebuilt())
    assert rebuilds == [1, 1]
    made.take(*(line(made.dice, order, 1) for order in range(30)))
    assert_equal(made.extended(), made.rebuilt())
    assert rebuilds == [1, 1, 1]


def test_only_persons_whose_links_changed_are_read(
    shop: Callable[[int], Shop], always_updated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shop(6)
    read: list[set[str]] = []

    def watched(transactions: pl.LazyFrame, **options: Any) -> Ledger:
        read.append({*transactions.collect()["customer_id"]})
        return read_rows(transactions, **options)

    made.extended()
    monkeypatch.setattr(ledger_extension, "read_rows", watched)
    for persons, expected in (({"ann": "bob", "bob": "bob"}, {"bob"}), ({}, {"ann", "bob"})):
        links = [Link(one, other, person_id=other) for one, other in persons.items() if one != other]
        Identities(tuple(links)).write(made.root / IDENTITIES)
        read.clear()
        assert_equal(made.extended(), made.rebuilt())
        assert read == [set(), set(), expected]


def example_lines() -> pl.DataFrame:
    """Return the lines of a fifth of the example's customers and of all guests, with a new category at the end."""
    lines = example_frames()["transactions"].filter(
        pl.col("customer_id").is_null() | (pl.col("customer_id").hash(seed=1) % 5 == 0)
    )
    newest = pl.col("ordered_at") > pl.lit(lines["ordered_at"].max()) - timedelta(days=10)
    return lines.sort("ordered_at", "customer_id", "net").select(
        pl.all().exclude("category"),
        order_id=pl.concat_str(pl.col("customer_id").fill_null("guest"), pl.col("ordered_at").dt.epoch().cast(str)),
        line_no=pl.int_range(pl.len()).cast(str),
        category=pl.when(newest).then(pl.lit("new in the end")).otherwise("category"),
        cost=pl.when(pl.col("net") > 20).then(pl.col("net") / 2),
    )


@pytest.mark.slow
def test_every_analysis_prints_the_same_with_an_updated_ledger_and_without_a_cache(
    tmp_path: Path, run: Run, coarse: None, always_updated: None, rebuilds: list[int]
) -> None:
    root, lines = tmp_path / "shop", example_lines()
    assert run("init", root).exit_code == 0

    def take(name: str, rows: pl.DataFrame) -> None:
        rows.write_parquet(tmp_path / name)
        result = run("ingest", tmp_path / name, "--as", "transactions", "-C", root, "--on-conflict", "replace")
        assert result.exit_code == 0, result.output

    take("old.parquet", lines.head(len(lines) * 9 // 10))
    assert run("loyalty-report", "-C", root, "-f", "json").exit_code == 0
    take("new.parquet", lines.tail(len(lines) // 10))
    take("updates.parquet", lines.gather_every(97).with_columns(net=pl.col("net") + 3, channel=pl.lit("fair")))
    take(
        "undone.parquet",
        lines.gather_every(53).with_columns(category=pl.lit("undone"), order_id="again " + pl.col("order_id")),
    )
    Store(root / "store").undo(Store(root / "store").history()[-1].facts.load_id)
    for command in (
        ("segment", "--by", "rfm"),
        ("segment", "--by", "value"),
        ("segment", "--by", "lifecycle"),
        ("segment", "--by", "clusters"),
        ("churn-warn", "--all"),
        ("loyalty-report",),
    ):
        rebuilds.clear()
        extended = run(*command, "-C", root, "-f", "json")
        assert rebuilds == []
        without = run(*command, "-C", root, "-f", "json", "--no-cache")
        assert rebuilds == [1]
        assert extended.exit_code == without.exit_code == 0, extended.output
        assert extended.stdout == without.stdout
