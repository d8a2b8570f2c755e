"""Reports on simulated shops: February and March, leap year, returns, a cohort, data that end early, a new shop."""

from __future__ import annotations

import json
import os
import random
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("coarse")]
CASES = (
    Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[3] / "shared" / "data").parent / "cases" / "analysis"
)


def case(name: str) -> Path:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{path} is absent (CKM_SHARED names the folder of the data)")
    return path


def lead_of(run: Run, *args: object, lang: str = "en") -> str:
    done = run("loyalty-report", *args, "--lang", lang, "-f", "md", "-q")
    assert done.exit_code == 0, done.stderr
    return " ".join(" ".join(done.stdout.split("## ")[:2]).replace("\\", "").split())  # and what happened


def numbers_of(run: Run, *args: object) -> dict[tuple[str, str], dict[str, float | None]]:
    done = run("loyalty-report", *args, "-f", "json", "-q")
    assert done.exit_code == 0, done.stderr
    return {(each["metric"], each["slice"]): each for each in json.loads(done.stdout)}


def test_a_month_with_more_days_changed_nothing(run: Run) -> None:
    args = (case("feb_march.csv"), "--period", "1mo", "--as-of", "2025-03-31")
    lead = lead_of(run, *args)
    assert "Revenue is €3,100 (0.0% per day vs. previous period): no significant change." in lead
    assert "mostly because" not in lead
    found = numbers_of(run, *args)
    effects = {name: found[f"change_by_{name}", ""]["value"] for name in ("customers", "frequency", "order_value")}
    assert effects == {"customers": 0, "frequency": 0, "order_value": 0}
    assert found["change_by_calendar", ""]["value"] == 300


def test_the_year_to_the_28th_of_february_of_a_leap_year(run: Run, tmp_path: Path) -> None:
    args = (case("feb28_leap_year.csv"), "--as-of", "2024-02-28")
    revenue = numbers_of(run, *args, "--export", tmp_path / "x")["revenue", ""]
    assert (revenue["value"], revenue["previous"]) == (1020, 205)
    table = pl.read_parquet(tmp_path / "x" / "customers.parquet")
    assert table["spend_12mo"].sum() == 1020


def test_more_returns_are_more_returns(run: Run) -> None:
    path = case("returns_up.csv")
    assert "Returns and refunds in 365 days rose from" in lead_of(run, path)
    found = numbers_of(run, path)
    assert found["average_order_value", ""]["change"] == 0
    assert found["revenue_returns", ""]["value"] > found["revenue_returns", ""]["previous"] > 0  # type: ignore[operator]


def test_of_customers_who_bought_once_nobody_stays_for_0_days(run: Run) -> None:
    done = run("loyalty-report", case("cohort.csv"), "-f", "md", "-q")
    assert "71% of the customers bought once and lapsed." in done.stdout
    assert "stay for 0 days" not in done.stdout
    assert "no answer" not in done.stdout
    found = numbers_of(run, case("cohort.csv"))
    assert found["potential_value", ""]["value"] >= found["current_value", ""]["value"]  # type: ignore[operator]


def test_days_without_rows_are_named_and_not_compared(run: Run) -> None:
    lead = lead_of(run, case("closed.csv"), "--as-of", "2025-06-20")
    assert "No rows on 92 days" in lead
    assert "mostly because" not in lead


def write_shop(path: Path, first: date, days: int, *, recalled: tuple[int, int] | None = None, seed: int = 1) -> Path:
    """Write a shop with customers who buy every few weeks; all items of one product bought in a month are returned."""
    dice, rows = random.Random(seed), ["order_id,customer_id,ordered_at,net,currency,type,category"]
    for number in range(300):
        day, gap = dice.randrange(min(60, days)), dice.randint(10, 60)
        while day < days:
            at, product = first + timedelta(day), dice.choice("abcd")
            rows.append(f"o{len(rows)},c{number:03},{at},50.00,EUR,sale,{product}")
            if product == "a" and (at.year, at.month) == recalled:
                rows.append(f"o{len(rows)},c{number:03},{at},-50.00,EUR,return,{product}")
            day += max(1, round(dice.gauss(gap, gap / 5)))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", [1, 2])
def test_a_recall_is_told_as_returns(run: Run, tmp_path: Path, seed: int) -> None:
    path = write_shop(tmp_path / "recall.csv", date(2023, 1, 1), 1096, recalled=(2025, 11), seed=seed)
    args = (path, "--period", "1mo", "--as-of", "2025-11-30")
    found = numbers_of(run, *args)
    rows = pl.read_csv(path, try_parse_dates=True).filter(pl.col("type") == "return")
    assert found["revenue_returns", ""]["value"] == -rows["net"].sum()
    assert found["change_by_returns", ""]["value"] == rows["net"].sum()
    assert found["average_order_value", ""]["value"] == 50
    assert "Returns and refunds in 30 days rose from" in lead_of(run, *args)


@pytest.mark.parametrize("lang", ["en", "th"])
def test_data_that_end_early_are_named_and_not_compared(run: Run, tmp_path: Path, lang: str) -> None:
    from ckm._loyalty.numbers import Numbers
    from ckm._loyalty.words import load_words

    path = write_shop(tmp_path / "early.csv", date(2023, 7, 1), 900)
    last = pl.read_csv(path, try_parse_dates=True)["ordered_at"].max()
    assert isinstance(last, date)
    done = run("loyalty-report", path, "--as-of", last + timedelta(75), "--lang", lang, "-f", "md", "-q")
    assert done.exit_code == 0, done.stderr
    words = load_words(lang)
    numbers = Numbers(words.locale, "EUR")
    days = words.say("unit.days", 75, days=numbers.count(75))
    page = done.stdout.replace("\\", "").replace("\xa0", " ")
    assert words.say("lead.data_end", day=numbers.day(last), days=days).replace("\xa0", " ") in page
    assert words.say("missing.data_end_early", 75, days=numbers.count(75)) in page
    assert words.say("lead.previous", compared="").strip(" .") not in page


def test_a_new_shop_has_one_answer_in_both_commands(run: Run, tmp_path: Path) -> None:
    path = write_shop(tmp_path / "new2mo.csv", date(2025, 5, 1), 60)
    refused = run("churn-warn", path)
    assert refused.exit_code == 4
    done = run("loyalty-report", path, "-f", "json")
    names = {each["metric"] for each in json.loads(done.stdout)}
    assert not names & {"value_at_risk", "customers_at_risk", "clv", "clv_mean", "clv_share"}
    assert "ckm churn-warn refuses too: " in done.stderr
    page = run("loyalty-report", path, "-f", "md", "-q").stdout
    assert "because ckm churn-warn makes no forecast from these data" in page
