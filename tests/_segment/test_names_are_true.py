"""Every name and figure shown for a customer is true of the customer's own rows, in shops of many kinds.

The facts are read off the rows by plain Python (:mod:`tests._segment.shops`), not by ckm.
"""

from __future__ import annotations

import re
from datetime import timedelta
from statistics import mean, median
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from ckm._segment.apply import apply_definition
from ckm._segment.clusters.learn import FEWEST_IN_CLUSTER
from ckm._segment.definition_file import parse_definition
from ckm._segment.learn import segment_customers
from ckm._segment.rfm import score_corrections
from ckm._segment.rules.definition import RulesDefinition, SegmentRule
from ckm.errors import NotEnoughDataError
from ckm.models.clusters import cluster_stability as stability
from tests._segment.shops import SHOPS, START, Customer, facts, transactions
from tests.conftest import examples

if TYPE_CHECKING:
    from pathlib import Path

    from ckm._segment.result import Segmentation

SEEDS = range(examples(3))
NEW = ("New Customers", "Promising")
BUYING = ("Champions", "Loyal Customers", "Potential Loyalist")
SLACKENING = ("About To Sleep", "Customers Needing Attention")
GONE = ("At Risk", "Can't Lose Them", "Hibernating", "Lost")
A_WEEK = 7
RULES = RulesDefinition(
    (
        SegmentRule("bought within their interval", "", "recency_days <= purchase_interval_days"),
        SegmentRule("bought once", "", "gaps = 0"),
        SegmentRule("late", "", "recency_days > purchase_interval_days"),
    )
)


@pytest.fixture(autouse=True)
def _few_bootstraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stability, "BOOTSTRAPS", 4)
    monkeypatch.setattr(stability, "BOOTSTRAP_RESTARTS", 2)


def segmented(kind: str, seed: int, by: str | RulesDefinition) -> tuple[Segmentation, dict[str, Customer]]:
    """Segment a shop; skip the test if ckm refuses it for too few data."""
    rows = SHOPS[kind](np.random.default_rng(seed))
    try:
        found = segment_customers({"transactions": transactions(rows)}, by=by)
    except NotEnoughDataError as error:
        refused = str(error)
    else:
        return found, facts(rows)
    assert re.search(r"\d", refused)
    pytest.skip(f"refused: {refused}")


def each(found: Segmentation, known: dict[str, Customer]) -> list[tuple[dict[str, object], Customer]]:
    assert found.customers["customer_id"].to_list() == sorted(known)
    return [(row, known[row["customer_id"]]) for row in found.customers.rows(named=True)]


kinds = pytest.mark.parametrize("kind", SHOPS)
seeds = pytest.mark.parametrize("seed", SEEDS)


@kinds
@seeds
def test_every_rfm_name_is_true_of_its_customers(kind: str, seed: int) -> None:
    found, known = segmented(kind, seed, "rfm")
    middle = median(one.net for one in known.values())
    for row, facts_of in each(found, known):
        name, days = row["segment"], len(facts_of.days)
        if name in NEW:
            assert days == 1
            assert len(facts_of.orders) < score_corrections.MANY_ORDERS
        if name in BUYING:
            assert len(facts_of.orders) > 1
        if name == "Champions":
            assert facts_of.net > 0
        if name in ("Champions", "Can't Lose Them"):  # among the best, as the advice says
            assert facts_of.net >= middle
        if facts_of.bought_within_own_interval:
            assert name in BUYING
        if facts_of.interval is not None and days > 2:
            if name in GONE:
                assert facts_of.recency > 2 * facts_of.interval
            if name in BUYING and name != "Loyal Customers":
                assert facts_of.recency <= 3 * max(facts_of.interval, A_WEEK)


@kinds
@seeds
def test_named_by_is_true_of_each_customer(kind: str, seed: int) -> None:
    found, known = segmented(kind, seed, "rfm")
    shop = found.definition.definition.interval_days
    assert set(found.customers["named_by"]) <= set(score_corrections.REASONS)
    for row, facts_of in each(found, known):
        usual = facts_of.interval or shop
        match row["named_by"]:
            case score_corrections.WITHIN:
                assert facts_of.recency <= usual
            case score_corrections.NOT_LATE:
                assert usual < facts_of.recency <= 2 * usual
            case score_corrections.STOPPED:
                assert facts_of.recency > 2 * max(usual, A_WEEK)
            case score_corrections.ONCE:
                assert len(facts_of.days) == 1
            case score_corrections.SEVERAL:
                assert len(facts_of.orders) > 1
            case score_corrections.NO_MONEY:
                assert facts_of.net <= 0


@kinds
@seeds
def test_customers_who_do_not_differ_have_equal_scores(kind: str, seed: int) -> None:
    found, known = segmented(kind, seed, "rfm")
    figures = {"f_score": [len(one.days) for one in known.values()], "m_score": [one.net for one in known.values()]}
    for score, values in figures.items():
        if min(values) > 0 and max(values) <= 1.05 * min(values):
            assert found.customers[score].n_unique() == 1
    if len(known) < 10:
        assert found.customers.select("r_score", "f_score", "m_score").unique().height == 1
        assert any("customers are few or alike" in remark for remark in found.remarks)


@kinds
@seeds
def test_every_life_cycle_stage_is_true_of_its_customers(kind: str, seed: int) -> None:
    found, known = segmented(kind, seed, "lifecycle")
    for row, facts_of in each(found, known):
        state, days = row["segment"], facts_of.days
        if facts_of.bought_within_own_interval:
            assert state in ("active", "reactivated")
        if state == "new":
            assert len(days) == 1
        if state in ("active", "reactivated"):
            assert len(days) > 1
        if state == "reactivated" and facts_of.interval_before is not None:
            assert facts_of.gaps[-1] > 2 * facts_of.interval_before
        assert row["silence_ratio"] == pytest.approx(facts_of.recency / row["long_gap_days"])
        assert row["long_gap_days"] >= (facts_of.interval or 0) - 0.001
        assert (state == "lapsed") == (row["silence_ratio"] > 2)


@pytest.mark.slow
@kinds
@seeds
def test_every_value_segment_is_true_of_its_customers(kind: str, seed: int) -> None:
    found, known = segmented(kind, seed, "value")
    positive = sorted(one.last_year for one in known.values() if one.last_year > 0)
    middle = positive[-(-len(positive) // 2) - 1]
    # members of a club have the same value: one bill more or less makes no difference
    slack = 0.02 + (median(one.net / len(one.orders) for one in known.values()) if kind == "club" else 0)
    for row, facts_of in each(found, known):
        assert row["current_value"] == pytest.approx(facts_of.last_year, abs=0.01)
        is_high = row["segment"] in ("protect", "maintain")
        assert is_high == (facts_of.last_year > 0 and facts_of.last_year >= middle - 0.01) or (
            abs(facts_of.last_year - middle) < slack
        )
        if row["segment"] in ("protect", "grow"):
            assert row["headroom"] >= 0.01
            assert row["potential_value"] == pytest.approx(facts_of.last_year + row["headroom"], abs=0.011)


FIGURES = {
    "frequent": (lambda one: len(one.days), 1),
    "occasional": (lambda one: len(one.days), -1),
    "big baskets": (lambda one: mean(one.orders), 1),
    "small baskets": (lambda one: mean(one.orders), -1),
    "long gaps": (lambda one: one.interval, 1),
    "short gaps": (lambda one: one.interval, -1),
}
"""By word of a cluster name: the figure that it describes, and 1 if the figure must be above that of all, else -1."""


@pytest.mark.slow
@kinds
@seeds
def test_every_word_of_a_cluster_name_is_true_of_its_customers(kind: str, seed: int) -> None:
    found, known = segmented(kind, seed, "clusters")
    total = found.summary.select(pl.col("revenue").sum(), pl.col("customers").sum())
    orders = sum(len(one.orders) for one in known.values())
    for summary in found.summary.rows(named=True):
        members = [facts_of for row, facts_of in each(found, known) if row["segment"] == summary["segment"]]
        assert len(members) == summary["customers"] >= FEWEST_IN_CLUSTER
        for word in summary["segment"].split(", "):
            plain = re.sub(r" \d+$", "", word)
            if plain in FIGURES:
                figure, side = FIGURES[plain]
                ours = [value for one in members if (value := figure(one)) is not None]
                everybody = [value for one in known.values() if (value := figure(one)) is not None]
                assert side * (mean(ours) - mean(everybody)) > 0, (word, mean(ours), mean(everybody))
                assert side * (median(ours) - median(everybody)) >= 0
            if plain.endswith("baskets"):
                assert FIGURES[plain][1] * (summary["average_order_value"] - total["revenue"][0] / orders) > 0
            if plain in ("slowing down", "speeding up"):
                changes = [one.gaps[-1] / one.interval_before for one in members if one.interval_before is not None]
                assert len(changes) * 2 >= len(members)
                assert (median(changes) - 1) * (1 if plain == "slowing down" else -1) >= 0


@kinds
@seeds
def test_a_rule_holds_for_every_customer_of_its_segment(kind: str, seed: int) -> None:
    found, known = segmented(kind, seed, RULES)
    for row, facts_of in each(found, known):
        once = len(facts_of.days) == 1
        within = facts_of.bought_within_own_interval
        expected = "bought within their interval" if within else "bought once" if once else "late"
        assert row["segment"] == expected


@pytest.mark.slow
@kinds
@pytest.mark.parametrize("by", ["rfm", "lifecycle", "value", "clusters"])
def test_the_summary_shows_the_figures_of_the_customers_in_each_segment(kind: str, by: str) -> None:
    found, known = segmented(kind, 0, by)
    for summary in found.summary.rows(named=True):
        members = [facts_of for row, facts_of in each(found, known) if row["segment"] == summary["segment"]]
        assert summary["customers"] == len(members)
        assert summary["revenue"] == pytest.approx(sum(one.net for one in members), abs=0.01)
        if members:
            assert summary["median_recency_days"] == median(one.recency for one in members)
            assert summary["orders_per_customer"] == pytest.approx(mean(len(one.orders) for one in members))


@pytest.mark.slow
@kinds
@pytest.mark.parametrize("by", ["rfm", "lifecycle", "value", "clusters"])
def test_a_saved_definition_gives_the_same_names_and_they_stay_true_later(kind: str, by: str, tmp_path: Path) -> None:
    rows = SHOPS[kind](np.random.default_rng(7))
    last = max(day for _, day, _ in rows)
    cut = last - 40
    if cut < 1 or not any(day <= cut for _, day, _ in rows):
        pytest.skip("too short a shop")
    tables = {"transactions": transactions(rows)}
    try:
        learned = segment_customers(tables, by=by, as_of=START + timedelta(days=cut))
    except NotEnoughDataError as error:
        pytest.skip(f"refused: {error}")
    kept = parse_definition(learned.definition.to_yaml(), tmp_path / "kept.yaml")
    assert kept == learned.definition
    again = apply_definition(kept, tables, as_of=START + timedelta(days=cut))
    assert again.customers.equals(learned.customers)
    if by not in ("rfm", "lifecycle"):
        return
    later = apply_definition(kept, tables)
    for row, facts_of in each(later, facts(rows)):
        if facts_of.bought_within_own_interval:
            assert row["segment"] in (*BUYING, "active", "reactivated")
        if row["segment"] in (*NEW, "new"):
            assert len(facts_of.days) == 1


@pytest.mark.parametrize("gap", [1, 10, 60, 200])
def test_a_customer_with_two_purchase_days_long_ago_has_no_name_of_active_customers(
    run, tmp_path: Path, gap: int
) -> None:
    random = np.random.default_rng(gap)
    last = START + timedelta(days=900)
    rows = [
        (f"now{customer}", last - timedelta(days=int(random.integers(0, 20)) + 30 * number), 20.0)
        for customer in range(150)
        for number in range(int(random.integers(1, 12)))
    ]
    rows += [
        (f"then{customer}", last - timedelta(days=500 + days), 400.0) for customer in range(30) for days in (0, gap)
    ]
    path = tmp_path / "orders.csv"
    pl.DataFrame(rows, schema=["customer_id", "date", "amount"], orient="row").write_csv(path)
    found = run("segment", path, "--by", "rfm", "--customers", "-f", "csv")
    assert found.exit_code == 0, found.stderr
    names = pl.read_csv(found.stdout.encode()).filter(pl.col("customer_id").str.starts_with("then"))["segment"]
    assert set(names) <= {"Hibernating", "Lost", "At Risk", "Can't Lose Them"}


@pytest.mark.parametrize("customers", [40, 137])
def test_the_hint_of_refused_clusters_works(run, tmp_path: Path, customers: int) -> None:
    rows = [(f"c{each}", START + timedelta(days=day), 10.0) for each in range(customers) for day in range(0, 400, 40)]
    path = tmp_path / "orders.csv"
    pl.DataFrame(rows, schema=["customer_id", "date", "amount"], orient="row").write_csv(path)
    refused = run("segment", path, "--by", "clusters")
    assert refused.exit_code == 4
    assert "hint:" in refused.stderr
    (words,) = re.findall(r"(--by rfm|--customers)", refused.stderr)[:1]
    assert run("segment", path, *words.split(), "-f", "csv").exit_code == 0
