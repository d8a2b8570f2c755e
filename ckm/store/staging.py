"""Staging of the rows of a load: files beside the table that are invisible until the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm.store.data_files import STATISTICS, DataFile, DataFileWriter, without_rows
from ckm.store.row_identity import REPEAT, Hashes, Identity, SeenHashes, with_repeat

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from ckm.store.delta import StoredTable

Positions = np.ndarray[Any, np.dtype[np.int64]]


class Staging:
    """Write the valid rows of a load batch by batch.

    Rows whose key occurred before in the same load are held in memory in :attr:`held`; at the end the writer decides
    which row applies. Rows without a complete key get the number of earlier rows with equal content.

    Parameters
    ----------
    table
        The table that the rows are added to.
    prefix
        Start of the names of the new files.
    identity
        Columns that identify rows.
    schema
        Columns of the table; missing columns are null.
    lineage
        Columns with the same value in every row of the load, such as ``load_id``.
    expected_rows
        Estimated number of rows.

    Attributes
    ----------
    files
        Writer of the new files.
    rows
        Number of rows so far, with the held ones.
    held
        Rows whose key occurred before in the load.
    hashes
        Identity hashes of the staged rows, in batches; none if the table is empty, because nothing can match.
    """

    def __init__(
        self,
        table: StoredTable,
        prefix: str,
        identity: Identity,
        schema: pl.Schema,
        lineage: Mapping[str, str],
        *,
        expected_rows: int = 0,
    ) -> None:
        self.identity = identity
        self._schema = schema
        self.rows = 0
        self.held: list[pl.DataFrame] = []
        self._seen = SeenHashes(expected_rows)
        self.hashes: list[Hashes] = []
        self._compares = bool(table.files)
        self.files = DataFileWriter(table.folder, prefix, expected_rows=expected_rows, constants=lineage)

    def add(self, frame: pl.DataFrame) -> None:
        """Write the rows of ``frame``, and add the columns of ``lineage`` and :data:`REPEAT` to them."""
        if frame.is_empty():
            return
        absent = [name for name in self.identity.columns if name not in frame.columns]
        whole = frame.with_columns(pl.lit(None, dtype=self._schema[name]).alias(name) for name in absent)
        hashes, keyed = self.identity.key_or_content(whole)
        repeats = self._seen.counts(hashes)
        fresh = ~keyed | (repeats == 0)
        numbered = frame.with_columns(pl.Series(REPEAT, np.where(keyed, 0, repeats).astype(np.int32)))
        self.rows += len(numbered)
        if not fresh.all():
            mask = pl.Series(fresh)
            self.held.append(numbered.filter(~mask))
            numbered = numbered.filter(mask)
        if self._compares:
            self.hashes.append(with_repeat(hashes, keyed, np.where(keyed, 0, repeats))[fresh])
        self.files.write(numbered)

    def follow(self, rows: pl.DataFrame) -> None:
        """Count ``rows``, which have no key, as if they preceded the rows of this load in its file."""
        if len(rows):
            self._seen.counts(self.identity.key_or_content(rows)[0])


def last_of_each_key(held: list[pl.DataFrame], identity: Identity) -> tuple[pl.DataFrame | None, int]:
    """Return the last of the held rows of each key, and the number of the other held rows; None and 0 without any."""
    if not held:
        return None, 0
    rows = pl.concat(held)
    last = rows.unique(identity.key, keep="last", maintain_order=True)
    return last, len(rows) - len(last)


def drop_from_files(
    folder: Path,
    files: list[DataFile],
    drops: Mapping[str, list[Positions]],
    prefix: str,
    statistics: Collection[str] = STATISTICS,
) -> tuple[list[DataFile], list[DataFile]]:
    """Rewrite the files that lose rows; the old files stay on disk.

    Returns
    -------
    kept, rewritten
        Unchanged files, and the new files that replace those that lost rows (none for an emptied file).
    """
    kept = [file for file in files if file.name not in drops]
    rewritten = []
    for number, file in enumerate(file for file in files if file.name in drops):
        positions = np.unique(np.concatenate(drops[file.name]))
        new = without_rows(folder / file.name, positions, folder / f"{prefix}-{number:04d}.parquet", statistics)
        if new is not None:
            rewritten.append(new)
    return kept, rewritten
