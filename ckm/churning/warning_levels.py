"""Customers with a warning, how urgently, and for whom a warning comes too late.

Who stops buying is *going* for a while and then *gone*. Judged by their own rhythm, a customer is
overdue once silent for longer than their own long gap, the one that four of five of their gaps do not exceed. When a
whole horizon has passed since that day without an order, what the warning foretells has happened already, and there is
nothing left to warn of:

    days left = own long gap + horizon − days silent

A customer with days left below zero is gone. A warning is too late for an action that needs longer than the days left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UsageError
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.settings import ChurnSettings, LevelStart

LEVELS = ("watch", "warn", "urgent")
"""Mildest first."""
THRESHOLD_DIGITS = 3
"""Decimals of a threshold: no customer changes the level for the last digits of a base rate."""


@dataclass(frozen=True)
class Thresholds:
    """Churn probability from which a customer has a level.

    Attributes
    ----------
    watch, warn, urgent
        Probabilities.
    base_rate
        Share of the customers who churn, which the multiples of the rule refer to; None where none is known.
    rule
        The settings that they come from, by level; empty where the probabilities were given as such.

    Raises
    ------
    UsageError
        They do not rise.
    """

    watch: float
    warn: float
    urgent: float
    base_rate: float | None = None
    rule: Mapping[str, LevelStart] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.watch <= self.warn <= self.urgent <= 1:
            raise UsageError(
                f"churn.watch, warn and urgent begin at {self.watch:.3g}, {self.warn:.3g} and {self.urgent:.3g}: "
                "they must rise",
                hint="set them in ckm.yaml, such as 2x, 3x and 5x, or 50%, 70% and 85%",
            )

    @classmethod
    def of(cls, settings: ChurnSettings, base_rate: float) -> Thresholds:
        """Return the thresholds of a workspace, where ``base_rate`` of the customers leave.

        A multiple is one of the odds: twice the odds of 25 % are 40 %, of 60 % they are 75 %. A multiple of the
        probability itself would pass 100 % where half of the customers leave within the horizon.
        """
        rule = {name: getattr(settings, name) for name in LEVELS}
        watch, warn, urgent = (round(rule[name].probability(base_rate), THRESHOLD_DIGITS) for name in LEVELS)
        return cls(watch, warn, urgent, base_rate, rule)

    @property
    def sentence(self) -> str:
        """Say where the levels begin, and why there."""
        begin = ", ".join(f"{name} from {getattr(self, name):.0%}" for name in LEVELS)
        relative = [start for start in self.rule.values() if start.times is not None]
        if not relative or self.base_rate is None:
            return f"levels: {begin}, fixed probabilities; one higher at the last call"
        if len(relative) < len(LEVELS):
            rule = ", ".join(f"{name} {start}" for name, start in self.rule.items())
            return f"levels: {begin}, by {rule}; x: the odds of the average customer ({self.base_rate:.0%} leave)"
        times = ", ".join(f"{start.times:g}" for start in relative)
        least = ", ".join(f"{start.least:.0%}" for start in self.rule.values())
        return (
            f"levels: {begin}: {times} times the odds of the average customer "
            f"({self.base_rate:.0%} leave), and at least {least}; one higher at the last call"
        )


def level_of(p: pl.Expr, thresholds: Thresholds, *, higher: pl.Expr | None = None) -> pl.Expr:
    """Return the level of a probability; null below ``watch``.

    ``higher`` says of whom the level is one above that of the probability.
    """
    step = (p >= thresholds.warn).cast(pl.Int8) + (p >= thresholds.urgent).cast(pl.Int8)
    if higher is not None:
        step = step + higher.cast(pl.Int8)
    name = pl.lit(pl.Series(LEVELS)).gather(step.clip(upper_bound=len(LEVELS) - 1).fill_null(0))
    return pl.when(p >= thresholds.watch).then(name)


def give_levels(
    customers: pl.DataFrame, thresholds: Thresholds, *, horizon: int | None, lead_time: int = 0, with_gone: bool = False
) -> pl.DataFrame:
    """Say of each customer whether to warn about them, how urgently, and whether in time.

    A warning is given to customers who can still be retained: the probability is known and at or above ``watch``, the
    value is above zero, and the customer is not gone. The level is the highest whose threshold the probability reaches;
    it is one higher at the *last call*: when an action that is put off for as long as it takes would come too late
    (``lead_time`` ≤ days left < 2 ``lead_time``).

    Parameters
    ----------
    customers
        customer_id, p_churn, value_12mo, days_silent, long_gap_days (own 80th percentile of gaps, drawn towards
        everybody's where there are few).
    thresholds
        See :class:`Thresholds`.
    horizon
        Days that the probability looks ahead; None where the data have no days (a table with labels): nobody is gone
        then, and nothing is too late.
    lead_time
        Days that an action needs.
    with_gone
        Warn about those who are gone as well; such a warning is too late.

    Returns
    -------
    pl.DataFrame
        The same rows in their order, with value_at_risk (p · V; null where either is not known), days_left (Int64;
        null where the silence or the long gap is not known), gone (Boolean), level (one of :data:`LEVELS`; null: not
        with a warning) and past_lead_time (Boolean; false without a level).

    Raises
    ------
    UsageError
        The lead or the horizon is negative.
    """
    if lead_time < 0 or (horizon is not None and horizon < 0):
        raise UsageError("the lead time and the horizon cannot be negative")
    p, value = _known("p_churn"), _known("value_12mo")
    left = pl.lit(None, pl.Int64) if horizon is None else _days_left(horizon)
    judged = customers.with_columns(value_at_risk=p * value, days_left=left).with_columns(
        gone=(pl.col("days_left") < 0).fill_null(False)
    )
    can_be_warned_about = (value > 0) & (with_gone | ~pl.col("gone"))
    last_call = pl.col("days_left").is_between(lead_time, 2 * lead_time, closed="left").fill_null(False)
    level = level_of(p, thresholds, higher=last_call)
    return judged.with_columns(level=pl.when(can_be_warned_about).then(level)).with_columns(
        past_lead_time=(pl.col("level").is_not_null() & (pl.col("days_left") < lead_time)).fill_null(False)
    )


def at_or_above(level: str) -> pl.Expr:
    """Whether a row's ``level`` is this one or a higher one; never null.

    Raises
    ------
    UsageError
        There is no such level.
    """
    if level not in LEVELS:
        raise UsageError(f"there is no level '{level}'", hint=f"known: {', '.join(LEVELS)}")
    return pl.col("level").is_in(LEVELS[LEVELS.index(level) :]).fill_null(False)


def is_warning() -> pl.Expr:
    """Whether a row is a warning that counts: it has a level and is not suppressed."""
    return pl.col("level").is_not_null() & pl.col("suppressed").is_null()


def level_remarks(judged: pl.DataFrame, listed: pl.DataFrame, thresholds: Thresholds, *, lead_time: int) -> list[str]:
    """Say how many could not get a warning any more, and how many of the warnings listed come too late.

    Parameters
    ----------
    judged
        Of :func:`give_levels`, with ``suppressed``.
    listed
        The rows of it that are listed.
    thresholds, lead_time
        As given to it.
    """
    remarks = []
    at_risk = (_known("p_churn") >= thresholds.watch) & (_known("value_12mo") > 0)
    if gone := judged.filter(pl.col("gone") & at_risk & pl.col("level").is_null()).height:
        remarks.append(
            f"no warning, for gone rather than going: {counted(gone, 'customer')}, silent for longer than their "
            "own long gap and the horizon together"
        )
    warnings = listed.filter(is_warning())
    if late := warnings.filter(pl.col("past_lead_time")).height:
        remarks.append(f"{late:,} of {counted(warnings.height, 'warning')} leave less than {lead_time} days to act")
    return remarks


def _days_left(horizon: int) -> pl.Expr:
    return (_known("long_gap_days") + horizon - _known("days_silent")).floor().cast(pl.Int64)


def _known(column: str) -> pl.Expr:
    """Return a column of numbers; null where there is none."""
    number = pl.col(column).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)
