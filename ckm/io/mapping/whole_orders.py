"""Regroup the batches of a file, so that all lines of an order are in one batch."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.mapping.expressions import exactly
from ckm.io.readers.format import Batch, rejected_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE, PART = "\x00line", "\x00part"
PARTS = 32
"""Number of parts: a file of 20 million lines is split into batches of 600,000."""
SEED = 29


def by_order(batches: Iterable[Batch], order: str | None, *, blank: bool = False) -> Iterator[Batch]:
    """Yield the records of ``batches`` with all records of an order in one batch.

    A file with one batch is unchanged. A larger file is written to disk in parts by the hash of the order number, so
    that memory needs about one batch. Records keep their order within a part.

    Parameters
    ----------
    batches
        Batches of a file, in file order.
    order
        The column with the order number; None if orders need not be in one batch: the batches are then unchanged.
    blank
        Whether the number is blank on all lines of an order but the first, which precedes them in the file.
    """
    if order is None:
        yield from batches
        return
    pieces = _numbered(batches, order) if blank else iter(batches)
    begun = list(islice(pieces, 2))
    if len(begun) < 2:
        yield from begun
        return
    with TemporaryDirectory(prefix="ckm-orders-") as folder:
        yield from _parted(chain(begun, pieces), order, Path(folder))


def _numbered(batches: Iterable[Batch], order: str) -> Iterator[Batch]:
    """Yield the batches; a blank order number is replaced by the last order number before it."""
    last: str | None = None
    for batch in batches:
        text = exactly(order).cast(pl.String)
        number = (
            pl.when(text.str.strip_chars() != "").then(text).forward_fill().fill_null(pl.lit(last, dtype=pl.String))
        )
        records = batch.records.with_columns(number.alias(order))
        last = records[order].item(-1) if len(records) else last
        yield batch._replace(records=records)


def _parted(batches: Iterable[Batch], order: str, folder: Path) -> Iterator[Batch]:
    """Write the records to one file per hash of the order number, then yield each file as a batch.

    Rejected records are yielded when they are read.
    """
    columns: list[str] = []
    for piece, batch in enumerate(batches):
        columns = batch.records.columns
        _write(batch, order, folder, piece)
        if batch.rejected.height:
            yield Batch(batch.records.clear(), batch.lines.clear(), batch.rejected)
    for part in range(PARTS):
        files = sorted(folder.glob(f"{part}-*.arrow"))
        if files:
            records = pl.concat(pl.read_ipc(file) for file in files)
            yield Batch(records.select(columns), records[LINE], rejected_frame())


def _write(batch: Batch, order: str, folder: Path, piece: int) -> None:
    part = exactly(order).cast(pl.String).str.strip_chars().hash(SEED) % PARTS
    records = batch.records.with_columns(batch.lines.alias(LINE), part.alias(PART))
    for (number,), found in records.partition_by(PART, as_dict=True, include_key=False).items():
        found.write_ipc(folder / f"{number}-{piece:06}.arrow")
