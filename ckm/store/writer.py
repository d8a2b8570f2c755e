"""Writer of one load: one transaction from the first row to the commit, and its recovery after a crash."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
from deltalake.exceptions import DeltaError
from polars.exceptions import PolarsError
from pyarrow import ArrowException

from ckm.errors import CkmError
from ckm.io.parquet_file import scan_file
from ckm.store import journal, side_tables, undo
from ckm.store.assumed_orders import merge_assumed_orders
from ckm.store.compaction import compact
from ckm.store.damage import table_folders
from ckm.store.data_files import DataFile, DataFileWriter
from ckm.store.delta import StoredTable, aligned
from ckm.store.loads import REQUARANTINE, history, in_force, of_file
from ckm.store.merge import MergePlan, OnConflict, plan_merge, supersede
from ckm.store.order_candidates import FileOrders, OrderCandidates
from ckm.store.order_merge import OrderMerge
from ckm.store.order_states import KNOWN_FROM, MOMENT
from ckm.store.row_identity import REPEAT, Identity
from ckm.store.side_tables import QUARANTINE, REPLACED, REPLACED_BY
from ckm.store.staging import Staging, drop_from_files, last_of_each_key

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.store.incomplete_orders import OrderAmounts
    from ckm.store.loads import LoadFacts
    from ckm.store.staging import Positions


LOAD_ID_LENGTH = 12


class LoadWriter:
    """Writer of the rows of one file in one transaction: all of them are committed, or none.

    Requires the lock. Call :meth:`add` and :meth:`quarantine` for every batch, then either :meth:`finish` or
    :meth:`discard`. If the process is killed, :func:`recover` restores the previous state.

    Attributes
    ----------
    amounts
        Functions that spread order amounts over lines; None if the source has no order amounts.
    erased
        Number of rows of the file that were dropped, because their persons were erased; the caller counts them.
    upkeep
        Remarks about maintenance of the store after the commit.
    """

    def __init__(
        self,
        root: Path,
        table: StoredTable,
        facts: LoadFacts,
        *,
        schema: pl.Schema,
        expected_rows: int = 0,
        amounts: OrderAmounts | None = None,
    ) -> None:
        self.root = root
        self.amounts = amounts
        self.table = table
        self.facts = facts
        self.identity = Identity(facts.key, facts.content)
        same_file = of_file(table, facts.file_id)
        self._earlier = [] if facts.kind == REQUARANTINE else in_force(same_file, facts)
        self._orders = FileOrders()
        self.upkeep: list[str] = []
        self.erased = 0
        self.entry = journal.Entry(
            facts.load_id,
            table.name,
            facts.content_id,
            journal.mark_loaded(table, facts.content_id),
            facts.file_id if same_file else "",  # a file that is loaded for the first time has no older quarantine
            facts.source,
            supersedes=[load.load_id for load in self._earlier],
        )
        table.require(table.files)
        journal.begin(root, self.entry)
        self._lineage = {"source": facts.source, "source_file": facts.file, "load_id": facts.load_id}
        self._quarantine = DataFileWriter(root / QUARANTINE, facts.load_id)
        own = pl.Schema({REPEAT: pl.Int32(), **dict.fromkeys(self._lineage, pl.String())})
        self._schema = pl.Schema([*(table.schema | schema | own).items()])
        self._staging = Staging(
            table, facts.load_id, self.identity, self._schema, self._lineage, expected_rows=expected_rows
        )

    def follow(self, load_ids: set[str]) -> None:
        """Continue the numbering of equal rows from earlier loads of the same file.

        Rows without a key from the loads ``load_ids`` count as earlier rows of this file.
        """
        if load_ids:
            theirs = self.table.scan().filter(pl.col("load_id").is_in(load_ids) & ~self.identity.has_key())
            self._staging.follow(theirs.select(self.identity.columns).collect())

    def add(self, frame: pl.DataFrame) -> None:
        """Add valid rows, with columns of the table and ``source_row``; the writer adds the other lineage columns."""
        if self.facts.by_order and len(frame):
            self._orders = self._orders.with_rows(frame)
        self._staging.add(frame)

    def quarantine(self, frame: pl.DataFrame) -> None:
        """Add quarantined rows, with the columns of :data:`ckm.store.side_tables.SCHEMA`."""
        self._quarantine.write(frame)

    def discard(self) -> None:
        """Roll the load back: remove its files and rows."""
        self._staging.files.abandon()
        self._quarantine.abandon()
        journal.roll_back(self.root, self.facts.load_id)

    def finish(self, on_conflict: OnConflict | None = None) -> LoadFacts:
        """Commit the load; return its facts with the counts.

        Raises
        ------
        ConflictError
            See :func:`ckm.store.merge.plan_merge`; the load is discarded.
        """
        try:
            new = self._staging.files.close()
            new, duplicates = self._resolve_repeated_keys(new, on_conflict)
            if self.facts.assumed_orders:
                there = {name for file in new for name in scan_file(self.table.folder / file.name).collect_schema()}
                columns = tuple(name for name in self.facts.content if name in there)
                self.facts = replace(self.facts, columns=columns)
            plan = plan_merge(
                self.table, new, self.table.files, self.identity, on_conflict,
                schema=self._schema, new_hashes=self._staging.hashes, by_order=self.facts.by_order,
            )  # fmt: skip
            if self.facts.by_order or self.facts.assumed_orders or self.amounts is not None:
                self._settle_orders(new, plan, on_conflict)
        except BaseException:
            self.discard()
            raise
        facts = self.counts(duplicates, plan)
        facts = replace(facts, superseded=supersede(self.table, self.entry.supersedes, plan))
        new = [*self._without(new, plan.redundant, "n"), *self._entering(plan)]
        _, rewritten = drop_from_files(self.table.folder, self.table.files, plan.stale, f"{self.facts.load_id}-s")
        self._commit(facts, [*new, *rewritten], plan)
        return facts

    def _settle_orders(self, new: list[DataFile], plan: MergePlan, on_conflict: OnConflict | None) -> None:
        """Complete the plan for a source with orders: by order, or by row if order numbers are assumed.

        With the conflict option ``keep`` no known row changes.
        """
        if on_conflict is OnConflict.KEEP:
            return
        candidates = OrderCandidates(
            self.table, new, self.facts, self._schema, self._orders, plan,
            amounts=self.amounts,
            any_source=on_conflict is OnConflict.REPLACE,
            superseded=self.entry.supersedes,
        )  # fmt: skip
        if self.facts.assumed_orders and not self.facts.by_order:
            merge_assumed_orders(candidates)
            return
        merge = OrderMerge(candidates, StoredTable(self.root / f"{self.table.name}{REPLACED}"))
        if self.facts.by_order:
            self.facts = merge.merge_states()
        else:
            merge.merge_further_lines()

    def _entering(self, plan: MergePlan) -> list[DataFile]:
        """Write the rows of ``plan.entering``; return the files with them."""
        rows = [frame for frame in plan.entering if len(frame)]
        if not rows:
            return []
        writer = DataFileWriter(self.table.folder, f"{self.facts.load_id}-o")
        writer.write(pl.concat(aligned(frame, self._schema) for frame in rows))
        return writer.close()

    def _resolve_repeated_keys(self, new: list[DataFile], on_conflict: OnConflict | None) -> tuple[list[DataFile], int]:
        """Resolve keys that occur more than once in the file: the last row applies, or with ``keep`` the first."""
        last, duplicates = last_of_each_key(self._staging.held, self.identity)
        if last is None:
            return new, 0
        writer = DataFileWriter(self.table.folder, f"{self.facts.load_id}-h", constants=self._lineage)
        writer.write(last)
        held = writer.close()
        plan = plan_merge(
            self.table, held, new, self.identity, on_conflict,
            schema=self._schema, new_hashes=[self.identity.of(last)],
        )  # fmt: skip
        new = self._without(new, plan.stale, "d")
        held = self._without(held, plan.redundant, "e")
        return [*new, *held], duplicates + plan.unchanged + plan.updated

    def _without(self, files: list[DataFile], drops: dict[str, list[Positions]], step: str) -> list[DataFile]:
        """Return the files of this load without the rows at ``drops``; files that lose rows are written anew."""
        kept, rewritten = drop_from_files(self.table.folder, files, drops, f"{self.facts.load_id}-{step}")
        for name in drops:
            (self.table.folder / name).unlink()
        return [*kept, *rewritten]

    def counts(self, duplicates: int = 0, plan: MergePlan | None = None) -> LoadFacts:
        """Return the facts of the load with its row counts; without a plan, no row counts as updated or unchanged."""
        plan = plan or MergePlan()
        quarantined = self._quarantine.rows
        staged = self._staging.rows
        return replace(
            self.facts,
            rows=staged + quarantined + self.erased,
            accepted=staged - duplicates - plan.unchanged - plan.updated,
            updated=plan.updated,
            unchanged=plan.unchanged,
            duplicates=duplicates,
            quarantined=quarantined,
            erased=self.erased,
        )

    def _commit(self, facts: LoadFacts, add: list[DataFile], plan: MergePlan) -> None:
        """Commit the side tables, then the table.

        If the process is killed between these commits, the recovery rolls the side tables back.
        """
        prefix = facts.load_id
        touched = [self.table]
        if self._quarantine.rows:
            quarantine = StoredTable(self.root / QUARANTINE)
            quarantine.commit(schema=side_tables.SCHEMA, add=self._quarantine.close())
            touched.append(quarantine)
        replaced = [frame.with_columns(pl.lit(prefix).alias(REPLACED_BY)) for frame in plan.replaced]
        if any(map(len, replaced := [*replaced, *plan.earlier])):
            columns = pl.Schema({**self._schema, REPLACED_BY: pl.String()})
            if self.facts.by_order:
                columns[KNOWN_FROM] = MOMENT
            touched.append(StoredTable(self.root / f"{self.table.name}{REPLACED}"))
            side_tables.append(touched[-1], aligned(pl.concat(replaced, how="diagonal"), columns), prefix)
        self.table.commit(
            schema=self._schema,
            add=add,
            remove=list(plan.stale),
            load=facts.to_dict(),
            marks=self._marks(),
        )
        settle(self.root, self.entry)
        journal.end(self.root)
        self._compact(touched)

    def _compact(self, tables: list[StoredTable]) -> None:
        """Merge small files of the tables after the commit; if merging fails, the next load repeats it."""
        for table in tables:
            try:
                done = compact(self.root, table)
            except (OSError, CkmError, DeltaError, PolarsError, ArrowException) as error:
                self.upkeep.append(f"table {table.name}: small files could not be merged ({type(error).__name__})")
                return
            self.upkeep += [done.sentence] if done else []

    def _marks(self) -> dict[str, int]:
        """Return the marks for the commit: this load counts as loaded, earlier loads of the file as not loaded."""
        earlier = {load.content_id: journal.mark_unloaded(self.table, load.content_id) for load in self._earlier}
        return {**earlier, self.entry.app_id: self.entry.mark}


def settle(root: Path, entry: journal.Entry) -> None:
    """Clean up after a commit: remove older quarantined rows of the same file, and expired files. Can be repeated."""
    quarantine = StoredTable(root / QUARANTINE)
    if entry.file_id:
        same_file = (
            (pl.col("table") == entry.table) & (pl.col("source") == entry.source) & (pl.col("file_id") == entry.file_id)
        )
        older = (same_file & (pl.col("load_id") != entry.load_id)) | pl.col("load_id").is_in(entry.supersedes)
        side_tables.remove(quarantine, older, f"{entry.load_id}-q")
    if entry.undoes:
        undo.forget(root, entry.table, entry.undoes, entry.load_id)
    for name in (entry.table, QUARANTINE, f"{entry.table}{REPLACED}"):
        StoredTable(root / name).tidy()


def recover(root: Path) -> None:
    """Finish or roll back the load of a killed process; requires the lock."""
    entry = journal.interrupted(root)
    if entry is None:
        return
    if entry == "unknown":
        recover_by_log(root)
        return
    if journal.is_committed(root, entry):
        settle(root, entry)
    else:
        side_tables.remove(StoredTable(root / QUARANTINE), pl.col("load_id") == entry.load_id, f"{entry.load_id}-x")
        mine = (pl.col(REPLACED_BY) == entry.load_id) | (pl.col("load_id") == entry.load_id)
        side_tables.remove(StoredTable(root / f"{entry.table}{REPLACED}"), mine, f"{entry.load_id}-x")
    journal.roll_back(root, entry.load_id)


def recover_by_log(root: Path) -> None:
    """Recover without a journal: a load that is in the log of its table is committed; others are rolled back.

    Rows of loads without a commit are removed from the side tables, the cleanup of each table's newest load is
    repeated, and data files without a commit are deleted.
    """
    prefix = "0" * LOAD_ID_LENGTH
    tables = [StoredTable(folder) for folder in table_folders(root) if folder.name != QUARANTINE]
    by_table = {table.name: history([table]) for table in tables}
    known = [load.facts.load_id for loads in by_table.values() for load in loads]
    side_tables.remove(StoredTable(root / QUARANTINE), ~pl.col("load_id").is_in(known), f"{prefix}-q")
    for table in tables:
        if table.name.endswith(REPLACED):
            lost = ~pl.col(REPLACED_BY).is_in(known) | ~pl.col("load_id").is_in(known)
            side_tables.remove(table, lost, f"{prefix}-r")
        if not by_table[table.name]:
            continue
        facts = by_table[table.name][-1].facts
        same_file = in_force(of_file(table, facts.file_id), facts)
        earlier = [load.load_id for load in same_file if load.load_id != facts.load_id]
        supersedes = [] if facts.kind in (REQUARANTINE, "undo") else earlier
        file_id = "" if facts.kind == "undo" else facts.file_id
        settle(
            root,
            journal.Entry(
                facts.load_id, table.name, facts.content_id, 0, file_id, facts.source, facts.undoes, supersedes
            ),
        )
    journal.sweep_unnamed(root)
