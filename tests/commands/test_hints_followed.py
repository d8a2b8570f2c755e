"""Every hint is followed: the command that it suggests gives the right result, or is refused again.

Each file holds the same orders, written so that something must be settled. What a hint names is run as it stands, and
what comes out is compared with the orders: their number, their sum, whose they are and when.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Run

HINTED = re.compile(
    r"(--(?:currency|column|dates|decimal|max-rejects|sheet|delimiter)) (?!and |says |say )(\w+='[^']+'|[^\s;,)]+)"
)
ORDERS = [
    (f"A{number:03}", f"C{number % 11:02}", date(2025, 1, 3) + timedelta(number % 9), 12.5 + number)
    for number in range(90)
]
"""Every day has a number below 13, so that day and month can be swapped."""


@dataclass(frozen=True)
class Case:
    """A file: its header, a row per order, and options that are given at first."""

    header: str
    row: str
    delimiter: str = ","
    table: str = "transactions"
    words: tuple[str, ...] = ()
    lost_every: int = 0
    """Every so many rows hold no amount, and can only be left out."""

    @property
    def orders(self) -> list[tuple[str, str, date, float]]:
        """The orders that can be loaded."""
        return [order for number, order in enumerate(ORDERS) if not self.lost_every or number % self.lost_every]

    def write(self, path: Path) -> Path:
        rows = [
            self.row.format(
                order=order, who=who, day=day, net=net, cents=round(100 * net), comma=f"{net:.2f}".replace(".", ","),
                thousands=f"{net:.3f}", phone=f"+49 30 {who[1:]}5551", point="Main Store", n=number,
                blank="" if number % 3 else "EUR", few=net if number % 15 else "none at all",
                millis=(day - date(1970, 1, 1)).days * 86_400_000,
                micros=(day - date(1970, 1, 1)).days * 86_400_000_000,
            )
            for number, (order, who, day, net) in enumerate(ORDERS)
        ]  # fmt: skip
        path.write_text("\n".join([self.header, *rows]) + "\n", encoding="utf-8")
        return path


CASES = {
    "day and month": Case("order_id,customer_id,date,net", "{order},{who},{day:%d/%m/%Y},{net}"),
    "short years": Case("order_id,customer_id,date,net", "{order},{who},{day:%d/%m/%y},{net}"),
    "decimals": Case("order_id,customer_id,date,net", "{order},{who},{day},{thousands}"),
    "misspelt": Case("ordr_id,custmer_id,odrer_date,Umsazt", "{order},{who},{day},{net}"),
    "two of a kind": Case("Bestellnummer,Order No,customer_id,date,net", "{order},X{n},{who},{day},{net}"),
    "two dates": Case("order_id,customer_id,Order Date,Purchase Date,net", "{order},{who},{day},{day},{net}"),
    "phone": Case("Phone Number,Customer ID,Order Date,Net", "{phone},{who},{day},{net}"),
    "point": Case("Purchase Point,Customer ID,Purchase Date,Grand Totl", "{point},{who},{day},{net}"),
    "cents": Case("order_id,customer_id,date,amount_cents", "{order},{who},{day},{cents}"),
    "percent": Case("order_id,customer_id,date,net %", "{order},{who},{day},5"),
    "texts": Case("order_id,customer_id,date,net_amout", "{order},{who},{day},paid"),
    "dates as amounts": Case("order_id,customer_id,ordered,net_amout", "{order},{who},{day},{day}"),
    "currency lacks": Case("order_id,customer_id,date,net,currency", "{order},{who},{day},{net},{blank}"),
    "type of others": Case("order_id,customer_id,date,net,Type", "{order},{who},{day},{net},Website Payment"),
    "epoch": Case("order_id,customer_id,date,net", "{order},{who},{millis},{net}"),
    "microseconds": Case("order_id,customer_id,date,net", "{order},{who},{micros},{net}"),
    "few bad": Case("order_id,customer_id,date,net", "{order},{who},{day},{few}", lost_every=15),
    "no customer": Case("order_id,сustomer_id,date,net", "{order},{who},{day},{net}"),
}  # fmt: skip

HINTED_CASES = {
    "day and month", "short years", "misspelt", "two of a kind", "two dates", "point", "epoch", "microseconds",
    "no customer", "currency lacks", "few bad",
}  # fmt: skip
"""Files of which something is to be settled, and a hint says how."""


def hints(text: str) -> Iterator[list[str]]:
    """Yield what each hint suggests, as words; options that stand side by side go together unless *or* parts them."""
    text = text.replace("--currency CODE", "--currency EUR")
    for line in re.findall(r"(?:hint: |map with )(.*)", text):
        joined = re.split(r"\bor\b|, --|; ", line)
        for part in joined:
            found = HINTED.findall(part if part.startswith("--") or "--" in part else f"--{part}")
            if found:
                yield [word for option, value in found for word in (option, *shlex.split(value))]


def shape(rows: pl.DataFrame) -> set[tuple[object, ...]]:
    return set(rows.select("customer_id", pl.col("ordered_at").dt.date(), "net").iter_rows())


def follow(run: Run, case: Case, path: Path, shop: Path, words: list[str]) -> tuple[int, str, list[tuple[object, ...]]]:
    """Load the file into a new workspace; return exit code, stderr, and the rows stored."""
    assert run("init", "-q", shop).exit_code == 0
    done = run("ingest", path, "-C", shop, "--as", case.table, *words, "-v")
    stored = shop / "store" / case.table
    if done.exit_code or not stored.exists():
        return done.exit_code, done.stderr, []
    rows = pl.read_delta(str(stored)).select("order_id", "customer_id", pl.col("ordered_at").dt.date(), "net")
    return done.exit_code, done.stderr, sorted(rows.rows(), key=str)


@pytest.mark.parametrize("name", CASES)
def test_what_a_hint_suggests_is_right_or_refused(run: Run, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    path = case.write(tmp_path / "orders.csv")
    asked: list[list[str]] = [[]]
    tried: list[list[str]] = []
    while asked and len(tried) < 12:
        words = asked.pop(0)
        if words in tried:
            continue
        tried.append(words)
        code, said, rows = follow(run, case, path, tmp_path / f"shop{len(tried)}", words)
        if code == 0:
            assert_right(case, rows, words, said)
        asked += [[*words, *more] for more in hints(said) if not set(more) <= set(words)]
    assert len(tried) > 1 or name not in HINTED_CASES


def assert_right(case: Case, rows: list[tuple[object, ...]], words: list[str], said: str) -> None:
    """The rows stored are the orders of the case: all of them, with their amounts, and none made one with another."""
    assert len(rows) == len(case.orders), (words, said)
    assert sum(float(str(row[3])) for row in rows) == pytest.approx(sum(order[3] for order in case.orders)), words
    swapped = "--dates" in words  # the reading that a person chose is theirs
    if not swapped:
        assert sorted({row[2] for row in rows}) == sorted({order[2] for order in case.orders}), words  # type: ignore[type-var]
    if any(row[1] is not None for row in rows):
        assert {row[1] for row in rows} == {order[1] for order in case.orders}, words
    else:
        assert "no customer column" in said
    purchases = {(order[1], order[2]) for order in case.orders}
    assert len({row[0] for row in rows}) >= len(purchases), words


def test_hints_are_found_as_they_are_written() -> None:
    said = "hint: set it with --dates dmy, --dates mdy or --dates ymd (in a mapping, format: {dates: dmy})"
    assert list(hints(said)) == [["--dates", "dmy"], ["--dates", "mdy"], ["--dates", "ymd"]]
    said = "hint: closest to a: 'X Y'. Map with --column a='X Y' --column net='B'. What no column holds"
    assert list(hints(said)) == [["--column", "a=X Y", "--column", "net=B"]]
    assert json.dumps(list(hints("hint: --column net=COLUMN names one"))) == '[["--column", "net=COLUMN"]]'
