"""Merge of a file's orders into known orders: changed orders, earlier states, and unchanged orders."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.io.parquet_file import read_file, scan_file
from ckm.schema import is_refund_of_line
from ckm.store.data_files import read_rows
from ckm.store.delta import aligned
from ckm.store.incomplete_orders import completed, with_known_amounts
from ckm.store.loads import history, last_pages, order_digest
from ckm.store.order_moments import (
    FileSpan,
    as_moment,
    as_text,
    is_older,
    just_before,
    loads_frame,
    of_standing_loads,
    progress,
)
from ckm.store.order_states import (
    EQUAL,
    IN_TABLE,
    KNOWN_FROM,
    LINEAGE,
    MOMENT,
    ORDER,
    ORDER_SAID,
    UPDATED_AT,
    OrderReading,
    chained,
    compare,
    contents,
    state_moments,
)
from ckm.store.row_identity import Identity
from ckm.store.side_tables import REPLACED_BY
from ckm.store.undated_returns import DATED_BY, ROW, is_undated
from ckm.store.value_bounds import Reach

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
MOST_VOTES = 20_000
"""Maximum number of orders examined for earlier or later states."""
A_MOMENT = pl.duration(microseconds=1)
"""If two states of an order have the same moment, the earlier state is dated this much before it."""
MOST_ROWS = 1_000_000
"""Maximum number of rows of orders compared at once."""


@dataclass(frozen=True)
class FileOrders:
    """Facts of a new file's orders, collected before they are compared.

    Attributes
    ----------
    span
        Times of its rows.
    first, last
        Row number and order of its first and its last row.
    """

    span: FileSpan = field(default_factory=FileSpan)
    first: tuple[int, str] | None = None
    last: tuple[int, str] | None = None

    def with_rows(self, rows: pl.DataFrame) -> FileOrders:
        """Return the facts with the rows of another batch (at least one row, from anywhere in the file) added."""
        span = self.span.with_rows(rows, ("ordered_at", UPDATED_AT))
        places = rows["source_row"]
        ends = [
            (int(places[at]), str(rows[ORDER][at])) for at in (places.arg_min(), places.arg_max()) if at is not None
        ]
        known = [end for end in (self.first, self.last) if end is not None]
        return FileOrders(span, min([*known, *ends]), max([*known, *ends]))


class OrderMerge:
    """Merge the orders of a load into known orders, in the :class:`~ckm.store.merge.MergePlan` of its rows.

    Parameters
    ----------
    table, side
        The table, and the table of its replaced rows.
    new
        The files of the load.
    facts
        Facts of the load, with ``moment`` if the caller specified one.
    schema
        Columns of both sides.
    orders
        Facts of the file's orders.
    everybody
        Whether the new rows replace orders of any source and any state (``--on-conflict replace``).
    leaving
        Loads of the same file that this load replaces.
    amounts
        Functions that spread order amounts over lines; None if the source has no order amounts.
    """

    def __init__(
        self,
        table: StoredTable,
        side: StoredTable,
        new: list[DataFile],
        facts: LoadFacts,
        schema: pl.Schema,
        orders: FileOrders,
        *,
        everybody: bool = False,
        leaving: Collection[str] = (),
        amounts: OrderAmounts | None = None,
    ) -> None:
        self.table, self.side, self.new, self.facts = table, side, new, facts
        self.schema = pl.Schema({**schema, DATED_BY: pl.String()})
        self.orders, self.everybody, self.leaving = orders, everybody, list(leaving)
        self.amounts = amounts
        self.moment = as_moment(facts.moment) or orders.span.last
        self.is_older_export = False
        self._page_before: LoadFacts | None = None

    def settle(self, plan: MergePlan) -> LoadFacts:
        """Complete the plan; return the facts with the load's moment and the numbers of merged and of older orders."""
        merged = older = 0
        files = self._known_files()
        if files:
            ids = {file.name: read_file(self.table.folder / file.name, [ORDER])[ORDER] for file in self.new}
            known_orders = self._known_orders(ids, files, plan)
            reading = self._reading(ids)
            if self.facts.moment is None:
                self.moment = self._as_read_before(self._moment(known_orders, ids, plan))
                self.facts = replace(self.facts, continues=self._page_before.load_id if self._page_before else None)
            for rows, known in self._parts(self._affected(known_orders, ids, plan), known_orders, ids):
                counts = self._merge(rows.with_row_index(ROW), known, reading, plan)
                merged, older = merged + counts[0], older + counts[1]
            self._date_read_anew(ids, known_orders, plan)
        ends = [end for end in (self.orders.first, self.orders.last) if end is not None]
        edges = tuple(order_digest(order) for _, order in ends)
        return replace(self.facts, moment=as_text(self.moment), merged=merged, older=older, edges=edges)

    def settle_parts(self, plan: MergePlan) -> None:
        """Complete the plan with further lines of known orders, over which order amounts are spread again."""
        if not (files := self._known_files()):
            return
        ids = {file.name: read_file(self.table.folder / file.name, [ORDER])[ORDER] for file in self.new}
        known = self._known_orders(ids, files, plan)
        reading = replace(self._reading(ids), whole=False)
        for rows, theirs in self._parts(self._changed(known, ids, plan), known, ids):
            mine = rows.with_row_index(ROW)
            parts = completed(mine, theirs.drop(FILE, POSITION), reading, self.amounts).orders
            mine, theirs = (side.filter(pl.col(ORDER).is_in(parts.implode())) for side in (mine, theirs))
            before = state_moments(theirs, self.loads).rename({"at": "before"})
            states = self._states(mine).join(before, on=ORDER, how="left", maintain_order="left")
            self._later(mine, theirs, reading, states.drop("load_id"), plan)

    def settle_rows(self, plan: MergePlan) -> None:
        """Complete the plan for rows with assumed orders: pair rows that are equal in the columns of both files.

        A row of the pair is replaced if the new row has more values.
        """
        if not (files := self._known_files()):
            return
        ids = {file.name: read_file(self.table.folder / file.name, [ORDER])[ORDER] for file in self.new}
        known = self._known_orders(ids, files, plan)
        for rows, theirs in self._parts(self._changed(known, ids, plan), known, ids):
            mine = rows.with_row_index(ROW)
            mine = mine.filter(pl.col(ROW).is_in(self._open(mine, plan).implode())).drop(ROW)
            open_known = theirs.join(self._matched(plan), on=[FILE, POSITION], how="anti", maintain_order="left")
            for columns, of_columns in self._by_columns(open_known):
                both = [name for name in self.facts.columns if name in columns]
                mine = mine.join(self._match_rows(mine, of_columns, both, plan), on=[FILE, POSITION], how="anti",
                                 maintain_order="left")  # fmt: skip

    def _by_columns(self, known: pl.DataFrame) -> Iterator[tuple[set[str], pl.DataFrame]]:
        """Yield known rows by the columns of their files, with the columns that have values from other files."""
        loads: dict[tuple[str, ...], list[str]] = {}
        for load in history([self.table]):
            loads.setdefault(load.facts.columns, []).append(load.facts.load_id)
        for columns, ids in loads.items():
            rows = known.filter(pl.col("load_id").is_in(ids))
            if len(rows):
                yield {*columns, *(name for name in rows.columns if rows[name].null_count() < len(rows))}, rows

    def _match_rows(
        self, mine: pl.DataFrame, theirs: pl.DataFrame, content: list[str], plan: MergePlan
    ) -> pl.DataFrame:
        """Pair rows that are equal in the columns of both sides; return the pairs."""
        both = [rows.with_columns(pl.int_range(pl.len()).over(content).alias(ROW)) for rows in (mine, theirs)]
        pairs = both[0].join(both[1], on=[*content, ROW], how="inner", nulls_equal=True, suffix=" known",
                             maintain_order="left")  # fmt: skip
        own = [name for name in self.schema if name not in (*LINEAGE, *content)]
        more = [pl.col(name).is_not_null() & pl.col(f"{name} known").is_null() for name in own]
        pairs = pairs.with_columns(pl.any_horizontal(pl.lit(value=False), *more).alias("more"))
        _leave(plan.redundant, pairs)
        plan.unchanged += int((~pairs["more"]).sum())
        richer = pairs.filter("more")
        plan.updated += len(richer)
        old = richer.select(pl.col(f"{name} known").alias(name) for name in (FILE, POSITION))
        leaving = theirs.join(old, on=[FILE, POSITION], how="semi", maintain_order="left")
        _leave(plan.stale, leaving)
        plan.replaced.append(leaving.drop(FILE, POSITION))
        filled = [pl.coalesce(name, f"{name} known").alias(name) for name in own]
        plan.entering.append(richer.with_columns(filled).select(list(self.schema)))
        return pairs

    @staticmethod
    def _matched(plan: MergePlan) -> pl.DataFrame:
        """Return file and position of the known rows that a new row equals."""
        met = [pl.DataFrame({FILE: name, POSITION: np.concatenate(each)}) for name, each in plan.matched.items()]
        return pl.concat([pl.DataFrame(schema={FILE: pl.String, POSITION: pl.Int64}), *met])

    @cached_property
    def loads(self) -> pl.DataFrame:
        """The loads of the table; see :func:`ckm.store.order_moments.loads_frame`."""
        return loads_frame(self._history, self.leaving)

    @cached_property
    def _history(self) -> list[Load]:
        return history([self.table])

    def _known_files(self) -> list[DataFile]:
        """Return the files that may hold any of the orders."""
        by_order = Identity((ORDER,), ())
        reach = [Reach.of(file, self.table, by_order) for file in self.new]
        return [file for file in self.table.files if any(one.meets(file) for one in reach)]

    def _known_orders(
        self, ids: dict[str, pl.Series], files: list[DataFile], plan: MergePlan
    ) -> dict[str, pl.DataFrame]:
        """Return the known rows of the file's orders by data file; ``ids`` are the order of each new row."""
        everything = pl.concat([*ids.values()]).unique().implode()
        found = {file.name: self._in_scope(file.name, everything, plan) for file in files}
        return {name: rows for name, rows in found.items() if len(rows)}

    def _in_scope(self, name: str, orders: pl.Series, plan: MergePlan) -> pl.DataFrame:
        """Return the known rows of some orders in a file: order, position, load, and whether a new row equals it."""
        rows = read_file(self.table.folder / name, [ORDER, "source", "load_id"])
        unmet = np.ones(len(rows), dtype=bool)
        for positions in plan.matched.get(name, []):
            unmet[positions] = False
        ours = in_scope(self.facts.source, self.table.name) | pl.lit(self.everybody)
        leaves = pl.col("load_id").is_in(self.leaving)
        rows = rows.with_columns(pl.int_range(pl.len()).alias(POSITION), unmet=pl.Series(unmet))
        return rows.filter(ours & ~leaves & pl.col(ORDER).is_in(orders)).drop("source")

    def _changed(self, known: dict[str, pl.DataFrame], ids: dict[str, pl.Series], plan: MergePlan) -> pl.Series:
        """Return the known orders that are not equal on both sides."""
        unmet = pl.concat([_without(each, plan.redundant.get(name)) for name, each in ids.items()]).unique().implode()
        found = [rows.filter(pl.col("unmet") | pl.col(ORDER).is_in(unmet))[ORDER] for rows in known.values()]
        return pl.concat([pl.Series(ORDER, [], dtype=pl.String), *found]).unique().sort()

    def _affected(self, known: dict[str, pl.DataFrame], ids: dict[str, pl.Series], plan: MergePlan) -> pl.Series:
        """Return the orders to merge: those that changed; for an older file also all orders of later loads.

        If an order in an older file equals the known one, the file shows that the order already had this state then.
        """
        changed = self._changed(known, ids, plan)
        if self.moment is None or self.everybody:
            return changed
        later = self.loads.filter(pl.col("moment") > self.moment)["load_id"].implode()
        found = [rows.filter(pl.col("load_id").is_in(later))[ORDER] for rows in known.values()]
        return pl.concat([changed, *found]).unique().sort()

    def _parts(
        self, orders: pl.Series, known: dict[str, pl.DataFrame], ids: dict[str, pl.Series]
    ) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield the new and the known rows of orders, for some of the orders at a time."""
        wanted = orders.implode()
        mine = {name: np.flatnonzero(each.is_in(wanted).to_numpy()) for name, each in ids.items()}
        theirs = {name: rows.filter(pl.col(ORDER).is_in(wanted)) for name, rows in known.items()}
        sides = [
            {name: (where, ids[name].gather(where)) for name, where in mine.items()},
            {name: (rows[POSITION].to_numpy(), rows[ORDER]) for name, rows in theirs.items()},
        ]
        count = sum(len(where) for side in sides for where, _ in side.values())
        parts = -(-count // MOST_ROWS)
        places = [
            {name: (where, (of.hash(0) % max(1, parts)).to_numpy()) for name, (where, of) in side.items()}
            for side in sides
        ]
        for part in range(parts):
            new, old = ({name: where[each == part] for name, (where, each) in side.items()} for side in places)
            yield self._rows(new), self._rows(old)

    def _reading(self, ids: dict[str, pl.Series]) -> OrderReading:
        columns = {name for file in ids for name in scan_file(self.table.folder / file).collect_schema()}
        all_ids = pl.concat([*ids.values()])
        ends = [end for end in (self.orders.first, self.orders.last) if end is not None]
        several = all_ids.n_unique() < len(all_ids)
        edges = frozenset(order for _, order in ends)
        earlier = {name for load in self._history for name in load.facts.amounts}
        amounts = frozenset(self.facts.amounts) if earlier.difference(self.facts.amounts) else None
        return OrderReading(
            frozenset(columns), self.facts.whole, edges, several, refunds=self.facts.tells_refunds, amounts=amounts
        )

    def _rows(self, places: dict[str, Positions]) -> pl.DataFrame:
        """Return rows with file and position, sorted by order and by their place in the file."""
        found = [pl.DataFrame(schema={**self.schema, FILE: pl.String(), POSITION: pl.Int64()})]
        for name, positions in places.items():
            if not len(positions):
                continue
            positions = np.sort(positions)  # rows are sorted as in the file
            frame = aligned(read_rows(self.table.folder / name, positions), self.schema)
            frame = frame.with_columns(pl.lit(name).alias(FILE), pl.Series(POSITION, positions, dtype=pl.Int64))
            found.append(frame)
        return pl.concat(found).sort(ORDER, "source_row", FILE, POSITION, maintain_order=True)

    def _moment(self, known: dict[str, pl.DataFrame], ids: dict[str, pl.Series], plan: MergePlan) -> datetime | None:
        """Return the load's moment: of an older export its newest time, else a time not before the earlier loads."""
        last, newest = self.orders.span.last, self.loads.filter("stands")["moment"].max()
        reading = self._reading(ids)
        self._page_before = self._find_page_before(ids, reading)
        loads = pl.concat([pl.Series([], dtype=pl.String), *(rows["load_id"] for rows in known.values())]).unique()
        before = self.loads.filter(pl.col("load_id").is_in(loads.implode()))["moment"].drop_nulls().sort()
        if last is None or before.is_empty():
            return last
        assert isinstance(newest, datetime)
        if self._page_before is not None:
            return self._moment_of_page(self._page_before, last, newest, before[-1])
        if last > before[-1]:
            return max(last, newest)
        votes = (0, 0)
        changed = self._changed(known, ids, plan)
        for rows, theirs in self._parts(changed.filter(changed.is_in([*reading.edges])), known, ids):
            if self._goes_on(rows, theirs, reading):
                return max(last, newest)
        for rows, theirs in islice(self._parts(changed.head(MOST_VOTES), known, ids), 1):
            # A page with a cut order may lack the first line, which has the order's status and amounts.
            cut = replace(reading, edges=self._edges(rows, reading))
            parts = completed(rows.with_row_index(ROW), theirs.drop(FILE, POSITION), cut, self.amounts)
            left_out = cut.edges - {*parts.orders}
            mine = parts.rows.filter(~pl.col(ORDER).is_in([*left_out]))
            found = progress(mine, theirs, refunds=reading.refunds)
            votes = (len(found.filter("earlier")), len(found.filter("later")))
        if self.everybody or not self._is_older(votes, last, before[-1], ids):
            return max(last, newest)
        self.is_older_export = True
        return last if last < before[-1] else just_before(before[-1])

    def _moment_of_page(self, page: LoadFacts, last: datetime, newest: datetime, known: datetime) -> datetime:
        """Return the moment of a page that continues another page: the moment of that other page."""
        before = self.loads.filter(pl.col("load_id") == page.load_id)["moment"].item()
        self.is_older_export = before is not None and before < newest
        if not self.is_older_export:
            return max(last, newest)
        moment = max(last, before)
        return moment if moment < known else just_before(known)

    def _find_page_before(self, ids: dict[str, pl.Series], reading: OrderReading) -> LoadFacts | None:
        """Return the load of the preceding page: the last page of the source, if the file continues an order of it.

        The file then has further lines of that order, but not the first one, which has the order's amounts.
        """
        pages = last_pages((load for load in self._history if load.facts.load_id not in self.leaving),
                           self.facts.source)  # fmt: skip
        shared = [order for order in reading.edges if pages and order_digest(order) in pages[-1].edges]
        if not shared or self.amounts is None:
            return None
        rows = self._rows({name: np.flatnonzero(each.is_in(shared).to_numpy()) for name, each in ids.items()})
        if ORDER_SAID not in reading.columns:
            return None
        told = {*rows.filter(self.amounts.tells_of_order())[ORDER]}
        return pages[-1] if any(order not in told for order in shared) else None

    def _as_read_before(self, moment: datetime | None) -> datetime | None:
        """Return the moment of the load; for a file that is loaded again, not after its earlier moment."""
        before = self.loads.filter(pl.col("load_id").is_in(self.leaving))["moment"].max()
        if moment is None or self.orders.span.last is None or not isinstance(before, datetime):
            return moment
        return min(moment, max(before, self.orders.span.last))

    def _goes_on(self, rows: pl.DataFrame, theirs: pl.DataFrame, reading: OrderReading) -> bool:
        """Return whether a page begins or ends with further lines of an order from an earlier page."""
        if not reading.whole or rows["line_no"].null_count() or theirs["line_no"].null_count():
            return False
        known = rows.join(self._of_first_file(theirs), on=[ORDER, "line_no"], how="semi")[ORDER].unique()
        whole = self._whole_orders(theirs)
        return bool((~rows[ORDER].is_in(known.implode()) & ~rows[ORDER].is_in(whole.implode())).any())

    def _of_first_file(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the lines of orders that are from the file of their first line, which has the order's amounts."""
        if self.amounts is None or ORDER_SAID not in rows.columns:
            return rows
        first = pl.col("source_file").filter(self.amounts.tells_of_order()).first().over(ORDER)
        return rows.filter(pl.col("source_file") == first.fill_null(pl.col("source_file")))

    def _whole_orders(self, rows: pl.DataFrame) -> pl.Series:
        """Return the orders that are complete in these rows, by their own totals."""
        if self.amounts is None or ORDER_SAID not in rows.columns:
            return rows[ORDER].clear()
        return self.amounts.whole_orders(rows)

    def _is_older(self, votes: tuple[int, int], last: datetime, known: datetime, ids: dict[str, pl.Series]) -> bool:
        there = of = 0
        if votes[0] == votes[1] and last < known and not self._is_cut_at_newest(ids):
            of_days = pl.col("ordered_at").is_between(self.orders.span.first, last)
            found = self.table.scan().filter(of_days, in_scope(self.facts.source, self.table.name))
            orders = found.select(pl.col(ORDER).unique()).collect()[ORDER]
            there, of = int(orders.is_in(pl.concat([*ids.values()]).unique().implode()).sum()), len(orders)
        return is_older(votes, ends_before=last < known, orders_there=there, orders_known=of)

    def _is_cut_at_newest(self, ids: dict[str, pl.Series]) -> bool:
        """Return whether the newer of a page's first and last orders is incomplete; newer orders may then follow."""
        edges = [end[1] for end in (self.orders.first, self.orders.last) if end is not None]
        if self.amounts is None or not edges:
            return False
        rows = self._rows({name: np.flatnonzero(each.is_in(edges).to_numpy()) for name, each in ids.items()})
        if ORDER_SAID not in self._reading(ids).columns:
            return False
        newest = rows.filter(pl.col("ordered_at") == pl.col("ordered_at").max())
        told = newest.filter(self.amounts.tells_of_order())[ORDER]
        return not newest[ORDER].is_in(told.implode()).all() or not self.amounts.cut_orders(newest).is_empty()

    def _merge(self, new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading, plan: MergePlan) -> tuple[int, int]:
        """Merge some orders; return the number of orders merged, and of those with an earlier state."""
        before = state_moments(known, self.loads).rename({"at": "before"})
        states = self._states(new).join(before, on=ORDER, how="left", maintain_order="left")
        reading = replace(reading, edges=self._edges(new, reading))
        if self.is_older_export:  # if two states have one moment, the state of the older export is the earlier one
            at, known_at = pl.col("at"), pl.col("before")
            found = progress(new, known, refunds=reading.refunds).filter(
                "earlier", ~pl.col(ORDER).is_in([*reading.edges])
            )
            is_before = (at == known_at) | pl.col(ORDER).is_in(found[ORDER].implode())
            before_known = pl.min_horizontal(at, known_at - A_MOMENT)
            states = states.with_columns(at=pl.when(is_before).then(before_known).otherwise(at))
        is_earlier = (pl.col("at") < pl.col("before")).fill_null(value=False) & pl.lit(not self.everybody)
        earlier = states.filter(is_earlier)[ORDER]
        of_earlier = pl.col(ORDER).is_in(earlier.implode())
        merged = self._later(new.filter(~of_earlier), known.filter(~of_earlier), reading, states, plan)
        came = self._earlier(new.filter(of_earlier), known.filter(of_earlier), reading, states, plan)
        return merged, came

    def _edges(self, rows: pl.DataFrame, reading: OrderReading) -> frozenset[str]:
        """Return the orders that a page may have cut: the first and the last, unless complete by their totals."""
        return reading.edges - {*self._whole_orders(rows.filter(pl.col(ORDER).is_in([*reading.edges])))}

    def _states(self, new: pl.DataFrame) -> pl.DataFrame:
        load = pl.DataFrame(
            {"load_id": [self.facts.load_id], "moment": [self.moment]},
            schema={"load_id": pl.String(), "moment": MOMENT},
        )
        return state_moments(new, load).with_columns(load_id=pl.lit(self.facts.load_id))

    def _later(
        self, new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading, states: pl.DataFrame, plan: MergePlan
    ) -> int:
        if new.is_empty():
            return 0
        theirs = known.drop(FILE, POSITION)
        kept = with_known_amounts(new, theirs, reading, self.amounts)
        self.facts = replace(self.facts, kept_amounts=self.facts.kept_amounts + len(kept.orders))
        whole = completed(kept.rows, theirs, reading, self.amounts)
        found = compare(whole.rows, theirs, reading, states)
        of_changed = pl.col(ORDER).is_in(found.changed.implode())
        leaving = known.filter(of_changed)
        is_state = ~pl.col(ORDER).is_in((whole.joined if reading.whole else whole.joined.clear()).implode())
        at = states.select(ORDER, pl.when(is_state).then("before").alias(KNOWN_FROM))
        plan.replaced.append(leaving.drop(FILE, POSITION).join(at, on=ORDER, how="left", maintain_order="left"))
        _leave(plan.stale, leaving)
        plan.entering.append(found.states)
        open_rows = self._open(new, plan)
        of_parts = pl.col(ORDER).is_in(pl.concat([kept.orders, whole.orders]).implode())
        _leave(plan.redundant, new.filter(of_changed | of_parts | pl.col(ROW).is_in(found.unchanged.implode())))
        plan.updated += int(open_rows.is_in(found.updated.implode()).sum())
        plan.unchanged += int(open_rows.is_in(found.unchanged.implode()).sum())
        return pl.concat([found.partial, found.changed.filter(found.changed.is_in(whole.orders.implode()))]).n_unique()

    def _earlier(
        self, new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading, states: pl.DataFrame, plan: MergePlan
    ) -> int:
        if new.is_empty():
            return 0
        as_whole = replace(reading, whole=True, earlier=True)
        theirs = known.drop(FILE, POSITION)
        before_refunds = self._without_refunds(theirs)
        kept = with_known_amounts(new, before_refunds, as_whole, self.amounts)
        parts = completed(kept.rows, before_refunds, as_whole, self.amounts)
        as_whole = replace(as_whole, edges=as_whole.edges - {*parts.orders})
        found = compare(parts.rows, theirs, as_whole, states)
        plan.unchanged += len(self._open(new, plan))
        _leave(plan.redundant, new)
        successor = known.group_by(ORDER).agg(pl.col("load_id").max().alias(REPLACED_BY))
        at = states.select(ORDER, pl.col("at").alias(KNOWN_FROM)).join(successor, on=ORDER, how="left")
        before = self._states_of(found.changed)
        came = self._telling(found.states, new, parts.orders)
        came = came.join(at, on=ORDER, how="left", maintain_order="left")
        came = came.join(before, on=[ORDER, KNOWN_FROM], how="anti", maintain_order="left")
        if not reading.refunds:  # a file that never contains refunds does not show the refunds of that time
            told = pl.concat([rows.filter(is_refund_of_line())[ORDER] for rows in (known, before)])
            came = came.filter(~pl.col(ORDER).is_in(told.implode()))
        came = came.join(_known_then(came, before, reading.columns), on=ORDER, how="anti", maintain_order="left")
        plan.earlier.append(came)
        self._date_anew(known.filter(pl.col(ORDER).is_in(came[ORDER].unique().implode())), before, came, plan)
        return came[ORDER].n_unique()

    def _without_refunds(self, known: pl.DataFrame) -> pl.DataFrame:
        return known if self.amounts is None or ORDER_SAID not in known.columns else self.amounts.without_refunds(known)

    def _telling(self, states: pl.DataFrame, new: pl.DataFrame, parts: pl.Series) -> pl.DataFrame:
        """Return states without orders whose first line, which has the order's status, is missing from the file."""
        if self.amounts is None or parts.is_empty():
            return states
        told = new.filter(self.amounts.tells_of_order())[ORDER].unique()
        silent = parts.filter(~parts.is_in(told.implode()))
        return states.filter(~pl.col(ORDER).is_in(silent.implode()))

    def _date_read_anew(self, ids: dict[str, pl.Series], known: dict[str, pl.DataFrame], plan: MergePlan) -> None:
        """Date the undated returns of orders that the table knows only from an earlier load of this file."""
        if not self.leaving or not self.side.exists:
            return
        others = pl.concat([pl.Series(ORDER, [], dtype=pl.String), *(rows[ORDER] for rows in known.values())]).unique()
        mine = pl.concat([*ids.values()]).unique()
        states = self._states_of(mine.filter(~mine.is_in(others.implode())))
        wanted = states[ORDER].unique().implode()
        rows = self._rows({name: np.flatnonzero(each.is_in(wanted).to_numpy()) for name, each in ids.items()})
        undated = rows.filter(is_undated())
        if undated.is_empty():
            return
        loads = self._with_this_load()
        dated = present_rows(rows.drop(FILE, POSITION), states, loads).filter(is_undated())
        _leave(plan.redundant, undated)
        plan.entering.append(dated)
        # a known row of a replaced load that equals a newly dated return would be duplicated
        for name, positions in plan.matched.items():
            places = {name: np.concatenate(positions)}
            met = self._rows(places).filter(is_undated() & pl.col(ORDER).is_in(wanted))
            met = met.filter(pl.col("load_id").is_in(self.leaving))
            _leave(plan.stale, met)
            plan.replaced.append(met.drop(FILE, POSITION))

    def _with_this_load(self) -> pl.DataFrame:
        mine = pl.DataFrame({"load_id": [self.facts.load_id], "number": [len(self.loads)], "moment": [self.moment]},
                            schema_overrides={"number": pl.Int64(), "moment": MOMENT})  # fmt: skip
        return pl.concat([self.loads, mine], how="diagonal")

    def _states_of(self, orders: pl.Series) -> pl.DataFrame:
        """Return the earlier states of orders that may belong to this source."""
        states = aligned(replaced_states(self.side, self.loads, orders), state_schema(self.schema))
        return states if self.everybody else states.filter(in_scope(self.facts.source, self.table.name))

    def _date_anew(self, known: pl.DataFrame, before: pl.DataFrame, came: pl.DataFrame, plan: MergePlan) -> None:
        """Date the undated returns of orders again, by all known states."""
        replaced = pl.concat([before, aligned(came, before.schema)])
        loads = self._with_this_load()
        present = known.drop(FILE, POSITION)
        dated = present_rows(present, replaced, loads)
        moved = dated.join(present, on=present.columns, how="anti", nulls_equal=True)[ORDER].unique()
        of_moved = pl.col(ORDER).is_in(moved.implode())
        _leave(plan.stale, known.filter(of_moved))
        plan.entering.append(dated.filter(of_moved))

    @staticmethod
    def _open(new: pl.DataFrame, plan: MergePlan) -> pl.Series:
        """Return the positions (``ROW``) of new rows that equal no known row."""
        met = [
            pl.DataFrame({FILE: name, POSITION: np.concatenate(positions)})
            for name, positions in plan.redundant.items()
        ]
        if not met:
            return new[ROW]
        return new.join(pl.concat(met), on=[FILE, POSITION], how="anti", maintain_order="left")[ROW]


def _known_then(came: pl.DataFrame, before: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """Return the orders whose state in ``came`` equals the state that was known just before it."""
    said = [name for name in came.columns if name in columns]
    now = contents(came, said).join(came.select(ORDER, KNOWN_FROM).unique(), on=ORDER, how="left")
    then = contents(before, said, [ORDER, KNOWN_FROM, REPLACED_BY]).rename({KNOWN_FROM: "then"})
    last = now.join(then, on=ORDER, suffix=" then").filter(pl.col("then") < pl.col(KNOWN_FROM)).sort("then")
    last = last.group_by(ORDER).last()
    return last.filter(pl.col(EQUAL) == pl.col(f"{EQUAL} then"))


def present_rows(present: pl.DataFrame, replaced: pl.DataFrame, loads: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of some orders in the table, with undated returns dated by all states."""
    return chained(present, replaced, loads).filter(IN_TABLE).select(present.columns)


def replaced_states(side: StoredTable, loads: pl.DataFrame, orders: pl.Series | None = None) -> pl.DataFrame:
    """Return the earlier states of some orders or of all, without states of undone loads."""
    if not side.exists or KNOWN_FROM not in side.schema:
        return pl.DataFrame(schema=state_schema(side.schema))
    rows = side.scan().filter(pl.col(KNOWN_FROM).is_not_null())
    if orders is not None:
        rows = rows.filter(pl.col(ORDER).is_in(orders.implode()))
    return of_standing_loads(rows.collect(), loads)


def in_scope(source: str, table: str) -> pl.Expr:
    """Return whether an order can belong to a source: its own, or one of a file loaded without a mapping."""
    return pl.lit(source == table) | pl.col("source").is_in([source, table])


def state_schema(schema: pl.Schema) -> pl.Schema:
    """Return the columns of earlier states of rows with these columns."""
    return pl.Schema({**schema, DATED_BY: pl.String(), REPLACED_BY: pl.String(), KNOWN_FROM: MOMENT})


def _without(ids: pl.Series, positions: list[Positions] | None) -> pl.Series:
    if not positions:
        return ids
    keep = np.ones(len(ids), dtype=bool)
    keep[np.concatenate(positions)] = False
    return ids.filter(pl.Series(keep))


def _leave(places: dict[str, list[Positions]], rows: pl.DataFrame) -> None:
    for (name,), part in rows.group_by(FILE, maintain_order=True):
        places.setdefault(str(name), []).append(part[POSITION].to_numpy())
