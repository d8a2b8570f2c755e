"""Evidence on a knowledge entry: effects that ``ckm outcome publish`` measured against a holdout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ckm.names import LESS_IS_BETTER, METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

HELPS, HARMS, UNCLEAR = "helps", "harms", "unclear"
VERDICTS = (HELPS, UNCLEAR, HARMS)
"""What the newest evidence on an entry shows, best first."""
DIGITS = 4


@dataclass(frozen=True)
class Evidence:
    """An effect of an entry, treated minus holdout, per person.

    Attributes
    ----------
    audience
        Name of the audience.
    metric
        The primary metric, one of :data:`ckm.names.METRICS`.
    effect, low, high
        Estimate and ends of the 95 % interval.
    treated, holdout
        Number of persons of each arm.
    window_days
        Days of the window.
    date
        Day as of which it was measured.
    run
        First digits of the digest of the assignment.
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
        if self.low <= 0 <= self.high:
            return UNCLEAR
        return HARMS if (self.effect > 0) == (self.metric in LESS_IS_BETTER) else HELPS

    def line(self) -> str:
        """Return the evidence as a YAML mapping on one line."""
        numbers = (f"{name}: {round(getattr(self, name), DIGITS):g}" for name in ("effect", "low", "high"))
        return (
            f"{{audience: {self.audience}, metric: {self.metric}, {', '.join(numbers)}, treated: {self.treated}, "
            f"holdout: {self.holdout}, window_days: {self.window_days}, date: {self.date}, run: '{self.run}'}}"
        )


def read_evidence(value: Any) -> tuple[Evidence, ...]:
    """Return the evidence among the values of the key ``evidence``; other values are left out.

    Parameters
    ----------
    value
        Plain value of the key, as written; numbers may be text.
    """
    items = value if isinstance(value, list) else []
    return tuple(found for each in items if (found := _read(each)) is not None)


def _read(item: Any) -> Evidence | None:
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
    """Return the verdict of the newest evidence known on a day; ``unclear`` without any.

    Of equally new ones the worst counts.
    """
    known = [each for each in items if as_of is None or each.date <= as_of]
    if not known:
        return UNCLEAR
    newest = max(each.date for each in known)
    return max((each.verdict for each in known if each.date == newest), key=VERDICTS.index)
