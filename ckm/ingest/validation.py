"""Convert records to rows of a table and validate them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ckm.ingest.schema_validator import ROW

if TYPE_CHECKING:
    from ckm.ingest.schema_validator import SchemaValidator
    from ckm.io.mapping.convert import Conversion
    from ckm.io.readers.format import Batch

UNREAD = "record|"
"""Prefix of the reasons of records that could not be parsed."""
RECORD = "ckm:record"
REASONS = pl.Schema({"source_row": pl.Int64(), "reasons": pl.List(pl.String)})


class ValidatedBatch(NamedTuple):
    """A batch split into valid and failed rows.

    Attributes
    ----------
    good
        The valid rows, with the columns of the table.
    failed
        ``source_row`` (number in the file) and ``reasons`` (``column|rule``) of the failed rows.
    records
        Number of records; a record may give several rows.
    """

    good: pl.DataFrame
    failed: pl.DataFrame
    records: int


def validated(batch: Batch, conversion: Conversion, contract: SchemaValidator) -> ValidatedBatch:
    """Convert a batch and validate it against the schema of the target table."""
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
    """Return the invalid rows, one per record, with the record's position in ``ckm:record``.

    Parameters
    ----------
    broken
        Result of the validation: ``ckm:row`` and ``reasons``.
    origin
        Result of the conversion: the record of each row; None if every record gives one row.
    """
    if origin is None:
        return broken.with_columns(pl.col(ROW).alias(RECORD))
    return broken.with_columns(origin[broken[ROW]].alias(RECORD)).unique(RECORD, keep="first", maintain_order=True)
