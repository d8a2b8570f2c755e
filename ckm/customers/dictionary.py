"""Dictionary of the features: name, type, unit, meaning, formula, and meaning of null."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from ckm.errors import UsageError
from ckm.yamlfile import YamlEntry, read_yaml

DICTIONARY = Path(__file__).parents[1] / "data" / "features.yaml"
DICTIONARY_SCHEMA = "ckm.features/1"
PRINTED = ("name", "type", "unit", "meaning", "formula")
"""Columns that ``ckm segment --features`` prints."""

_KEYS = (*PRINTED, "needs", "null")


@dataclass(frozen=True)
class Feature:
    """A column of the feature table.

    Attributes
    ----------
    name
        Name of the column; ``channel_share_*`` covers all columns with that prefix.
    dtype
        Name of the polars type.
    unit, meaning, formula
        Texts for readers.
    needs
        Columns of the transactions, or ``TABLE.COLUMN``, that the feature needs besides ``customer_id``.
    null_meaning
        Meaning of null.
    """

    name: str
    dtype: str
    unit: str
    meaning: str
    formula: str
    needs: tuple[str, ...]
    null_meaning: str

    def names(self, column: str) -> bool:
        """Return whether ``column`` of a feature table is this feature."""
        if self.name.endswith("*"):
            return column.startswith(self.name[:-1])
        return column == self.name


@dataclass(frozen=True)
class FeatureDictionary:
    """All features in the order of the feature table's columns, and the version of their formulas."""

    version: int
    features: tuple[Feature, ...]

    def frame(self) -> pl.DataFrame:
        """Return one row per feature: name, type, unit, meaning, formula (String)."""
        rows = [(each.name, each.dtype, each.unit, each.meaning, each.formula) for each in self.features]
        return pl.DataFrame(rows, schema=dict.fromkeys(PRINTED, pl.String), orient="row")


def read_dictionary(path: Path = DICTIONARY) -> FeatureDictionary:
    """Read the dictionary that comes with ckm.

    Raises
    ------
    UsageError
        The file is not a dictionary, or has a feature twice.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}: 'schema' is missing", hint="needed are schema, version, features")
    keys = document.fields(("schema", "version", "features"))
    if keys["schema"].text() != DICTIONARY_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a feature dictionary")
    features = tuple(_feature(entry) for entry in keys["features"].items())
    names = [feature.name for feature in features]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UsageError(f"{path}: features that occur twice: {', '.join(doubled)}")
    return FeatureDictionary(keys["version"].whole(), features)


@cache
def load_dictionary() -> tuple[Feature, ...]:
    """Return all features in the order of the feature table's columns."""
    return read_dictionary().features


def _feature(entry: YamlEntry) -> Feature:
    keys = entry.fields(_KEYS)
    return Feature(
        name=keys["name"].text(),
        dtype=keys["type"].text(),
        unit=keys["unit"].text(),
        meaning=keys["meaning"].text(),
        formula=keys["formula"].text(),
        needs=tuple(item.text() for item in keys["needs"].items()),
        null_meaning=keys["null"].text(),
    )
