"""Evidence on a knowledge entry: measured effects against a holdout, as ``ckm outcome publish`` writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ckm.names import LESS_IS_BETTER, METRICS, RATES

if TYPE_CHECKING:
    from collections.abc import Iterable

HELPS, HARMS, UNCLEAR = "helps", "harms", "unclear"
VERDICTS = (HELPS, UNCLEAR, HARMS)
"""Verdicts on the effect of an entry, best first."""
DIGITS = 4


@dataclass(frozen=True)
class Evidence:
    """Measured effect of a knowledge entry per person: mean of the treated arm minus mean of the holdout.

    Attributes
    ----------
    audience
        Name of the audience.
    metric
        The primary metric, one of :data:`ckm.names.METRICS`.
    effect, low, high
        Estimate, with the ends of its 95 % interval: a difference of shares for a rate, else an amount.
    treated, holdout
        Number of persons in each arm.
    window_days
        Length of the window in days.
    date
        As-of date of the measurement.
    run
        First twelve hexadecimal digits of the digest of the assignment; empty if unknown.
    """

    audience: str
    metric: str
    effect: float
    low: float
    high: float
    treated: int
    holdout: int
    window_days: int
    date: date
    run: str = ""

    @property
    def verdict(self) -> str:
        """``helps``, ``harms``, or ``unclear`` if the interval includes zero."""
        return verdict_of_interval(self.metric, self.low, self.high)

    def sentence(self) -> str:
        """Return the evidence as a sentence: ``helps: order +6.1 points (+1.2 to +10.8) against a holdout, …``."""
        scale, unit = (100, " points") if self.metric in RATES else (1, "")
        effect, low, high = (f"{scale * each:+,.4g}" for each in (self.effect, self.low, self.high))
        return (
            f"{self.verdict}: {self.metric} {effect}{unit} ({low} to {high}) against a holdout, {self.treated:,} "
            f"treated, {self.holdout:,} holdout, audience {self.audience}, {self.date}"
        )

    def line(self) -> str:
        """Return the evidence as a YAML mapping on one line (flow style)."""
        numbers = (f"{name}: {round(getattr(self, name), DIGITS):g}" for name in ("effect", "low", "high"))
        return (
            f"{{audience: {self.audience}, metric: {self.metric}, {', '.join(numbers)}, treated: {self.treated}, "
            f"holdout: {self.holdout}, window_days: {self.window_days}, date: {self.date}, run: '{self.run}'}}"
        )


def verdict_of_interval(metric: str, low: float, high: float) -> str:
    """Return ``helps`` or ``harms``, or ``unclear`` if the interval of an effect includes zero.

    Parameters
    ----------
    metric
        Name of the metric; an increase of complaints or churn harms.
    low, high
        Ends of the 95 % interval of the effect.
    """
    if low <= 0 <= high:
        return UNCLEAR
    return HARMS if (low > 0) == (metric in LESS_IS_BETTER) else HELPS


def read_evidence(value: Any) -> tuple[Evidence, ...]:
    """Return the evidence in the value of the key ``evidence`` of an entry.

    Items without all keys of an effect, with invalid numbers or with an unknown metric are left out.

    Parameters
    ----------
    value
        Value of the key in the YAML file: a list of mappings, whose numbers and dates may be text. Any other value has
        no evidence.
    """
    items = value if isinstance(value, list) else []
    return tuple(found for each in items if (found := _read(each)) is not None)


def _read(item: Any) -> Evidence | None:
    """Return an item of the list ``evidence``; None if it is not a valid effect."""
    try:
        effect, low, high = (float(item[name]) for name in ("effect", "low", "high"))
        treated, holdout, days = (int(item[name]) for name in ("treated", "holdout", "window_days"))
        day = date.fromisoformat(str(item["date"]))
        audience, metric, run = str(item["audience"]), str(item["metric"]), str(item.get("run", ""))
        if metric not in METRICS or not low <= effect <= high:
            return None
        return Evidence(audience, metric, effect, low, high, treated, holdout, days, day, run)
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def verdict_of(items: Iterable[Evidence], as_of: date | None = None) -> str:
    """Return the verdict of the newest evidence; of several with the same date the worst, ``unclear`` without any.

    Parameters
    ----------
    items
        Evidence on an entry.
    as_of
        Ignore evidence with a later date. Default: use all evidence.
    """
    known = [each for each in items if as_of is None or each.date <= as_of]
    if not known:
        return UNCLEAR
    newest = max(each.date for each in known)
    return max((each.verdict for each in known if each.date == newest), key=VERDICTS.index)
