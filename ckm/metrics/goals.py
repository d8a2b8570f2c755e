"""Goals of the team, and whether they are reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ckm.config import CONFIG_NAME
from ckm.errors import UnknownNameError, UsageError
from ckm.metrics.catalogue import load_catalogue
from ckm.metrics.metric import Metric, Missing
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ckm.metrics.catalogue import Description, MetricCatalogue
    from ckm.metrics.metric import Metrics
    from ckm.setting_values import Target

Direction = Literal[">=", "<="]
GOAL = "goal"


@dataclass(frozen=True)
class Goal:
    """A goal of ``ckm.yaml``, and the value of the period.

    Attributes
    ----------
    name
        A metric of the catalogue.
    wanted, direction
        Target value, and ``>=`` (at least) or ``<=`` (at most).
    value, lo, hi
        Actual value, with its interval if it is an estimate; None if missing.
    on_track
        Whether the goal is reached; None if unknown: the value is missing, or the target is within the interval.
    """

    name: str
    wanted: float
    direction: Direction
    value: float | None
    lo: float | None
    hi: float | None
    on_track: bool | None


def check_goals(goals: Mapping[str, Target], root: Path | None = None) -> None:
    """Raise an error for a goal that names no metric of a report; called before the metrics are computed.

    Parameters
    ----------
    goals
        Goals of the settings.
    root
        The workspace with the goals in its ``ckm.yaml``; None if the goals are from another source.

    Raises
    ------
    UsageError
        A name is not a metric, or is a metric that only slices have; or a target share is not between 0 and 1. The
        error has file and line.
    """
    book = load_catalogue()
    known = [each.name for each in book if _is_one_number(each)]
    for name, wanted in goals.items():
        where = _where(name, root) if name not in known or _is_no_share(book[name], wanted) else None
        if name not in known and any(each.name == name for each in book):
            slices = " and ".join(book[name].slices)
            raise UsageError(
                f"{where}: '{name}' comes by {slices} only, and a goal is one number",
                hint=f"a goal can be one of: {', '.join(known)}",
            )
        if name not in known:
            raise UnknownNameError("metric", name, known, where=where)
        if where is not None:
            raise UsageError(
                f"{where}: '{name}' is a share, and {wanted.number:g} is none", hint="write it as 40% or 0.4"
            )


def _is_one_number(description: Description) -> bool:
    return not description.slices and description.name != GOAL


def _is_no_share(description: Description, wanted: Target) -> bool:
    return description.unit == "share" and not 0 <= wanted.number <= 1


def _where(name: str, root: Path | None) -> str:
    """Return file and line of a goal for errors; ``ckm.yaml`` is read again, because settings have no lines."""
    if root is None:
        return "goals"
    document = read_yaml(root / CONFIG_NAME)
    section = document.mapping().get("goals") if document is not None else None
    entry = section.mapping().get(name) if section is not None else None
    return f"{root / CONFIG_NAME}" if entry is None else entry.where


def goal_metrics(
    goals: Mapping[str, Target], metrics: Metrics
) -> tuple[tuple[Goal, ...], tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the goals in the order of the catalogue, their metrics ``goal``, and what is missing.

    A goal is reached if its value meets the target. It is unknown if the target is within the interval of the value.

    Parameters
    ----------
    goals
        Goals of the settings, checked by :func:`check_goals`.
    metrics
        Metrics of the report, for all customers.
    """
    if not goals:
        return (), (), (Missing("changed", "no_goals"),)
    book: MetricCatalogue = load_catalogue()
    found, as_metrics = [], []
    for name in sorted(goals, key=book.position):
        reached = metrics.get(name) or Metric(name, None)
        found.append(_goal(goals[name], reached))
        as_metrics.append(
            Metric(
                GOAL,
                reached.value,
                ((GOAL, name),),
                n=reached.n,
                lo=reached.lo,
                hi=reached.hi,
                previous=reached.previous,
            )
        )
    return tuple(found), tuple(as_metrics), ()


def _goal(wanted: Target, reached: Metric) -> Goal:
    return Goal(
        name=reached.name,
        wanted=wanted.number,
        direction="<=" if wanted.at_most else ">=",
        value=reached.value,
        lo=reached.lo,
        hi=reached.hi,
        on_track=_on_track(wanted, reached),
    )


def _on_track(wanted: Target, reached: Metric) -> bool | None:
    if reached.value is None:
        return None
    if reached.lo is not None and reached.hi is not None and reached.lo < wanted.number < reached.hi:
        return None
    return wanted.is_met_by(reached.value)
