"""Which of the ordered rules can ever win: proved from their conditions, with no data.

Where conditions compare features with constants only, a condition's truth depends on which *cell* each feature lies
in: null, a constant, between two neighbouring constants, below or above all. One value stands for each cell, and the
conditions themselves, computed on these, say which rules win anywhere. Nothing is claimed of rules that compare
features with each other or compute with them.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PolarsError

from ckm.segmentation.conditions import COMPARISONS, CONNECTIVES, EQUALITIES, Condition, operation, subexpression
from ckm.segmentation.domains import domain_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from ckm.segmentation.domains import Domain

MOST_COMBINATIONS = 1_000_000
"""Combinations of cells looked at together: 0.2 s and 100 MB. Beyond it nothing is claimed."""
TRUTH_FUNCTIONS = frozenset({*EQUALITIES, *CONNECTIVES, "IsNull", "IsNotNull", "Ternary", "Cast:Boolean"})
"""What depends on the truth of its parts alone, where the parts are conditions."""

Constants = dict[str, set[Any]]


@dataclass(frozen=True)
class Unreachable:
    """A rule that nobody can fall under.

    Attributes
    ----------
    rule
        Its position, from 0.
    taken_by
        Positions of earlier rules that together take everybody it could have; none of them can be spared. Empty where
        the condition can never hold.
    """

    rule: int
    taken_by: tuple[int, ...]


def unreachable_rules(conditions: Sequence[Condition]) -> tuple[Unreachable, ...]:
    """Return the rules that provably never win, in their order.

    Parameters
    ----------
    conditions
        In the order of the rules: the first that holds wins.

    Returns
    -------
    tuple[Unreachable, ...]
        What is not in it may be reachable or not: a rule is listed only if it can be proved.
    """
    constants = [_constants(condition) for condition in conditions]
    together: Constants = {}
    for found in filter(None, constants):
        for feature, values in found.items():
            together.setdefault(feature, set()).update(values)
    cells = {feature: _representatives(values, _domain(feature)) for feature, values in together.items()}
    decidable = [position for position, found in enumerate(constants) if found is not None]
    return tuple(
        Unreachable(position, _takers(position, decidable[:place], conditions, cells))
        for place, position in enumerate(decidable)
        if _wins(position, decidable[:place], conditions, cells) is False
    )


def _takers(
    rule: int, earlier: Sequence[int], conditions: Sequence[Condition], cells: Mapping[str, pl.Series]
) -> tuple[int, ...]:
    """Spare one earlier rule after another, the last first, as long as ``rule`` still cannot win."""
    needed = list(earlier)
    for position in reversed(earlier):
        others = [other for other in needed if other != position]
        if _wins(rule, others, conditions, cells) is False:
            needed = others
    return tuple(needed)


def _wins(
    rule: int, earlier: Sequence[int], conditions: Sequence[Condition], cells: Mapping[str, pl.Series]
) -> bool | None:
    """Whether ``rule`` holds in a combination of cells where none of ``earlier`` does; None if they are too many.

    The combinations in which it holds are narrowed by one earlier rule at a time, and a feature that no other rule
    reads is forgotten: so many features in all, but few at a time, are no obstacle.
    """
    left = pl.DataFrame([None], schema={"": pl.Null})
    waiting = list(earlier)
    following: int | None = rule
    while following is not None:
        condition = conditions[following]
        combinations = _with_cells(left, condition.features, cells)
        if combinations is None:
            return None
        holds = condition.expression.fill_null(value=False)
        try:
            left = combinations.filter(holds if following == rule else ~holds)
        except PolarsError:
            return None
        if left.is_empty():
            return False
        read_later = {feature for position in waiting for feature in conditions[position].features}
        left = left.select(name for name in left.columns if not name or name in read_later).unique()
        known = set(left.columns)
        following = min(waiting, key=lambda one: len({*conditions[one].features} - known), default=None)
        waiting = [position for position in waiting if position != following]
    return True


def _with_cells(
    combinations: pl.DataFrame, features: Sequence[str], cells: Mapping[str, pl.Series]
) -> pl.DataFrame | None:
    for feature in features:
        if feature not in combinations.columns:
            if combinations.height * cells[feature].len() > MOST_COMBINATIONS:
                return None
            combinations = combinations.join(cells[feature].to_frame(feature), how="cross")
    return combinations


def _constants(condition: Condition) -> Constants | None:
    """Return what each feature is compared with; None where the condition does more than compare with constants."""
    found: Constants = {}
    return found if _collect_constants(condition.tree, found) else None


def _collect_constants(tree: Any, found: Constants) -> bool:
    name, parts = operation(tree)
    if name == "Column":
        feature = tree["Column"]
        found.setdefault(feature, set())
        return _domain(feature).dtype == pl.Boolean
    if name == "Literal" or not _reads_features(tree):
        return True
    if name in {"IsNull", "IsNotNull"} and "Column" in parts[0]:
        found.setdefault(parts[0]["Column"], set())
        return True
    if name in COMPARISONS | {"IsIn"} and (compared := _feature_and_constant(parts)):
        feature, constant = compared
        text = _domain(feature).dtype == pl.String
        if text and name not in EQUALITIES | {"IsIn"}:
            return False
        found.setdefault(feature, set()).update(_values(constant))
        return True
    return name in TRUTH_FUNCTIONS and all(_collect_constants(part, found) for part in parts)


def _feature_and_constant(parts: Sequence[Any]) -> tuple[str, Any] | None:
    for one, other in (parts, parts[::-1]):
        if "Column" in one and not _reads_features(other):
            return one["Column"], other
    return None


def _reads_features(tree: Any) -> bool:
    return "Column" in tree or any(map(_reads_features, operation(tree)[1]))


def _values(constant: Any) -> set[Any]:
    values = pl.select(subexpression(constant).alias("_"))["_"]
    if values.dtype == pl.List:
        values = values.explode(empty_as_null=False)
    return set(values.drop_nulls())


def _domain(feature: str) -> Domain:
    domain = domain_of(feature)
    if domain is None:  # a condition has features of the dictionary only
        raise KeyError(feature)
    return domain


def _representatives(constants: set[Any], domain: Domain) -> pl.Series:
    """Return one value for each cell that the constants cut the feature's values into."""
    values: set[Any]
    if domain.dtype.is_integer():
        values = _whole_numbers(constants, domain)
    elif domain.dtype.is_numeric():
        values = _numbers(constants, domain)
    elif domain.dtype == pl.Date:
        values = _days(constants)
    elif domain.dtype == pl.Boolean:
        values = {False, True}
    else:
        longest = max(constants, key=len, default="")
        values = {*constants, f"{longest}x"}
    nothing = [None] if domain.nullable else []
    return pl.Series([*nothing, *sorted(values)], dtype=domain.dtype)


def _whole_numbers(constants: set[int | float | Decimal], domain: Domain) -> set[int]:
    near = {
        whole + step
        for constant in constants
        if math.isfinite(constant)
        for whole in (math.floor(constant), math.ceil(constant))
        for step in (-1, 0, 1)
    }
    anything = pl.Series([0], dtype=domain.dtype)
    low = anything.lower_bound().item() if domain.low is None else math.ceil(domain.low)
    high = anything.upper_bound().item() if domain.high is None else math.floor(domain.high)
    return {min(max(value, low), high) for value in near or {0}}


def _numbers(constants: set[int | float | Decimal], domain: Domain) -> set[float]:
    low = -sys.float_info.max if domain.low is None else domain.low
    high = sys.float_info.max if domain.high is None else domain.high
    points = sorted({low, high, *(value for each in constants if low < (value := float(each)) < high)})
    return {
        *points,
        *(left + (right - left) / 2 if right - left < math.inf else 0.0 for left, right in pairwise(points)),
    }


def _days(constants: set[date]) -> set[date]:
    ordinals = {constant.toordinal() + step for constant in constants for step in (-1, 0, 1)}
    within = {ordinal for ordinal in ordinals if date.min.toordinal() <= ordinal <= date.max.toordinal()}
    return {date.fromordinal(ordinal) for ordinal in within or {1}}
