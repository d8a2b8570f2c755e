"""Rows with stray dates are excluded and reported, and change neither as-of date nor first day of the data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._segment.apply import read_for
from ckm.config import load_config
from ckm.customers.baskets import EMPTY
from ckm.customers.features import needs_of
from ckm.customers.history import read_history
from ckm.customers.ledger import Ledger
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import EVERYTHING, Needs
from ckm.customers.ledger_reader import read_ledger
from ckm.dataset import open_dataset
from ckm.errors import NotEnoughDataError
from ckm.loyalty import LoyaltyOptions, loyalty_report
from ckm.segment import segment_customers
from tests.conftest import Run
from tests.customers.test_ledger_cache import fingerprint

BEGIN, END = date(2023, 7, 1), date(2025, 12, 30)
SPAN = (END - BEGIN).days
FAR = [date(1900, 1, 1), date(1970, 1, 1), date(2052, 7, 1), date(2037, 12, 31)]


def rows(seed: int = 0, count: int = 2_500) -> list[str]:
    dice = Random(seed)
    days = [0, SPAN, *(dice.randrange(SPAN + 1) for _ in range(count - 2))]
    return [
        f"S{number},P{dice.randrange(150):03},{BEGIN + timedelta(day)},{dice.randrange(100, 9_000) / 100},EUR,"
        f"{dice.choice(['web', 'till'])}"
        for number, day in enumerate(days)
    ]


def stray(days: list[date]) -> list[str]:
    return [f"X{number},P{number:03},{day},12.00,EUR,web" for number, day in enumerate(days)]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(["order_id,customer_id,ordered_at,net,currency,channel", *lines, ""]), encoding="utf-8")
    return path


def tables(lines: list[str]) -> dict[str, pl.LazyFrame]:
    columns = [line.split(",") for line in lines]
    names = ["order_id", "customer_id", "ordered_at", "net", "currency", "channel"]
    frame = pl.DataFrame(columns, schema=names, orient="row").with_columns(
        pl.col("ordered_at").str.to_datetime("%Y-%m-%d", time_unit="us", time_zone="UTC"),
        pl.col("net").cast(pl.Float64),
        type=pl.lit("sale"),
    )
    return {"transactions": frame.lazy()}


def without_counts(found: Ledger) -> list[object]:
    said = fingerprint(replace(found, categories=EMPTY, channels=EMPTY))
    said.remove(found.left_out)
    for baskets in (
        found.categories,
        found.channels,
    ):  # item numbers depend on the order of first sales, so items are compared by name
        names = baskets.names.gather(baskets.items).to_list()
        entries = zip(baskets.codes.tolist(), names, baskets.days.tolist(), baskets.lines.tolist(), strict=True)
        sold = baskets.sale_days
        days = zip(baskets.names.gather(sold.items).to_list(), sold.days.tolist(), strict=True)
        said += [sorted(entries), sorted(days)]
    return said


@given(st.lists(st.sampled_from(FAR), min_size=1, max_size=6), st.integers(0, 3))
def test_stray_rows_change_only_the_excluded_rows(days: list[date], seed: int) -> None:
    clean, mixed = read_ledger(tables(rows(seed)), needs=EVERYTHING), tables(rows(seed) + stray(days))
    found = read_ledger(mixed, needs=EVERYTHING)
    assert without_counts(found) == without_counts(clean)
    told = found.left_out
    assert told.stray is not None
    assert (told.rows, told.rows_stray, told.rows_after_as_of) == (clean.left_out.rows + len(days), len(days), 0)
    assert (told.stray.first, told.stray.last) == (BEGIN, END)
    assert sum("far outside of the usual days" in remark for remark in told.remarks) == 1
    assert all(str(day) in told.stray.named for day in (min(days), max(days)))


@given(st.integers(0, 3), st.integers(-400, 400))
def test_a_given_as_of_date_is_used_and_later_rows_are_not(seed: int, later: int) -> None:
    day = END + timedelta(later)
    lines = rows(seed) + stray(FAR)
    found = read_ledger(tables(lines), as_of=day, needs=EVERYTHING)
    cut = read_ledger(tables([line for line in lines if line.split(",")[2] <= str(day)]), as_of=day, needs=EVERYTHING)
    assert found.as_of == day
    assert without_counts(found) == without_counts(cut)
    assert found.begins == BEGIN
    assert found.left_out.rows_stray == 2, "the two before the data; rows after the given date count as after it"


def test_rows_up_to_a_given_as_of_date_are_used() -> None:
    found = read_ledger(tables(rows() + stray(FAR)), as_of=date(2060, 1, 1), needs=EVERYTHING)
    assert found.purchases.sum_of("lines") == len(rows()) + 2
    assert found.left_out.data_end is not None, "the data still end long before it"
    assert found.left_out.data_end.last == END


def test_with_keep_stray_dates_no_row_is_excluded() -> None:
    found = read_ledger(tables(rows() + stray(FAR)), keep_stray_dates=True)
    assert found.as_of == date(2052, 7, 1)
    assert found.left_out.stray is None
    assert found.purchases.sum_of("lines") == len(rows()) + 4


def test_used_and_excluded_amounts_add_up_to_all_amounts() -> None:
    everything = read_ledger(tables(rows() + stray(FAR)), needs=EVERYTHING, keep_stray_dates=True)
    found = read_ledger(tables(rows() + stray(FAR)), needs=EVERYTHING)
    assert everything.purchases.sum_of("net") - found.purchases.sum_of("net") == 4 * 12 * found.scale


def test_parts_have_no_stray_rows() -> None:
    needs = Needs(amounts=True, baskets=True, shop=True, by="channel")
    lone = [f"Y,P000,{FAR[1]},5.00,EUR,fair"]
    clean, found = (read_ledger(tables(rows() + more), needs=needs) for more in ([], stray(FAR[:2]) + lone))
    assert list(found.parts) == list(clean.parts), "a part with stray rows only is omitted"
    for name, part in found.parts.items():
        assert without_counts(part) == without_counts(clean.parts[name])


def test_a_customer_with_stray_rows_only_is_excluded() -> None:
    found = read_ledger(tables([*rows(), f"X,only-stray,{FAR[1]},5.00,EUR,web"]))
    assert "only-stray" not in found.customers


def test_without_purchases_on_the_usual_days_there_are_not_enough_data() -> None:
    frame = tables(rows())["transactions"].with_columns(customer_id=pl.lit(None, pl.String))
    mixed = pl.concat([frame, tables(stray(FAR[1:2]))["transactions"]])
    with pytest.raises(NotEnoughDataError, match="1 with a stray date"):
        read_ledger({"transactions": mixed})


def test_the_history_begins_and_ends_on_usual_days() -> None:
    history, clean = read_history(tables(rows() + stray(FAR))), read_history(tables(rows()))
    ends = [(each.first_day, each.last_day, each.as_of) for each in (history, clean)]
    assert ends[0] == ends[1]


def test_the_cached_ledger_gives_the_same_results(tmp_path: Path, run: Run) -> None:
    root = tmp_path / "shop"
    assert run("init", root).exit_code == 0
    path = write(tmp_path / "orders.csv", rows() + stray([*FAR, FAR[0]]))
    assert run("ingest", path, "--as", "transactions", "-C", root).exit_code == 0
    for _ in range(2):  # first written, then read
        dataset = open_dataset(workspace=root)
        for as_of in (None, END - timedelta(100), date(2060, 1, 1)):
            for keep in (False, True):
                kept = cached_ledger(
                    dataset.tables, find_cache(dataset), as_of=as_of, needs=EVERYTHING, keep_stray_dates=keep
                )
                read = read_ledger(dataset.tables, as_of=as_of, needs=EVERYTHING, keep_stray_dates=keep)
                assert fingerprint(kept) == fingerprint(read)


@pytest.mark.parametrize("days", [FAR[1:2], FAR[2:3], FAR])
def test_every_analysis_has_the_same_results_with_and_without_stray_rows(
    tmp_path: Path, run: Run, days: list[date]
) -> None:
    clean, mixed = write(tmp_path / "a.csv", rows()), write(tmp_path / "b.csv", rows() + stray(days))
    for args in (["segment", "--customers"], ["churn-warn"]):
        said = [run(args[0], path, *args[1:], "-f", "csv") for path in (clean, mixed)]
        assert said[0].stdout == said[1].stdout
        assert "far outside of the usual days" not in said[0].stderr
        assert str(min(days)) in said[1].stderr
    reports = [loyalty_report(open_dataset(path), LoyaltyOptions(), load_config(None)) for path in (clean, mixed)]
    left = ("rows_left_out", "rows_used")
    told = [[each for each in found.report.metrics if each.name not in left] for found in reports]
    assert told[0] == told[1]
    assert reports[0].report.as_of == reports[1].report.as_of == END
    assert any("far outside of the usual days" in remark for remark in reports[1].report.remarks)


def test_the_setting_keeps_stray_dates_in_every_analysis(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", rows() + stray(FAR[2:3]))
    monkeypatch.setenv("CKM_STRAY_DATES", "keep")
    assert "as of 2052-07-01" in run("segment", path, "-f", "csv").stderr
    monkeypatch.setenv("CKM_STRAY_DATES", "kep")
    failed = run("segment", path)
    assert failed.exit_code == 2
    assert "did you mean 'keep'" in failed.output + failed.stderr


def test_a_stray_order_does_not_change_the_first_day_of_deliveries() -> None:
    def history(*more: str) -> int:
        data = tables([*rows(), *more])["transactions"]
        day = pl.col("ordered_at").dt.date()
        recorded = (day >= date(2025, 1, 1)) | (day < date(2000, 1, 1))
        dated = data.with_columns(
            promised_on=pl.when(recorded).then(day), delivered_on=pl.when(recorded).then(day.dt.offset_by("2d"))
        )
        return read_history({"transactions": dated}).deliveries.first_day

    assert history(*stray(FAR[1:2])) == history()


@pytest.mark.parametrize("keep", [False, True])
def test_a_ledger_read_again_for_a_definition_has_the_same_rows(keep: bool) -> None:
    data = tables(rows() + stray(FAR[1:3]))
    given = read_ledger(data, keep_stray_dates=keep)
    saved = segment_customers(tables(rows()), by="lifecycle").definition
    assert not given.needs.covers(needs_of("all", "net"))
    found = read_for(saved, data, as_of=None, ledger=given)
    assert found.needs.covers(needs_of("all", "net"))
    assert (found.as_of, found.begins) == (given.as_of, given.begins)
    assert found.purchases.sum_of("lines") == given.purchases.sum_of("lines")
