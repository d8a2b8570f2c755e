"""File format of a ledger: one ``npz`` file of integer arrays and texts, with a checksum for each array."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm.customers.baskets import EMPTY, Baskets, SaleDays
from ckm.customers.coverage import Coverage, Currency
from ckm.customers.day_totals import DayTotals
from ckm.customers.definitions import FINEST_MONEY_SCALE, KINDS
from ckm.customers.guests import Guests
from ckm.customers.ledger import Ledger
from ckm.customers.ledger_needs import Needs
from ckm.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Integers = NDArray[np.integer[Any]]

DAYS = ("purchases", "later_lines", "returns")
BASKETS = ("categories", "channels")
FACTS = "facts"
LINKS = {"customers": pl.String, "persons": pl.String}


@dataclass(frozen=True)
class StoredLedger:
    """A ledger in the finest money scale, without parts.

    Attributes
    ----------
    facts
        Scalar facts, which JSON can represent.
    arrays
        Integer arrays by name; a column of texts has two arrays, UTF-8 bytes and end offsets. An array of a file is
        read, and its checksum verified, at each access.
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray[Any, Any]]

    @classmethod
    def of(cls, ledger: Ledger, persons: Mapping[str, str] | None = None, **facts: Any) -> StoredLedger:
        """Return the stored form of a ledger, with the person ids of linked customers and additional ``facts``."""
        arrays: dict[str, Integers] = {}
        links = pl.DataFrame({"customers": [*(persons or {})], "persons": [*(persons or {}).values()]}, LINKS)
        for name, each in (_arrays_by_name(ledger) | {f"links.{name}": links[name] for name in LINKS}).items():
            if isinstance(each, pl.Series):
                arrays[f"{name}.text"], arrays[f"{name}.ends"] = _of_text(each.to_list())
            else:
                arrays[name] = _narrow(each)
        own = {
            "customers": len(ledger.customers),
            "needs": asdict(ledger.needs),
            "begins": ledger.begins.isoformat(),
            "as_of": ledger.as_of.isoformat(),
            "currency": ledger.currency,
            "time_zone": ledger.time_zone,
            "largest": ledger.coverage.largest,
            "currencies": [list(each) for each in ledger.coverage.currencies],
            "totals": {name: list(getattr(ledger, name).totals) for name in DAYS},
            "dimensions": list(ledger.dimensions),
        }
        return cls(own | facts, arrays)

    @property
    def needs(self) -> Needs:
        """Needs that the ledger was read with."""
        return Needs(**self.facts["needs"])

    def write(self, path: Path) -> None:
        """Write the ledger, replacing the file."""
        with replacing(path) as draft, draft.open("wb") as file:
            self.pack(file)

    def pack(self, file: IO[bytes]) -> None:
        """Write the ledger to an open file."""
        np.savez(file, allow_pickle=False, **{FACTS: _of_text([json.dumps(self.facts)])[0]}, **self.arrays)

    @staticmethod
    @contextmanager
    def unpacked(file: IO[bytes]) -> Iterator[StoredLedger]:
        """Yield the ledger in an open file; arrays are read while it is open."""
        with np.load(file, allow_pickle=False) as arrays:
            yield StoredLedger(json.loads(arrays[FACTS].tobytes()), arrays)

    def ledger(self, needs: Needs) -> Ledger:
        """Return the ledger with the sums in ``needs`` only."""
        facts = self.facts
        customers = self._series("customers").alias("customer_id")
        purchases, later_lines, returns = (self._day_totals(name, len(customers), needs) for name in DAYS)
        return Ledger(
            customers=customers,
            purchases=purchases,
            later_lines=later_lines,
            returns=returns,
            coverage=self.coverage(),
            begins=date.fromisoformat(facts["begins"]),
            as_of=date.fromisoformat(facts["as_of"]),
            currency=facts["currency"],
            scale=FINEST_MONEY_SCALE,
            time_zone=facts["time_zone"],
            categories=self._baskets("categories") if needs.baskets else EMPTY,
            channels=self._baskets("channels") if needs.baskets else EMPTY,
            guests=self._guests() if needs.shop else Guests.none(),
            dimensions={name: self._revenue(f"dimensions.{name}") for name in facts["dimensions"] if needs.shop},
            needs=needs,
        )

    def persons(self) -> dict[str, str]:
        """Return the person id by customer id of linked customers."""
        return dict(zip(*(self._series(f"links.{name}") for name in LINKS), strict=True))

    def coverage(self) -> Coverage:
        """Return all lines by day and kind."""
        as_of = date.fromisoformat(self.facts["as_of"])
        return Coverage(
            days=self._array("coverage.days"),
            lines=self._array("coverage.lines").reshape(-1, len(KINDS)),
            currencies=tuple(Currency(*each) for each in self.facts["currencies"]),
            largest=self.facts["largest"],
            as_of=(as_of - date(1970, 1, 1)).days,
        )

    def sold_items(self, name: str) -> tuple[pl.Series, SaleDays]:
        """Return the values of ``categories`` or ``channels`` (String), and the days on which the shop sold each."""
        sale_days = SaleDays(
            self._array(f"{name}.sale_items"),
            self._array(f"{name}.sale_days", np.int32),
            self._array(f"{name}.sale_lines"),
        )
        text, ends = self.arrays[f"{name}.names.text"].tobytes(), self._array(f"{name}.names.ends").tolist()
        names = [text[start:end].decode() for start, end in pairwise([0, *ends])]  # few: no pyarrow is needed
        return pl.Series("value", names, dtype=pl.String), sale_days

    def _day_totals(self, name: str, customers: int, needs: Needs) -> DayTotals:
        always = ("net", "lines", "orders", "undated", "undated_lines")
        wanted = [total for total in self.facts["totals"][name] if needs.amounts or total in always]
        sums = {total: self._array(f"{name}.{total}") for total in wanted}
        return DayTotals.of_sums(self._array(f"{name}.keys"), sums, customers)

    def _baskets(self, name: str) -> Baskets:
        names, sale_days = self.sold_items(name)
        return Baskets(self._array(f"{name}.keys"), self._array(f"{name}.lines"), names, sale_days)

    def _guests(self) -> Guests:
        day = self._array("guests.day", np.int32)
        return Guests(day, self._array("guests.purchases"), self._array("guests.returns"))

    def _revenue(self, name: str) -> pl.DataFrame:
        value, day = self._series(f"{name}.value"), self._array(f"{name}.day", np.int32)
        return pl.DataFrame({"value": value, "day": day, "net": self._array(f"{name}.net")})

    def _array(self, name: str, dtype: type[np.integer[Any]] = np.int64) -> np.ndarray[Any, Any]:
        return self.arrays[name].astype(dtype)

    def _series(self, name: str) -> pl.Series:
        import pyarrow as pa

        ends = np.concatenate([[0], self._array(f"{name}.ends")]).astype(np.int64)
        buffers = [pa.py_buffer(each.tobytes()) for each in (ends, self.arrays[f"{name}.text"])]
        return pl.Series(pa.LargeStringArray.from_buffers(len(ends) - 1, *buffers))


@contextmanager
def opened(path: Path) -> Iterator[StoredLedger]:
    """Yield the ledger in a file; arrays are read while the file is open."""
    with path.open("rb") as file, StoredLedger.unpacked(file) as stored:
        yield stored


def _of_text(texts: list[str]) -> tuple[Integers, Integers]:
    """Return the UTF-8 bytes of all texts, and the end offset of each text."""
    encoded = [each.encode() for each in texts]
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), np.cumsum([len(each) for each in encoded], dtype=np.int64)


def _narrow(numbers: Integers) -> Integers:
    """Return integers in the narrowest type that fits."""
    if not len(numbers):
        return numbers
    ends = [np.min_scalar_type(int(end)) for end in (numbers.min(), numbers.max())]
    return numbers.astype(np.promote_types(*ends))


def _arrays_by_name(ledger: Ledger) -> dict[str, Integers | pl.Series]:
    """Return all arrays of a ledger by name: integers, and texts as a series."""
    arrays: dict[str, Integers | pl.Series] = {"customers": ledger.customers}
    for name in DAYS:
        days: DayTotals = getattr(ledger, name)
        arrays[f"{name}.keys"] = days.keys
        arrays |= {f"{name}.{total}": days.of(total) for total in days.totals}
    for name in BASKETS:
        baskets: Baskets = getattr(ledger, name)
        arrays |= {f"{name}.keys": baskets.keys, f"{name}.lines": baskets.lines, f"{name}.names": baskets.names}
        sold = baskets.sale_days
        arrays |= {f"{name}.sale_items": sold.items, f"{name}.sale_days": sold.days, f"{name}.sale_lines": sold.lines}
    arrays |= {f"guests.{name}": each for name, each in vars(ledger.guests).items()}
    for name, sums in ledger.dimensions.items():
        arrays[f"dimensions.{name}.value"] = sums["value"]
        arrays |= {f"dimensions.{name}.{column}": sums[column].to_numpy() for column in ("day", "net")}
    arrays |= {"coverage.days": ledger.coverage.days, "coverage.lines": ledger.coverage.lines.ravel()}
    return arrays
