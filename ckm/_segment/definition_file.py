"""Definition files: readable, suitable for git, and applied unchanged until a refit."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from ckm._segment.methods import METHODS
from ckm._segment.monetary import Monetary
from ckm._segment.stability import Distribution, distributions, read_distribution, to_plain
from ckm.customers.dictionary import read_dictionary
from ckm.customers.features import Population
from ckm.errors import UsageError
from ckm.files import replacing
from ckm.yamlfile import dump_yaml, parse_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ckm._segment.definition import Definition
    from ckm.customers.features import FeatureTable
    from ckm.yamlfile import YamlEntry

SCHEMA = "ckm.segments/1"
HEADER = """\
# Segment definition of `ckm segment`, applied unchanged until `ckm segment --refit` fits the next version.
# It contains no customer.
"""
FINGERPRINT_DIGITS = 16


@dataclass(frozen=True)
class SavedDefinition:
    """A definition, and facts about its training data.

    Attributes
    ----------
    name
        Name of the file.
    version
        Version; 1 at first, increased by every refit.
    definition
        Fitted definition of the method.
    as_of, customers, data
        As-of date, number of customers and fingerprint of the training data.
    currency, time_zone
        Currency and time zone of the training data; amounts and days depend on them.
    monetary
        Definition and window of the monetary value.
    population
        Purchase intervals and margin of all customers, used for customers with a short history.
    distribution
        Distribution of each feature in the training data, to compute later shifts.
    dictionary
        Version of the feature dictionary.
    """

    name: str
    version: int
    definition: Definition
    as_of: date
    customers: int
    data: str
    currency: str
    time_zone: str
    monetary: Monetary
    population: Population
    distribution: Mapping[str, Distribution]
    dictionary: int

    def save(self, path: Path) -> None:
        """Write the file atomically."""
        with replacing(path, shared=True) as draft:
            draft.write_text(self.to_yaml(), encoding="utf-8", newline="\n")

    def to_yaml(self) -> str:
        """Return the text of the file."""
        plain = {
            "schema": SCHEMA,
            "name": self.name,
            "version": self.version,
            "method": self.definition.method,
            "learned_from": {"as_of": self.as_of.isoformat(), "customers": self.customers, "data": self.data},
            "features": {
                "dictionary": self.dictionary,
                "currency": self.currency,
                "time_zone": self.time_zone,
                **asdict(self.monetary),
                "population": asdict(self.population),
            },
            self.definition.method: self.definition.to_plain(),
            "distribution": {name: to_plain(each) for name, each in self.distribution.items()},
        }
        return HEADER + dump_yaml(plain)


def describe(name: str, definition: Definition, table: FeatureTable, monetary: Monetary) -> SavedDefinition:
    """Return the first version of a definition fitted to ``table``."""
    return SavedDefinition(
        name=name,
        version=1,
        definition=definition,
        as_of=table.as_of,
        customers=table.frame.height,
        data=fingerprint(table.frame),
        currency=table.currency,
        time_zone=table.time_zone,
        monetary=monetary,
        population=table.population,
        distribution=distributions(table.frame, definition.needs),
        dictionary=read_dictionary().version,
    )


def load_definition(path: Path) -> SavedDefinition:
    """Read a definition written by :meth:`SavedDefinition.save`.

    Raises
    ------
    UsageError
        The file is not a valid definition; the error has the line.
    """
    return _read(read_yaml(path), path)


def parse_definition(text: str, path: Path) -> SavedDefinition:
    """Parse a definition from the text of its file; errors show ``path``."""
    return _read(parse_yaml(text, path), path)


def _read(document: YamlEntry | None, path: Path) -> SavedDefinition:
    every = document.mapping() if document else {}
    if document is None or "schema" not in every or every["schema"].text() != SCHEMA:
        raise UsageError(f"{path}: not a segment definition", hint=f"a definition begins with 'schema: {SCHEMA}'")
    method = every["method"].text() if "method" in every else ""
    if method not in METHODS:
        raise UsageError(f"{path}: unknown method '{method}'", hint=f"known: {', '.join(METHODS)}")
    keys = document.fields(("schema", "name", "version", "method", "learned_from", "features", method, "distribution"))
    learned = keys["learned_from"].fields(("as_of", "customers", "data"))
    features = keys["features"].fields(
        ("dictionary", "currency", "time_zone", "population", *Monetary.__dataclass_fields__)
    )
    return SavedDefinition(
        name=keys["name"].text(),
        version=keys["version"].whole(),
        definition=METHODS[method].read(keys[method]),
        as_of=_day(learned["as_of"]),
        customers=learned["customers"].whole(),
        data=learned["data"].text(),
        currency=features["currency"].text(),
        time_zone=features["time_zone"].text(),
        monetary=_monetary(features),
        population=_population(features["population"]),
        distribution={name: read_distribution(each) for name, each in keys["distribution"].mapping().items()},
        dictionary=features["dictionary"].whole(),
    )


def fingerprint(customers: pl.DataFrame) -> str:
    """Return a fingerprint of the customers' features, independent of the order of rows."""
    numbers = customers.select(
        pl.col("last_purchase").cast(pl.Int32).fill_null(-1), pl.col("rows").cast(pl.Int64), pl.col("net_total")
    )
    digest = hashlib.sha256("\n".join(customers["customer_id"]).encode())
    for column in numbers:
        digest.update(column.to_numpy().astype(column.to_numpy().dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def _day(entry: YamlEntry) -> date:
    try:
        return date.fromisoformat(entry.text())
    except ValueError:
        raise UsageError(f"{entry.where}: not a date", hint="write it as 2026-06-30") from None


def _monetary(features: Mapping[str, YamlEntry]) -> Monetary:
    window = features["window"]
    money = features["money"].text()
    if money not in ("net", "margin", "mean"):
        raise UsageError(f"{features['money'].where}: 'money' must be net, margin or mean")
    return Monetary(money=money, window=None if window.is_null else window.whole())  # type: ignore[arg-type]


def _population(entry: YamlEntry) -> Population:
    keys = entry.fields(tuple(Population.__dataclass_fields__))
    return Population(**{name: None if value.is_null else value.number() for name, value in keys.items()})
