"""Guest ids of a workspace (``guest_ids`` of ``ckm.yaml``): their rows count as rows without a customer."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WHO = "customer_id"


def without_guest_ids(tables: Mapping[str, pl.LazyFrame], guest_ids: Iterable[str]) -> dict[str, pl.LazyFrame]:
    """Return the tables with guest ids replaced by null; they are removed from the table ``customers``.

    >>> rows = pl.LazyFrame({"customer_id": ["0", "ann"]})
    >>> without_guest_ids({"transactions": rows}, ["0"])["transactions"].collect()["customer_id"].to_list()
    [None, 'ann']
    """
    declared = sorted(set(guest_ids))
    return {
        name: _without(name, frame, declared) if declared and WHO in frame.collect_schema() else frame
        for name, frame in tables.items()
    }


def _without(table: str, frame: pl.LazyFrame, declared: list[str]) -> pl.LazyFrame:
    is_guest = pl.col(WHO).cast(pl.String).str.strip_chars().is_in(declared).fill_null(value=False)
    if table == "customers":
        return frame.filter(~is_guest)
    return frame.with_columns(pl.when(~is_guest).then(WHO))


def digest(guest_ids: Iterable[str]) -> str:
    """Return a hash of a set of guest ids, for the keys of caches; empty text for an empty set."""
    declared = sorted(set(guest_ids))
    return sha256("\0".join(declared).encode()).hexdigest() if declared else ""
