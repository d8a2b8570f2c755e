"""Warning levels, days left to retain a customer, and warnings past the lead time.

A customer is overdue when recency exceeds the own long interval, the 80th percentile of the own purchase intervals. If
the customer is still silent one horizon later, the customer has churned by the label of the model:

    days left = own long interval + horizon − recency

A customer with negative days left has churned and gets no warning. A warning is past the lead time if the action needs
more days than are left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UsageError
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.setting_values import LevelStart
    from ckm.settings import ChurnSettings

LEVELS = ("watch", "warn", "urgent")
"""Warning levels, lowest first."""
THRESHOLD_DIGITS = 3
"""Decimals of a threshold, so that rounding errors of a base rate change no level."""


@dataclass(frozen=True)
class Thresholds:
    """Lowest churn probability of each level.

    Attributes
    ----------
    watch, warn, urgent
        Probabilities.
    base_rate
        Churn rate whose odds the rule multiplies; None for fixed probabilities.
    rule
        Settings by level; empty for fixed probabilities.

    Raises
    ------
    UsageError
        The thresholds are not in ascending order.
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
                "they must be in ascending order",
                hint="set them in ckm.yaml, such as 2x, 3x and 5x, or 50%, 70% and 85%",
            )

    @classmethod
    def of(cls, settings: ChurnSettings, base_rate: float) -> Thresholds:
        """Return the thresholds of a workspace at a base rate.

        Multiples apply to the odds: twice the odds of 25 % are 40 %, of 60 % they are 75 %. A multiple of the
        probability would exceed 100 % at a base rate of 50 %.
        """
        rule = {name: getattr(settings, name) for name in LEVELS}
        watch, warn, urgent = (round(rule[name].probability(base_rate), THRESHOLD_DIGITS) for name in LEVELS)
        return cls(watch, warn, urgent, base_rate, rule)

    @property
    def sentence(self) -> str:
        """One sentence with the thresholds, and the rule from which the thresholds follow."""
        begin = ", ".join(f"{name} from {getattr(self, name):.0%}" for name in LEVELS)
        relative = [start for start in self.rule.values() if start.times is not None]
        if not relative or self.base_rate is None:
            return f"levels: {begin}, fixed probabilities; one higher at the last call"
        if len(relative) < len(LEVELS):
            rule = ", ".join(f"{name} {start}" for name, start in self.rule.items())
            return f"levels: {begin}, by {rule}; x: the odds of the average customer (churn rate {self.base_rate:.0%})"
        times = ", ".join(f"{start.times:g}" for start in relative)
        least = ", ".join(f"{start.least:.0%}" for start in self.rule.values())
        return (
            f"levels: {begin}: {times} times the odds of the average customer "
            f"(churn rate {self.base_rate:.0%}), and at least {least}; one higher at the last call"
        )


def level_of(p: pl.Expr, thresholds: Thresholds, *, higher: pl.Expr | None = None) -> pl.Expr:
    """Return an expression: the level of a probability; null below ``watch``.

    ``higher`` is whether the level of a row is raised by one.
    """
    step = (p >= thresholds.warn).cast(pl.Int8) + (p >= thresholds.urgent).cast(pl.Int8)
    if higher is not None:
        step = step + higher.cast(pl.Int8)
    name = pl.lit(pl.Series(LEVELS)).gather(step.clip(upper_bound=len(LEVELS) - 1).fill_null(0))
    return pl.when(p >= thresholds.watch).then(name)


def give_levels(
    customers: pl.DataFrame,
    thresholds: Thresholds,
    *,
    horizon: int | None,
    lead_time: int = 0,
    include_churned: bool = False,
) -> pl.DataFrame:
    """Add value at risk, days left, level and lead time to each customer.

    A customer has a level if the probability is at or above ``watch``, the value is above zero, and the days left are
    not negative. The level is the highest whose threshold the probability reaches. It is one higher at the *last call*
    (``lead_time`` ≤ days left < 2 ``lead_time``): after one more lead time, the action would be too late.

    Parameters
    ----------
    customers
        customer_id, p_churn, value_12mo, days_silent, long_gap_days (80th percentile of the own purchase
        intervals, shrunk towards that of all customers).
    thresholds
        See :class:`Thresholds`.
    horizon
        Days that the probability looks ahead; None for data without dates (a labelled table): then no customer
        counts as churned, and no warning is past the lead time.
    lead_time
        Days that an action needs.
    include_churned
        Whether churned customers (``gone``) have levels too; their warnings are past the lead time.

    Returns
    -------
    pl.DataFrame
        The input rows in their order, with value_at_risk (p · V; null where either is not known), days_left (Int64;
        null where recency or the long interval is unknown), gone (Boolean; churned: negative days left), level (one of
        :data:`LEVELS`; null without a warning) and past_lead_time (Boolean; false without a level).

    Raises
    ------
    UsageError
        The lead time or the horizon is negative.
    """
    if lead_time < 0 or (horizon is not None and horizon < 0):
        raise UsageError("the lead time and the horizon cannot be negative")
    p, value = _known("p_churn"), _known("value_12mo")
    left = pl.lit(None, pl.Int64)
    if horizon is not None:
        left = (_known("long_gap_days") + horizon - _known("days_silent")).floor().cast(pl.Int64)
    judged = customers.with_columns(value_at_risk=p * value, days_left=left).with_columns(
        gone=(pl.col("days_left") < 0).fill_null(False)
    )
    can_be_retained = (value > 0) & (include_churned | ~pl.col("gone"))
    last_call = pl.col("days_left").is_between(lead_time, 2 * lead_time, closed="left").fill_null(False)
    level = level_of(p, thresholds, higher=last_call)
    return judged.with_columns(level=pl.when(can_be_retained).then(level)).with_columns(
        past_lead_time=(pl.col("level").is_not_null() & (pl.col("days_left") < lead_time)).fill_null(False)
    )


def at_or_above(level: str) -> pl.Expr:
    """Return an expression: whether a row has ``level`` or a higher level; never null.

    Raises
    ------
    UsageError
        Unknown level.
    """
    if level not in LEVELS:
        raise UsageError(f"unknown level '{level}'", hint=f"known: {', '.join(LEVELS)}")
    return pl.col("level").is_in(LEVELS[LEVELS.index(level) :]).fill_null(False)


def is_warning() -> pl.Expr:
    """Return an expression: whether a row is a warning, which has a level and is not suppressed."""
    return pl.col("level").is_not_null() & pl.col("suppressed").is_null()


def is_contact() -> pl.Expr:
    """Return an expression: whether a row is a warning that is not past the lead time."""
    return is_warning() & ~pl.col("past_lead_time")


def level_remarks(judged: pl.DataFrame, listed: pl.DataFrame, thresholds: Thresholds, *, lead_time: int) -> list[str]:
    """Return remarks on churned customers without a warning, and on warnings past the lead time.

    Parameters
    ----------
    judged
        Result of :func:`give_levels`, with ``suppressed``.
    listed
        Rows of ``judged`` that are listed.
    thresholds, lead_time
        As in :func:`give_levels`.
    """
    remarks = []
    at_risk = (_known("p_churn") >= thresholds.watch) & (_known("value_12mo") > 0)
    if gone := judged.filter(pl.col("gone") & at_risk & pl.col("level").is_null()).height:
        remarks.append(
            f"no warning for {counted(gone, 'customer')} who churned already: recency exceeds the long interval "
            "plus the horizon"
        )
    warnings = listed.filter(is_warning())
    if late := warnings.filter(pl.col("past_lead_time")).height:
        remarks.append(f"{late:,} of {counted(warnings.height, 'warning')} are past the lead time of {lead_time} days")
    return remarks


def _known(column: str) -> pl.Expr:
    """Return a numeric column with null in place of NaN and infinity."""
    number = pl.col(column).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)
