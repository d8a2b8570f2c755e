"""How many customers are like this one, as counted when a definition was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.yamlfile import YamlEntry

FEW_PEERS = 30
"""Fewest peers for a percentile."""
COUNT = "peers"


@dataclass(frozen=True)
class Peers:
    """Customers per combination of features.

    Attributes
    ----------
    features
        Names of text features; with none of them all customers are peers.
    groups
        The values of a combination, None where one is not known, and its customers: of combinations with at least
        :data:`FEW_PEERS` only, because smaller ones could reveal a single customer.
    """

    features: tuple[str, ...]
    groups: tuple[tuple[tuple[str | None, ...], int], ...]

    def count(self, customers: pl.DataFrame) -> pl.Series:
        """Return ``peers`` (Int64) of each row; null for a combination that had fewer than :data:`FEW_PEERS`."""
        if not self.features:
            everyone = sum(number for _, number in self.groups)
            return pl.Series(COUNT, [everyone], dtype=pl.Int64).new_from_index(0, customers.height)
        known = pl.DataFrame(
            [(*values, number) for values, number in self.groups],
            schema={**dict.fromkeys(self.features, pl.String), COUNT: pl.Int64},
            orient="row",
        )
        texts = customers.select(pl.col(self.features).cast(pl.String))
        joined = texts.join(known, on=self.features, how="left", nulls_equal=True, maintain_order="left")
        return joined[COUNT]

    def to_plain(self) -> dict[str, Any]:
        """Return a table: the features and ``customers``, then a row per group."""
        return {"columns": [*self.features, "customers"], "rows": [[*values, number] for values, number in self.groups]}


def count_peers(customers: pl.DataFrame, features: Sequence[str]) -> Peers:
    """Count the customers of each large combination of ``features``, text columns of ``customers``."""
    if not features:
        return Peers((), (((), customers.height),))
    counts = customers.group_by(pl.col(features).cast(pl.String)).len(COUNT).filter(pl.col(COUNT) >= FEW_PEERS)
    counts = counts.sort(features)
    return Peers(tuple(features), tuple((row[:-1], row[-1]) for row in counts.rows()))


def read_peers(entry: YamlEntry) -> Peers:
    """Read what :meth:`Peers.to_plain` wrote; UsageError where something is missing or unfit."""
    keys = entry.fields(("columns", "rows"))
    *features, last = [each.text() for each in keys["columns"].items()] or [""]
    if last != "customers":
        raise UsageError(f"{keys['columns'].where}: the last column is not 'customers'")
    return Peers(tuple(features), tuple(_group(row, len(features)) for row in keys["rows"].items()))


def _group(row: YamlEntry, features: int) -> tuple[tuple[str | None, ...], int]:
    cells = row.items()
    if len(cells) != features + 1:
        raise UsageError(f"{row.where}: {features + 1} values are expected, there are {len(cells)}")
    return tuple(None if cell.is_null else cell.text() for cell in cells[:-1]), cells[-1].whole()
