"""Datasets: the tables of a workspace, or transactions from a file, as input of an analysis."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import PolarsError

from ckm.config import Config, Workspace, find_workspace, load_config
from ckm.dataset.declared_guests import without_guest_ids
from ckm.dataset.declared_payments import (
    loaded_sources,
    payments_beside_orders,
    payments_of,
    without_payments,
)
from ckm.dataset.linked_customers import with_persons
from ckm.dataset.pages import joined_pages
from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.identities import FILE as IDENTITIES
from ckm.identities import read_identities
from ckm.ingest.options import IngestOptions
from ckm.io.scanned_files import remember
from ckm.paths import STDIN
from ckm.plaintext import unicode_text
from ckm.remark import Importance, about, assumption, at_least, doubt, importance_of
from ckm.time_zones import end_of_day
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from ckm.dataset.parquet_rows import FitRows
    from ckm.ingest.plan import Plan
    from ckm.ingest.sales_totals import SalesTotals
    from ckm.io.mapping.convert import Conversion
    from ckm.io.readers.read import Source

TRANSACTIONS = "transactions"
AS_FOUND = IngestOptions()
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


@dataclass(frozen=True)
class Dataset:
    """Tables for an analysis.

    Attributes
    ----------
    tables
        Rows by table name.
    label
        Name for reports: that of the file or folder, without its path, which may contain a user's name.
    remarks
        Remarks on the mapping, assumptions and excluded rows.
    workspace
        Workspace of the tables; None for a file.
    quarantine
        Quarantined rows; None without any.
    state
        Identifier of the present state of a workspace's transactions; None if unknown.
    config
        Settings of the workspace; for a file the defaults, with the caller's currency and time zone.
    payments
        Rows of sources declared as payments, which are not in the transactions; None without any.
    persons
        Person id by customer id of linked customers; their ids in the tables are replaced by it.
    payment_sources
        Sources whose rows are payments, sorted.
    sources
        Names of the mappings or platforms of the files; empty for a workspace (:meth:`transaction_sources`).
    """

    tables: dict[str, pl.LazyFrame]
    label: str
    remarks: tuple[str, ...] = ()
    workspace: Workspace | None = None
    quarantine: pl.LazyFrame | None = None
    state: str | None = None
    config: Config = field(default_factory=Config)
    payments: pl.LazyFrame | None = None
    persons: Mapping[str, str] = field(default_factory=dict, repr=False)
    payment_sources: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def transaction_sources(self) -> tuple[str, ...]:
        """Return the names of the mappings or platforms that the transactions came through, sorted; without payments.

        A table in memory has none.
        """
        if self.workspace is None:
            return self.sources
        return tuple(sorted(loaded_sources(self.workspace) - set(self.payment_sources)))

    def known_on(self, day: date | None) -> Dataset:
        """Return the dataset as it was known at the end of a day: changed orders have their state of that day.

        Null, or a day after which no order changed, returns the dataset itself.
        """
        if day is None or self.workspace is None or TRANSACTIONS not in self.tables:
            return self
        from ckm.store import Store  # import here: deltalake is not needed for a plain file

        store = Store(self.workspace.store_dir)
        until = end_of_day(day, self.workspace.config.time_zone)
        if store.is_known_as_now(TRANSACTIONS, until):
            return self
        known = {TRANSACTIONS: store.scan(TRANSACTIONS, known_before=until)}
        tables, payments = _declared(known, self.config, self.payment_sources, self.persons)
        # The cached ledger has the present state.
        return replace(self, tables={**self.tables, **tables}, payments=payments, state=None)

    def of_customers(self, customers: Collection[str], day: date | None = None) -> Dataset:
        """Return the rows of some customers only, as known at the end of a day; tables without customers are left out.

        Of a workspace, only files that may contain these customers are read.

        Parameters
        ----------
        customers
            Customer ids as in the store: of a linked customer, all ids of the person.
        day
            As for :meth:`known_on`.
        """
        ids = sorted(customers)
        if self.workspace is None:
            chosen = {
                name: frame.filter(pl.col(WHO).cast(pl.String).is_in(ids))
                for name, frame in self.tables.items()
                if WHO in frame.collect_schema()
            }
            return replace(self, tables=chosen, state=None)
        from ckm.store import Store  # import here: deltalake is not needed for a plain file

        store = Store(self.workspace.store_dir)
        until = None if day is None else end_of_day(day, self.workspace.config.time_zone)
        rows = {
            name: store.scan_customers(name, ids, known_before=until if name == TRANSACTIONS else None)
            for name, frame in self.tables.items()
            if WHO in frame.collect_schema()
        }
        tables, payments = _declared(rows, self.config, self.payment_sources, self.persons)
        return replace(self, tables=tables, payments=payments, state=None)

    @property
    def transactions(self) -> pl.LazyFrame:
        """The transactions.

        Raises
        ------
        NotEnoughDataError
            The transactions are missing.
        """
        if TRANSACTIONS not in self.tables:
            raise NotEnoughDataError(
                f"'{self.label}' has no transactions", hint="load some: ckm ingest FILE --as transactions"
            )
        return self.tables[TRANSACTIONS]


def open_dataset(
    data: Path | None = None,
    workspace: Path | None = None,
    options: IngestOptions = AS_FOUND,
    *,
    by_customer: bool = False,
) -> Dataset:
    """Return the tables of ``data``: a workspace, a file or a folder; None means the workspace around this folder.

    A file of transactions is mapped by column names or ``options``, and validated against the schema. A Parquet file
    with typed columns is streamed by each query; any other file is read into memory. An analysis ``by_customer``
    refuses a file without a customer column. A file without amounts is accepted: its rows count 1 each, in
    :data:`ckm.schema.NO_CURRENCY`.

    Raises
    ------
    UsageError
        There is neither data nor a workspace; the columns cannot be mapped; ``options`` are needed; or ``options`` for
        a file are given with a workspace.
    InputError
        The file is damaged, or too many of its rows are invalid.
    """
    if data is not None and workspace is not None:
        raise UsageError("DATA and --workspace contradict each other", hint="name one of them")
    root = data if data is not None and _is_workspace(data) else None
    if data is None or root is not None:
        if options != AS_FOUND:
            raise UsageError(
                "the options on how a file is mapped and read need a FILE, and this is a workspace",
                hint="ckm ingest takes them when it loads a file into the workspace",
            )
        return _of_workspace(root or workspace or find_workspace(Path.cwd()))
    return _of_files(data, options, by_customer=by_customer)


def _is_workspace(path: Path) -> bool:
    return path.is_dir() and find_workspace(path) is not None and os.path.lexists(path / "ckm.yaml")


def _of_workspace(root: Path | None) -> Dataset:
    if root is None or not _is_workspace(root):
        where = "here or above" if root is None else f"in {root}"
        raise UsageError(
            f"there is no workspace {where}", hint="name a file of transactions, or make one: ckm init DIR"
        )
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    found = Workspace(root, load_config(root))
    store = Store(found.store_dir)
    before = store.state(TRANSACTIONS)
    tables = {name: store.scan(name) for name in store.tables()}
    state = before if before == store.state(TRANSACTIONS) else None  # another load may have been committed meanwhile
    persons = read_identities(found.root / IDENTITIES).persons
    beside = sorted(payments_beside_orders(found))
    sources = tuple(sorted({*found.config.payments, *beside}))
    tables, payments = _declared(tables, found.config, sources, persons)
    return Dataset(
        tables,
        _label(root),
        (
            *_of_persons(persons),
            *(
                doubt(f"{source} holds payments for the orders: no sales, see ckm check --payments")
                for source in beside
            ),
        ),
        workspace=found,
        quarantine=store.quarantine(),
        state=state,
        config=found.config,
        payments=payments,
        persons=persons,
        payment_sources=sources,
    )


def _declared(
    tables: dict[str, pl.LazyFrame], config: Config, sources: tuple[str, ...], persons: Mapping[str, str]
) -> tuple[dict[str, pl.LazyFrame], pl.LazyFrame | None]:
    """Return tables without guest ids and payments, as the workspace declares them, by person; and the payments."""
    paid = payments_of(tables[TRANSACTIONS], sources) if sources and TRANSACTIONS in tables else None
    kept = {name: without_payments(frame, sources) if name == TRANSACTIONS else frame for name, frame in tables.items()}
    if paid is not None:
        paid = with_persons({TRANSACTIONS: paid}, persons)[TRANSACTIONS]
    return with_persons(without_guest_ids(kept, config.guest_ids), persons), paid


def _of_persons(persons: Mapping[str, str]) -> list[str]:
    if not persons:
        return []
    count = counted(len(set(persons.values())), "person")
    return [assumption(f"{len(persons):,} linked customer ids count as {count} ({IDENTITIES}, ckm link)")]


def _label(path: Path) -> str:
    if path == STDIN:
        return "standard input"
    found = path.resolve()
    # the name of a home folder is a user's name
    return "workspace" if found == Path.home() else unicode_text(found.name)


def _of_files(path: Path, options: IngestOptions, *, by_customer: bool) -> Dataset:
    files: list[Path] = [path]
    remarks: list[str] = []
    if path.is_dir():
        from ckm.io.readers.folder import files_in

        found = files_in(path)
        files, remarks = list(found.files), [*map(doubt, found.remarks)]
    plan, config = _plan(options, load_config(None))
    frames: list[pl.LazyFrame] = []
    files_of_note: dict[str, list[str]] = {}
    sources: set[str] = set()
    for file in files:
        known = pl.concat(frames) if frames else None
        rows, notes, source = _transactions(file, plan, config, known, by_customer=by_customer)
        frames.append(rows)
        sources.add(source)
        for text in notes:
            files_of_note.setdefault(text, []).append(file.name)
    for text, names in files_of_note.items():
        note = about(_names(names), text)
        # an analysis states its own basis
        remarks.append(assumption(note) if importance_of(text) is Importance.basis else note)
    if len(files) > 1:
        remarks.append(
            doubt(f"{len(files)} files are read one after the other: a row that is in two of them counts twice")
        )
    tables = without_guest_ids({TRANSACTIONS: joined_pages(frames)}, config.guest_ids)
    return Dataset(tables, _label(path), tuple(remarks), config=config, sources=tuple(sorted(sources)))


def _names(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _plan(options: IngestOptions, config: Config) -> tuple[Plan, Config]:
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


def _transactions(
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
        found = _scanned(source, conversion) or _read(source, conversion, totals)
        if _are_too_many(found):
            raise _refusal(file, source, conversion)
    left: list[str] = []
    if found.left_out:
        was = "was" if found.left_out == 1 else "were"
        left = [doubt(f"{found.left_out:,} of {counted(found.total, 'record')} failed validation and {was} excluded")]
    problems = [text for _, text in source.problems if importance_of(text) < Importance.method]
    notes = [*problems, *remarks, *conversion.remarks, *totals.remarks(), *conversion.cleaning_remarks()]
    return found.rows, [*at_least(Importance.assumption, notes), *left], conversion.mapping.name


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

    plan, config = _plan(options, load_config(None))
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


def _are_too_many(found: FitRows) -> bool:
    if found.failures is not None:
        return found.failures.are_too_many(found.total, MAX_REJECTS)
    return found.left_out > MAX_REJECTS * found.total


def _refusal(file: Path, source: Source, conversion: Conversion) -> InputError:
    """Return why a file is refused; the file is read again, because a scan does not validate each row."""
    found = _read(source, conversion)
    failures, mapping, total = found.failures, conversion.mapping, found.total
    assert failures is not None
    return InputError(
        failures.refusal(str(file), mapping, source.format, rows=total, limit=MAX_REJECTS),
        hint=failures.options(mapping, source, rows=total, loads=False),
        reasons=dict(failures.counts),
        rows=failures.first,
    )


def _scanned(source: Source, conversion: Conversion) -> FitRows | None:
    """Return the valid rows of an uncompressed Parquet file as a lazy frame; None if it must be read into memory."""
    if source.format.kind != "parquet" or source.format.compression or source.path == STDIN:
        return None
    from ckm.dataset.parquet_rows import scan_fit_rows

    try:
        found = scan_fit_rows(source.path, conversion, source.sample)
        remember([source.path], "write it anew where it came from")
        return found
    except PolarsError as error:
        raise InputError(f"{source.path}: the Parquet file is damaged") from error


def _read(source: Source, conversion: Conversion, totals: SalesTotals | None = None) -> FitRows:
    """Return the valid rows of any file, in memory."""
    from ckm.dataset.parquet_rows import FitRows
    from ckm.ingest.failures import Failures
    from ckm.ingest.schema_validator import SchemaValidator
    from ckm.ingest.validation import validated
    from ckm.schema import TABLES

    table = TABLES[TRANSACTIONS]
    good, failures, total = [pl.DataFrame(schema=table.dtypes)], Failures(), 0
    for batch in conversion.pieces(source.batches()):
        found = validated(batch, conversion, SchemaValidator(table))
        good.append(found.good)
        if totals is not None and conversion.orders is not None:
            totals.add(found.good)
        failures.add(found.failed)
        total += found.records
    return FitRows(pl.concat(good).lazy(), failures.rows, total, failures)
