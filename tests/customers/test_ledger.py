"""Ledger: exact sums of the transactions, independent of the order of the rows."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ckm.customers import grouped_sums, orders, transaction_scan
from ckm.customers.calendar import day_number
from ckm.customers.day_totals import NO_DAY, DayTotals
from ckm.customers.features import feature_table
from ckm.customers.ledger import NO_VALUE, OTHER, Ledger
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.errors import InputError, NotEnoughDataError, UnknownNameError, UsageError
from tests.conftest import ROOT, examples
from tests.metrics.rows import SCHEMA, START, bought, histories, ledger, on, period, row, tables

ZONES = ["UTC", "Europe/Berlin", "Asia/Bangkok", "America/New_York"]


def plain(data: dict[str, pl.LazyFrame], as_of: date, time_zone: str, *by: str) -> pl.DataFrame:
    """Return net in 1/10,000 by customer, day and kind, by a plain group-by."""
    day = pl.col("ordered_at").dt.convert_time_zone(time_zone).dt.date()
    is_return = (pl.col("type") == "return") | (pl.col("net") < 0)
    return (
        data["transactions"]
        .filter(day <= as_of, pl.col("type") != "cancel")
        .group_by("customer_id", *by, day=day, returned=is_return)
        .agg(net=(pl.col("net") * 10_000).round().cast(pl.Int64).sum())
        .sort("customer_id", "day")
        .collect()
    )


def written(entries: DayTotals, found: Ledger) -> list[tuple[str, date, int]]:
    ids = found.customers.gather(entries.code).to_list()
    days = [date(1970, 1, 1) + timedelta(int(day)) for day in entries.day]
    return list(zip(ids, days, entries.of("net").tolist(), strict=True))


@pytest.mark.slow
@settings(max_examples=examples(30))
@given(histories, st.integers(0, 1001), st.sampled_from(ZONES))
def test_the_ledger_has_the_exact_sums_of_every_customer_and_day(rows: list[tuple], day: int, time_zone: str) -> None:
    data, as_of = tables(*rows), START + timedelta(day)
    want = plain(data, as_of, time_zone)
    try:
        found = read_ledger(data, as_of=as_of, time_zone=time_zone, needs=EVERYTHING)
    except NotEnoughDataError:
        assert want.filter(~pl.col("returned")).drop_nulls("customer_id").is_empty()
        return
    known = want.drop_nulls("customer_id")
    assert found.customers.to_list() == known["customer_id"].unique().sort().to_list()
    for entries, kind in ((found.purchases, ~pl.col("returned")), (found.returns, pl.col("returned"))):
        assert written(entries, found) == known.filter(kind).select("customer_id", "day", "net").rows()
    nameless = want.filter(pl.col("customer_id").is_null())
    whole = period(-1, day)
    assert found.guests.sums(whole) == tuple(
        nameless.filter(pl.col("returned") == kind)["net"].sum() for kind in (False, True)
    )
    assert found.revenue(whole) == want["net"].sum()
    assert found.begins == want["day"].min()
    assert found.as_of == as_of
    table = feature_table(data, as_of=as_of, time_zone=time_zone, scope="rfm")
    kept = found.only(found.first_day != NO_DAY)
    assert kept.customers.to_list() == table.frame["customer_id"].to_list()
    assert kept.purchase_days_between(whole).tolist() == table.frame["frequency"].to_list()
    assert [kept.money(net) for net in kept.net_between(whole)] == table.frame["net_total"].to_list()
    assert found.left_out == table.left_out


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(histories.filter(bought), st.sampled_from(["channel", "category", "type"]))
def test_dimensions_and_parts_add_up_to_the_whole(rows: list[tuple], by: str) -> None:
    found = ledger(*rows, by=by)
    for span in (period(0, 1001), period(100, 400)):
        for dimension in ("channel", "category", "type"):
            assert sum(found.revenue_by(dimension, span).values()) == found.revenue(span)
        assert sum(part.revenue(span) for part in found.parts.values()) == found.revenue(span)
    if by != "category":
        for value, part in found.parts.items():
            assert part.revenue(span) == found.revenue_by(by, span).get(value, 0)


@pytest.mark.slow
@settings(max_examples=examples(15))
@given(histories.filter(bought))
def test_a_part_is_the_ledger_of_its_rows_alone(rows: list[tuple]) -> None:
    found = ledger(*rows, by="channel", as_of=START + timedelta(1001))
    for channel, part in found.parts.items():
        mine = [each for each in rows if (each[4] or NO_VALUE) == channel]
        if bought(mine):
            alone = ledger(*mine, as_of=START + timedelta(1001))
            assert part.customers.to_list() == alone.customers.to_list()
            assert written(part.purchases, part) == written(alone.purchases, alone)
            assert written(part.returns, part) == written(alone.returns, alone)
            assert part.first_day.tolist() == alone.first_day.tolist()


def test_the_eight_largest_values_have_parts_and_the_rest_share_one() -> None:
    """Revenue: values c00 to c09 have 100, 101, ... 109; null has 5; a value named like the label of the rest 1,000."""
    rows = [row("ann", 0.5, 100.0 + number, category=f"c{number:02}") for number in range(10)]
    found = ledger(*rows, row("bob", 0.5, 5.0), row(None, 0.5, 1000.0, category=OTHER), by="category")
    assert list(found.parts) == [
        OTHER, "c09", "c08", "c07", "c06", "c05", "c04", "c03", f"{OTHER} (*)", NO_VALUE,
    ]  # fmt: skip
    nets = [part.money(part.revenue(period(0, 0))) for part in found.parts.values()]
    assert nets == [1000.0, 109.0, 108.0, 107.0, 106.0, 105.0, 104.0, 103.0, 100.0 + 101.0 + 102.0, 5.0]
    assert [len(part.customers) for part in found.parts.values()] == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert all(part.begins == found.begins for part in found.parts.values())


@pytest.mark.slow
def test_the_ledger_does_not_depend_on_row_order_or_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = Random(3)
    rows = [
        row(dice.choice(["ann", "bob", None, "a customer with a long id"]), dice.randrange(4000) / 8,
            dice.choice([1.1, -2.3]), channel=dice.choice(["web", None]), category=dice.choice("abcdefghijklmn"))
        for _ in range(2000)
    ]  # fmt: skip
    first = ledger(*rows, by="category")
    dice.shuffle(rows)
    monkeypatch.setattr(transaction_scan, "BATCH_ROWS", 97)
    monkeypatch.setattr(grouped_sums, "MOST_PENDING", 211)
    monkeypatch.setattr(orders, "MOST_PENDING", 211)
    again = ledger(*rows, by="category")
    assert fingerprint(first) == fingerprint(again)
    assert list(first.parts) == list(again.parts)
    for value, part in first.parts.items():
        assert fingerprint(part) == fingerprint(again.parts[value])


def fingerprint(found: Ledger) -> list[object]:
    arrays = (
        found.purchases.keys,
        found.purchases.of("net"),
        found.returns.keys,
        found.returns.of("net"),
        *vars(found.guests).values(),
    )
    sums = [frame.rows() for frame in found.dimensions.values()]
    return [found.customers.to_list(), *(each.tolist() for each in arrays if isinstance(each, np.ndarray)), sums]


SAME = """
import hashlib, sys
import polars as pl
from ckm.customers.ledger_needs import Needs
from ckm.customers.ledger_reader import read_ledger
rows = pl.LazyFrame({"n": range(60_000)}).select(
    customer_id=pl.lit("C") + (pl.col("n").hash(1) % 997).cast(pl.String),
    ordered_at=pl.datetime(2024, 1, 1, time_zone="UTC") + pl.duration(hours=pl.col("n").hash(2) % 9000),
    net=(pl.col("n").hash(3) % 9999 / 100) - 10.0,
    currency=pl.lit("EUR"), type=pl.lit("sale"), channel=(pl.col("n").hash(4) % 12).cast(pl.String))
found = read_ledger({"transactions": rows}, needs=Needs(amounts=True, baskets=True, shop=True, by="channel"))
digest = hashlib.sha256()
for each in (found, *found.parts.values()):
    for array in (each.purchases.keys, each.purchases.of("net"), each.returns.keys, each.returns.of("net")):
        digest.update(array.tobytes())
print(list(found.parts), found.dimensions["channel"].hash_rows(seed=0).sum(), digest.hexdigest())
"""


@pytest.mark.slow
def test_one_thread_and_two_give_equal_ledgers() -> None:
    said = [
        subprocess.run([sys.executable, "-c", SAME], capture_output=True, check=True, encoding="utf-8",
                       env={**os.environ, "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": threads}).stdout
        for threads in ("1", "2")
    ]  # fmt: skip
    assert said[0] == said[1]


def test_integer_ids_are_texts_in_the_ledger_and_sorted_as_texts() -> None:
    at = row(None, 0.5)[1]
    data = pl.LazyFrame(
        [(number, at, float(number), "sale", None, None, "EUR") for number in (12346, 2, 12346, 100)],
        schema={**SCHEMA, "customer_id": pl.Int64},
        orient="row",
    )
    found = read_ledger({"transactions": data})
    assert found.customers.to_list() == ["100", "12346", "2"]
    assert [found.money(net) for net in found.net_between(period(0, 0))] == [100.0, 24692.0, 2.0]


def test_amounts_too_large_for_the_finest_scale_are_summed_in_coarser_units() -> None:
    found = ledger(row("ann", 0.5, 1e14), row(None, 0.5, 9e14))
    assert found.scale < 10_000
    assert found.money(found.revenue(period(0, 0))) == 1e15
    with pytest.raises(InputError, match="too large"):
        ledger(row("ann", 0.5), row(None, 0.5, 1e300))


@pytest.mark.parametrize("nameless", ["USD", "EUR"])
def test_two_currencies_are_an_error_also_in_guest_sales(nameless: str) -> None:
    rows = [row("ann", 0.5), row(None, 0.5, currency=nameless), row("bob", 0.5, kind="cancel", currency="USD")]
    if nameless == "EUR":
        assert ledger(*rows).currency == "EUR"
        return
    with pytest.raises(UsageError, match="several currencies") as refused:
        ledger(*rows)
    assert refused.value.details["currencies"] == ["EUR", "USD"]


def test_unusable_data_are_errors() -> None:
    with pytest.raises(NotEnoughDataError, match="no purchase by a known customer"):
        ledger(row(None, 0.5), row("ann", 0.5, -1.0))
    with pytest.raises(NotEnoughDataError):
        ledger(row("ann", 5.5), as_of=START)
    with pytest.raises(InputError, match="no column 'net'"):
        read_ledger({"transactions": tables(row("ann", 0))["transactions"].drop("net")})
    with pytest.raises(UnknownNameError, match="unknown column 'chanel'") as unknown:
        ledger(row("ann", 0.5), by="chanel")
    assert unknown.value.hint == "did you mean 'channel'?"


@pytest.mark.slow
@settings(max_examples=examples(20))
@given(histories.filter(bought), st.integers(0, 1001))
def test_a_ledger_cut_at_a_day_equals_the_ledger_read_as_of_that_day(rows: list[tuple], day: int) -> None:
    as_of = START + timedelta(day)
    assume(bought([each for each in rows if each[1].date() <= as_of]))
    cut, read = ledger(*rows, as_of=START + timedelta(1001)).until(as_of), ledger(*rows, as_of=as_of)
    assert written(cut.purchases, cut) == written(read.purchases, read)
    assert written(cut.returns, cut) == written(read.returns, read)
    assert cut.revenue(period(0, 1001)) == read.revenue(period(0, 1001))
    assert cut.revenue_by("channel", period(0, 1001)) == read.revenue_by("channel", period(0, 1001))


@pytest.mark.slow
@settings(max_examples=examples(30))
@given(histories.filter(bought), st.sets(st.sampled_from(["ann", "bob", "cho", "ชาย"])))
def test_the_ledger_of_some_customers_has_the_values_of_these_customers(rows: list[tuple], those: set[str]) -> None:
    found = ledger(*rows)
    chosen = found.customers.is_in(list(those)).to_numpy()
    some = found.only(chosen)
    span = period(0, 700)
    assert some.customers.to_list() == sorted(those & set(found.customers))
    assert some.net_between(span).tolist() == found.net_between(span)[chosen].tolist()
    assert some.first_day.tolist() == found.first_day[chosen].tolist()
    assert some.purchases.last_days().tolist() == found.purchases.last_days()[chosen].tolist()
    assert some.revenue(span) == int(found.net_between(span)[chosen].sum())


def test_the_arrays_of_a_small_ledger_by_hand() -> None:
    """Ann buys 10 + 5, and returns 4 on the next day; Bob only returns 3; a guest buys 7 and returns 1."""
    day = date(2024, 5, 1)
    found = ledger(
        on(day, "ann", 10.0), on(day, "ann", 5.0), on(day + timedelta(1), "ann", -4.0, "return"),
        on(day, "bob", -3.0, "return"), on(day, None, 7.0), on(day, None, -1.0),
    )  # fmt: skip
    assert found.customers.to_list() == ["ann", "bob"]
    assert (found.purchases.code.tolist(), found.purchases.day.tolist(), found.purchases.of("net").tolist()) == (
        [0], [day_number(day)], [150_000],
    )  # fmt: skip
    assert (found.returns.code.tolist(), found.returns.of("net").tolist()) == ([0, 1], [-40_000, -30_000])
    assert found.purchases.bounds.tolist() == [0, 1, 1]
    assert found.first_day.tolist() == [day_number(day), NO_DAY]
    assert (found.guests.day.tolist(), found.guests.purchases.tolist(), found.guests.returns.tolist()) == (
        [day_number(day)], [70_000], [-10_000],
    )  # fmt: skip
    assert found.purchases.code.dtype == found.purchases.day.dtype == np.int32
    assert found.left_out.rows_without_customer == 2
    assert found.left_out.customers_without_purchase == 1
