"""Peers: number of similar customers, as counted when the definition was fitted."""

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
    """Number of customers by combination of features.

    Attributes
    ----------
    features
        Names of text features; without any, all customers are peers.
    groups
        Values of each combination (None if unknown) and its number of customers, only for combinations with at least
        :data:`FEW_PEERS`, because smaller ones could reveal a single customer.
    """

    features: tuple[str, ...]
    groups: tuple[tuple[tuple[str | None, ...], int], ...]

    def count(self, customers: pl.DataFrame) -> pl.Series:
        """Return ``peers`` (Int64): number of customers with the features of each row; null below :data:`FEW_PEERS`."""
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
        """Return ``columns`` (the features and ``customers``) and ``rows``, one per group, for the definition file."""
        return {"columns": [*self.features, "customers"], "rows": [[*values, number] for values, number in self.groups]}


def count_peers(customers: pl.DataFrame, features: Sequence[str]) -> Peers:
    """Return the number of customers by combination of ``features``, which are text columns of ``customers``.

    Combinations with fewer than :data:`FEW_PEERS` customers are omitted.
    """
    if not features:
        return Peers((), (((), customers.height),))
    counts = customers.group_by(pl.col(features).cast(pl.String)).len(COUNT).filter(pl.col(COUNT) >= FEW_PEERS)
    counts = counts.sort(features)
    return Peers(tuple(features), tuple((row[:-1], row[-1]) for row in counts.rows()))


def read_peers(entry: YamlEntry) -> Peers:
    """Read the output of :meth:`Peers.to_plain`; UsageError if a key is missing or invalid."""
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
