"""Members of the loyalty programme, their points, and members compared with matched non-members, by hand."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ckm._loyalty.document import loyalty_document
from ckm._loyalty.words import load_words
from ckm.customers.ledger import Ledger
from ckm.customers.period import Period
from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.loyalty import loyalty
from ckm.metrics.loyalty_programme import FEWEST_PAIRS, members_on, read_programme
from ckm.names import LANGUAGES
from ckm.schema import TABLES
from ckm.workspace import lay_out
from tests.metrics.rows import START, ledger, row

PERIOD = Period(date(2026, 1, 1), date(2026, 12, 31))
SNAPSHOTS = pl.LazyFrame(
    [
        ("ann", "m1", "Gold", date(2024, 5, 1), 1000.0, 600.0, 100.0, None, date(2026, 6, 30)),
        ("ann", "m1", "Silver", date(2024, 5, 1), 500.0, 0.0, 0.0, 500.0, date(2026, 1, 31)),
        ("bo", "m2", None, None, None, None, None, 40.0, None),
        ("cy", "m3", "Gold", date(2025, 2, 1), 300.0, 0.0, None, 250.0, date(2026, 6, 30)),
        ("cy", "m4", "Basic", date(2025, 1, 1), 100.0, 100.0, None, None, date(2026, 6, 30)),
        ("dee", "m5", "Gold", date(2027, 1, 5), 9.0, 9.0, None, 0.0, date(2027, 1, 31)),
    ],
    schema=TABLES["memberships"].dtypes,
    orient="row",
)


def ledger_of(purchases: dict[str, list[tuple[date, float]]]) -> Ledger:
    rows = [row(who, (day - START).days + 0.5, net) for who, each in purchases.items() for day, net in each]
    return ledger(*rows, as_of=PERIOD.last)


def test_the_newest_snapshot_of_each_member_by_the_day_counts() -> None:
    found = members_on(SNAPSHOTS, PERIOD.last).drop("joined_on").rows()
    assert found == [
        ("ann", "Gold", 1000.0, 600.0, 300.0),  # 1000 - 600 - 100
        ("bo", None, None, None, 40.0),  # without a day
        ("cy", "Gold", 400.0, 100.0, 250.0),  # two accounts: 250 and 100 - 100
    ]
    assert members_on(SNAPSHOTS, date(2026, 2, 1))["points_balance"].to_list() == [500.0, 40.0]


def test_points_and_activity_are_those_worked_out_by_hand() -> None:
    known = ledger_of({"ann": [(date(2026, 3, 1), 20)], "bo": [(date(2025, 3, 1), 20)], "z": [(date(2026, 3, 1), 5)]})
    found = read_programme(SNAPSHOTS, known, PERIOD)
    assert found is not None
    assert found.tiers == [("Gold", 2), ("(none)", 1)]
    assert found.balance == 300 + 40 + 250
    assert found.redemption == (600 + 100) / (1000 + 400)
    assert found.activity[0] == 1 / 3
    assert found.difference is None


def test_there_is_no_programme_without_a_member_by_the_day() -> None:
    known = ledger_of({"ann": [(date(2026, 3, 1), 20)]})
    assert read_programme(None, known, PERIOD) is None
    assert read_programme(SNAPSHOTS.filter(pl.col("customer_id") == "dee"), known, PERIOD) is None


@pytest.mark.parametrize("pairs", [FEWEST_PAIRS, FEWEST_PAIRS - 1])
def test_members_are_compared_with_non_members_of_the_same_quarter_and_value(pairs: int) -> None:
    """Members buy for 50, non-members alike for 40; those of another quarter or another value for 1000."""
    joined, start = date(2025, 6, 10), date(2025, 2, 1)
    purchases: dict[str, list[tuple[date, float]]] = {}
    for number in range(pairs):
        value = 100.0 + number
        day = start + timedelta(days=number)
        purchases[f"member{number}"] = [(day, value), (date(2026, 2, 1), 50 + number % 2)]
        purchases[f"alike{number}"] = [(day, value), (date(2026, 2, 1), 40 + number % 2)]
        purchases[f"earlier{number}"] = [(date(2024, 11, 1), value), (date(2026, 2, 1), 1000)]
        purchases[f"richer{number}"] = [(day, 10 * value), (date(2026, 2, 1), 1000)]
    members = pl.LazyFrame(
        {"customer_id": [f"member{number}" for number in range(pairs)], "joined_on": [joined] * pairs}
    )
    found = read_programme(members, ledger_of(purchases), PERIOD)
    assert found is not None
    if pairs < FEWEST_PAIRS:
        assert found.difference is None
    else:
        assert found.difference is not None
        assert found.difference.pairs == pairs
        assert found.difference.value == pytest.approx(10)
        assert found.difference.low <= 10 <= found.difference.high


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Members c1 to c40 of a shop that sells every day; the value of a point is .01 EUR."""
    root = tmp_path_factory.mktemp("programme") / "shop"
    lay_out(root)
    (root / "ckm.yaml").write_text("loyalty: {point_value: 0.01}\n", encoding="utf-8")
    lines = ["order_id,customer_id,ordered_at,net,currency"]
    lines += [
        f"o{number},c{number % 60 + 1},{date(2024, 1, 1) + timedelta(days=number)}T12:00:00Z,10,EUR"
        for number in range(912)
    ]
    members = ["customer_id,tier,points_earned,points_redeemed,on"]
    members += [f"c{number},{'Gold' if number <= 30 else 'Basic'},100,40,2026-06-30" for number in range(1, 41)]
    for table, rows in (("transactions", lines), ("memberships", members)):
        path = root / f"{table}.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        ingest(root, path, options=IngestOptions(table=table))
    return root


@pytest.mark.slow
def test_the_loyalty_report_has_the_programme_by_tier(shop: Path) -> None:
    report = loyalty(shop, as_of=date(2026, 6, 30), period="12mo", keep=False).report
    metrics = report.metrics
    assert {each.of("tier"): each.value for each in metrics.all("members_by_tier", "tier")} == {"Gold": 30, "Basic": 10}
    values = {name: metrics.value(name) for name in ("members", "points_liability", "point_redemption_rate")}
    assert values == {"members": 40, "points_liability": pytest.approx(40 * 60 * 0.01), "point_redemption_rate": 0.4}
    for lang in LANGUAGES:
        titles = [each.title for each in loyalty_document(report, lang).sections]
        assert load_words(lang).say("section.programme") in titles


@pytest.mark.slow
def test_small_tiers_are_hidden_in_the_report(shop: Path) -> None:
    report = loyalty(shop, as_of=date(2026, 6, 30), period="12mo", keep=False, min_group_size=20).report
    shown = {each.of("tier"): each.value for each in report.metrics.all("members_by_tier", "tier")}
    assert shown.get("Basic") is None
    assert shown.get("Gold") is None  # else the small tier were the difference to all members
