"""Try quarantined rows again, after a mapping was mended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import CkmError, UnknownNameError
from ckm.ingest.load import FileLoad, Settings
from ckm.ingest.plan import ByNames, Mapped, Plan
from ckm.ingest.results import FileResult, Status
from ckm.sources.format import Batch, FileFormat, rejected_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.sources.mapping import Mapping
    from ckm.store import Store

UNREAD = "row|"
"""Reasons of records that the reader refused start with it: their text is no record, and no mapping mends it."""


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
        records = self.rows.filter(~self._unread())["raw"]
        if records.is_empty():
            return pl.DataFrame()
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
        unread = self.rows.filter(self._unread())
        reason = unread["reasons"].list.first().str.strip_prefix(UNREAD)
        rejected = rejected_frame(zip(unread["source_row"], reason, unread["raw"], strict=True))
        yield Batch(self.sample, self.rows.filter(~self._unread())["source_row"], rejected)

    def _unread(self) -> pl.Expr:
        return ~pl.col("raw").str.starts_with("{")


def requarantine(store: Store, mappings: list[Mapping], settings: Settings) -> list[FileResult]:
    """Try every quarantined row again with the mapping that its source has now.

    Rows that are fit now are loaded and leave the quarantine, in one commit a file; all others stay in it.
    """
    held = store.quarantine()
    if held is None:
        return []
    by_name = {mapping.name: mapping for mapping in mappings}
    groups = held.collect().sort("table", "source", "source_file", "source_row")
    results = []
    for (table, source, file_id), rows in groups.group_by("table", "source", "file_id", maintain_order=True):
        file = str(rows["source_file"][0])
        try:
            plan = _plan(str(table), str(source), by_name)
            results.append(_try_again(store, plan, HeldRecords(rows), file, str(file_id), settings))
        except CkmError as error:
            results.append(FileResult(file, str(table), Status.failed, error=error))
    return results


def _plan(table: str, source: str, mappings: dict[str, Mapping]) -> Plan:
    if source in mappings:
        return Mapped(mappings[source])
    if source == table:
        return ByNames(table)
    raise UnknownNameError("mapping", source, mappings, where="maps/")


def _try_again(store: Store, plan: Plan, held: HeldRecords, file: str, file_id: str, settings: Settings) -> FileResult:
    rows = ",".join(f"{load}:{row}" for load, row in held.rows.select("load_id", "source_row").iter_rows())
    again = hashlib.sha256(f"requarantine {file_id} {plan.fingerprint} {rows}".encode()).hexdigest()
    lenient = replace(settings, max_rejects=1.0)
    with store.locked():
        return FileLoad(held, plan, store, lenient, file, (file_id, again), kind="requarantine").run()
