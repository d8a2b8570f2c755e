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
_KEYS = ("name", "section", "unit", "title", "definition", "formula", "source")


@dataclass(frozen=True)
class Description:
    """What a metric is.

    Attributes
    ----------
    name, section, unit, title
        ``section`` of :data:`SECTIONS`, ``unit`` of :data:`UNITS`.
    definition
        One sentence.
    formula
        How it is computed.
    source
        Who defined it so; empty where it is plain counting.
    protection
        Its protection against revealing few customers.
    slices
        Dimensions that it comes with.
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

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a key and its text."""
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
        """Place of a metric in the report."""
        return self.descriptions.index(self[name])


@cache
def load_catalogue() -> MetricCatalogue:
    """Return the book that comes with ckm."""
    return read_catalogue(CATALOGUE)


def read_catalogue(path: Path) -> MetricCatalogue:
    """Return the book in a file.

    Raises
    ------
    UsageError
        It is none, or a metric in it is not described whole; for example without its protection.
    """
    document = read_yaml(path)
    assert document is not None
    keys = document.fields(("schema", "version", "metrics"))
    if keys["schema"].text() != BOOK_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a metric catalogue")
    return MetricCatalogue(keys["version"].whole(), tuple(_description(each) for each in keys["metrics"].items()))


def explained(description: Description) -> pl.DataFrame:
    """Return one row of strings that describes a metric; null where it has no text."""
    row = {**dict.fromkeys((*_KEYS, "slices"), None), **dict(description.rows())}
    return pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))


def _description(entry: YamlEntry) -> Description:
    keys = entry.fields(_KEYS, ("slices", "protection"))
    section, unit = keys["section"], keys["unit"]
    for value, known in ((section, SECTIONS), (unit, UNITS)):
        if value.text() not in known:
            raise UnknownNameError("word", value.text(), known, where=value.where)
    slices = tuple(each.text() for each in keys["slices"].items()) if "slices" in keys else ()
    texts = {name: "" if keys[name].is_null else keys[name].text() for name in _KEYS}
    protection = read_protection(texts["name"], keys, entry.where, slices)
    return Description(**texts, protection=protection, slices=slices)
