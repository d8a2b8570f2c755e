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
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm._segment.rules.conditions import COMPARISONS, CONNECTIVES, EQUALITIES, Condition, operation, subexpression
from ckm._segment.rules.domains import domain_of
from ckm.io.mapping.expressions import column_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from ckm._segment.rules.domains import Domain

MOST_COMBINATIONS = 250_000
"""Combinations of cells looked at together, some 10 MB. Two dozen rules that come to it take a second or two."""
TRUTH_FUNCTIONS = frozenset({*EQUALITIES, *CONNECTIVES, "IsNull", "IsNotNull", "Ternary", "Cast:Boolean"})
"""What depends on the truth of its parts alone, where the parts are conditions."""

Constants = dict[str, set[Any]]


@dataclass(frozen=True)
class Unreachable:
    """A rule that no customer can fall under.

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


@dataclass(frozen=True, eq=False)
class _Provable:
    """A rule whose condition compares features with constants only."""

    position: int
    condition: Condition
    constants: Constants

    @cached_property
    def conjuncts(self) -> list[tuple[list[str], pl.Expr]]:
        """What must all hold for the condition to hold, with the features that each reads, those with few first.

        One after the other they leave far fewer combinations to look at than the condition as a whole.
        """
        parts = [subexpression(part) for part in _conjuncts(self.condition.tree)]
        return sorted(((column_names(part), part) for part in parts), key=lambda part: len(part[0]))


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
    found = [(position, condition, _constants(condition)) for position, condition in enumerate(conditions)]
    provable = [_Provable(position, condition, cut) for position, condition, cut in found if cut is not None]
    unreachable = []
    for place, rule in enumerate(provable):
        takers = _takers(rule, provable[:place])
        if takers is not None:
            unreachable.append(Unreachable(rule.position, tuple(taker.position for taker in takers)))
    return tuple(unreachable)


def _takers(rule: _Provable, earlier: Sequence[_Provable]) -> Sequence[_Provable] | None:
    """Return the earlier rules that leave nobody for ``rule``, none more than needed; None if that is not proved."""
    if _wins(rule, earlier) is False:
        needed = list(earlier)
        for one in reversed(earlier):
            others = [other for other in needed if other is not one]
            if _wins(rule, others) is False:
                needed = others
        return needed
    # Too many together may still be few enough one by one, and most rules are taken by one other or can never hold.
    return next((few for few in ([], *([one] for one in earlier)) if _wins(rule, few) is False), None)


def _wins(rule: _Provable, earlier: Sequence[_Provable]) -> bool | None:
    """Whether ``rule`` holds in a combination of cells where none of ``earlier`` does; None if they are too many.

    The combinations in which it holds are narrowed by one earlier rule at a time, and a feature that no other rule
    reads is forgotten: so many features in all, but few at a time, are no obstacle.
    """
    cells = _cells([rule, *earlier])
    left: pl.DataFrame | None = pl.DataFrame([None], schema={"": pl.Null})
    for features, holds in rule.conjuncts:
        left = _narrowed(left, features, holds, cells)
    waiting = list(earlier)
    while left is not None and not left.is_empty() and waiting:
        read_later = {feature for one in waiting for feature in one.condition.features}
        left = left.select(name for name in left.columns if not name or name in read_later).unique()
        known = set(left.columns)
        following = min(waiting, key=lambda one: len({*one.condition.features} - known))
        holds = following.condition.expression.fill_null(value=False)
        left = _narrowed(left, following.condition.features, ~holds, cells)
        waiting = [one for one in waiting if one is not following]
    return None if left is None else not left.is_empty()


def _narrowed(
    combinations: pl.DataFrame | None, features: Sequence[str], holds: pl.Expr, cells: Mapping[str, pl.Series]
) -> pl.DataFrame | None:
    """Add ``features`` to the combinations, and keep those where ``holds``; None if they are too many."""
    for feature in features:
        if combinations is not None and feature not in combinations.columns:
            if combinations.height * cells[feature].len() > MOST_COMBINATIONS:
                return None
            combinations = combinations.join(cells[feature].to_frame(feature), how="cross")
    return None if combinations is None else combinations.filter(holds)


def _cells(rules: Sequence[_Provable]) -> dict[str, pl.Series]:
    together: Constants = {}
    for rule in rules:
        for feature, values in rule.constants.items():
            together.setdefault(feature, set()).update(values)
    return {feature: _representatives(values, _domain(feature)) for feature, values in together.items()}


def _conjuncts(tree: Any) -> list[Any]:
    name, parts = operation(tree)
    return [conjunct for part in parts for conjunct in _conjuncts(part)] if name == "And" else [tree]


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
