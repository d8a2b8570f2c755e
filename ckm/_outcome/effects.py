"""Effects of an outcome: of all persons, of groups, by rules of targeting."""

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
"""Fewest persons with the outcome that the smaller arm has in expectation, by the rate of both arms together. The count
of the arm itself would select: among campaigns without an effect, those with many buyers in the holdout by chance."""
GROUPS = ("value", "risk", "segment", "entry")
RULES = ("response", "uplift", "expected_gain")
"""Rules of targeting: predicted outcome without treatment; predicted difference; expected gain of ckm churn-warn."""
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
    """Outcome of each person with the arm.

    Attributes
    ----------
    metric
        Name of the metric.
    values
        Outcome, shape (n,).
    treated
        Whether a person is in the treated arm, shape (n,).
    members
        The persons, in the same order.
    """

    metric: str
    values: Floats
    treated: Mask
    members: pl.DataFrame

    def of(self, chosen: Mask) -> Experiment:
        """Return the experiment of some persons."""
        return Experiment(
            self.metric, self.values[chosen], self.treated[chosen], self.members.filter(pl.Series(chosen))
        )

    def arm(self, *, treated: bool) -> Floats:
        """Return the outcomes of an arm."""
        return self.values[self.treated if treated else ~self.treated]

    @property
    def counts(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Persons with a positive outcome, and persons, of the treated arm and of the holdout."""
        arms = (self.arm(treated=True), self.arm(treated=False))
        treated, holdout = ((int((arm > 0).sum()), len(arm)) for arm in arms)
        return treated, holdout

    @property
    def expected_buyers(self) -> float:
        """Expected number of persons with the outcome in the smaller arm, by the rate of both arms together.

        For a rate above one half the persons without the outcome are counted.
        """
        (a, m), (b, n) = self.counts
        if not m + n:
            return 0.0
        share = (a + b) / (m + n)
        return min(m, n) * (min(share, 1 - share) if self.metric in RATES else share)

    @property
    def is_enough(self) -> bool:
        """Whether there are enough buyers for an interval with a coverage of about 95 %."""
        (a, _), (b, _) = self.counts
        return self.expected_buyers >= FEWEST_BUYERS and (self.metric in RATES or min(a, b) >= FEWEST_AMOUNTS)

    def require_enough(self) -> None:
        """Raise NotEnoughDataError if the effect cannot be estimated."""
        if self.is_enough:
            return
        (a, m), (b, n) = self.counts
        few, needed, expected = round(self.expected_buyers), FEWEST_BUYERS, " in expectation"
        arm = "smaller arm"
        if self.expected_buyers >= FEWEST_BUYERS:  # the rate is enough, but one arm has too few amounts
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
        """Return of whom there are too few: persons with the outcome, or without it if a majority has it."""
        if self.metric in ("net", "margin"):
            return f"with a positive {'net' if self.metric == 'net' else 'margin'} in the window"
        outcome = "order" if self.metric in ("order", "churn") else self.metric
        has = majority == (self.metric == "churn")
        return f"{'with' if has else 'without'} {'an' if outcome == 'order' else 'a'} {outcome} in the window"

    def effect(self, *, seed: int = 0) -> Effect:
        """Return the effect with Newcombe's interval of a rate, or that of the hurdle model of an amount."""
        if self.metric in RATES:
            return newcombe(*self.counts)
        return hurdle(self.arm(treated=True), self.arm(treated=False), seed=seed)


def group_effects(experiment: Experiment, *, seed: int = 0) -> pl.DataFrame:
    """Return the effects of groups that were fixed before the assignment, with Holm's correction.

    Parameters
    ----------
    experiment
        The experiment.
    seed
        Seed of the hurdle model.

    Returns
    -------
    pl.DataFrame
        :data:`GROUP_COLUMNS`, one row per group; effect, interval and p value are null for groups with too few buyers.
        Interval ends are not corrected; ``p_holm`` and ``significant`` are, for all groups together.
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
    """Yield dimension, name and mask of each group; dimensions with one group are left out."""
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
    """Return the effect in the upper and the lower half of the persons by each rule of targeting.

    A rule is worth using if the effect of its upper half is larger than that of the others' upper halves. No rule is
    assumed to be good. Predictions are cross-fitted, so that no person's outcome decides on its own half.

    Returns
    -------
    pl.DataFrame
        :data:`RULE_COLUMNS`, two rows per rule; effect and interval are null with too few buyers. A rule that the data
        of the audience do not allow is left out.
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
