"""Merge of rows whose order ids are derived: rows that are equal in the columns of both files are one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.store.order_candidates import FILE, POSITION, add_places
from ckm.store.order_states import LINEAGE
from ckm.store.undated_returns import ROW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.store.order_candidates import OrderCandidates

PLACE = [FILE, POSITION]
MORE = " more"
"""Helper column: whether a new row has values that the known row lacks."""


def merge_assumed_orders(candidates: OrderCandidates) -> None:
    """Complete the plan of a load with derived order ids.

    New and known rows are paired if they are equal in the columns that both files have. A known row is replaced if the
    new row of its pair has more values.
    """
    if not candidates.known_files:
        return
    for new, known in candidates.parts(candidates.changed):
        new = new.filter(pl.col(ROW).is_in(candidates.open_rows(new).implode())).drop(ROW)
        known = known.join(candidates.matched_rows(), on=PLACE, how="anti", maintain_order="left")
        for columns, rows in _by_columns(candidates, known):
            both = [name for name in candidates.facts.columns if name in columns]
            pairs = _merge_pairs(candidates, new, rows, both)
            new = new.join(pairs, on=PLACE, how="anti", maintain_order="left")


def _by_columns(candidates: OrderCandidates, known: pl.DataFrame) -> Iterator[tuple[set[str], pl.DataFrame]]:
    """Yield known rows, grouped by the columns of the files that they are from, with the columns that have values."""
    loads: dict[tuple[str, ...], list[str]] = {}
    for load in candidates.history:
        loads.setdefault(load.facts.columns, []).append(load.facts.load_id)
    for columns, ids in loads.items():
        rows = known.filter(pl.col("load_id").is_in(ids))
        if len(rows):
            yield {*columns, *(name for name in rows.columns if rows[name].null_count() < len(rows))}, rows


def _merge_pairs(
    candidates: OrderCandidates, new: pl.DataFrame, known: pl.DataFrame, columns: list[str]
) -> pl.DataFrame:
    """Pair new and known rows that are equal in ``columns``, add the pairs to the plan, and return them."""
    plan, suffix = candidates.plan, " known"
    sides = [rows.with_columns(pl.int_range(pl.len()).over(columns).alias(ROW)) for rows in (new, known)]
    pairs = sides[0].join(
        sides[1], on=[*columns, ROW], how="inner", nulls_equal=True, suffix=suffix, maintain_order="left"
    )
    own = [name for name in candidates.schema if name not in (*LINEAGE, *columns)]
    more = [pl.col(name).is_not_null() & pl.col(f"{name}{suffix}").is_null() for name in own]
    pairs = pairs.with_columns(pl.any_horizontal(pl.lit(value=False), *more).alias(MORE))
    add_places(plan.redundant, pairs)
    plan.unchanged += int((~pairs[MORE]).sum())
    richer = pairs.filter(MORE)
    plan.updated += len(richer)
    old = richer.select(pl.col(f"{name}{suffix}").alias(name) for name in PLACE)
    replaced = known.join(old, on=PLACE, how="semi", maintain_order="left")
    add_places(plan.stale, replaced)
    plan.replaced.append(replaced.drop(PLACE))
    filled = [pl.coalesce(name, f"{name}{suffix}").alias(name) for name in own]
    plan.entering.append(richer.with_columns(filled).select(list(candidates.schema)))
    return pairs
