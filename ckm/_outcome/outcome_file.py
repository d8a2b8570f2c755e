"""The result of an outcome: ``audiences/NAME/outcome.json``, which other analyses read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from ckm.assignments import FOLDER, OUTCOME
from ckm.errors import InputError
from ckm.files import replacing
from ckm.names import LESS_IS_BETTER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "ckm.outcome/1"
FINAL, RUNNING = "final", "running"
DIGITS = 6
"""Decimals of numbers in the file."""


@dataclass(frozen=True)
class MeasuredEffect:
    """An effect on a metric, treated minus holdout, per person.

    Attributes
    ----------
    metric
        Name of the metric.
    estimate, low, high
        Difference of the means, with the ends of the 95 % interval.
    treated, holdout
        Number of persons of each arm.
    treated_mean, holdout_mean
        Mean of each arm; of a rate the share.
    method
        Method of the interval.
    entry
        Id of the knowledge entry whose persons these are; empty for all persons.
    """

    metric: str
    estimate: float
    low: float
    high: float
    treated: int
    holdout: int
    treated_mean: float
    holdout_mean: float
    method: str
    entry: str = ""

    @property
    def total(self) -> tuple[float, float, float]:
        """Effect on all treated persons together, with the ends of its interval."""
        return self.treated * self.estimate, self.treated * self.low, self.treated * self.high

    @property
    def verdict(self) -> str:
        """``helps``, ``harms``, or ``unclear`` if the interval includes zero."""
        if self.low <= 0 <= self.high:
            return "unclear"
        return "harms" if (self.estimate > 0) == (self.metric in LESS_IS_BETTER) else "helps"


@dataclass(frozen=True)
class OutcomeRecord:
    """The recorded outcome of an audience.

    Attributes
    ----------
    audience, origin, entry, offer
        As in the assignment.
    digest
        Digest of the assignment.
    metric
        The primary metric.
    first_day, last_day
        Window of the outcome.
    as_of
        Last day whose rows are used.
    status
        ``final``, or ``running`` before the end of the window: then the interval is a confidence sequence.
    currency
        Currency of amounts.
    primary
        Effect on the primary metric.
    secondary
        Effects on net sales and margin, for the return; empty if they cannot be estimated.
    entries
        Effects on the primary metric by knowledge entry, of audiences with an entry per person.
    adjusted
        Effect adjusted by the declared covariates, and the share of the variance that this removes; None if not
        declared.
    reduction
        Relative reduction of the share of persons without an order, with its interval: the offer success rate of churn
        warnings; None for other metrics than order and churn.
    sample_ratio_p
        p value of the sizes of the arms.
    groups, rules
        Rows of :func:`ckm._outcome.effects.group_effects` and :func:`ckm._outcome.effects.rule_effects`.
    """

    audience: str
    origin: str
    entry: str
    offer: str
    digest: str
    metric: str
    first_day: date
    last_day: date
    as_of: date
    status: str
    currency: str
    primary: MeasuredEffect
    secondary: tuple[MeasuredEffect, ...] = ()
    entries: tuple[MeasuredEffect, ...] = ()
    adjusted: Mapping[str, float] | None = None
    reduction: tuple[float, float, float] | None = None
    sample_ratio_p: float = 1.0
    groups: tuple[Mapping[str, Any], ...] = field(default=())
    rules: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def is_final(self) -> bool:
        """Whether the window has ended."""
        return self.status == FINAL

    def write(self, path: Path) -> None:
        """Write the file; equal outcomes give equal bytes."""
        plain = {"schema": SCHEMA, **_plain(asdict(self))}
        with replacing(path) as draft:
            draft.write_text(f"{json.dumps(plain, ensure_ascii=False, indent=1)}\n", encoding="utf-8", newline="\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return round(value, DIGITS)
    return value.isoformat() if isinstance(value, date) else value


def read_outcome(path: Path) -> OutcomeRecord:
    """Return the outcome in a file.

    Raises
    ------
    InputError
        The file cannot be read as an outcome.
    """
    try:
        plain = json.loads(path.read_bytes())
        given = {each.name: plain[each.name] for each in fields(OutcomeRecord)}
        if plain["schema"] != SCHEMA:
            raise ValueError
        days = {name: date.fromisoformat(given[name]) for name in ("first_day", "last_day", "as_of")}
        return OutcomeRecord(
            **given
            | days
            | {
                "primary": MeasuredEffect(**given["primary"]),
                "secondary": tuple(MeasuredEffect(**each) for each in given["secondary"]),
                "entries": tuple(MeasuredEffect(**each) for each in given["entries"]),
                "reduction": None if given["reduction"] is None else tuple(given["reduction"]),
                "groups": tuple(given["groups"]),
                "rules": tuple(given["rules"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as an outcome", hint="ckm outcome record writes it anew") from error


def read_outcomes(root: Path, as_of: date | None = None) -> list[OutcomeRecord]:
    """Return all recorded outcomes of a workspace that were known on a day (default: all), oldest first."""
    found = [read_outcome(path) for path in sorted((root / FOLDER).glob(f"*/{OUTCOME}"))]
    return sorted(
        (each for each in found if as_of is None or each.as_of <= as_of), key=lambda each: (each.as_of, each.audience)
    )
