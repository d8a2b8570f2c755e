"""Next items and alarms: recall on Online Retail compared with simple rules, and false alarms on simulated counts.

    python bench/needs.py [items | alarms | bound]

items: the last purchase day of each customer with three or more is held out; recall of its items by ten ranked items,
for data up to several days.
alarms: simulated counts of 50 topics without a rise, with growth, season and overdispersion: number of false alarms in
the last year, with one a year stated. Then the share of simulations in which a topic with 3 comments a week triples and
raises an alarm within 4 weeks.
bound: the largest possible share for any detector that knows all parameters (Neyman-Pearson).
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import numpy as np
import polars as pl

from ckm.models.count_alarm import BASELINE, LAG, count_alarms
from ckm.models.next_items import next_items

SHARED = Path(os.environ.get("CKM_SHARED", Path(__file__).parents[2] / "shared")) / "data"
MOST = 10
CUT_OFFS = ("2010-06-30", "2010-08-31", "2010-10-31", "2010-12-31")
TOPICS, SHOPS, YEARS = 50, 40, 2
WORLDS = {
    "no change": {},
    "growth of 50 % a year": {"growth": 0.5},
    "season of 40 %": {"season": 0.4},
    "Poisson": {"dispersion": 0.0},
    "dispersion .5": {"dispersion": 0.5},
    "growth, season, dispersion .3": {"growth": 0.5, "season": 0.4, "dispersion": 0.3},
    "growth, season, a season of 30 % of each topic": {"growth": 0.5, "season": 0.4, "own": 0.3},
}


def items() -> None:
    rows = (
        pl.read_parquet(SHARED / "transactions" / "online_retail_2009_2010.parquet")
        .filter(pl.col("Customer ID").is_not_null(), ~pl.col("Invoice").str.starts_with("C"), pl.col("Quantity") > 0)
        .select(customer="Customer ID", item="StockCode", day=pl.col("InvoiceDate").str.slice(0, 10))
        .unique()
    )
    for until in CUT_OFFS:
        recalls(rows.filter(pl.col("day") <= until), until)


def recalls(rows: pl.DataFrame, until: str) -> None:
    """Print the recall of next items, own frequency and popular items; the last basket of each customer is held out."""
    rows = (
        rows.with_columns(
            basket=pl.col("day").rank("dense").over("customer") - 1, baskets=pl.col("day").n_unique().over("customer")
        )
        .filter(pl.col("baskets") >= 3)
        .with_columns(pl.col("customer").rank("dense") - 1, pl.col("item").rank("dense") - 1)
        .sort("customer", "basket", "item")
    )
    known, held = (
        rows.filter(pl.col("basket") < pl.col("baskets") - 1),
        rows.filter(pl.col("basket") == pl.col("baskets") - 1),
    )
    truth = {who: set(each) for who, each in held.group_by("customer").agg("item").rows()}

    def recall(chosen: dict[int, list[int]]) -> float:
        return float(np.mean([len(truth[who] & set(chosen.get(who, []))) / len(truth[who]) for who in truth]))

    who, basket, item = (known[name].to_numpy().astype(np.int64) for name in ("customer", "basket", "item"))
    made = next_items(who, basket, item, MOST)
    ours: dict[int, list[int]] = {}
    for who, item in zip(made.customers.tolist(), made.items.tolist(), strict=True):
        ours.setdefault(who, []).append(item)
    popular = known.group_by("item").len().sort("len", "item", descending=[True, False])["item"].head(MOST).to_list()
    counts = known.group_by("customer", "item").len().join(known.group_by("item").agg(all=pl.len()), on="item")
    own = (
        counts.sort("len", "all", "item", descending=[True, True, False])
        .group_by("customer", maintain_order=True)
        .head(MOST)
    )
    frequency = dict(own.group_by("customer").agg("item").rows())
    print(
        f"until {until}: {len(truth):,} customers, recall@{MOST}: next items {recall(ours):.4f}, "
        f"own frequency {recall(frequency):.4f}, "
        f"popular {recall(dict.fromkeys(truth, popular)):.4f}"
    )


def world(
    dice: np.random.Generator, *, growth: float = 0, season: float = 0, own: float = 0, dispersion: float = 0.2
) -> np.ndarray:
    """Simulate counts without a rise, shape (topics, weeks); ``own`` is the amplitude of each topic's own season."""
    weeks = np.arange(YEARS * 52 + BASELINE + LAG)
    volume = (1 + growth * weeks / 52) * (1 + season * np.sin(2 * np.pi * weeks / 52))
    mean = np.outer(np.clip(np.exp(dice.normal(1.0, 0.9, TOPICS)), 0.2, 30), volume)
    mean *= 1 + own * np.sin(2 * np.pi * weeks / 52 + dice.uniform(0, 2 * np.pi, (TOPICS, 1)))
    return dice.poisson(mean * (dice.gamma(1 / dispersion, dispersion, mean.shape) if dispersion else 1)).astype(float)


def tripling(dice: np.random.Generator, topics: int, dispersion: float) -> bool:
    """Simulate a topic with 3 comments a week that triples, and return whether it raises an alarm within 4 weeks."""
    mean = np.repeat(np.clip(np.exp(dice.normal(1.0, 0.9, (topics, 1))), 0.2, 30), YEARS * 52 + BASELINE + LAG, axis=1)
    mean[0], mean[0, -4:] = 3.0, 9.0
    counts = dice.poisson(mean * (dice.gamma(1 / dispersion, dispersion, mean.shape) if dispersion else 1))
    return bool(count_alarms(counts.astype(float), 1.0).alarms[0, -4:].any())


def alarms() -> None:
    for name, settings in WORLDS.items():
        made = [count_alarms(world(np.random.default_rng(seed), **settings), 1.0) for seed in range(SHOPS)]
        found = sum(int(each.alarms[:, -52:].sum()) for each in made)
        simulated = np.mean([each.simulated for each in made])
        print(f"{name}: {found / SHOPS:.2f} false alarms a year, 1 stated, {simulated:.2f} simulated", flush=True)
    for topics in (12, 50):
        for dispersion in (0.0, 0.05, 0.1, 0.2):
            hits = [tripling(np.random.default_rng(1000 + seed), topics, dispersion) for seed in range(SHOPS)]
            print(
                f"{topics} topics, dispersion {dispersion:g}, one triples at 3 a week: {np.mean(hits):.0%} of {SHOPS} "
                "raise an alarm within 4 weeks",
                flush=True,
            )


def bound() -> None:
    """Print the power of the likelihood ratio test of four weeks, at one false alarm a year over all topics."""
    dice = np.random.default_rng(0)
    for topics in (12, 50):
        for dispersion in (0.0, 0.05, 0.1, 0.2):
            ratios = []
            for mean, size in ((3.0, 4_000_000), (9.0, 400_000)):
                rate = mean * (dice.gamma(1 / dispersion, dispersion, (size, 4)) if dispersion else np.ones((size, 4)))
                counts, inverse = dice.poisson(rate), 1 / max(dispersion, 1e-6)
                ratios.append(
                    (counts * np.log(3) - (counts + inverse) * np.log((inverse + 9) / (inverse + 3))).sum(axis=1)
                )
            limit = np.quantile(ratios[0], 1 - 4 / 52 / topics)
            print(f"{topics} topics, dispersion {dispersion:g}: at most {(ratios[1] >= limit).mean():.1%}", flush=True)


if __name__ == "__main__":
    for part in sys.argv[1:] or ("items", "alarms"):
        {"items": items, "alarms": alarms, "bound": bound}[part]()
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"CPU {used.ru_utime:.1f} s, peak {used.ru_maxrss / 1e6:.2f} GB; numpy {np.__version__}")
