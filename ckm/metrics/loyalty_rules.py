"""Rules for loyal customers: thresholds, and combinations of behaviour and attitude."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.schema import RATING_SCALES
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckm.yamlfile import YamlEntry

RULES = Path(__file__).parents[1] / "data" / "loyalty_rules.yaml"
RULES_SCHEMA = "ckm.loyalty_rules/1"
BEHAVIOURS = ("often", "steady")
ATTITUDES = ("high", "low", "unknown")


@dataclass(frozen=True)
class LoyaltyRule:
    """A rule for loyal customers: a kind of behaviour, and the attitudes that are allowed with it."""

    name: str
    behaviour: str
    attitudes: tuple[str, ...]


@dataclass(frozen=True)
class LoyaltyRules:
    """Thresholds, and rules in the order of evaluation.

    Attributes
    ----------
    often_months, steady_years, attitude_months
        Length of the history for frequent purchases, for purchases in every year, and for ratings.
    high
        Scale to the lowest rating that counts as a high attitude.
    rules
        Rules; the first rule that a customer meets applies.
    """

    often_months: int
    steady_years: int
    attitude_months: int
    high: Mapping[str, float]
    rules: tuple[LoyaltyRule, ...]


@cache
def load_loyalty_rules() -> LoyaltyRules:
    """Return the rules of ``ckm/data/loyalty_rules.yaml``."""
    document = read_yaml(RULES)
    assert document is not None
    keys = document.fields(("schema", "often_months", "steady_years", "attitude_months", "high", "rules"))
    if keys["schema"].text() != RULES_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not rules of loyalty")
    return LoyaltyRules(
        often_months=keys["often_months"].whole(),
        steady_years=keys["steady_years"].whole(),
        attitude_months=keys["attitude_months"].whole(),
        high={scale: entry.number() for scale, entry in keys["high"].fields(tuple(RATING_SCALES)).items()},
        rules=tuple(_rule(each) for each in keys["rules"].items()),
    )


def _rule(entry: YamlEntry) -> LoyaltyRule:
    keys = entry.fields(("name", "behaviour", "attitude"))
    return LoyaltyRule(
        keys["name"].text(),
        _known(keys["behaviour"], BEHAVIOURS),
        tuple(_known(each, ATTITUDES) for each in keys["attitude"].items()),
    )


def _known(entry: YamlEntry, words: Iterable[str]) -> str:
    if entry.text() not in words:
        raise UnknownNameError("word", entry.text(), words, where=entry.where)
    return entry.text()
