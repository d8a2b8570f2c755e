"""Merge of new rows into a table (upsert): which are unchanged, which replace a known row, which are new."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.errors import InputError
from ckm.io.parquet_file import read_file, scan_file
from ckm.store.data_files import read_rows, rows_of_loads
from ckm.store.delta import aligned
from ckm.store.row_identity import REPEAT, Hashes, Identity, members
from ckm.store.value_bounds import IdentityBounds
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ckm.store.data_files import DataFile
    from ckm.store.delta import StoredTable
    from ckm.store.staging import Positions

LINEAGE = ("source", "source_file", "source_row", "load_id", REPEAT)
"""Columns of a row's origin; they are not part of its content."""
HASH, OLD, NEW_ROW, OLD_ROW = " hash", " old", " new row", " old row"
"""Helper columns; their names contain blanks, which Delta does not allow in a table."""


class OnConflict(StrEnum):
    """Action for a row with a known key and different content."""

    REPLACE = "replace"
    KEEP = "keep"
    ERROR = "error"


class ConflictError(InputError):
    """New rows have the key of a stored row but other content, and no option decides which content applies."""

    code = "conflict"

    def __init__(self, rows: int, table: str, *, foreign: bool) -> None:
        has = "has" if rows == 1 else "have"
        whose = "from another source" if foreign else "with other content"
        choices = "--on-conflict replace loads the new rows, --on-conflict keep keeps the stored ones"
        number_alike = (
            "; if two sources use the same numbers, add a prefix in a mapping: {expr: \"'till 2-' || order_id\"}"
        )
        super().__init__(
            f"{counted(rows, 'row')} {has} the key of a stored row of '{table}' {whose}; nothing was loaded",
            hint=choices + number_alike if foreign else choices,
            rows=rows,
        )


@dataclass
class MergePlan:
    """Plan of a merge: removed, added and unchanged rows.

    Attributes
    ----------
    stale
        Positions of rows that a new row replaces, by old file name.
    matched
        Positions of rows that equal a new row, by old file name.
    redundant
        Positions of rows that need not be added, by new file name.
    replaced
        The rows at ``stale``.
    entering
        Rows that are added besides the rows of the new files.
    earlier
        Earlier states of orders, with the load that replaced each; stored in the side table.
    unchanged, updated
        Number of new rows that equal a known row, and of new rows that replace one.
    """

    stale: dict[str, list[Positions]] = field(default_factory=dict)
    matched: dict[str, list[Positions]] = field(default_factory=dict)
    redundant: dict[str, list[Positions]] = field(default_factory=dict)
    replaced: list[pl.DataFrame] = field(default_factory=list)
    entering: list[pl.DataFrame] = field(default_factory=list)
    earlier: list[pl.DataFrame] = field(default_factory=list)
    unchanged: int = 0
    updated: int = 0


def plan_merge(
    table: StoredTable,
    new: list[DataFile],
    old: list[DataFile],
    identity: Identity,
    on_conflict: OnConflict | None,
    *,
    schema: pl.Schema,
    new_hashes: list[Hashes],
    by_order: bool = False,
) -> MergePlan:
    """Plan the merge: compare every row of the ``new`` files with the row of the same identity in the ``old`` files.

    Reads the identity columns of the old files that may contain any of these rows, and whole rows only where both sides
    have the same identity.
    ``schema`` has the columns of both sides; ``new_hashes`` are the identity hashes of all new rows, in any order.
    Known values stay in columns that the new files do not have. With ``by_order`` rows that differ are not replaced
    here, because orders are merged as a whole (:mod:`ckm.store.order_merge`).

    Without ``on_conflict`` a row replaces a known row of the same source, or of a load without a mapping (its source is
    the table's name), but never a row of another source: two tills may use the same receipt numbers.

    Raises
    ------
    ConflictError
        A row with a known key has other content, and either ``on_conflict`` is ``error``, or it is not given and the
        known row is of another source.
    """
    plan = MergePlan()
    if not new or not old:
        return plan
    wanted = [np.unique(np.concatenate(new_hashes))]
    reach = [IdentityBounds.of(file, table, identity) for file in new]
    near = [file for file in old if any(one.overlaps(file) for one in reach)]
    old_hits = _hits(table, near, identity, wanted)
    if not old_hits:
        return plan
    new_hits = _hits(table, new, identity, [hashes for _, hashes in old_hits.values()])
    conflicts = foreign = 0
    for new_name, new_side in new_hits.items():
        for old_name, old_side in old_hits.items():
            found = _pairs(table, schema, identity, (new_name, *new_side), (old_name, *old_side))
            if found is None:
                continue
            pairs, old_rows = found
            equal, differ = pairs.filter("equal"), pairs.filter(~pl.col("equal"))
            conflicts += len(differ)
            foreign += len(differ.filter("foreign"))
            replaces = on_conflict in (OnConflict.REPLACE, None)
            leaving, staying = (differ, equal) if replaces else (differ.clear(), pairs)
            if by_order:
                leaving = leaving.clear()
            plan.unchanged += len(staying)
            plan.updated += len(leaving)
            if len(staying):
                plan.redundant.setdefault(new_name, []).append(staying[NEW_ROW].to_numpy())
                plan.matched.setdefault(old_name, []).append(staying[OLD_ROW].to_numpy())
            if len(leaving):
                plan.stale.setdefault(old_name, []).append(leaving[OLD_ROW].to_numpy())
                plan.replaced.append(old_rows.join(leaving, on=OLD_ROW, how="semi", maintain_order="left"))
                _fill_absent_columns(plan, table, schema, new_name, leaving, old_rows)
    if conflicts and on_conflict is OnConflict.ERROR:
        raise ConflictError(conflicts, table.name, foreign=False)
    if foreign and on_conflict is None:
        raise ConflictError(foreign, table.name, foreign=True)
    return plan


def _fill_absent_columns(
    plan: MergePlan, table: StoredTable, schema: pl.Schema, new_name: str, leaving: pl.DataFrame, old_rows: pl.DataFrame
) -> None:
    """Fill new rows, in columns that their file does not have, with the values of the rows that they replace."""
    there = scan_file(table.folder / new_name).collect_schema()
    known = old_rows.join(leaving, on=OLD_ROW, how="inner", maintain_order="left").sort(NEW_ROW)
    absent = [name for name in schema if name not in there and known[name].null_count() < len(known)]
    if absent:
        positions = known[NEW_ROW].to_numpy()
        rows = aligned(read_rows(table.folder / new_name, positions), schema)
        plan.entering.append(rows.with_columns(known[name] for name in absent))
        plan.redundant.setdefault(new_name, []).append(positions)


def supersede(table: StoredTable, load_ids: Collection[str], plan: MergePlan) -> int:
    """Remove rows of earlier loads of the same file that the file no longer contains; return the number of these rows.

    With a corrected mapping, a row without a key may have other content, or be missing: the earlier row must not remain
    beside it. The rows are added to those that ``plan`` replaces.
    """
    count = 0
    for file in table.files if load_ids else []:
        theirs = rows_of_loads(table.folder / file.name, load_ids)
        settled = [*plan.matched.get(file.name, []), *plan.stale.get(file.name, [])]
        left = np.setdiff1d(theirs, np.concatenate([*settled, np.empty(0, dtype=np.int64)]))
        if len(left):
            plan.stale.setdefault(file.name, []).append(left)
            plan.replaced.append(read_rows(table.folder / file.name, left))
            count += len(left)
    return count


def identity_hashes(path: Path, table: StoredTable, identity: Identity) -> Hashes:
    """Return the identity hash of every row of a data file; only the needed columns are read."""
    keys = _columns(path, table, list(identity.key)) if identity.key else None
    if keys is not None and keys.select(identity.has_key().all()).item():
        hashes, _ = Identity(identity.key, ()).key_or_content(keys)
        return hashes
    return identity.of(_columns(path, table, identity.columns))


def _columns(path: Path, table: StoredTable, names: list[str]) -> pl.DataFrame:
    present = scan_file(path).collect_schema()
    frame = read_file(path, [name for name in names if name in present])
    missing = [
        pl.lit(None, dtype=table.schema.get(name, pl.String)).alias(name) for name in names if name not in present
    ]
    return frame.with_columns(missing).select(names)


def _hits(
    table: StoredTable, files: list[DataFile], identity: Identity, wanted: list[Hashes]
) -> dict[str, tuple[Positions, Hashes]]:
    hits = {}
    for file in files:
        hashes = identity_hashes(table.folder / file.name, table, identity)
        positions = members(hashes, wanted)
        if len(positions):
            hits[file.name] = (positions, hashes[positions])
    return hits


def _pairs(
    table: StoredTable,
    schema: pl.Schema,
    identity: Identity,
    new: tuple[str, Positions, Hashes],
    old: tuple[str, Positions, Hashes],
) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Return the pairs of a new row and a known row (from two files) that have the same identity.

    ``new`` and ``old`` are the name of a file, positions of rows in it and the identity hashes of these rows.

    Returns
    -------
    pairs, old_rows
        One row per pair: both positions, ``equal`` (all columns of the new file are equal) and ``foreign`` (the rows
        are of different sources); and the old rows with their positions. None if there is no pair.
    """
    sides = []
    for (name, positions, hashes), other, position in ((new, old[2], NEW_ROW), (old, new[2], OLD_ROW)):
        common = members(hashes, [other])
        if not len(common):
            return None
        rows = aligned(read_rows(table.folder / name, positions[common]), schema)
        sides.append(rows.with_columns(pl.Series(HASH, hashes[common]), pl.Series(position, positions[common])))
    both = sides[0].join(sides[1], on=HASH, how="inner", suffix=OLD, maintain_order="left").filter(identity.same(OLD))
    if both.is_empty():
        return None
    there = scan_file(table.folder / new[0]).collect_schema()
    compared = [name for name in schema if name not in LINEAGE and name in there]
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}{OLD}")) for name in compared)
    sources = [pl.col("source"), pl.col(f"source{OLD}")]
    foreign = sources[0].ne_missing(sources[1]) & ~pl.any_horizontal(source == table.name for source in sources)
    pairs = both.select(NEW_ROW, OLD_ROW, equal.alias("equal"), foreign.fill_null(value=False).alias("foreign"))
    return pairs, sides[1]
