"""The file of a recorded outcome, ``audiences/NAME/outcome.json``, which other analyses read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from ckm._kb.evidence import verdict_of_interval
from ckm.assignments import FOLDER, OUTCOME
from ckm.errors import InputError
from ckm.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "ckm.outcome/1"
FINAL, RUNNING = "final", "running"
DIGITS = 6
"""Decimals of numbers in the file."""


@dataclass(frozen=True)
class MeasuredEffect:
    """Effect on a metric per person: mean of the treated arm minus mean of the holdout.

    Attributes
    ----------
    metric
        Name of the metric, one of :data:`ckm.names.METRICS`.
    estimate, low, high
        Difference of the means, with the ends of its 95 % interval: a difference of shares for a rate, else an amount
        in the currency.
    treated, holdout
        Number of persons in each arm.
    treated_mean, holdout_mean
        Mean of the metric in each arm: a share in [0, 1] for a rate.
    method
        Method of the interval, in words.
    entry
        Id of a knowledge entry if the effect is measured only among the persons who got it; empty for all persons.
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
        """Effect summed over all treated persons, with the ends of its 95 % interval."""
        return self.treated * self.estimate, self.treated * self.low, self.treated * self.high

    @property
    def verdict(self) -> str:
        """``helps``, ``harms``, or ``unclear`` if the interval includes zero."""
        return verdict_of_interval(self.metric, self.low, self.high)


@dataclass(frozen=True)
class OutcomeRecord:
    """The recorded outcome of an audience.

    Attributes
    ----------
    audience, origin, entry, offer
        As in the assignment.
    digest
        SHA-256 of the assignment.
    metric
        The primary metric.
    first_day, last_day
        First and last day of the window.
    as_of
        Last day whose rows are used.
    status
        ``final``; or ``running`` before the end of the window, when the interval is a confidence sequence.
    currency
        Currency of amounts.
    primary
        Effect on the primary metric.
    secondary
        Effects on net sales and margin, from which ``ckm evaluate`` computes the return of the programme; empty if they
        cannot be estimated.
    entries
        Effects on the primary metric by knowledge entry, if the persons of the audience have different entries.
    adjusted
        Effect adjusted by the declared covariates: estimate, low, high, and variance_reduction (share of the variance
        that the adjustment removes). None if no covariates were declared.
    reduction
        Relative reduction of the share of persons without an order, with the ends of its 95 % interval; for churn
        warnings this is the offer success rate. None for metrics other than order and churn.
    sample_ratio_p
        p value of the test of the sizes of the arms against the planned share of the holdout.
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
        """Write the outcome as JSON; equal outcomes give equal bytes."""
        plain = {"schema": SCHEMA, **_plain(asdict(self))}
        with replacing(path) as draft:
            draft.write_text(f"{json.dumps(plain, ensure_ascii=False, indent=1)}\n", encoding="utf-8", newline="\n")


def _plain(value: Any) -> Any:
    """Return a value with dates as ISO 8601 texts, rounded numbers, and lists instead of tuples, at any depth."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return round(value, DIGITS)
    return value.isoformat() if isinstance(value, date) else value


def read_outcome(path: Path) -> OutcomeRecord:
    """Read the outcome in a JSON file.

    Raises
    ------
    InputError
        The file cannot be read, or is not an outcome.
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
    """Return the recorded outcomes of a workspace, sorted by their as-of date, oldest first.

    Parameters
    ----------
    root
        The workspace.
    as_of
        Leave out outcomes with a later as-of date. Default: all outcomes are returned.

    Raises
    ------
    InputError
        A file cannot be read as an outcome.
    """
    found = [read_outcome(path) for path in sorted((root / FOLDER).glob(f"*/{OUTCOME}"))]
    return sorted(
        (each for each in found if as_of is None or each.as_of <= as_of), key=lambda each: (each.as_of, each.audience)
    )
