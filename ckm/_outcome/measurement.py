"""Measurement of an outcome: effects of an audience on its primary and secondary metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._outcome.covariates import complete_risk
from ckm._outcome.effects import Experiment, group_effects, rule_effects
from ckm._outcome.outcome_file import FINAL, RUNNING, MeasuredEffect, OutcomeRecord
from ckm.assignments import TREATED
from ckm.models.experiments.adjustment import adjust
from ckm.models.experiments.confidence_sequence import confidence_sequence
from ckm.models.experiments.newcombe import relative_reduction
from ckm.models.experiments.sample_ratio import sample_ratio
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from ckm._outcome.metric_values import ShopRecord
    from ckm.assignments import Assignment
    from ckm.customers.period import Period
    from ckm.models.experiments.effect import Effect

SECONDARY = ("net", "margin")
ORDERED = ("order", "churn")
"""Metrics that are computed from whether a person ordered."""


def measure(
    assignment: Assignment, members: pl.DataFrame, shop: ShopRecord, period: Period, *, seed: int = 0
) -> tuple[OutcomeRecord, pl.DataFrame, pl.DataFrame]:
    """Measure the outcome of an audience.

    Before the end of the window only the effect on the primary metric is measured.

    Parameters
    ----------
    assignment, members
        Assignment and members of the audience.
    shop
        Ledger and tables as of a day after the assignment.
    period
        Days of the window up to the as-of date.
    seed
        Random seed of the hurdle model.

    Returns
    -------
    tuple
        The outcome; effects by group (:func:`ckm._outcome.effects.group_effects`); and effects by rule of targeting
        (:func:`ckm._outcome.effects.rule_effects`). Before the end of the window both tables have no columns.

    Raises
    ------
    NotEnoughDataError
        Too few persons have the outcome, or the data have no amounts, costs or interactions that the metric needs.
    """
    values = shop.values(assignment.metric, members["customer_id"].to_list(), period)
    experiment = Experiment(assignment.metric, values, (members["arm"] == TREATED).to_numpy(), members)
    experiment.require_enough()
    final = shop.as_of >= assignment.last_day
    effect = experiment.effect(seed=seed) if final else _running(experiment, assignment)
    groups = group_effects(experiment, seed=seed) if final else pl.DataFrame()
    rules = rule_effects(experiment, seed=seed) if final else pl.DataFrame()
    primary = _measured(experiment, effect)
    found = OutcomeRecord(
        audience=assignment.name,
        origin=assignment.origin,
        entry=assignment.entry,
        offer=assignment.offer,
        digest=str(assignment.document()["digest"]),
        metric=assignment.metric,
        first_day=period.first,
        last_day=assignment.last_day,
        as_of=shop.as_of,
        status=FINAL if final else RUNNING,
        currency=shop.currency,
        primary=primary,
        secondary=tuple(_secondary(experiment, shop, period, seed)) if final else (),
        entries=tuple(_by_entry(experiment, seed)) if final and assignment.entries else (),
        adjusted=_adjusted(experiment, assignment) if final and assignment.covariates else None,
        reduction=_reduction(experiment) if final and assignment.metric in ORDERED else None,
        sample_ratio_p=sample_ratio(primary.treated, primary.holdout, assignment.share),
        groups=tuple(groups.to_dicts()),
        rules=tuple(rules.to_dicts()),
    )
    return found, groups, rules


def _running(experiment: Experiment, assignment: Assignment) -> Effect:
    """Return the effect on the primary metric in the window up to now, with a confidence sequence."""
    treated, holdout = experiment.arm(treated=True), experiment.arm(treated=False)
    moments = [(float(arm.mean()), float(arm.var(ddof=1)), len(arm)) for arm in (treated, holdout)]
    deviation = assignment.baseline[1] or float(experiment.values.std())
    return confidence_sequence(*moments, target=deviation**2 * (1 / len(treated) + 1 / len(holdout)))


def _measured(experiment: Experiment, effect: Effect, entry: str = "") -> MeasuredEffect:
    """Return an effect as an item of the file, with metric and sizes of the arms.

    ``entry`` is the id of the knowledge entry that all persons of the experiment got; empty for a whole audience.
    """
    (_, treated), (_, holdout) = experiment.counts
    return MeasuredEffect(
        experiment.metric,
        effect.estimate,
        effect.low,
        effect.high,
        treated,
        holdout,
        effect.treated_mean,
        effect.holdout_mean,
        effect.method,
        entry,
    )


def _secondary(experiment: Experiment, shop: ShopRecord, period: Period, seed: int) -> list[MeasuredEffect]:
    """Return the effects on net sales and margin.

    A metric is left out if it is the primary one, if the data have no amounts or costs, or if there are too few buyers.
    """
    found = []
    known = () if shop.currency == NO_CURRENCY else SECONDARY
    for metric in known:
        if metric == experiment.metric or (metric == "margin" and shop.ledger.margin_share() is None):
            continue
        persons = experiment.members["customer_id"].to_list()
        other = Experiment(metric, shop.values(metric, persons, period), experiment.treated, experiment.members)
        if other.is_enough:
            found.append(_measured(other, other.effect(seed=seed)))
    return found


def _by_entry(experiment: Experiment, seed: int) -> list[MeasuredEffect]:
    """Return the effect among the persons of each knowledge entry; entries with too few buyers are left out."""
    found = []
    for entry in experiment.members["entry"].unique().sort():
        part = experiment.of((experiment.members["entry"] == entry).to_numpy())
        if entry and part.is_enough:
            found.append(_measured(part, part.effect(seed=seed), entry))
    return found


def _adjusted(experiment: Experiment, assignment: Assignment) -> dict[str, float]:
    """Return estimate, low and high of the effect adjusted by the declared covariates, and variance_reduction."""
    covariates = experiment.members.with_columns(complete_risk()).select(assignment.covariates).to_numpy()
    treated = experiment.treated
    found = adjust(experiment.values[treated], experiment.values[~treated], covariates[treated], covariates[~treated])
    effect = found.effect
    return {
        "estimate": effect.estimate,
        "low": effect.low,
        "high": effect.high,
        "variance_reduction": found.variance_reduction,
    }


def _reduction(experiment: Experiment) -> tuple[float, float, float] | None:
    """Return the relative reduction of the share of persons without an order, with the ends of its 95 % interval.

    None if all persons of the holdout ordered.
    """
    (a, m), (b, n) = experiment.counts
    lost = ((a, m), (b, n)) if experiment.metric == "churn" else ((m - a, m), (n - b, n))
    return relative_reduction(*lost) if lost[1][0] else None
