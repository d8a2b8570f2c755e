"""Datasets: the tables of a workspace, or transactions from a file, as input of an analysis."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

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
from ckm.dataset.transactions_file import TRANSACTIONS as TRANSACTIONS
from ckm.dataset.transactions_file import WHO as WHO
from ckm.dataset.transactions_file import plan_of, transactions_of
from ckm.errors import NotEnoughDataError, UsageError
from ckm.identities import FILE as IDENTITIES
from ckm.identities import read_identities
from ckm.ingest.options import IngestOptions
from ckm.paths import STDIN
from ckm.plaintext import unicode_text
from ckm.remark import Importance, about, assumption, doubt, importance_of
from ckm.time_zones import end_of_day
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

AS_FOUND = IngestOptions()


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
        data_label(root),
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


def data_label(path: Path) -> str:
    """Return the name of data for reports: that of the file or folder, without its path."""
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
    plan, config = plan_of(options, load_config(None))
    frames: list[pl.LazyFrame] = []
    files_of_note: dict[str, list[str]] = {}
    sources: set[str] = set()
    for file in files:
        known = pl.concat(frames) if frames else None
        rows, notes, source = transactions_of(file, plan, config, known, by_customer=by_customer)
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
    return Dataset(tables, data_label(path), tuple(remarks), config=config, sources=tuple(sorted(sources)))


def _names(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
