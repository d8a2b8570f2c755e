"""The orders of a load and the known rows of the same orders, which the load may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.io.parquet_file import read_file, scan_file
from ckm.store.data_files import read_rows
from ckm.store.delta import aligned
from ckm.store.loads import history
from ckm.store.order_moments import FileSpan, loads_frame
from ckm.store.order_states import ORDER, STORED_AMOUNTS, UPDATED_AT, OrderReading
from ckm.store.replaced_states import in_scope
from ckm.store.row_identity import Identity
from ckm.store.undated_returns import DATED_BY, ROW
from ckm.store.value_bounds import IdentityBounds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ckm.store.data_files import DataFile
    from ckm.store.delta import StoredTable
    from ckm.store.incomplete_orders import OrderAmounts
    from ckm.store.loads import Load, LoadFacts
    from ckm.store.merge import MergePlan
    from ckm.store.staging import Positions

FILE, POSITION = " file", " position"
"""Helper columns for the place of a row; Delta does not allow such names in a table."""
UNMATCHED = "unmatched"
"""Helper column: whether no new row equals a known row."""
MOST_ROWS = 1_000_000
"""Maximum number of rows of orders compared at once."""


@dataclass(frozen=True)
class FileOrders:
    """Facts of a file's orders, collected batch by batch.

    Attributes
    ----------
    span
        Times of the file's rows.
    first, last
        Row number and order id of the file's first row, and of its last row; None without rows.
    """

    span: FileSpan = field(default_factory=FileSpan)
    first: tuple[int, str] | None = None
    last: tuple[int, str] | None = None

    def with_rows(self, rows: pl.DataFrame) -> FileOrders:
        """Return the facts of the rows so far and of ``rows``, a further batch of the file that is not empty."""
        span = self.span.with_rows(rows, ("ordered_at", UPDATED_AT))
        places = rows["source_row"]
        ends = [
            (int(places[at]), str(rows[ORDER][at])) for at in (places.arg_min(), places.arg_max()) if at is not None
        ]
        known = [end for end in (self.first, self.last) if end is not None]
        return FileOrders(span, min([*known, *ends]), max([*known, *ends]))

    @property
    def edges(self) -> list[str]:
        """Ids of the first and the last order; none without rows."""
        return [end[1] for end in (self.first, self.last) if end is not None]


class OrderCandidates:
    """The orders of a load: their rows in the load's files (new) and in the table (known).

    Parameters
    ----------
    table
        The target table.
    new
        The files of the load.
    facts
        Facts of the load, with ``moment`` if the caller specified one.
    schema
        Columns of new and known rows.
    orders
        Time span, first and last order of the file.
    plan
        Plan of the merge of single rows, to which the users of this class add orders.
    amounts
        Functions that spread order amounts over lines; None if the source has no order amounts.
    any_source
        Whether the new rows replace orders of any source and of any state (``--on-conflict replace``).
    superseded
        Ids of the loads of the same file that this load replaces.
    """

    def __init__(
        self,
        table: StoredTable,
        new: list[DataFile],
        facts: LoadFacts,
        schema: pl.Schema,
        orders: FileOrders,
        plan: MergePlan,
        *,
        amounts: OrderAmounts | None = None,
        any_source: bool = False,
        superseded: Collection[str] = (),
    ) -> None:
        self.table, self.new, self.facts, self.plan = table, new, facts, plan
        self.schema = pl.Schema({**schema, DATED_BY: pl.String()})
        self.orders, self.amounts = orders, amounts
        self.any_source, self.superseded = any_source, list(superseded)

    @cached_property
    def history(self) -> list[Load]:
        """The loads of the table, oldest first."""
        return history([self.table])

    @cached_property
    def loads(self) -> pl.DataFrame:
        """The loads of the table; see :func:`ckm.store.order_moments.loads_frame`."""
        return loads_frame(self.history, self.superseded)

    @cached_property
    def known_files(self) -> list[DataFile]:
        """Data files of the table that may contain any of the orders."""
        by_order = Identity((ORDER,), ())
        reach = [IdentityBounds.of(file, self.table, by_order) for file in self.new]
        return [file for file in self.table.files if any(one.overlaps(file) for one in reach)]

    @cached_property
    def ids(self) -> dict[str, pl.Series]:
        """New file name to the order id of each of its rows."""
        return {file.name: read_file(self.table.folder / file.name, [ORDER])[ORDER] for file in self.new}

    @cached_property
    def known(self) -> dict[str, pl.DataFrame]:
        """Data file name to the known rows of the orders: order id, position, load, and :data:`UNMATCHED`."""
        all_orders = pl.concat([*self.ids.values()]).unique().implode()
        found = {file.name: self._known_in(file.name, all_orders) for file in self.known_files}
        return {name: rows for name, rows in found.items() if len(rows)}

    def _known_in(self, name: str, orders: pl.Series) -> pl.DataFrame:
        """Return the known rows of ``orders`` in a data file, without rows of loads that this load replaces."""
        rows = read_file(self.table.folder / name, [ORDER, "source", "load_id"])
        unmatched = np.ones(len(rows), dtype=bool)
        for positions in self.plan.matched.get(name, []):
            unmatched[positions] = False
        ours = in_scope(self.facts.source, self.table.name) | pl.lit(self.any_source)
        is_superseded = pl.col("load_id").is_in(self.superseded)
        rows = rows.with_columns(pl.int_range(pl.len()).alias(POSITION), pl.Series(UNMATCHED, unmatched))
        return rows.filter(ours & ~is_superseded & pl.col(ORDER).is_in(orders)).drop("source")

    @cached_property
    def changed(self) -> pl.Series:
        """Ids of the orders whose rows in the file and in the table differ, sorted."""
        redundant = self.plan.redundant
        unmatched = pl.concat([_without(each, redundant.get(name)) for name, each in self.ids.items()])
        of_new = pl.col(ORDER).is_in(unmatched.unique().implode())
        found = [rows.filter(pl.col(UNMATCHED) | of_new)[ORDER] for rows in self.known.values()]
        return pl.concat([pl.Series(ORDER, [], dtype=pl.String), *found]).unique().sort()

    @cached_property
    def reading(self) -> OrderReading:
        """How the orders of the file are interpreted."""
        columns = {name for file in self.ids for name in scan_file(self.table.folder / file).collect_schema()}
        all_ids = pl.concat([*self.ids.values()])
        earlier = {name for load in self.history for name in load.facts.amounts}
        return OrderReading(
            frozenset(columns),
            self.facts.whole,
            frozenset(self.orders.edges),
            several=all_ids.n_unique() < len(all_ids),
            refunds=self.facts.tells_refunds,
            amounts=frozenset(self.facts.amounts) if earlier.difference(self.facts.amounts) else None,
        )

    def parts(self, orders: pl.Series) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield the new rows and the known rows of ``orders`` in batches of at most about :data:`MOST_ROWS` rows.

        New rows have their number in ``ROW``; all rows have ``FILE`` and ``POSITION``.
        """
        wanted = orders.implode()
        new = {name: np.flatnonzero(each.is_in(wanted).to_numpy()) for name, each in self.ids.items()}
        known = {name: rows.filter(pl.col(ORDER).is_in(wanted)) for name, rows in self.known.items()}
        sides = [
            {name: (where, self.ids[name].gather(where)) for name, where in new.items()},
            {name: (rows[POSITION].to_numpy(), rows[ORDER]) for name, rows in known.items()},
        ]
        count = sum(len(where) for side in sides for where, _ in side.values())
        parts = -(-count // MOST_ROWS)
        places = [
            {name: (where, (of.hash(0) % max(1, parts)).to_numpy()) for name, (where, of) in side.items()}
            for side in sides
        ]
        for part in range(parts):
            of_part = [{name: where[each == part] for name, (where, each) in side.items()} for side in places]
            yield self.rows(of_part[0]).with_row_index(ROW), self.rows(of_part[1])

    def new_rows(self, orders: Collection[str]) -> pl.DataFrame:
        """Return the rows of ``orders`` in the new files, with ``FILE`` and ``POSITION``."""
        wanted = pl.Series(list(orders), dtype=pl.String).implode()
        return self.rows({name: np.flatnonzero(each.is_in(wanted).to_numpy()) for name, each in self.ids.items()})

    def rows(self, places: dict[str, Positions]) -> pl.DataFrame:
        """Return the rows at some positions of files, sorted by order and by their place in the source file."""
        found = [pl.DataFrame(schema={**self.schema, FILE: pl.String(), POSITION: pl.Int64()})]
        for name, positions in places.items():
            if not len(positions):
                continue
            positions = np.sort(positions)  # read_rows returns rows in file order
            frame = aligned(read_rows(self.table.folder / name, positions), self.schema)
            frame = frame.with_columns(pl.lit(name).alias(FILE), pl.Series(POSITION, positions, dtype=pl.Int64))
            found.append(frame)
        return pl.concat(found).sort(ORDER, "source_row", FILE, POSITION, maintain_order=True)

    def open_rows(self, new: pl.DataFrame) -> pl.Series:
        """Return the numbers (``ROW``) of the new rows that equal no known row."""
        return new.join(_places(self.plan.redundant), on=[FILE, POSITION], how="anti", maintain_order="left")[ROW]

    def matched_rows(self) -> pl.DataFrame:
        """Return ``FILE`` and ``POSITION`` of the known rows that a new row equals."""
        return _places(self.plan.matched)

    def whole_orders(self, rows: pl.DataFrame) -> pl.Series:
        """Return the ids of orders whose lines in ``rows`` add up to the total that the source states."""
        if self.amounts is None or STORED_AMOUNTS not in rows.columns:
            return rows[ORDER].clear()
        return self.amounts.whole_orders(rows)

    def cut_edges(self, rows: pl.DataFrame) -> frozenset[str]:
        """Return the orders of which a page may lack lines: first and last, unless their lines add up to the total."""
        edges = self.reading.edges
        return edges - {*self.whole_orders(rows.filter(pl.col(ORDER).is_in([*edges])))}


def add_places(places: dict[str, list[Positions]], rows: pl.DataFrame) -> None:
    """Add the places of rows (``FILE``, ``POSITION``) to ``places``: file name to positions, as ``MergePlan.stale``."""
    for (name,), part in rows.group_by(FILE, maintain_order=True):
        places.setdefault(str(name), []).append(part[POSITION].to_numpy())


def _places(positions: dict[str, list[Positions]]) -> pl.DataFrame:
    """Return ``positions`` (file name to positions) as a frame of ``FILE`` and ``POSITION``."""
    found = [pl.DataFrame({FILE: name, POSITION: np.concatenate(each)}) for name, each in positions.items()]
    return pl.concat([pl.DataFrame(schema={FILE: pl.String, POSITION: pl.Int64}), *found])


def _without(ids: pl.Series, positions: list[Positions] | None) -> pl.Series:
    """Return ``ids`` without the elements at ``positions``."""
    if not positions:
        return ids
    keep = np.ones(len(ids), dtype=bool)
    keep[np.concatenate(positions)] = False
    return ids.filter(pl.Series(keep))
