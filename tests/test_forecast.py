"""``ckm forecast`` on files with a known weekly demand."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

import ckm
from ckm._forecast.weekly_demand import weekly_demand
from ckm.errors import NotEnoughDataError, UsageError
from tests.conftest import Run

LAST = date(2025, 12, 28)
FIRST = LAST - timedelta(days=9 * 7 - 1)


def shop(path: Path, weeks: int = 40, *, per_week: int = 6) -> Path:
    lines = ["order_id,customer_id,ordered_at,product_id,category,quantity,net,currency"]
    for week in range(weeks):
        for number in range(per_week):
            day = LAST - timedelta(days=7 * week + number % 7)
            who = f"c{number}" if number else ""
            lines.append(f"o{week}-{number},{who},{day},p{number % 2},cat,2,{10 + number},EUR")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_constant_demand_is_forecast_as_constant(tmp_path: Path) -> None:
    found = ckm.forecast.forecast(shop(tmp_path / "orders.csv"))
    assert found.frame.select("item", "expected", "low", "high").rows() == [
        ("p0", 24.0, 24.0, 24.0),
        ("p1", 24.0, 24.0, 24.0),
    ]
    assert found.weekly.height == 8
    assert found.weekly["week"].min() == LAST + timedelta(days=1)
    assert found.frame["change"].to_list() == [0.0, 0.0]


@pytest.mark.parametrize(("measure", "expected"), [("units", 48.0), ("buyers", 24.0), ("revenue", 300.0)])
def test_units_buyers_and_revenue_are_forecast_per_category(tmp_path: Path, measure: str, expected: float) -> None:
    found = ckm.forecast.forecast(shop(tmp_path / "orders.csv"), by="category", measure=measure)
    assert found.frame["expected"].to_list() == [expected]


def test_the_weekly_demand_equals_sums_by_duckdb(tmp_path: Path) -> None:
    path = shop(tmp_path / "orders.csv", 9)
    rows = ckm.open(path).tables["transactions"]
    found = weekly_demand(rows, "product_id", "units", first=FIRST, as_of=LAST, time_zone="UTC")
    peer = duckdb.sql(
        f"select product_id, (date '{LAST}' - ordered_at) // 7 as week, sum(quantity) as units"
        f" from '{path}' group by all"
    ).fetchall()
    sums = {(item, 8 - week): units for item, week, units in peer}
    values = {
        (item, week): found.values[row, week]
        for row, item in enumerate(found.series["item"])
        for week in range(found.values.shape[1])
    }
    assert values == {key: sums[key] for key in values}


def test_lines_after_the_as_of_date_do_not_change_the_forecast(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    day = LAST - timedelta(days=35)
    shop(whole)
    rows = pl.read_csv(whole, infer_schema=False)
    rows.filter(pl.col("ordered_at") <= str(day)).write_csv(cut)
    one = ckm.forecast.forecast(whole, as_of=day)
    other = ckm.forecast.forecast(cut, as_of=day)
    assert one.frame.equals(other.frame)


def test_returns_and_cancelled_lines_do_not_change_the_forecast(tmp_path: Path) -> None:
    path = shop(tmp_path / "orders.csv")
    text = path.read_text().splitlines()
    rows = [f"{text[0]},type", *(f"{line},sale" for line in text[1:])]
    rows += [f"r1,c1,{LAST},p0,cat,-2,-10,EUR,return", f"x1,c1,{LAST},p0,cat,90,10,EUR,cancel"]
    path.write_text("\n".join(rows) + "\n")
    assert ckm.forecast.forecast(path).frame["expected"].to_list() == [24.0, 24.0]


def appended(path: Path, *lines: str) -> Path:
    path.write_text(path.read_text() + "\n".join(lines) + "\n")
    return path


def test_combinations_of_item_and_segment_with_few_customers_are_left_out_with_a_remark(tmp_path: Path) -> None:
    path = shop(tmp_path / "orders.csv", per_week=30)
    appended(path, *(f"rare-{n},c1,{LAST - timedelta(days=n)},p-rare,cat,1,10,EUR" for n in range(3)))
    found = ckm.forecast.forecast(path, segments=True, min_group_size=5)
    assert "p-rare" not in found.frame["item"].to_list()
    assert any("too few customers" in each for each in found.remarks)


def test_customers_who_buy_once_are_first_time_buyers_and_not_in_a_later_segment(tmp_path: Path) -> None:
    """Each customer buys in one week only, so the demand is that of guests and of first-time buyers."""
    lines = [shop(tmp_path / "orders.csv", 0).read_text().strip()]
    for week in range(60):
        day = LAST - timedelta(days=7 * week)
        lines += [f"o{week}-{n},c{week}-{n},{day},p0,cat,1,10,EUR" for n in range(8)]
        lines += [f"g{week}-{n},,{day},p0,cat,1,10,EUR" for n in range(5)]
    path = tmp_path / "once.csv"
    path.write_text("\n".join(lines) + "\n")
    found = ckm.forecast.forecast(path, segments=True)
    assert found.frame.select("segment", "expected").rows() == [("(first-time buyers)", 32.0), ("(guests)", 20.0)]


def test_a_shop_without_known_customers_has_a_forecast(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(re.sub(r",c\d,", ",,", shop(tmp_path / "known.csv").read_text()))
    assert ckm.forecast.forecast(path).frame["expected"].to_list() == [24.0, 24.0]


def test_a_stray_date_does_not_lengthen_the_history(tmp_path: Path) -> None:
    whole = ckm.forecast.forecast(shop(tmp_path / "orders.csv"))
    stray = ckm.forecast.forecast(appended(tmp_path / "orders.csv", "old,c1,1970-01-01,p0,cat,2,10,EUR"))
    assert any("from 39 weeks of data" in each for each in whole.remarks)
    assert any("from 39 weeks of data" in each for each in stray.remarks)


def test_revenue_of_guests_in_another_currency_is_refused_and_units_are_not(tmp_path: Path) -> None:
    path = appended(shop(tmp_path / "orders.csv"), f"g,,{LAST},p0,cat,2,10,USD")
    with pytest.raises(UsageError, match="EUR, USD"):
        ckm.forecast.forecast(path, measure="revenue")
    assert ckm.forecast.forecast(path).frame.height == 2


def test_lines_with_a_negative_quantity_do_not_change_the_forecast(tmp_path: Path) -> None:
    path = appended(shop(tmp_path / "orders.csv"), f"w,,{LAST},p0,cat,-900,0,EUR")
    assert ckm.forecast.forecast(path).frame["expected"].to_list() == [24.0, 24.0]


def test_a_new_item_has_no_interval_if_the_history_has_no_new_items_and_a_remark_names_it(tmp_path: Path) -> None:
    path = appended(shop(tmp_path / "orders.csv"), *(f"n{n},c{n},{LAST},p-new,cat,9,10,EUR" for n in range(4)))
    found = ckm.forecast.forecast(path)
    row = found.frame.row(by_predicate=pl.col("item") == "p-new", named=True)
    assert (row["low"], row["high"]) == (None, None)
    assert any("first sold in the last 8 weeks" in each and each.endswith("p-new") for each in found.remarks)


def test_a_remark_names_an_item_without_demand_in_the_last_two_weeks(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    last_weeks = [str(LAST - timedelta(days=day)) for day in range(14)]
    lines = shop(tmp_path / "whole.csv").read_text().splitlines()
    path.write_text("\n".join(line for line in lines if ",p1," not in line or line.split(",")[2] not in last_weeks))
    found = ckm.forecast.forecast(path)
    assert [each for each in found.remarks if "discontinued, renamed or out of stock" in each and ": p1;" in each]


def test_a_remark_says_that_the_data_end_before_the_as_of_date(tmp_path: Path) -> None:
    found = ckm.forecast.forecast(shop(tmp_path / "orders.csv"), as_of=LAST + timedelta(days=40))
    assert any(f"the data end on {LAST}" in each for each in found.remarks)


def test_too_few_weeks_exit_with_4_and_say_how_many_are_needed(tmp_path: Path, run: Run) -> None:
    path = shop(tmp_path / "orders.csv", 10)
    done = run("forecast", path)
    assert done.exit_code == 4
    assert "15 are needed" in done.stderr
    with pytest.raises(NotEnoughDataError):
        ckm.forecast.forecast(path)


def test_data_without_products_or_categories_exit_with_4(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order_id,customer_id,ordered_at,net,currency\n1,c,2025-01-01,5,EUR\n")
    done = run("forecast", path)
    assert done.exit_code == 4
    assert "product_id" in done.stderr


@pytest.mark.parametrize(
    "words", [("--weeks", "3"), ("--weeks", "14"), ("--measure", "litres"), ("--weekly", "--methods")]
)
def test_invalid_options_are_refused(tmp_path: Path, run: Run, words: tuple[str, str]) -> None:
    assert run("forecast", shop(tmp_path / "orders.csv"), *words).exit_code == 2
    with pytest.raises(UsageError):
        ckm.forecast.forecast(shop(tmp_path / "orders.csv"), weeks=3)


def test_machine_formats_have_all_rows_and_meta_has_the_method(tmp_path: Path, run: Run) -> None:
    path = shop(tmp_path / "orders.csv")
    done = run("forecast", path, "-f", "json", "--meta", tmp_path / "meta.json")
    assert done.exit_code == 0, done.stderr
    assert len(json.loads(done.stdout)) == 2
    facts = json.loads((tmp_path / "meta.json").read_text())
    assert facts["model"]["method"] == "median of the methods"
    assert set(facts["columns"]) == {"item", "recent", "per_week", "expected", "low", "high", "change"}
