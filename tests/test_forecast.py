"""Tests of ``ckm forecast`` on files whose demand is known."""

from __future__ import annotations

import json
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


def shop(path: Path, weeks: int = 40, *, per_week: int = 6) -> Path:
    lines = ["order_id,customer_id,ordered_at,product_id,category,quantity,net,currency"]
    for week in range(weeks):
        for number in range(per_week):
            day = LAST - timedelta(days=7 * week + number % 7)
            who = f"c{number}" if number else ""
            lines.append(f"o{week}-{number},{who},{day},p{number % 2},cat,2,{10 + number},EUR")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_steady_demand_continues(tmp_path: Path) -> None:
    found = ckm.forecast.forecast(shop(tmp_path / "orders.csv"))
    assert found.frame.select("item", "expected", "low", "high").rows() == [
        ("p0", 24.0, 24.0, 24.0),
        ("p1", 24.0, 24.0, 24.0),
    ]
    assert found.weekly.height == 8
    assert found.weekly["week"].min() == LAST + timedelta(days=1)
    assert found.frame["change"].to_list() == [0.0, 0.0]


@pytest.mark.parametrize(("measure", "expected"), [("units", 48.0), ("buyers", 24.0), ("revenue", 300.0)])
def test_measures(tmp_path: Path, measure: str, expected: float) -> None:
    found = ckm.forecast.forecast(shop(tmp_path / "orders.csv"), by="category", measure=measure)
    assert found.frame["expected"].to_list() == [expected]


def test_the_weekly_demand_equals_that_of_duckdb(tmp_path: Path) -> None:
    path = shop(tmp_path / "orders.csv", 9)
    rows = ckm.open(path).tables["transactions"]
    found = weekly_demand(rows, "product_id", "units", as_of=LAST, time_zone="UTC")
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


def test_the_future_is_not_seen(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    day = LAST - timedelta(days=35)
    shop(whole)
    rows = pl.read_csv(whole, infer_schema=False)
    rows.filter(pl.col("ordered_at") <= str(day)).write_csv(cut)
    one = ckm.forecast.forecast(whole, as_of=day)
    other = ckm.forecast.forecast(cut, as_of=day)
    assert one.frame.equals(other.frame)


def test_returns_and_cancelled_lines_are_no_demand(tmp_path: Path) -> None:
    path = shop(tmp_path / "orders.csv")
    text = path.read_text().splitlines()
    rows = [f"{text[0]},type", *(f"{line},sale" for line in text[1:])]
    rows += [f"r1,c1,{LAST},p0,cat,-2,-10,EUR,return", f"x1,c1,{LAST},p0,cat,90,10,EUR,cancel"]
    path.write_text("\n".join(rows) + "\n")
    assert ckm.forecast.forecast(path).frame["expected"].to_list() == [24.0, 24.0]


def test_segments_leave_out_small_groups_and_say_so(tmp_path: Path) -> None:
    found = ckm.forecast.forecast(shop(tmp_path / "orders.csv", per_week=30), segments=True, min_group_size=5)
    assert set(found.frame.columns) >= {"item", "segment"}
    assert "(guests)" not in found.frame["segment"].to_list()
    assert any("too few customers" in each for each in found.remarks)


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


@pytest.mark.parametrize("words", [("--weeks", "3"), ("--weeks", "14"), ("--measure", "litres")])
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
    assert facts["model"]["method"] == "smoothing 0.2"
    assert set(facts["columns"]) == {"item", "recent", "per_week", "expected", "low", "high", "change"}
