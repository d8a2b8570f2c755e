"""Load one file into one table."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import polars as pl

from ckm._privacy.tombstones import read_tombstones, without_erased
from ckm.errors import CkmError, InputError
from ckm.ingest.failures import Failures
from ckm.ingest.load_remarks import remarks_on_consents, remarks_on_flags, remarks_on_known_rows, remarks_on_names
from ckm.ingest.plan import mapping_for
from ckm.ingest.prefetch import prefetched
from ckm.ingest.results import FileResult, Status
from ckm.ingest.sales_totals import SalesTotals
from ckm.ingest.schema_validator import SchemaValidator
from ckm.ingest.stored_names import stored_names
from ckm.ingest.validation import validated, with_stored_names
from ckm.io.mapping import order_parts
from ckm.io.mapping.computed_columns import is_assumed_order
from ckm.io.mapping.planning import plan_conversion
from ckm.io.mapping.shown_columns import shown_columns
from ckm.io.mapping.stored_amounts import AMOUNTS, STORED_AMOUNTS
from ckm.io.mapping.unmapped_columns import unmapped_columns
from ckm.io.readers.partition import partition_of
from ckm.io.readers.read import open_source, refuse_absent
from ckm.store import LoadFacts, LoadWriter, Store
from ckm.store.delta import aligned
from ckm.store.loads import REQUARANTINE, last_pages
from ckm.store.side_tables import SCHEMA as QUARANTINE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckm.ingest.plan import Plan
    from ckm.ingest.validation import ValidatedBatch
    from ckm.io.readers.format import Batch, FileFormat
    from ckm.store import OnConflict

Progress = Callable[[float], None]


@dataclass(frozen=True)
class LoadSettings:
    """Settings of a load.

    Attributes
    ----------
    max_rejects
        Largest share of a file's records that may be quarantined; above it nothing of the file is loaded.
    on_conflict
        Action for existing keys with other values; see :func:`ckm.store.merge.plan_merge`.
    time_zone, currency
        Defaults where neither the file nor the mapping sets one.
    exported
        Export time of the files (ISO 8601, UTC); default: their newest timestamp.
    privacy
        Folder of the tombstones of erased persons, whose rows are dropped; None without one.
    """

    max_rejects: float = 0.05
    on_conflict: OnConflict | None = None
    time_zone: str = "UTC"
    currency: str = "EUR"
    exported: str | None = None
    privacy: Path | None = None


class Records(Protocol):
    """Interface of loadable records: a :class:`ckm.io.readers.read.Source`, or quarantined records."""

    @property
    def format(self) -> FileFormat:
        """The file format of the records."""
        ...

    @property
    def sample(self) -> pl.DataFrame:
        """The first records."""
        ...

    @property
    def problems(self) -> list[tuple[int | None, str]]:
        """Assumptions and repairs, with their lines."""
        ...

    @property
    def expected_rows(self) -> int:
        """The approximate number of records."""
        ...

    def batches(self) -> Iterator[Batch]:
        """Yield the records in batches."""
        ...


class TooManyRejectsError(InputError):
    """More records failed validation than ``max_rejects`` allows."""

    code = "too-many-rejects"

    def __init__(self, message: str, *, hint: str, failures: Failures, result: FileResult) -> None:
        super().__init__(message, hint=hint, reasons=dict(failures.counts), rows=failures.first)
        self.result = result


def content_id(path: Path, plan: Plan) -> tuple[str, str]:
    """Return the SHA-256 of a file and its folder columns, and the SHA-256 of these, the plan and the table."""
    refuse_absent(path)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be read'}") from error
    if partition := partition_of(path):  # equal files in two folders are different files
        digest = hashlib.sha256(f"{digest} {partition}".encode()).hexdigest()
    return digest, hashlib.sha256(f"{digest} {plan.fingerprint} {plan.table}".encode()).hexdigest()


def ingest_file(
    path: Path, plan: Plan, store: Store, settings: LoadSettings, *, label: str, progress: Progress = lambda share: None
) -> FileResult:
    """Load one file, unless it is already loaded.

    Waits for other writers. A file error is returned as a result with status ``failed``, so that the next files are
    loaded.

    Parameters
    ----------
    path
        The file.
    plan
        The plan that gives its mapping.
    store, settings
        The target and the settings.
    label
        Name of the file in the store and in messages.
    progress
        Called for each batch with its approximate share of the file.
    """
    try:
        with ThreadPoolExecutor(1) as pool:  # both go over the whole file
            opening = pool.submit(open_source, path, plan.hints, name=label)
            file_id, load_as = content_id(path, plan)
        with opening.result() as source, store.locked():
            if store.has(plan.table, load_as):
                return _unchanged(store, plan.table, load_as, label)
            return FileLoad(source, plan, store, settings, label, (file_id, load_as)).run(progress)
    except CkmError as error:
        counted = error.result if isinstance(error, TooManyRejectsError) else None
        failed = counted or FileResult(label, plan.table, Status.failed)
        return replace(failed, error=error)


def _unchanged(store: Store, table: str, load_as: str, label: str) -> FileResult:
    facts = store.load_of(table, load_as)
    assert facts is not None  # store.has found this load
    return FileResult(
        label,
        table,
        Status.unchanged,
        rows=facts.rows,
        unchanged=facts.accepted + facts.updated + facts.unchanged,
        duplicates=facts.duplicates,
        quarantined=facts.quarantined,
        erased=facts.erased,
        load_id=facts.load_id,
    )


class FileLoad:
    """The load of one open file, while the store's lock is held.

    Parameters
    ----------
    source
        The records.
    plan, store, settings, label
        See :func:`ingest_file`.
    ids
        SHA-256 of the file, and of file, plan and table (:func:`content_id`): the second is equal if the same load was
        done before.
    kind
        Kind of the load in the history.
    """

    def __init__(
        self,
        source: Records,
        plan: Plan,
        store: Store,
        settings: LoadSettings,
        label: str,
        ids: tuple[str, str],
        *,
        kind: str = "load",
    ) -> None:
        self.source = source
        self.store = store
        self.settings = settings
        self.label = label
        self.kind = kind
        self.file_id, self.load_as = ids
        self.mapping, self.remarks = mapping_for(plan, source.format, source.sample)
        self.table = self.mapping.target
        self.conversion = plan_conversion(
            self.mapping,
            source.format,
            source.sample,
            more=lambda: (batch.records for batch in source.batches()),
            default_zone=settings.time_zone,
            default_currency=settings.currency,
            zone_setting="time_zone in ckm.yaml",
        )
        self.conversion = self.conversion.with_known_orders(self._stored_orders(), self._last_pages())
        self.empty = self.conversion.apply(source.sample.clear()).frame
        self.stored_columns = store.columns(self.table.name)
        self.names = stored_names(self.empty.schema, self.table, self.stored_columns)
        self.unfilled = [name for name in self.table.dtypes if name not in self.conversion.filled]
        self.validator = SchemaValidator(self.table, self.unfilled)
        self.totals = SalesTotals()
        self.tombstones = read_tombstones(settings.privacy) if settings.privacy is not None else None
        self.records = 0
        self.failures = Failures()
        self.flags: Counter[str] = Counter()

    def _stored_orders(self) -> pl.LazyFrame | None:
        """Return the rows of this source in the store; None if there are none."""
        if self.table.name not in self.store.tables():
            return None
        return self.store.scan(self.table.name).filter(pl.col("source") == self.mapping.name)

    def _last_pages(self) -> list[str]:
        """The files of the last export of this source: pages that this file may continue."""
        loads = (load for load in self.store.history() if load.facts.table == self.table.name)
        return [facts.file for facts in last_pages(loads, self.mapping.name)]

    def run(self, progress: Progress = lambda share: None) -> FileResult:
        """Read, validate and store all records; store nothing if too many fail."""
        writer = self._begin()
        try:
            pieces = self.conversion.pieces(self.source.batches())
            for batch in prefetched(pieces):
                records = self._take(validated(batch, self.conversion, self.validator, self.names), writer)
                progress(records / max(records, self.source.expected_rows))
            self._refuse_too_many_rejects(writer)
        except BaseException:
            writer.discard()
            raise
        facts = writer.finish(self.settings.on_conflict)
        return replace(self._result(facts), upkeep=tuple(writer.upkeep))

    def _begin(self) -> LoadWriter:
        key = self.mapping.key_columns
        facts = LoadFacts(
            load_id="",
            table=self.table.name,
            kind=self.kind,
            file=self.label,
            file_id=self.file_id,
            content_id=self.load_as,
            source=self.mapping.name,
            key=key,
            content=self.table.content,
            by_order=self._has_orders and not is_assumed_order(self.conversion.mapping.columns),
            assumed_orders=self._has_orders and is_assumed_order(self.conversion.mapping.columns),
            whole=self.mapping.whole_orders,
            moment=self.settings.exported,
            tells_refunds=self.conversion.orders is None or self.conversion.orders.has_refund_amounts,
            amounts=tuple(name for name in AMOUNTS[1:] if name in self.conversion.mapping.columns),
        )
        nowhere = pl.Series([], dtype=pl.Int64)
        never = [name for name in self.table.ancillary if name in self.unfilled]
        schema = with_stored_names(self.empty.drop(never), self.names, nowhere).schema
        return self.store.begin(
            facts,
            schema=schema,
            expected_rows=self.source.expected_rows,
            continues=self.kind == REQUARANTINE,
            amounts=order_parts
            if STORED_AMOUNTS in schema or (self._has_orders and STORED_AMOUNTS in self.stored_columns)
            else None,
        )

    @property
    def _has_orders(self) -> bool:
        """Return whether the rows form orders, of which later exports have later states.

        For orders with a derived id, a later export adds rows of the same customer and time.
        """
        document = self.table.document
        return document is not None and document in self.mapping.key_columns and self.kind != REQUARANTINE

    def _take(self, batch: ValidatedBatch, writer: LoadWriter) -> int:
        """Write a batch to the store and return its number of records."""
        good, failed = batch.good.drop(self.unfilled), batch.failed
        if self.tombstones is not None:
            good, failed = without_erased(good, failed, self.tombstones)
            writer.erased += len(batch.good) + len(batch.failed) - len(good) - len(failed)
        writer.add(good)
        self.records += batch.records
        if self.conversion.orders is not None and self.conversion.orders.of_sales:
            self.totals.add(good)
        if len(failed):
            self.failures.add(failed.select("source_row", "reasons"))
            origin = {
                "load_id": writer.facts.load_id,
                "table": self.table.name,
                "source": self.mapping.name,
                "file_id": self.file_id,
                "source_file": self.label,
            }
            rows = failed.with_columns(pl.lit(value).alias(name) for name, value in origin.items())
            writer.quarantine(aligned(rows, QUARANTINE_SCHEMA))
        self.flags.update(batch.flags.explode())
        return batch.records

    def _refuse_too_many_rejects(self, writer: LoadWriter) -> None:
        facts = writer.counts()
        if self.failures.are_too_many(self.records, self.settings.max_rejects):
            found, limit = self.source.format, self.settings.max_rejects
            message = self.failures.refusal(self.label, self.mapping, found, rows=self.records, limit=limit)
            raise TooManyRejectsError(
                f"{message}; nothing was loaded",
                hint=self.failures.options(self.mapping, self.source, rows=self.records, loads=True),
                failures=self.failures,
                result=self._result(facts, Status.failed),
            )

    def _result(self, facts: LoadFacts, status: Status = Status.loaded) -> FileResult:
        found = self.source.format
        unmapped = unmapped_columns(self.conversion.mapping, found.columns).others
        extras = [*unmapped, *self.conversion.mapping.aside]
        extra = ", ".join(map(repr, shown_columns(unmapped, named=found.named)))
        problems = [text if line is None else f"line {line}: {text}" for line, text in self.source.problems]
        return FileResult(
            self.label,
            self.table.name,
            status,
            encoding=found.encoding,
            delimiter=found.delimiter,
            decimal=self.conversion.decimal,
            date_format=self.conversion.date_format,
            rows=facts.rows,
            accepted=facts.accepted,
            updated=facts.updated,
            unchanged=facts.unchanged,
            duplicates=facts.duplicates,
            quarantined=facts.quarantined,
            erased=facts.erased,
            load_id=facts.load_id if status is Status.loaded else None,
            details=(f"kept as extra columns (not mapped): {extra}",) if extra else (),
            reasons=dict(self.failures.ordered()),
            remarks=(
                *remarks_on_known_rows(facts),
                *self.remarks,
                *self.conversion.remarks,
                *self.totals.remarks(),
                *self.conversion.cleaning_remarks(),
                *problems,
                *remarks_on_flags(self.flags),
                *remarks_on_consents(self.table.name, extras, named=found.named, quarantined=facts.quarantined),
                *remarks_on_names(self.names, named=found.named),
            ),
        )
