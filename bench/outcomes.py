"""Effects of campaigns by holdout: published numbers, coverage, false positives of daily looks, and a planted effect.

Usage: ``python bench/outcomes.py [--fast]``. The e-mail test of Hillstrom (CKM_SHARED, ``outcomes/hillstrom.csv``)
gives the published numbers and the amounts for A/A tests, which have no effect; the generator of the example shop gives
campaigns with a known effect. ``--fast`` runs a twentieth of the repetitions.
"""

from __future__ import annotations

import sys
from collections import Counter
from time import process_time

import numpy as np
import polars as pl
from measure import SHARED, machine

from ckm._outcome.effects import Experiment
from ckm.example import days
from ckm.example.campaign import run_campaign
from ckm.example.customers import make_customers
from ckm.example.purchase_history import CustomerHistory, simulate_customer
from ckm.example.words import words
from ckm.models.experiments import hurdle as hurdle_model
from ckm.models.experiments.adjustment import adjust
from ckm.models.experiments.confidence_sequence import confidence_sequence
from ckm.models.experiments.effect import Effect  # noqa: TC001
from ckm.models.intervals import Z

HILLSTROM = SHARED / "outcomes" / "hillstrom.csv"
METRICS = ("visit", "conversion", "spend")
MAILS = ("Mens E-Mail", "Womens E-Mail")
SIZES, SHARES = (2_000, 5_000, 10_000, 20_000), (0.1, 0.3)
REPEATS = 4_000
"""Splits of each cell: the standard error of a coverage of .95 is .0034."""
DRAWS = 4_000
"""Draws of the hurdle model in a repetition; the command takes five times as many."""
LOOKS = 30
CAMPAIGNS, CAMPAIGNS_OF_SHOP = 1_000, 20
CUSTOMERS = 3_000
PLAN = words("campaign")


def difference(treated: np.ndarray, holdout: np.ndarray) -> tuple[float, float]:
    """Return the difference of the means (treated less holdout), and its standard error."""
    error = np.sqrt(treated.var(ddof=1) / len(treated) + holdout.var(ddof=1) / len(holdout))
    return treated.mean() - holdout.mean(), float(error)


def printed_numbers(rows: pl.DataFrame) -> None:
    print("Hillstrom: difference of the means (standard error)")
    control = rows.filter(pl.col("segment") == "No E-Mail")
    for mail in MAILS:
        treated = rows.filter(pl.col("segment") == mail)
        parts = []
        for metric in METRICS:
            effect, error = difference(treated[metric].to_numpy(), control[metric].to_numpy())
            parts.append(f"{metric} {effect:+.4f} ({error:.4f})")
        print(f"  {mail:14} " + "  ".join(parts))
        found = hurdle_model.hurdle(treated["spend"].to_numpy(), control["spend"].to_numpy())
        print(f"  {'':14} hurdle model: spend {found.estimate:+.3f} ({found.low:+.3f} to {found.high:+.3f})")
    men = rows.filter(pl.col("segment") == MAILS[0])
    covariates = (
        [pl.concat([men, control]).select("recency", "history", "mens", "womens", "newbie", "zip_code", "channel")][0]
        .to_dummies(["zip_code", "channel"], drop_first=True)
        .to_numpy()
        .astype(float)
    )
    for metric in METRICS:
        found = adjust(
            men[metric].to_numpy().astype(float), control[metric].to_numpy().astype(float), covariates[: len(men)],
            covariates[len(men) :],
        )  # fmt: skip
        print(f"  adjusted {metric:10} {found.effect.estimate:+.4f}, variance -{100 * found.variance_reduction:.1f} %")


def coverage_without_effect(rows: pl.DataFrame, repeats: int, random: np.random.Generator) -> None:
    print("A/A on spend, coverage of zero (share of splits that are not refused); normal interval beside")
    for name, chosen in (("control", rows.filter(pl.col("segment") == "No E-Mail")), ("all", rows)):
        spend = chosen["spend"].to_numpy()
        for size in SIZES:
            for share in SHARES:
                _cell(name, spend, size, share, repeats, random)


def _cell(name: str, spend: np.ndarray, size: int, share: float, repeats: int, random: np.random.Generator) -> None:
    covered = normal = used = 0
    held = round(size * share)
    treated = np.arange(size) >= held
    for repeat in range(repeats):
        values = random.choice(spend, size, replace=False)
        experiment = Experiment("net", values, treated, pl.DataFrame())
        if not experiment.is_enough:
            continue
        used += 1
        found = experiment.effect(seed=repeat)
        covered += found.low <= 0 <= found.high
        effect, error = difference(values[held:], values[:held])
        normal += abs(effect) <= Z * error
    text = "refused" if used < repeats / 100 else f"{covered / used:.4f}   normal {normal / used:.4f}"
    print(f"  {name:8} {size:>6,} customers, holdout {share:.0%}: {used / repeats:6.1%} used  {text}")


def daily_looks(rows: pl.DataFrame, repeats: int, random: np.random.Generator) -> None:
    """Print the share of A/A tests in which one of thirty daily looks finds an effect.

    The visits and spend of a customer are on a random day of the window. Looks with too few buyers are skipped.
    """
    control = rows.filter(pl.col("segment") == "No E-Mail")
    names = ("fixed test", "confidence sequence")
    size = 10_000
    for metric in ("visit", "spend"):
        claims = dict.fromkeys(names, 0)
        whole = control[metric].to_numpy().astype(float)
        for _ in range(repeats):
            values = random.choice(whole, size, replace=False)
            day = random.integers(1, LOOKS + 1, size)
            treated = random.random(size) > 0.3
            target = whole.var() * (1 / treated.sum() + 1 / (~treated).sum())
            fixed = sequence = False
            for look in range(1, LOOKS + 1):
                so_far = Experiment("net", np.where(day <= look, values, 0.0), treated, pl.DataFrame())
                if not so_far.is_enough:
                    continue
                arms = so_far.arm(treated=True), so_far.arm(treated=False)
                effect, error = difference(*arms)
                fixed |= abs(effect) > Z * error
                moments = [(float(each.mean()), float(each.var(ddof=1)), len(each)) for each in arms]
                sequence |= confidence_sequence(*moments, target=target).excludes_zero
            claims["fixed test"] += fixed
            claims["confidence sequence"] += sequence
        print(
            f"{LOOKS} daily looks without an effect, {metric}: "
            + ", ".join(f"{name} claims one in {count / repeats:.1%}" for name, count in claims.items())
        )


def planted_effect(campaigns: int) -> None:
    """Print coverage and bias of the effect in campaigns of the example shop, where each customer's effect is known."""
    effects, found, money = [], [], []
    caused = treated_persons = 0
    for shop in range(-(-campaigns // CAMPAIGNS_OF_SHOP)):
        everyone = [simulate_customer(each, shop, Counter()) for each in make_customers(shop, CUSTOMERS)]
        histories = [each for each in everyone if each.orders]
        by_id = {each.customer.customer_id: each for each in histories}
        for campaign in range(CAMPAIGNS_OF_SHOP):
            people, extra = run_campaign(histories, 1_000_000 * shop + campaign)
            treated = np.array([each.arm == "treated" for each in people])
            ordered = np.array([each.orders_with if each.arm == "treated" else each.orders_without for each in people])
            effects.append(np.mean([each.orders_with - each.orders_without for each in people]))
            found.append(Experiment("order", ordered.astype(float), treated, pl.DataFrame()).effect())
            spend = np.array([_spend(by_id[each.customer_id]) for each in people])
            places = {each.customer_id: place for place, each in enumerate(people)}
            for order in extra:
                spend[places[order.customer_id]] += order.net / 100
            caused += sum(each.net for each in extra) / 100
            treated_persons += int(treated.sum())
            money.append(Experiment("net", spend, treated, pl.DataFrame()).effect(seed=campaign))
    _print_planted("orders", found, float(np.mean(effects)))
    _print_planted("spend", money, caused / treated_persons)


def _spend(history: CustomerHistory) -> float:
    start = days.number(PLAN["assigned_at"])
    within = (each for each in history.purchases if start < each.day <= start + PLAN["window_days"])
    return sum(each.net for each in within) / 100


def _print_planted(name: str, found: list[Effect], truth: float) -> None:
    covered = np.mean([each.low <= truth <= each.high for each in found])
    bias = np.mean([each.estimate for each in found]) / truth - 1
    print(
        f"planted effect on {name}: {truth:.4f} in {len(found):,} campaigns; coverage {covered:.3f}, "
        f"bias {bias:+.1%} of the effect"
    )


def main() -> None:
    repeats = REPEATS // 20 if "--fast" in sys.argv else REPEATS
    hurdle_model.DRAWS = DRAWS
    rows = pl.read_csv(HILLSTROM, infer_schema_length=None)
    random = np.random.default_rng(19)
    print(machine())
    printed_numbers(rows)
    coverage_without_effect(rows, repeats, random)
    daily_looks(rows, repeats // 4, random)
    planted_effect(CAMPAIGNS if repeats == REPEATS else CAMPAIGNS // 10)
    print(f"{process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
