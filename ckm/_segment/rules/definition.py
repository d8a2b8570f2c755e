"""Segments by user-written rules: conditions over the features; the first rule whose condition holds applies."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from ckm._segment.definition import Detail, Segment
from ckm._segment.rules.conditions import parse_condition
from ckm.errors import UnknownNameError, UsageError
from ckm.wording import counted
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ckm._segment.rules.conditions import Condition
    from ckm.yamlfile import YamlEntry

RULES_SCHEMA = "ckm.segment_rules/1"
DEFAULT_OTHER = Segment("other", "No rule matches these customers: consider a further rule.")


@dataclass(frozen=True)
class SegmentRule:
    """A segment, and the condition for belonging to it.

    Attributes
    ----------
    name, advice
        Name and advice of the segment; the advice may be empty.
    when
        The condition as written: SQL over the features.
    where
        ``file:line`` of the condition.
    """

    name: str
    advice: str
    when: str
    where: str = field(default="", compare=False)

    @cached_property
    def condition(self) -> Condition:
        """The checked condition; see :func:`ckm._segment.rules.conditions.parse_condition` for its errors."""
        return parse_condition(self.when, where=self.where or f"rule '{self.name}'")

    @property
    def place(self) -> str:
        """The rule for messages: ``rule 'VIP' (line 12)``."""
        line = self.where.rpartition(":")[2]
        return f"rule '{self.name}' (line {line})" if line else f"rule '{self.name}'"


@dataclass(frozen=True)
class RulesDefinition:
    """Rules in order, and the segment of customers for whom no rule holds."""

    rules: tuple[SegmentRule, ...]
    other: Segment = DEFAULT_OTHER

    method: ClassVar[str] = "rules"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features that the conditions use, in order of appearance."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.condition.features))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Segments of the rules in order, then the segment of customers for whom no rule holds."""
        return (*(Segment(rule.name, rule.advice) for rule in self.rules), self.other)

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return ``segment``, ``rule`` and ``rules_met``.

        ``rule`` (Int64) is the position of the applied rule, from 1; null without one. ``rules_met`` (String) lists the
        positions of all rules that hold, ``1, 3``; null without any. A condition that is null, such as a comparison
        with a missing value, does not hold.

        Raises
        ------
        UsageError
            A feature is missing from ``features``.
        """
        for rule in self.rules:
            for name in rule.condition.features:
                if name not in features.columns:
                    raise UnknownNameError("feature", name, features.columns, where=rule.where or rule.place)
        positions = range(1, len(self.rules) + 1)
        holds = {position: f"rule {position} holds" for position in positions}
        names = [rule.name for rule in self.rules]
        return (
            features.lazy()
            .with_columns(
                rule.condition.expression.fill_null(value=False).alias(holds[position])
                for position, rule in zip(positions, self.rules, strict=True)
            )
            .select(
                pl.coalesce(pl.when(holds[one]).then(pl.lit(one, dtype=pl.Int64)) for one in positions).alias("rule"),
                pl.concat_str(
                    [pl.when(holds[one]).then(pl.lit(str(one))) for one in positions],
                    separator=", ",
                    ignore_nulls=True,
                ).alias("rules_met"),
            )
            .select(
                pl.col("rule")
                .replace_strict(list(positions), names, default=self.other.name, return_dtype=pl.String)
                .alias("segment"),
                "rule",
                pl.when(pl.col("rules_met") != "").then("rules_met"),
            )
            .collect()
        )

    def to_plain(self) -> dict[str, Any]:
        """Return the rules in the form of their file, without the key ``schema``."""
        return {
            "segments": [_plain(rule) for rule in self.rules],
            "other": {"name": self.other.name, "advice": self.other.advice},
        }

    def details(self) -> tuple[Detail, ...]:
        """Return the table of rules in order."""
        rows = [(position, rule.name, rule.when) for position, rule in enumerate(self.rules, start=1)]
        schema = {"rule": pl.Int64, "segment": pl.String, "when": pl.String}
        return (
            Detail("Rules in order; the first that holds applies", pl.DataFrame(rows, schema=schema, orient="row")),
        )

    def remarks(self, assigned: pl.DataFrame) -> tuple[str, ...]:
        """Return a remark on each rule without customers, with the number of customers who meet its condition."""
        won = set(assigned["rule"].drop_nulls().unique())
        idle = [position for position in range(1, len(self.rules) + 1) if position not in won]
        met = pl.col("rules_met").str.split(", ")
        counts = assigned.select(met.list.contains(str(one)).sum().alias(str(one)) for one in idle)
        return tuple(_idle_remark(self.rules[one - 1], counts[str(one)].item()) for one in idle)


def load_rules(path: Path) -> RulesDefinition:
    """Read rules from a file.

    Parameters
    ----------
    path
        YAML as in ``examples/rules/tea-club.yaml``.

    Raises
    ------
    UsageError
        The file is invalid, or :func:`read_rules` refuses a rule; the error has file and line.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}:1: the file is empty", hint=f"begin it with 'schema: {RULES_SCHEMA}'")
    keys = document.fields(("schema", "segments"), ("other",))
    if keys["schema"].text() != RULES_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a file of segment rules", hint=f"write 'schema: {RULES_SCHEMA}'")
    return read_rules(document, beside=("schema",))


def read_rules(entry: YamlEntry, beside: tuple[str, ...] = ()) -> RulesDefinition:
    """Read ``segments`` and ``other``, and check every condition.

    Parameters
    ----------
    entry
        A mapping with these keys, in the form of :meth:`RulesDefinition.to_plain`.
    beside
        Further allowed keys.

    Raises
    ------
    UsageError
        A key is missing or unknown, a name is missing or duplicate, or
        :func:`ckm._segment.rules.conditions.parse_condition` refuses a condition. The error has file and line.
    """
    keys = entry.fields(("segments",), ("other", *beside))
    rules: dict[str, SegmentRule] = {}
    for item in keys["segments"].items():
        rule = _rule(item)
        if rule.name in rules:
            where = item.mapping()["name"].where
            raise UsageError(f"{where}: {rules[rule.name].place} has the same name", hint="join the two with OR")
        rules[rule.name] = rule
    if not rules:
        raise UsageError(f"{keys['segments'].where}: there are no rules", hint="write at least one: 'name' and 'when'")
    other = _other(keys["other"]) if "other" in keys else DEFAULT_OTHER
    if other.name in rules:
        hint = "rename the rule, or the customers without a rule: 'other: {name: …}'"
        raise UsageError(
            f"{rules[other.name].where}: '{other.name}' is also the name of the customers for whom no rule holds",
            hint=hint,
        )
    return RulesDefinition(tuple(rules.values()), other)


def _rule(entry: YamlEntry) -> SegmentRule:
    keys = entry.fields(("name", "when"), ("advice",))
    when = keys["when"]
    if when.is_null or not when.text().strip():
        raise UsageError(f"{when.where}: 'when' is empty", hint="write a condition, such as frequency > 3")
    rule = SegmentRule(_name(keys["name"]), _advice(keys), when.text(), when.where)
    rule.condition  # noqa: B018  # checked here, so that the first mistake of the file is reported
    return rule


def _other(entry: YamlEntry) -> Segment:
    keys = entry.fields((), ("name", "advice"))
    name = _name(keys["name"]) if "name" in keys else DEFAULT_OTHER.name
    return Segment(name, _advice(keys) if "advice" in keys else DEFAULT_OTHER.advice)


def _name(entry: YamlEntry) -> str:
    name = entry.text().strip()
    if entry.is_null or not name:
        raise UsageError(f"{entry.where}: 'name' is empty", hint="every segment needs one")
    return name


def _advice(keys: Mapping[str, YamlEntry]) -> str:
    return "" if "advice" not in keys or keys["advice"].is_null else keys["advice"].text().strip()


def _plain(rule: SegmentRule) -> dict[str, str]:
    advice = {"advice": rule.advice} if rule.advice else {}
    return {"name": rule.name, **advice, "when": rule.when}


def _idle_remark(rule: SegmentRule, matches: int) -> str:
    if not matches:
        return f"{rule.place}: no customer meets the condition"
    return f"{rule.place}: no customers; {counted(matches, 'customer')} met the condition, and an earlier rule too"
