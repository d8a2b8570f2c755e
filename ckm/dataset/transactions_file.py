"""Transactions of a file: how its records are converted, and its valid rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import PolarsError

from ckm.config import Config, load_config
from ckm.errors import InputError, UsageError
from ckm.io.scanned_files import remember
from ckm.paths import STDIN
from ckm.remark import Importance, at_least, doubt, importance_of
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ckm.dataset.parquet_rows import ValidRows
    from ckm.ingest.options import IngestOptions
    from ckm.ingest.plan import Plan
    from ckm.ingest.sales_totals import SalesTotals
    from ckm.io.mapping.convert import Conversion
    from ckm.io.readers.read import Source

TRANSACTIONS = "transactions"
WHO = "customer_id"
"""Column that a file of sales may lack, but that an analysis of customers requires."""
MAX_REJECTS = 0.05
"""Largest share of invalid rows in a file, as for ``ckm ingest``; above it the file is refused."""


@dataclass(frozen=True)
class PlannedRows:
    """How rows of transactions are converted, planned from the first of them.

    Attributes
    ----------
    conversion
        The conversion.
    config
        Settings.
    remarks
        Remarks on the mapping, as sentences.
    is_typed
        Whether all columns have types, so that more rows cannot change the conversion.
    """

    conversion: Conversion
    config: Config
    remarks: tuple[str, ...]
    is_typed: bool


def plan_of(options: IngestOptions, config: Config) -> tuple[Plan, Config]:
    """Return the plan for mapping files, and the settings for them."""
    # Readers and mappings take a third of a second to import, and a workspace does not need them.
    from ckm.ingest.plan import MappingPlan, NameMatchingPlan, adjusted
    from ckm.io.mapping.mapping_file import load_mapping

    currency, zone = options.currency or config.currency, options.time_zone
    plan: Plan
    if options.map_file is None:
        plan = replace(NameMatchingPlan.of(TRANSACTIONS, options, config.currency), amounts_needed=False)
    else:
        mapping = adjusted(load_mapping(options.map_file), options)
        if mapping.table != TRANSACTIONS:
            raise UsageError(
                f"{options.map_file} maps into {mapping.table}, and an analysis of a FILE is of transactions",
                hint="load it into a workspace: ckm ingest FILE --map FILE",
            )
        plan, zone = MappingPlan(mapping), mapping.time_zone
    return plan, replace(config, currency=currency, time_zone=zone or config.time_zone)


def transactions_of(
    file: Path, plan: Plan, config: Config, known: pl.LazyFrame | None, *, by_customer: bool
) -> tuple[pl.LazyFrame, list[str], str]:
    """Return the rows of a file, remarks, and the name of its mapping or platform.

    ``known`` has the rows of earlier files, whose orders it may continue.
    """
    from ckm.ingest.sales_totals import SalesTotals
    from ckm.io.readers.read import open_source

    with open_source(file, plan.hints) as source:
        conversion, remarks = _conversion(source, plan, config, by_customer=by_customer)
        conversion = conversion.with_known_orders(known)
        totals = SalesTotals()
        found = _scanned(source, conversion) or read_rows(source, conversion, totals)
        if _are_too_many(found):
            raise _refusal(file, source, conversion)
    left = [excluded(found.left_out, found.total)] if found.left_out else []
    problems = [text for _, text in source.problems if importance_of(text) < Importance.method]
    notes = [*problems, *remarks, *conversion.remarks, *totals.remarks(), *conversion.cleaning_remarks()]
    return found.rows, [*at_least(Importance.assumption, notes), *left], conversion.mapping.name


def excluded(rows: int, total: int) -> str:
    """Return a remark on the number of excluded rows."""
    was = "was" if rows == 1 else "were"
    return doubt(f"{rows:,} of {counted(total, 'record')} failed validation and {was} excluded")


def _conversion(source: Source, plan: Plan, config: Config, *, by_customer: bool) -> tuple[Conversion, Sequence[str]]:
    """Return how the records of a file are converted, and remarks on the mapping."""
    from ckm.ingest.plan import mapping_for
    from ckm.io.mapping.column_types import ColumnShapes
    from ckm.io.mapping.missing_columns import missing_columns
    from ckm.io.mapping.planning import plan_conversion

    try:
        mapping, remarks = mapping_for(plan, source.format, source.sample)
        if by_customer and WHO not in mapping.columns:
            columns, named = source.format.columns, source.format.named
            shapes = ColumnShapes(source.sample)
            raise missing_columns([WHO], TRANSACTIONS, columns, mapping.columns, shapes, named=named)
    except UsageError as error:
        _refuse_other_table(source, named=plan.platform)
        error.args = (f"{source.path}: {error}",)  # whatever kind of usage error: they have different parameters
        raise
    conversion = plan_conversion(
        mapping,
        source.format,
        source.sample,
        more=lambda: (batch.records for batch in source.batches()),
        default_zone=config.time_zone,
        default_currency=config.currency,
        zone_setting="--time-zone",
    )
    return conversion, remarks


def plan_transactions(sample: Path, options: IngestOptions, *, by_customer: bool) -> PlannedRows:
    """Return how rows of transactions are converted, planned from a Parquet file with the first of them.

    Raises
    ------
    UsageError
        As :func:`open_dataset`.
    """
    from ckm.io.readers.read import open_source
    from ckm.io.values.readers import TextReader
    from ckm.io.values.typed_columns import NativeReader

    plan, config = plan_of(options, load_config(None))
    with open_source(sample, plan.hints) as source:
        conversion, remarks = _conversion(source, plan, config, by_customer=by_customer)
        notes = at_least(Importance.assumption, [*remarks, *conversion.remarks])
    readers = conversion.readers.values()
    is_typed = conversion.orders is None and all(isinstance(each, NativeReader | TextReader) for each in readers)
    return PlannedRows(conversion, config, tuple(notes), is_typed)


def _refuse_other_table(source: Source, *, named: str | None) -> None:
    """Raise an error that names the table of another kind of export, instead of its missing columns."""
    from ckm.io.mapping.platforms import NONE, known_platform

    platform = known_platform(source.format.columns, source.sample, given=named) if named is None else None
    if platform is not None and platform.mapping.table != TRANSACTIONS:
        raise UsageError(
            f"{source.path}: an export of {platform.title}, which fills {platform.mapping.table}; "
            "an analysis of a FILE is of transactions",
            hint=f"load it into a workspace with ckm ingest; or --platform {NONE} takes the columns by their names",
        )


def _are_too_many(found: ValidRows) -> bool:
    if found.failures is not None:
        return found.failures.are_too_many(found.total, MAX_REJECTS)
    return found.left_out > MAX_REJECTS * found.total


def _refusal(file: Path, source: Source, conversion: Conversion) -> InputError:
    """Return why a file is refused; the file is read again, because a scan does not validate each row."""
    found = read_rows(source, conversion)
    failures, mapping, total = found.failures, conversion.mapping, found.total
    assert failures is not None
    return InputError(
        failures.refusal(str(file), mapping, source.format, rows=total, limit=MAX_REJECTS),
        hint=failures.options(mapping, source, rows=total, loads=False),
        reasons=dict(failures.counts),
        rows=failures.first,
    )


def _scanned(source: Source, conversion: Conversion) -> ValidRows | None:
    """Return the valid rows of an uncompressed Parquet file as a lazy frame; None if it must be read into memory."""
    if source.format.kind != "parquet" or source.format.compression or source.path == STDIN:
        return None
    from ckm.dataset.parquet_rows import scan_valid_rows

    try:
        found = scan_valid_rows(source.path, conversion, source.sample)
        remember([source.path], "write it anew where it came from")
        return found
    except PolarsError as error:
        raise InputError(f"{source.path}: the Parquet file is damaged") from error


def read_rows(source: Source, conversion: Conversion, totals: SalesTotals | None = None) -> ValidRows:
    """Return the valid rows of a file of any format and for any table, in memory.

    ``totals`` collects the totals of files with amounts of whole orders.
    """
    from ckm.dataset.parquet_rows import ValidRows
    from ckm.ingest.failures import Failures
    from ckm.ingest.schema_validator import SchemaValidator
    from ckm.ingest.validation import validated

    table = conversion.mapping.target
    good, failures, total = [pl.DataFrame(schema=table.dtypes)], Failures(), 0
    for batch in conversion.pieces(source.batches()):
        found = validated(batch, conversion, SchemaValidator(table))
        good.append(found.good)
        if totals is not None and conversion.orders is not None:
            totals.add(found.good)
        failures.add(found.failed)
        total += found.records
    return ValidRows(pl.concat(good).lazy(), failures.rows, total, failures)
