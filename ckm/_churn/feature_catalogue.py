"""Catalogue of churn features with group, formula and direction: ``ckm/data/churn_features.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from ckm.errors import UnknownNameError, UsageError
from ckm.yamlfile import YamlEntry, read_yaml

CATALOGUE = Path(__file__).parents[1] / "data" / "churn_features.yaml"
CATALOGUE_SCHEMA = "ckm.churn_features/1"
GROUPS = ("recency", "frequency", "spend", "breadth", "service", "billing", "satisfaction", "tenure")
"""Feature groups in their order of display."""

Direction = Literal["yes", "no", "unclear"]

_KEYS = ("name", "group", "unit", "meaning", "formula", "needs", "higher_is_worse")


@dataclass(frozen=True)
class ChurnFeature:
    """A feature of a snapshot.

    Attributes
    ----------
    name
        Key in :attr:`ckm._churn.customer_snapshot.CustomerSnapshot.features`.
    group
        One of :data:`GROUPS`; reasons explain a score by group.
    unit, meaning, formula
        Texts for readers.
    needs
        Columns of the transactions, or ``TABLE.COLUMN``, that the feature needs besides ``customer_id``.
    higher_is_worse
        Whether a higher value raises the churn probability: ``yes``, ``no`` or ``unclear``.
    """

    name: str
    group: str
    unit: str
    meaning: str
    formula: str
    needs: tuple[str, ...]
    higher_is_worse: Direction


@dataclass(frozen=True)
class ChurnFeatures:
    """All features with the version of their formulas.

    Attributes
    ----------
    version
        Version of the formulas.
    features
        Features, ordered by group.
    """

    version: int
    features: tuple[ChurnFeature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features in their order."""
        return tuple(feature.name for feature in self.features)

    def of_group(self, group: str) -> tuple[ChurnFeature, ...]:
        """Return the features of a group."""
        return tuple(feature for feature in self.features if feature.group == group)


def read_catalogue(path: Path = CATALOGUE) -> ChurnFeatures:
    """Read a feature catalogue; default: ``ckm/data/churn_features.yaml``.

    Raises
    ------
    UsageError
        The file is not a feature catalogue, or defines a feature twice.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}: 'schema' is missing", hint="required keys: schema, version, features")
    keys = document.fields(("schema", "version", "features"))
    if keys["schema"].text() != CATALOGUE_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a catalogue of churn features")
    features = tuple(_feature(entry) for entry in keys["features"].items())
    names = [feature.name for feature in features]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UsageError(f"{path}: features defined twice: {', '.join(doubled)}")
    return ChurnFeatures(
        version=keys["version"].whole(),
        features=features,
    )


@cache
def load_catalogue() -> ChurnFeatures:
    """Return the features of ``ckm/data/churn_features.yaml``."""
    return read_catalogue()


def _feature(entry: YamlEntry) -> ChurnFeature:
    keys = entry.fields(_KEYS)
    return ChurnFeature(
        name=keys["name"].text(),
        group=_one_of("group", keys["group"], GROUPS),
        unit=keys["unit"].text(),
        meaning=keys["meaning"].text(),
        formula=keys["formula"].text(),
        needs=tuple(item.text() for item in keys["needs"].items()),
        higher_is_worse=cast("Direction", _one_of("direction", keys["higher_is_worse"], ("yes", "no", "unclear"))),
    )


def _one_of(what: str, entry: YamlEntry, known: tuple[str, ...]) -> str:
    word = entry.text()
    if word not in known:
        raise UnknownNameError(what, word, known, where=entry.where)
    return word
