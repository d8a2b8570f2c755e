"""Load quarantined rows again, after a mapping was fixed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import CkmError, UnknownNameError
from ckm.ingest.load import FileLoad, LoadSettings
from ckm.ingest.plan import MappingPlan, NameMatchingPlan, Plan, adjusted
from ckm.ingest.results import FileResult, Status
from ckm.ingest.validation import UNREAD
from ckm.io.mapping.platforms import NONE, platforms
from ckm.io.readers.format import Batch, FileFormat, rejected_frame
from ckm.store.loads import REQUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.ingest.options import IngestOptions
    from ckm.io.mapping.mapping import Mapping
    from ckm.store import Store

FILE = ["table", "source", "file_id"]
"""Key of the quarantine of one file."""


@dataclass(frozen=True)
class QuarantinedRecords:
    """Quarantined records of one file, as a source that can be read again."""

    rows: pl.DataFrame

    @property
    def format(self) -> FileFormat:
        """The columns of the records."""
        return FileFormat(kind="json", columns=tuple(self.sample.columns))

    @property
    def sample(self) -> pl.DataFrame:
        """The parsed records, without those that could not be parsed."""
        records = self.rows.filter(~unread())["raw"]
        names = list(
            dict.fromkeys(name for record in records.str.json_decode(infer_schema_length=None) for name in record)
        )
        return records.str.json_decode(pl.Struct(dict.fromkeys(names, pl.String))).struct.unnest()

    @property
    def problems(self) -> list[tuple[int | None, str]]:
        """Empty: quarantined records are not repaired."""
        return []

    @property
    def expected_rows(self) -> int:
        """The number of records."""
        return len(self.rows)

    def batches(self) -> Iterator[Batch]:
        """Yield all records; records that could not be parsed stay rejected with the same reason."""
        refused = self.rows.filter(unread())
        reason = refused["reasons"].list.first().str.strip_prefix(UNREAD)
        rejected = rejected_frame(zip(refused["source_row"], reason, refused["raw"], strict=True))
        yield Batch(self.sample, self.rows.filter(~unread())["source_row"], rejected)


def unread() -> pl.Expr:
    """Return an expression: whether a quarantined record could not be parsed, so that no mapping fixes it."""
    return pl.col("reasons").list.first().str.starts_with(UNREAD)


def requarantine(
    store: Store, mappings: list[Mapping], settings: LoadSettings, options: IngestOptions
) -> list[FileResult]:
    """Validate every quarantined row again with the current mapping of its source.

    Valid rows are loaded and removed from the quarantine, in one transaction per file; the others stay.

    Parameters
    ----------
    store, settings
        See :func:`ckm.ingest.ingest_file`; the share of rejects is ignored.
    mappings
        Mappings of the workspace.
    options
        Options that are added to each mapping, or used alone for files loaded by column names. They settle formats
        (such as the date order) that are ambiguous in a few rows but were clear in the whole file.
    """
    held = store.quarantine()
    if held is None:
        return []
    by_name = {mapping.name: adjusted(mapping, options) for mapping in mappings}
    files = held.select(*FILE, "source_file").unique(FILE).sort("table", "source", "source_file").collect()
    results = []
    for table, source, file_id, file in files.iter_rows():
        try:
            plan = _plan(table, source, by_name, options, settings)
            with store.locked():
                rows = _held(store, table, source, file_id)
                if len(rows.filter(~unread())):
                    results.append(_try_again(store, plan, rows, file, file_id, settings))
                else:
                    held_still = len(rows)
                    results.append(FileResult(file, table, Status.unchanged, rows=held_still, quarantined=held_still))
        except CkmError as error:
            results.append(FileResult(file, table, Status.failed, error=error))
    return results


def _held(store: Store, table: str, source: str, file_id: str) -> pl.DataFrame:
    """Return the quarantined rows of one file, while the lock is held."""
    quarantine = store.quarantine()
    assert quarantine is not None
    same = (pl.col("table") == table) & (pl.col("source") == source) & (pl.col("file_id") == file_id)
    return quarantine.filter(same).collect().sort("source_row")


def _plan(
    table: str, source: str, mappings: dict[str, Mapping], options: IngestOptions, settings: LoadSettings
) -> Plan:
    if source in mappings:
        return MappingPlan(mappings[source])
    if source == table:
        return NameMatchingPlan.of(table, replace(options, platform=NONE), settings.currency)
    if source in platforms():
        return NameMatchingPlan.of(table, replace(options, platform=source), settings.currency)
    raise UnknownNameError("mapping", source, mappings, where="maps/")


def _try_again(
    store: Store, plan: Plan, rows: pl.DataFrame, file: str, file_id: str, settings: LoadSettings
) -> FileResult:
    tried = ",".join(f"{load}:{row}" for load, row in rows.select("load_id", "source_row").iter_rows())
    again = hashlib.sha256(f"requarantine {file_id} {plan.fingerprint} {tried}".encode()).hexdigest()
    lenient = replace(settings, max_rejects=1.0)
    return FileLoad(QuarantinedRecords(rows), plan, store, lenient, file, (file_id, again), kind=REQUARANTINE).run()
