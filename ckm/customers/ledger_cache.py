"""The ledger that a workspace keeps beside its tables, so that a second analysis reads no transactions.

One file, ``store/ledger/ledger.npz``: whatever it says can be read again from the transactions, so deleting it costs
time and nothing else. It is used only where it was made from the very state of the transactions that is there now, by
this version of the ledger, in the same time zone; else it is made anew and replaces the old one. It holds customers'
ids, and goes when a customer is erased: it is written under the store's lock, and only while the transactions are still
those from which it was made, so that no analysis brings back whom an erasure took meanwhile.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm.customers.baskets import EMPTY, Baskets, SaleDays
from ckm.customers.coverage import Coverage, Currency
from ckm.customers.day_totals import DayTotals
from ckm.customers.definitions import FINEST_MONEY_SCALE, KINDS
from ckm.customers.guests import Guests
from ckm.customers.ledger import Ledger
from ckm.customers.ledger_reader import read_all_days
from ckm.customers.needs import LEAST, Needs
from ckm.customers.source import TRANSACTIONS
from ckm.dataset.declared_guests import digest
from ckm.errors import CkmError
from ckm.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ckm.dataset import Dataset

    Whole = NDArray[np.integer[Any]]

LEDGER_VERSION = 1
"""Of what a ledger says of given transactions, and of the file: raise it when either changes."""
FILE = "ledger.npz"
DAYS = ("purchases", "later_lines", "returns")
BASKETS = ("categories", "channels")


@dataclass(frozen=True)
class LedgerCache:
    """Where a workspace keeps its ledger.

    Attributes
    ----------
    store_dir, path
        The store, and the file in it.
    state
        What tells the present state of the transactions from any other.
    guests
        What tells the declared guest ids from any others.
    writable
        Whether a ledger may be kept; one that is there is used all the same.
    """

    store_dir: Path
    path: Path
    state: str
    guests: str
    writable: bool

    def key(self, time_zone: str) -> str:
        """What a kept ledger must have been made from and by to be used."""
        return f"{LEDGER_VERSION} {self.state} {time_zone} {self.guests}"


def find_cache(dataset: Dataset, *, enabled: bool = True, keep: bool = True) -> LedgerCache | None:
    """Return where the ledger of a dataset is kept; None for a file, or if not ``enabled``.

    ``keep`` says whether a new ledger may be written; it never is where the workspace cannot be written.
    """
    workspace = dataset.workspace
    if workspace is None or dataset.state is None or not enabled:
        return None
    folder, path = workspace.ledger_dir, workspace.ledger_dir / FILE
    if folder.is_symlink() or path.is_symlink() or (path.exists() and not path.is_file()):
        return None  # what a link leads to is not ours to write, nor to erase
    guests = digest(workspace.config.guest_ids)
    return LedgerCache(workspace.store_dir, path, dataset.state, guests, keep and workspace.writable)


def cached_ledger(
    tables: Mapping[str, pl.LazyFrame],
    cache: LedgerCache | None,
    *,
    as_of: date | None = None,
    time_zone: str = "UTC",
    needs: Needs = LEAST,
    keep_stray_dates: bool = False,
) -> Ledger:
    """Return the ledger that is kept, else read the transactions and keep what was read.

    Parameters
    ----------
    tables, as_of, time_zone, needs, keep_stray_dates
        See :func:`ckm.customers.ledger_reader.read_ledger`, which also says what is raised.
    cache
        Of :func:`find_cache`; None reads the transactions and keeps nothing.
    """
    found = _all_days(tables, cache, as_of, time_zone, needs)
    return found if keep_stray_dates else found.on_usual_days(as_of_named=as_of is not None)


def _all_days(
    tables: Mapping[str, pl.LazyFrame], cache: LedgerCache | None, as_of: date | None, time_zone: str, needs: Needs
) -> Ledger:
    """Return the ledger of all days, stray ones too: what is kept is that of the rows, whatever is made of them."""
    if cache is None or needs.by is not None:  # parts are of one column, and are not kept
        return read_all_days(tables, as_of=as_of, time_zone=time_zone, needs=needs)
    found = _load(cache, time_zone, needs)
    if found is None:
        if as_of is not None:  # what comes after the day is none of this analysis's business
            return read_all_days(tables, as_of=as_of, time_zone=time_zone, needs=needs)
        found = read_all_days(tables, time_zone=time_zone, needs=needs)
        if cache.writable and found.scale == FINEST_MONEY_SCALE:
            with suppress(CkmError, OSError):  # without a kept ledger the next analysis takes longer
                _save(found, cache)
    return found if as_of is None else found.standing_on(as_of)


def _save(ledger: Ledger, cache: LedgerCache) -> None:
    meta = {
        "key": cache.key(ledger.time_zone),
        "needs": asdict(ledger.needs),
        "begins": ledger.begins.isoformat(),
        "as_of": ledger.as_of.isoformat(),
        "currency": ledger.currency,
        "largest": ledger.coverage.largest,
        "currencies": [list(each) for each in ledger.coverage.currencies],
        "totals": {name: list(getattr(ledger, name).totals) for name in DAYS},
        "dimensions": list(ledger.dimensions),
    }
    arrays = {"meta": _of_text([json.dumps(meta)])[0]}
    for name, each in _lists(ledger).items():
        if isinstance(each, pl.Series):
            arrays[f"{name}.text"], arrays[f"{name}.ends"] = _of_text(each.to_list())
        else:
            arrays[name] = _narrow(each)
    from ckm.store import Store

    store = Store(cache.store_dir, wait=0)
    with store.locked():
        if store.state(TRANSACTIONS) == cache.state:
            with replacing(cache.path) as draft, draft.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)


def _of_text(texts: list[str]) -> tuple[Whole, Whole]:
    """Texts as the bytes of all of them, and where each ends."""
    encoded = [each.encode() for each in texts]
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), np.cumsum([len(each) for each in encoded], dtype=np.int64)


def _narrow(numbers: Whole) -> Whole:
    """Whole numbers in as few bytes as the largest of them takes."""
    if not len(numbers):
        return numbers
    ends = [np.min_scalar_type(int(end)) for end in (numbers.min(), numbers.max())]
    return numbers.astype(np.promote_types(*ends))


def _lists(ledger: Ledger) -> dict[str, Whole | pl.Series]:
    """Whatever is as long as there are customers, days or values, by its name: whole numbers, and texts as a series."""
    lists: dict[str, Whole | pl.Series] = {"customers": ledger.customers}
    for name in DAYS:
        days: DayTotals = getattr(ledger, name)
        lists[f"{name}.keys"] = days.keys
        lists |= {f"{name}.{total}": days.of(total) for total in days.totals}
    for name in BASKETS:
        baskets: Baskets = getattr(ledger, name)
        lists |= {f"{name}.keys": baskets.keys, f"{name}.lines": baskets.lines, f"{name}.names": baskets.names}
        lists |= {f"{name}.sale_items": baskets.sale_days.items, f"{name}.sale_days": baskets.sale_days.days}
    lists |= {f"guests.{name}": each for name, each in vars(ledger.guests).items()}
    for name, sums in ledger.dimensions.items():
        lists[f"dimensions.{name}.value"] = sums["value"]
        lists |= {f"dimensions.{name}.{column}": sums[column].to_numpy() for column in ("day", "net")}
    lists |= {"coverage.days": ledger.coverage.days, "coverage.lines": ledger.coverage.lines.ravel()}
    return lists


def _load(cache: LedgerCache, time_zone: str, needs: Needs) -> Ledger | None:
    """Return what is kept; None where there is nothing, or something else, or what cannot be read."""
    try:
        with cache.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            meta = json.loads(arrays["meta"].tobytes())
            there = Needs(**meta["needs"])
            if meta["key"] != cache.key(time_zone) or not there.covers(needs):
                return None
            return _ledger(_Lists(arrays), meta, time_zone, needs)
    except Exception:  # each member has a checksum: whatever is wrong with the file, it is made anew
        return None


class _Lists:
    """The lists of the file, each read, and held against its checksum, when it is asked for."""

    def __init__(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        self._arrays = arrays

    def array(self, name: str, dtype: type[np.integer[Any]] = np.int64) -> np.ndarray[Any, Any]:
        return self._arrays[name].astype(dtype)

    def series(self, name: str) -> pl.Series:
        import pyarrow as pa

        ends = np.concatenate([[0], self.array(f"{name}.ends")]).astype(np.int64)
        buffers = [pa.py_buffer(each.tobytes()) for each in (ends, self._arrays[f"{name}.text"])]
        return pl.Series(pa.LargeStringArray.from_buffers(len(ends) - 1, *buffers))


def _ledger(lists: _Lists, meta: Mapping[str, Any], time_zone: str, needs: Needs) -> Ledger:
    customers = lists.series("customers").alias("customer_id")

    def day_totals(name: str) -> DayTotals:
        wanted = [total for total in meta["totals"][name] if needs.amounts or total in ("net", "lines", "orders")]
        sums = {total: lists.array(f"{name}.{total}") for total in wanted}
        return DayTotals.of_sums(lists.array(f"{name}.keys"), sums, len(customers))

    def baskets(name: str) -> Baskets:
        if not needs.baskets:
            return EMPTY
        sale_days = SaleDays(lists.array(f"{name}.sale_items"), lists.array(f"{name}.sale_days", np.int32))
        names = lists.series(f"{name}.names").alias("value")
        return Baskets(lists.array(f"{name}.keys"), lists.array(f"{name}.lines"), names, sale_days)

    guests, dimensions = Guests.none(), {}
    if needs.shop:
        day = lists.array("guests.day", np.int32)
        guests = Guests(day, lists.array("guests.purchases"), lists.array("guests.returns"))
        dimensions = {
            name: pl.DataFrame(
                {
                    "value": lists.series(f"dimensions.{name}.value"),
                    "day": lists.array(f"dimensions.{name}.day", np.int32),
                    "net": lists.array(f"dimensions.{name}.net"),
                }
            )
            for name in meta["dimensions"]
        }
    as_of = date.fromisoformat(meta["as_of"])
    coverage = Coverage(
        days=lists.array("coverage.days"),
        lines=lists.array("coverage.lines").reshape(-1, len(KINDS)),
        currencies=tuple(Currency(*each) for each in meta["currencies"]),
        largest=meta["largest"],
        as_of=(as_of - date(1970, 1, 1)).days,
    )
    purchases, later_lines, returns = (day_totals(name) for name in DAYS)
    return Ledger(
        customers=customers,
        purchases=purchases,
        later_lines=later_lines,
        returns=returns,
        coverage=coverage,
        begins=date.fromisoformat(meta["begins"]),
        as_of=as_of,
        currency=meta["currency"],
        scale=FINEST_MONEY_SCALE,
        time_zone=time_zone,
        categories=baskets("categories"),
        channels=baskets("channels"),
        guests=guests,
        dimensions=dimensions,
        needs=needs,
    )
