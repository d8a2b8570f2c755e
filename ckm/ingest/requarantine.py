"""Try quarantined rows again, after a mapping was mended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import CkmError, UnknownNameError
from ckm.ingest.load import FileLoad, Settings
from ckm.ingest.plan import ByNames, Mapped, Plan, adjusted
from ckm.ingest.results import FileResult, Status
from ckm.ingest.validation import UNREAD
from ckm.mapping.platforms import NONE, platforms
from ckm.sources.format import Batch, FileFormat, rejected_frame
from ckm.store.loads import REQUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.ingest.options import IngestOptions
    from ckm.mapping.mapping import Mapping
    from ckm.store import Store

FILE = ["table", "source", "file_id"]
"""What tells one file's quarantine from another's."""


@dataclass(frozen=True)
class HeldRecords:
    """Quarantined records of one file, as a source that can be read again."""

    rows: pl.DataFrame

    @property
    def format(self) -> FileFormat:
        """The records' columns."""
        return FileFormat(kind="json", columns=tuple(self.sample.columns))

    @property
    def sample(self) -> pl.DataFrame:
        """The records that have columns; a record that could not be read has none."""
        records = self.rows.filter(~unread())["raw"]
        names = list(
            dict.fromkeys(name for record in records.str.json_decode(infer_schema_length=None) for name in record)
        )
        return records.str.json_decode(pl.Struct(dict.fromkeys(names, pl.String))).struct.unnest()

    @property
    def problems(self) -> list[tuple[int | None, str]]:
        """Nothing is mended here."""
        return []

    @property
    def expected_rows(self) -> int:
        """How many there are."""
        return len(self.rows)

    def batches(self) -> Iterator[Batch]:
        """Yield all records; those that could not be read stay rejected for the same reason."""
        refused = self.rows.filter(unread())
        reason = refused["reasons"].list.first().str.strip_prefix(UNREAD)
        rejected = rejected_frame(zip(refused["source_row"], reason, refused["raw"], strict=True))
        yield Batch(self.sample, self.rows.filter(~unread())["source_row"], rejected)


def unread() -> pl.Expr:
    """True for quarantined rows whose text is no record: no mapping mends them."""
    return pl.col("reasons").list.first().str.starts_with(UNREAD)


def requarantine(store: Store, mappings: list[Mapping], settings: Settings, options: IngestOptions) -> list[FileResult]:
    """Try every quarantined row again with the mapping that its source has now.

    Rows that are fit now are loaded and leave the quarantine, in one commit a file; all others stay in it.

    Parameters
    ----------
    store, settings
        See :func:`ckm.ingest.ingest_file`; the share of rejects does not matter here.
    mappings
        Those of the workspace.
    options
        What the caller adds to the mappings, or says of files loaded by names: few rows may leave open what a whole
        file settled.
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
    """Return the quarantined rows of one file, as they are while the lock is held."""
    quarantine = store.quarantine()
    assert quarantine is not None
    same = (pl.col("table") == table) & (pl.col("source") == source) & (pl.col("file_id") == file_id)
    return quarantine.filter(same).collect().sort("source_row")


def _plan(table: str, source: str, mappings: dict[str, Mapping], options: IngestOptions, settings: Settings) -> Plan:
    if source in mappings:
        return Mapped(mappings[source])
    if source == table:
        return ByNames.of(table, replace(options, platform=NONE), settings.currency)
    if source in platforms():
        return ByNames.of(table, replace(options, platform=source), settings.currency)
    raise UnknownNameError("mapping", source, mappings, where="maps/")


def _try_again(store: Store, plan: Plan, rows: pl.DataFrame, file: str, file_id: str, settings: Settings) -> FileResult:
    tried = ",".join(f"{load}:{row}" for load, row in rows.select("load_id", "source_row").iter_rows())
    again = hashlib.sha256(f"requarantine {file_id} {plan.fingerprint} {tried}".encode()).hexdigest()
    lenient = replace(settings, max_rejects=1.0)
    return FileLoad(HeldRecords(rows), plan, store, lenient, file, (file_id, again), kind=REQUARANTINE).run()
