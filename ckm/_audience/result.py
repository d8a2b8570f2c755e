"""Results of :mod:`ckm.audience`: an audience with its arms, and the list of all audiences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._audience.power import MONEY_DIGITS
from ckm._audience.remarks import power_sentence
from ckm.assignments import HOLDOUT, TREATED
from ckm.result import Result

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.assignments import Assignment

LIST_COLUMNS = {
    "audience": pl.String,
    "origin": pl.String,
    "assigned_on": pl.Date,
    "last_day": pl.Date,
    "metric": pl.String,
    "treated": pl.Int64,
    "holdout": pl.Int64,
    "entry": pl.String,
}


@dataclass(frozen=True)
class Audience(Result):
    """A frozen list of persons in two arms, treated and holdout.

    Attributes
    ----------
    assignment
        The design of the experiment, fixed before the list of members was written.
    members
        One row per person, sorted by customer_id: customer_id, arm (``treated`` or ``holdout``), stratum, why (reason
        for being in the list), entry (id of a knowledge entry; empty without one), value (net sales of the last 365
        days, in the currency of the shop), risk (churn probability, or days since the last purchase; null without a
        purchase), before (the metric in the window of equal length that ends with the assignment), expected_gain (in
        the currency; null if unknown) and segment (null if unknown).
    remarks
        Remarks for the user.
    folder
        Folder of the audience; None after a dry run.
    """

    assignment: Assignment
    members: pl.DataFrame
    remarks: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """Same as :attr:`members`."""
        return self.members

    @property
    def power(self) -> str:
        """A sentence with the smallest effect that the audience can detect (power 80 %, two-sided test at 5 %)."""
        return power_sentence(self.assignment)

    @property
    def summary(self) -> pl.DataFrame:
        """One row per arm: arm, customers, share of all members, value (mean) and risk (mean; null without values)."""
        total = max(1, self.members.height)
        rows = []
        for arm in (TREATED, HOLDOUT):
            mine = self.members.filter(pl.col("arm") == arm)
            means = [_mean(mine[name], digits) for name, digits in (("value", MONEY_DIGITS), ("risk", 3))]
            rows.append((arm, mine.height, round(mine.height / total, 4), *means))
        names = {"arm": pl.String, "customers": pl.Int64, "share": pl.Float64, "value": pl.Float64, "risk": pl.Float64}
        return pl.DataFrame(rows, schema=names, orient="row")


@dataclass(frozen=True)
class AudienceList(Result):
    """All audiences of a workspace.

    Attributes
    ----------
    frame
        One row per audience, sorted by name: audience, origin, assigned_on, last_day (of the window), metric, treated
        and holdout (numbers of persons), entry (id of a knowledge entry; ``by person`` if persons have different
        entries; empty without one).
    remarks
        Remarks for the user.
    """

    frame: pl.DataFrame
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """Same as :attr:`frame`."""
        return self.frame


def _mean(values: pl.Series, digits: int) -> float | None:
    """Return the mean, rounded to a number of decimals; None if there are no values."""
    mean = values.mean()
    return round(mean, digits) if isinstance(mean, float) else None
