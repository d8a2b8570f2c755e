"""The metric catalogue: definition, formula and source of each number of the loyalty report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UnknownNameError, UsageError
from ckm.metrics.protection import Protection, read_protection
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.yamlfile import YamlEntry

CATALOGUE = Path(__file__).parents[1] / "data" / "metrics.yaml"
BOOK_SCHEMA = "ckm.metrics/1"
SECTIONS = ("changed", "relationships", "loyalty", "growth_potential", "churn", "data_quality")
UNITS = ("money", "customers", "orders", "share", "days", "points", "number", "rows", "responses", "ratio")
PROPORTIONAL, DEPENDENT = "proportional", "dependent"
"""Values of ``period_length``: a sum over the days of the period; a number that more days alone change."""
_KEYS = ("name", "section", "unit", "title", "definition", "formula", "source")


@dataclass(frozen=True)
class Description:
    """Description of a metric.

    Attributes
    ----------
    name, section, unit, title
        Name and title; ``section`` is one of :data:`SECTIONS`, ``unit`` of :data:`UNITS`.
    definition
        One sentence.
    formula
        Formula of the metric.
    source
        Source of the definition; empty for plain counts.
    protection
        How the metric is suppressed where it is of few customers.
    slices
        Dimensions of its slices.
    period_length
        :data:`PROPORTIONAL` or :data:`DEPENDENT`; empty if the metric does not depend on the length of the period.
    """

    name: str
    section: str
    unit: str
    title: str
    definition: str
    formula: str
    source: str
    protection: Protection
    slices: tuple[str, ...] = ()
    period_length: str = ""

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return pairs of key and text; without keys that have no text."""
        pairs = [(name, str(getattr(self, name))) for name in _KEYS]
        return tuple((name, text) for name, text in [*pairs, ("slices", ", ".join(self.slices))] if text)


@dataclass(frozen=True)
class MetricCatalogue:
    """All metrics in the order of the report."""

    version: int
    descriptions: tuple[Description, ...]

    def __iter__(self) -> Iterator[Description]:
        return iter(self.descriptions)

    def __getitem__(self, name: str) -> Description:
        for each in self.descriptions:
            if each.name == name:
                return each
        raise UnknownNameError("metric", name, [each.name for each in self.descriptions])

    def position(self, name: str) -> int:
        """Return the position of a metric in the report."""
        return self.descriptions.index(self[name])


@cache
def load_catalogue() -> MetricCatalogue:
    """Return the catalogue that comes with ckm."""
    return read_catalogue(CATALOGUE)


def read_catalogue(path: Path) -> MetricCatalogue:
    """Return the catalogue in a file.

    Raises
    ------
    UsageError
        The file is not a catalogue, or the description of a metric is incomplete, for example without its protection.
    """
    document = read_yaml(path)
    assert document is not None
    keys = document.fields(("schema", "version", "metrics"))
    if keys["schema"].text() != BOOK_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a metric catalogue")
    return MetricCatalogue(keys["version"].whole(), tuple(_description(each) for each in keys["metrics"].items()))


def explained(description: Description) -> pl.DataFrame:
    """Return one row of texts that describes a metric; null for missing texts."""
    row = {**dict.fromkeys((*_KEYS, "slices"), None), **dict(description.rows())}
    return pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))


def _description(entry: YamlEntry) -> Description:
    keys = entry.fields(_KEYS, ("slices", "protection", "period_length"))
    section, unit = keys["section"], keys["unit"]
    for value, known in ((section, SECTIONS), (unit, UNITS)):
        if value.text() not in known:
            raise UnknownNameError("word", value.text(), known, where=value.where)
    length = keys["period_length"].text() if "period_length" in keys else ""
    if length not in ("", PROPORTIONAL, DEPENDENT):
        raise UnknownNameError("word", length, (PROPORTIONAL, DEPENDENT), where=keys["period_length"].where)
    slices = tuple(each.text() for each in keys["slices"].items()) if "slices" in keys else ()
    texts = {name: "" if keys[name].is_null else keys[name].text() for name in _KEYS}
    protection = read_protection(texts["name"], keys, entry.where, slices)
    return Description(**texts, protection=protection, slices=slices, period_length=length)
