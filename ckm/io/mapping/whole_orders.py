"""Pieces of a file in which the lines of an order are together, wherever in the file they stand."""

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
"""A file of 20 million lines comes in pieces of 600,000."""
SEED = 29


def by_order(batches: Iterable[Batch], order: str | None, *, blank: bool = False) -> Iterator[Batch]:
    """Yield the records of ``batches`` so that those of one order come in one piece.

    A file of one piece is handed on as it is; one of several is written to disk in as many parts, each with the orders
    of one remainder of a hash, so that memory holds about one piece. Records keep their order within a part.

    Parameters
    ----------
    batches
        Pieces of a file, in its order.
    order
        The column of the order's number; null where no record needs another, and the pieces stay as they are.
    blank
        Whether the number is blank on an order's further lines, which then follow its first one.
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
    """Give each record the order's number of the last record before it that has one."""
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
    """Write all records to files by part, then yield part by part; rejected records come as they are met."""
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
