"""Columns of the exported table of customers, and its audience lists, from ``ckm/data/customer_table.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.customers.dictionary import DICTIONARY_SCHEMA, load_dictionary, read_dictionary
from ckm.errors import UsageError
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

DESCRIPTIONS = Path(__file__).parents[1] / "data" / "customer_table.yaml"
SCHEMA = "ckm.customer_table/1"
NAME = "display_name"
"""Column of the customers' names, which the table has on request only."""
_KEYS = ("name", "unit", "meaning", "formula", "null")


@dataclass(frozen=True)
class CustomerColumn:
    """A column of the table.

    Attributes
    ----------
    name, dtype, unit, meaning, formula, null_meaning
        As for :class:`ckm.customers.dictionary.Feature`.
    version
        Version of the dictionary that describes the formula.
    """

    name: str
    dtype: str
    unit: str
    meaning: str
    formula: str
    null_meaning: str
    version: str


@dataclass(frozen=True)
class Audience:
    """A list of customers for an action.

    Attributes
    ----------
    name
        Name of the list, which is also the name of its file.
    meaning
        What customers are in the list, and how it is sorted.
    columns
        Columns after ``customer_id`` and, on request, the name.
    """

    name: str
    meaning: str
    columns: tuple[str, ...]


def own_columns() -> tuple[str, ...]:
    """Return the names of the columns that are not features, in the order of the data file."""
    return tuple(each["name"] for each in _descriptions().columns)


def list_audiences() -> tuple[Audience, ...]:
    """Return all audience lists."""
    return _descriptions().audiences


def describe_columns(schema: Mapping[str, pl.DataType]) -> tuple[CustomerColumn, ...]:
    """Return the description of each column of a table of customers.

    Raises
    ------
    KeyError
        A column is neither a feature nor described.
    """
    return tuple(_described(name, str(dtype)) for name, dtype in schema.items())


def _described(name: str, dtype: str) -> CustomerColumn:
    for own in _descriptions().columns:
        if own["name"] == name:
            version = f"{SCHEMA} {_descriptions().version}"
            return CustomerColumn(name, dtype, own["unit"], own["meaning"], own["formula"], own["null"], version)
    for each in load_dictionary():
        if each.names(name):
            version = f"{DICTIONARY_SCHEMA} {read_dictionary().version}"
            return CustomerColumn(name, dtype, each.unit, each.meaning, each.formula, each.null_meaning, version)
    raise KeyError(name)


@dataclass(frozen=True)
class _Descriptions:
    version: int
    columns: tuple[Mapping[str, str], ...]
    audiences: tuple[Audience, ...]


@cache
def _descriptions() -> _Descriptions:
    document = read_yaml(DESCRIPTIONS)
    assert document is not None
    keys = document.fields(("schema", "version", "columns", "audiences"))
    if keys["schema"].text() != SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a description of the table of customers")
    columns = [each.fields(_KEYS) for each in keys["columns"].items()]
    lists = [each.fields(("name", "meaning", "columns")) for each in keys["audiences"].items()]
    return _Descriptions(
        keys["version"].whole(),
        tuple({key: entry.text() for key, entry in each.items()} for each in columns),
        tuple(
            Audience(each["name"].text(), each["meaning"].text(), tuple(one.text() for one in each["columns"].items()))
            for each in lists
        ),
    )
