"""Effects of an experiment: of all persons, by group of persons, and by rule of targeting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._outcome.covariates import complete_risk
from ckm.errors import NotEnoughDataError
from ckm.models.experiments.hurdle import FEWEST_AMOUNTS, hurdle
from ckm.models.experiments.multiplicity import SIGNIFICANT, holm, p_value
from ckm.models.experiments.newcombe import newcombe
from ckm.models.experiments.targeting import FOLDS, predicted, upper_half
from ckm.models.sampling import id_hashes
from ckm.names import RATES
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckm.models.experiments.effect import Effect

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

FEWEST_BUYERS = 10
"""Minimum expected number of persons with the outcome in the smaller arm, by the pooled rate of both arms. A minimum of
the observed number would bias the effects that are reported: of campaigns without an effect, those with many buyers in
the holdout by chance would be more likely to be measured."""
GROUPS = ("value", "risk", "segment", "entry")
RULES = ("response", "uplift", "expected_gain")
"""Rules of targeting: predicted outcome without treatment; predicted difference between treatment and no treatment;
expected gain according to ``ckm churn-warn``."""
GROUP_COLUMNS = {
    "dimension": pl.String,
    "group": pl.String,
    "treated": pl.Int64,
    "holdout": pl.Int64,
    "effect": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_holm": pl.Float64,
    "significant": pl.Boolean,
}
RULE_COLUMNS = {
    "rule": pl.String,
    "half": pl.String,
    "treated": pl.Int64,
    "holdout": pl.Int64,
    "effect": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


@dataclass(frozen=True)
class Experiment:
    """Arm and outcome of each person of an audience.

    Attributes
    ----------
    metric
        Name of the metric, one of :data:`ckm.names.METRICS`.
    values
        Outcome of each person, shape (n,): 0 or 1 for a rate, else an amount in the currency.
    treated
        Whether a person is in the treated arm, shape (n,).
    members
        Members of the audience, n rows in the order of ``values``.
    """

    metric: str
    values: Floats
    treated: Mask
    members: pl.DataFrame

    def of(self, chosen: Mask) -> Experiment:
        """Return the experiment restricted to the persons of a mask, shape (n,)."""
        return Experiment(
            self.metric, self.values[chosen], self.treated[chosen], self.members.filter(pl.Series(chosen))
        )

    def arm(self, *, treated: bool) -> Floats:
        """Return the outcomes of the treated arm, or of the holdout."""
        return self.values[self.treated if treated else ~self.treated]

    @property
    def counts(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Of the treated arm, then of the holdout: number of persons with a positive outcome, number of persons."""
        arms = (self.arm(treated=True), self.arm(treated=False))
        treated, holdout = ((int((arm > 0).sum()), len(arm)) for arm in arms)
        return treated, holdout

    @property
    def expected_buyers(self) -> float:
        """Expected number of persons with the outcome in the smaller arm, by the pooled rate of both arms.

        If more than half of all persons have the outcome of a rate, the number of persons without it.
        """
        (a, m), (b, n) = self.counts
        if not m + n:
            return 0.0
        share = (a + b) / (m + n)
        return min(m, n) * (min(share, 1 - share) if self.metric in RATES else share)

    @property
    def is_enough(self) -> bool:
        """Whether enough persons have the outcome for an interval with a coverage of about 95 %.

        The condition is :data:`FEWEST_BUYERS`, and for an amount also
        :data:`ckm.models.experiments.hurdle.FEWEST_AMOUNTS` positive amounts in each arm.
        """
        (a, _), (b, _) = self.counts
        return self.expected_buyers >= FEWEST_BUYERS and (self.metric in RATES or min(a, b) >= FEWEST_AMOUNTS)

    def require_enough(self) -> None:
        """Raise NotEnoughDataError with the missing number of persons, unless :attr:`is_enough`."""
        if self.is_enough:
            return
        (a, m), (b, n) = self.counts
        few, needed, expected = round(self.expected_buyers), FEWEST_BUYERS, " in expectation"
        arm = "smaller arm"
        if self.expected_buyers >= FEWEST_BUYERS:  # enough for a rate, but an arm has too few positive amounts
            few, needed, expected = min(a, b), FEWEST_AMOUNTS, ""
            arm = "treated arm" if a < b else "holdout"
        persons = f"{counted(few, 'person')} {self._scarce(majority=a + b > (m + n) / 2)}"
        raise NotEnoughDataError(
            f"the {arm} has {persons}{expected}, {needed} are needed",
            hint="wait for more, or make a larger audience with a larger holdout",
            there=few,
            needed=needed,
        )

    def _scarce(self, *, majority: bool) -> str:
        """Return words for an error message such as ``with an order in the window``.

        They describe the smaller group of persons: those without the outcome if the ``majority`` has it, else those
        with it.
        """
        if self.metric in ("net", "margin"):
            return f"with a positive {'net' if self.metric == 'net' else 'margin'} in the window"
        outcome = "order" if self.metric in ("order", "churn") else self.metric
        has = majority == (self.metric == "churn")
        return f"{'with' if has else 'without'} {'an' if outcome == 'order' else 'a'} {outcome} in the window"

    def effect(self, *, seed: int = 0) -> Effect:
        """Return the effect: with Newcombe's interval for a rate, with that of a hurdle model for an amount."""
        if self.metric in RATES:
            return newcombe(*self.counts)
        return hurdle(self.arm(treated=True), self.arm(treated=False), seed=seed)


def group_effects(experiment: Experiment, *, seed: int = 0) -> pl.DataFrame:
    """Return the effect in each group of persons by value, risk, segment and knowledge entry.

    The groups were fixed before the assignment.

    Parameters
    ----------
    experiment
        The experiment.
    seed
        Random seed of the hurdle model.

    Returns
    -------
    pl.DataFrame
        One row per group with the columns :data:`GROUP_COLUMNS`. Effect, interval and p value are null for groups
        with too few buyers. ``p_holm`` and ``significant`` are corrected by Holm for all groups together; the ends of
        the 95 % intervals are not corrected.
    """
    rows = []
    for dimension, group, chosen in _groups(experiment.members):
        part = experiment.of(chosen)
        found = part.effect(seed=seed) if part.is_enough else None
        rows.append((dimension, group, part.counts[0][1], part.counts[1][1], found))
    tested = [found for *_, found in rows if found is not None]
    corrected = iter(holm([p_value(each) for each in tested]))
    table = []
    for dimension, group, treated, holdout, found in rows:
        p = None if found is None else next(corrected)
        ends = (None, None, None) if found is None else (found.estimate, found.low, found.high)
        table.append((dimension, group, treated, holdout, *ends, p, None if p is None else p <= SIGNIFICANT))
    return pl.DataFrame(table, schema=GROUP_COLUMNS, orient="row")


def _groups(members: pl.DataFrame) -> Iterator[tuple[str, str, Mask]]:
    """Yield dimension, name and mask (shape (n,)) of each group; dimensions with a single group are left out."""
    parts = members.select(
        value=pl.col("stratum").str.extract(r"(value \d)"),
        risk=pl.col("stratum").str.extract(r"(risk \d)"),
        segment="segment",
        entry=pl.col("entry").replace("", None),
    )
    for dimension in GROUPS:
        names = parts[dimension].drop_nulls().unique().sort()
        if len(names) > 1:
            for name in names:
                yield dimension, name, (parts[dimension] == name).fill_null(False).to_numpy()


def rule_effects(experiment: Experiment, *, seed: int = 0) -> pl.DataFrame:
    """Return the effect in the upper and the lower half of the persons, ranked by each rule of targeting.

    The best rule is the one with the largest effect in its upper half. Predictions are cross-fitted: the outcome of a
    person has no influence on the half to which this person belongs.

    Parameters
    ----------
    experiment
        The experiment.
    seed
        Random seed of the hurdle model.

    Returns
    -------
    pl.DataFrame
        Two rows per rule with the columns :data:`RULE_COLUMNS`. Effect and interval are null for halves with too few
        buyers. The rule ``expected_gain`` is left out unless all members have an expected gain.
    """
    members = experiment.members
    hashes = id_hashes(members["customer_id"].to_list(), key="fold")
    covariates = np.column_stack(
        [
            np.log1p(np.maximum(members["value"].to_numpy(), 0)),
            members.select(complete_risk()).to_series().to_numpy(),
            np.log1p(np.maximum(members["before"].to_numpy(), 0)),
        ]
    )
    fold = (hashes % np.uint64(FOLDS)).astype(np.int64)
    without, with_treatment = predicted(experiment.values, experiment.treated, covariates, fold)
    scores = {"response": without, "uplift": with_treatment - without}
    gain = members["expected_gain"]
    if not gain.null_count():
        scores["expected_gain"] = gain.to_numpy()
    rows = []
    for rule, score in scores.items():
        upper = upper_half(score, np.argsort(np.argsort(hashes)))
        for half, chosen in (("upper", upper), ("lower", ~upper)):
            part = experiment.of(chosen)
            found = part.effect(seed=seed) if part.is_enough else None
            ends = (None, None, None) if found is None else (found.estimate, found.low, found.high)
            rows.append((rule, half, part.counts[0][1], part.counts[1][1], *ends))
    return pl.DataFrame(rows, schema=RULE_COLUMNS, orient="row")
