"""Convert records to rows of a table and validate them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ckm.ingest.schema_validator import ROW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.ingest.schema_validator import SchemaValidator
    from ckm.io.mapping.convert import Conversion
    from ckm.io.readers.format import Batch

UNREAD = "record|"
"""Prefix of the reasons of records that could not be parsed."""
RECORD = "ckm:record"
"""Helper column: position of a row's record in its batch."""
FAILED = pl.Schema({"source_row": pl.Int64(), "reasons": pl.List(pl.String), "raw": pl.String()})


class ValidatedBatch(NamedTuple):
    """A batch split into valid and failed rows.

    Attributes
    ----------
    good
        The valid rows, with the columns of the table.
    failed
        ``source_row`` (number in the file), ``reasons`` (``column|rule``) and ``raw`` (the record as JSON, or its text)
        of the failed rows, and ``customer_id`` if the table has it.
    flags
        Names of the mapping's rules that flag a row, as lists; without null.
    records
        Number of records; a record may give several rows.
    """

    good: pl.DataFrame
    failed: pl.DataFrame
    flags: pl.Series
    records: int


def validated(
    batch: Batch, conversion: Conversion, validator: SchemaValidator, stored: Mapping[str, str] | None = None
) -> ValidatedBatch:
    """Convert a batch and validate it against the schema of the target table.

    Parameters
    ----------
    batch
        Parsed records.
    conversion
        Conversion of records to rows of the target table.
    validator
        Validator for the target table.
    stored
        Stored names of the extra columns, which the valid rows then have as text, with ``source_row``. None: valid rows
        have the columns of the table only.
    """
    converted = conversion.apply(batch.records)
    lines = batch.lines if converted.origin is None else batch.lines[converted.origin]
    if stored is None:
        frame = converted.frame.select(*conversion.mapping.target.dtypes)
    else:
        frame = with_stored_names(converted.frame, stored, lines)
    verdict = validator.sort(frame, converted.reasons)
    invalid = once_per_record(verdict.broken, converted.origin)
    rows = invalid[ROW]
    records = as_json(batch.records[invalid[RECORD]]).alias("raw")
    broken = pl.DataFrame([lines[rows].alias("source_row"), invalid["reasons"], records])
    if "customer_id" in frame.columns:
        broken = broken.with_columns(frame["customer_id"][rows])
    unread = batch.rejected.select(
        pl.col("line").alias("source_row"), pl.concat_list(UNREAD + pl.col("reason")).alias("reasons"), "raw"
    )
    failed = pl.concat([pl.DataFrame(schema=FAILED), broken, unread], how="diagonal_relaxed")
    return ValidatedBatch(verdict.good, failed, converted.flags.drop_nulls(), len(batch.records) + len(batch.rejected))


def with_stored_names(frame: pl.DataFrame, names: Mapping[str, str], lines: pl.Series) -> pl.DataFrame:
    """Return ``frame`` with its extra columns as text under their stored ``names``, and ``lines`` as ``source_row``."""
    extra = [pl.col(column).cast(pl.String).alias(name) for column, name in names.items()]
    kept = [column for column in frame.columns if column not in names]
    return frame.select(*kept, *extra, lines.cast(pl.Int64).alias("source_row"))


def as_json(records: pl.DataFrame) -> pl.Series:
    """Return every record as one JSON object of texts."""
    texts = records.select(pl.all().cast(pl.String, strict=False))
    return texts.select(pl.struct(pl.all()).struct.json_encode()).to_series()


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
