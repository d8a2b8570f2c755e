"""Cache of a workspace's ledger, so that a second analysis does not read the transactions.

The cache is one file, ``store/ledger/ledger.npz``. It can be deleted at any time, because it is computed from the
transactions. It is valid for one version of the ledger's code, one time zone, one set of guest ids and one set of
payment sources. If the transactions or links have changed, the cached ledger is updated
(:mod:`ckm.customers.ledger_extension`) and written again, unless a rebuild is as fast. The file contains customer ids,
so the erasure of a customer deletes it. It is written under the store's lock, and only if the transactions have not
changed since they were read: otherwise an analysis could restore an erased customer.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ckm.customers.definitions import FINEST_MONEY_SCALE
from ckm.customers.ledger_extension import changes_since, extended, ledger_columns
from ckm.customers.ledger_file import StoredLedger, opened
from ckm.customers.ledger_needs import LEAST, Needs
from ckm.customers.ledger_reader import read_all_days
from ckm.customers.required_tables import TRANSACTIONS
from ckm.dataset.declared_guests import digest
from ckm.errors import CkmError
from ckm.identities import persons_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    import polars as pl

    from ckm.customers.ledger import Ledger
    from ckm.customers.ledger_extension import Changes
    from ckm.dataset import Dataset
    from ckm.store import Store, TableSnapshot

LEDGER_VERSION = 4
"""Version of the ledger's content and file format; raise it when either changes."""
FILE = "ledger.npz"


@dataclass(frozen=True)
class LedgerCache:
    """Cache file of a workspace's ledger.

    Attributes
    ----------
    store_dir, path
        Folder of the store, and the cache file in it.
    state
        Fingerprint of the current state of the transactions.
    guest_ids, payments
        Customer ids that the settings declare as guests, and sources that they declare as payments.
    writable
        Whether the file may be written; an existing file is read in any case.
    persons
        Person id by customer id of linked customers.
    """

    store_dir: Path
    path: Path
    state: str
    guest_ids: tuple[str, ...]
    writable: bool
    payments: tuple[str, ...] = ()
    persons: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def store(self) -> Store:
        """The store, opened without waiting for another writer."""
        from ckm.store import Store  # import here: deltalake is not needed for a plain file

        return Store(self.store_dir, wait=0)

    def key(self, time_zone: str) -> dict[str, Any]:
        """Return the facts that a cached ledger must have to be valid; guest ids, which can be names, as a digest."""
        return {"version": LEDGER_VERSION, "time_zone": time_zone, "guests": digest(self.guest_ids),
                "payments": [*self.payments]}  # fmt: skip

    @cached_property
    def links(self) -> str:
        """Digest of the links; empty without any."""
        return persons_digest(self.persons)

    def snapshot(self) -> TableSnapshot | None:
        """Return the data files of the transactions; None if the transactions have changed since :attr:`state`."""
        return self.store.snapshot(TRANSACTIONS, self.state)


def find_cache(dataset: Dataset, *, enabled: bool = True, keep: bool = True) -> LedgerCache | None:
    """Return the cache of a dataset's ledger; None for a file, or if not ``enabled``.

    ``keep``: whether a new ledger may be written, if the workspace is writable.
    """
    workspace = dataset.workspace
    if workspace is None or dataset.state is None or not enabled:
        return None
    folder, path = workspace.ledger_dir, workspace.ledger_dir / FILE
    if folder.is_symlink() or path.is_symlink() or (path.exists() and not path.is_file()):
        return None  # the target of a link must be neither written nor erased
    guest_ids = tuple(workspace.config.guest_ids)
    may_keep = keep and workspace.writable
    payments, persons = dataset.payment_sources, dataset.persons
    return LedgerCache(workspace.store_dir, path, dataset.state, guest_ids, may_keep, payments, persons)


def cached_ledger(
    tables: Mapping[str, pl.LazyFrame],
    cache: LedgerCache | None,
    *,
    as_of: date | None = None,
    time_zone: str = "UTC",
    needs: Needs = LEAST,
    keep_stray_dates: bool = False,
) -> Ledger:
    """Return the cached ledger, updated; else read the transactions and cache the ledger.

    Parameters
    ----------
    tables, as_of, time_zone, needs, keep_stray_dates
        See :func:`ckm.customers.ledger_reader.read_ledger`, also for the errors raised.
    cache
        Result of :func:`find_cache`; None: read the transactions, and cache nothing.
    """
    found = _all_days(tables, cache, as_of, time_zone, needs)
    return found if keep_stray_dates else found.on_usual_days(as_of_named=as_of is not None)


def _all_days(
    tables: Mapping[str, pl.LazyFrame], cache: LedgerCache | None, as_of: date | None, time_zone: str, needs: Needs
) -> Ledger:
    """Return the ledger of all days including stray ones, as the cache stores it."""
    if cache is None or needs.by is not None:  # ledgers of parts are not cached
        return read_all_days(tables, as_of=as_of, time_zone=time_zone, needs=needs)
    found = _load(cache, time_zone, needs) or _extend(cache, time_zone, needs)
    if found is None:
        if as_of is not None:  # later rows must not influence this analysis
            return read_all_days(tables, as_of=as_of, time_zone=time_zone, needs=needs)
        found = read_all_days(tables, time_zone=time_zone, needs=needs)
        _save(found, cache)
    return found if as_of is None else found.as_read_on(as_of)


def _load(cache: LedgerCache, time_zone: str, needs: Needs) -> Ledger | None:
    """Return the cached ledger of the current state; None without one."""
    # A damaged file fails its checksums; the ledger is then rebuilt.
    with suppress(Exception), opened(cache.path) as stored:
        if _fits(stored, cache, time_zone, needs) and _is_current(stored, cache):
            return stored.ledger(needs)
    return None


@contextmanager
def stored_ledger(cache: LedgerCache | None, time_zone: str, needs: Needs = LEAST) -> Iterator[StoredLedger | None]:
    """Yield the cached ledger of the present transactions for reading some of its arrays; None without one.

    A damaged file counts as missing. Nothing is read from the transactions.
    """
    with ExitStack() as files:
        stored = None
        if cache is not None:
            with suppress(Exception):
                opened_file = files.enter_context(opened(cache.path))
                if _fits(opened_file, cache, time_zone, needs) and _is_current(opened_file, cache):
                    stored = opened_file
        yield stored


def _extend(cache: LedgerCache, time_zone: str, needs: Needs) -> Ledger | None:
    """Return the cached ledger of an earlier state, updated and cached again; None if all rows must be read.

    The updated ledger has all sums of the cached one, also those that this analysis does not need.
    """
    found = None
    # On any error all transactions are read, which raises the error of a damaged data file.
    with suppress(Exception), opened(cache.path) as stored:
        changes = _changes(stored, cache) if _fits(stored, cache, time_zone, needs) else None
        if changes is not None:
            found = extended(stored.ledger(stored.needs), changes)
    if found is None:
        return None
    _save(found, cache)
    return found if found.needs == needs else StoredLedger.of(found).ledger(needs)


def _fits(stored: StoredLedger, cache: LedgerCache, time_zone: str, needs: Needs) -> bool:
    return cache.key(time_zone).items() <= stored.facts.items() and stored.needs.covers(needs)


def _is_current(stored: StoredLedger, cache: LedgerCache) -> bool:
    return bool(stored.facts["state"] == cache.state and stored.facts["links"] == cache.links)


def _changes(stored: StoredLedger, cache: LedgerCache) -> Changes | None:
    facts, snapshot = stored.facts, cache.snapshot()
    if snapshot is None or facts["columns"] != ledger_columns(snapshot.schema):
        return None
    return changes_since(
        snapshot,
        facts["files"],
        facts["customers"],
        cache.guest_ids,
        cache.payments,
        before=stored.persons(),
        persons=cache.persons,
    )


def _save(ledger: Ledger, cache: LedgerCache) -> None:
    """Cache a ledger if the workspace is writable and not locked; otherwise the next analysis reads all rows."""
    if not cache.writable or ledger.scale != FINEST_MONEY_SCALE:
        return
    with suppress(CkmError, OSError), cache.store.locked():
        snapshot = cache.snapshot()
        if snapshot is not None:
            made_from = {"state": cache.state, "files": [*snapshot.files], "columns": ledger_columns(snapshot.schema)}
            facts = cache.key(ledger.time_zone) | made_from | {"links": cache.links}
            StoredLedger.of(ledger, cache.persons, **facts).write(cache.path)
