"""Records of a file as rows of a table: those that keep its rules, and which rules the others break."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ckm.ingest.contract import ROW

if TYPE_CHECKING:
    from ckm.ingest.contract import Contract
    from ckm.mapping.convert import Conversion
    from ckm.sources.format import Batch

UNREAD = "record|"
"""Reasons of records that the reader refused start with it; no column and no rule can."""
RECORD = "ckm:record"
REASONS = pl.Schema({"source_row": pl.Int64(), "reasons": pl.List(pl.String)})


class ValidatedBatch(NamedTuple):
    """A batch whose rows are told apart.

    Attributes
    ----------
    good
        The table's columns of the rows that keep its rules.
    failed
        Of the others ``source_row`` (number in the file) and ``reasons`` (``column|rule``).
    records
        How many records there were; one may become several rows.
    """

    good: pl.DataFrame
    failed: pl.DataFrame
    records: int


def validated(batch: Batch, conversion: Conversion, contract: Contract) -> ValidatedBatch:
    """Convert a batch and hold it against the contract of the conversion's table."""
    converted = conversion.apply(batch.records)
    verdict = contract.sort(converted.frame.select(*conversion.mapping.target.dtypes), converted.reasons)
    unfit = once_per_record(verdict.broken, converted.origin)
    rows = batch.lines.gather(unfit[RECORD])
    broken = pl.DataFrame([rows.alias("source_row"), unfit["reasons"]])
    unread = batch.rejected.select(
        pl.col("line").alias("source_row"), pl.concat_list(UNREAD + pl.col("reason")).alias("reasons")
    )
    failed = pl.concat([broken.cast(REASONS), unread.cast(REASONS)])
    return ValidatedBatch(verdict.good, failed, len(batch.records) + len(batch.rejected))


def once_per_record(broken: pl.DataFrame, origin: pl.Series | None) -> pl.DataFrame:
    """Return the rows that break a rule, one for each record, with the record's position in ``ckm:record``.

    Parameters
    ----------
    broken
        Of the contract: ``ckm:row`` and ``reasons``.
    origin
        Of the conversion: the record of each row, where a record may become several; null where each is its own.
    """
    if origin is None:
        return broken.with_columns(pl.col(ROW).alias(RECORD))
    return broken.with_columns(origin[broken[ROW]].alias(RECORD)).unique(RECORD, keep="first", maintain_order=True)
