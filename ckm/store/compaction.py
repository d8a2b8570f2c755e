"""Compaction of small data files, so that the cost of a load does not grow with the number of earlier loads.

Files are assigned to tiers by their number of rows, each :data:`FANOUT` times the one below, as in a log-structured
merge tree (O'Neil, Cheng, Gawlick and O'Neil 1996). A full tier is merged into one file of a higher tier. So a row is
rewritten at most once per tier, and a table has a few files per tier, however many loads it had. Delta's own
``optimize`` rewrites all small files each time, in files that recovery would not recognise, with statistics of every
column.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.parquet_file import scan_file
from ckm.store import journal
from ckm.store.data_files import ROWS_PER_FILE, ROWS_PER_GROUP, STATISTICS, DataFileWriter
from ckm.store.delta import aligned
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from ckm.store.data_files import DataFile
    from ckm.store.delta import StoredTable

FANOUT = 8
"""Number of files of similar size that are merged into one: each row is rewritten once for every eightfold growth of
its table."""
LARGE = ROWS_PER_FILE // 32
"""Rows from which a file is not merged: these are files of a large load, which are clustered by customer. A change of
one row then rewrites at most eight times as many rows."""
APP_ID = "compaction"
COMPACTION_KEY = "ckm_compaction"
"""Key of a commit for the number of files before and after the merge."""
PREFIX_LENGTH = 12


@dataclass(frozen=True)
class Compaction:
    """Result of one compaction: small files of a table merged into larger ones."""

    table: str
    before: int
    after: int
    rows: int

    @property
    def sentence(self) -> str:
        """A remark about the compaction."""
        return (
            f"table {self.table}: {self.before} small files with {counted(self.rows, 'row')} "
            f"were merged into {self.after}"
        )


def due(files: list[DataFile]) -> list[DataFile]:
    """Return the files to merge; none if no tier (files with similar numbers of rows) is full.

    If the merged file fills the next tier, the files of that tier are merged with it, so that no row is written twice.
    """
    tiers: dict[int, list[DataFile]] = {}
    for file in files:
        if file.rows < LARGE:
            tiers.setdefault(_tier(file.rows), []).append(file)
    gathered: list[DataFile] = []
    chosen: list[DataFile] = []
    carried = -1
    for tier in sorted(tiers):
        gathered += tiers[tier]
        if len(tiers[tier]) + (carried == tier) >= FANOUT:
            chosen = list(gathered)
            carried = _tier(sum(file.rows for file in chosen))
    return chosen


def compact(
    root: Path,
    table: StoredTable,
    *,
    statistics: Collection[str] = STATISTICS,
) -> Compaction | None:
    """Merge the small files of ``table`` in one commit if a tier is full; requires the lock.

    No row changes, so every load can still be undone. Readers of the old version keep its files as usual. If the
    process is killed, :func:`ckm.store.writer.recover` finds the old files or the new ones.

    Parameters
    ----------
    root
        Folder of the store.
    table
        The table; the instance is of the new version afterwards.
    statistics
        Columns whose minimum and maximum go into the log.
    """
    table.refresh()
    small = due(table.files)
    if not small:
        return None
    prefix = hashlib.sha256(f"{APP_ID} {table.name} {table.version}".encode()).hexdigest()[:PREFIX_LENGTH]
    entry = journal.Entry(prefix, table.name, APP_ID, table.mark(APP_ID) + 1)
    rows = sum(file.rows for file in small)
    writer = DataFileWriter(table.folder, prefix, expected_rows=rows, statistics=statistics)
    merged = journal.write_files(root, entry, writer, _frames(table, small))
    done = Compaction(table.name, len(small), len(merged), rows)
    table.commit(
        schema=table.schema,
        add=merged,
        remove=[file.name for file in small],
        facts={COMPACTION_KEY: {"before": done.before, "after": done.after, "rows": rows}},
        marks={APP_ID: entry.mark},
        same_rows=True,
    )
    journal.end(root)
    return done


def _tier(rows: int) -> int:
    tier = 0
    while rows >= FANOUT:
        rows //= FANOUT
        tier += 1
    return tier


def _frames(table: StoredTable, files: list[DataFile]) -> Iterator[pl.DataFrame]:
    """Yield the rows of the files in frames of about one row group."""
    gathered: list[pl.DataFrame] = []
    for file in files:
        gathered.append(aligned(scan_file(table.folder / file.name).collect(), table.schema))
        if sum(map(len, gathered)) >= ROWS_PER_GROUP:
            yield pl.concat(gathered)
            gathered = []
    if gathered:
        yield pl.concat(gathered)
