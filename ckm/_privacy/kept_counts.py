"""Rows of an erased person without ids and contacts, so that past totals do not change (``erase --keep-counts``).

The random id and the key of the hashed order numbers are only in the journal, which is deleted at the end of the
erasure. So the customer id or an order number cannot be computed from the kept rows.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._privacy.person import CUSTOMER
from ckm.identities import SAME, components
from ckm.schema import RESERVED_COLUMNS, TABLES, Exposure
from ckm.store.runs import is_runs
from ckm.store.side_tables import REPLACED, REPLACED_BY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckm.identities import Identities
    from ckm.store import Store

PREFIX = "erased-"
RANDOM_BYTES = 8
DOCUMENTS = ("order_id", "invoice_id", "interaction_id")
"""Numbers of documents; they become keyed hashes, so that lines of an order stay one order."""
KEPT = frozenset({*RESERVED_COLUMNS, REPLACED_BY, "line_no"}) - {"source_row"}
KEPT_EXPOSURES = frozenset({Exposure.group, Exposure.amount})
MASTER = "customers"


@dataclass(frozen=True)
class KeptCounts:
    """Random ids and a key, by which rows of erased persons are kept without the persons.

    Attributes
    ----------
    aliases
        Random id by customer id; linked ids have the same random id.
    key
        Key of the hashes of document numbers (256 bits, hexadecimal).
    masters
        For each person, the customer id whose row in the table ``customers`` is kept; the rows of linked ids are not.
    """

    aliases: Mapping[str, str]
    key: str
    masters: tuple[str, ...]

    def rows(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of a table with random ids, hashed document numbers, and the columns of groups and amounts.

        A row without a customer id gets no random id. Saved runs keep all columns.
        """
        name = table.removesuffix(REPLACED)
        if name == MASTER:
            rows = rows.filter(pl.col(CUSTOMER).is_in(list(self.masters)))
        only = next(iter(self.aliases.values()))  # for rows found by a contact: their id is not in aliases
        alias = pl.col(CUSTOMER).replace_strict(self.aliases, default=only, return_dtype=pl.String)
        who = pl.when(pl.col(CUSTOMER).is_not_null()).then(alias).alias(CUSTOMER)
        if is_runs(name):
            return rows.with_columns(who)
        numbers = [self._hashed(rows[each]) for each in DOCUMENTS if each in rows.columns]
        kept = [each for each in rows.columns if each in KEPT or self._is_shared(name, each)]
        return rows.select(who, *numbers, *kept)

    @staticmethod
    def _is_shared(table: str, column: str) -> bool:
        known = table in TABLES and column in TABLES[table].dtypes
        return known and TABLES[table].exposure(column) in KEPT_EXPOSURES

    def _hashed(self, numbers: pl.Series) -> pl.Series:
        known = numbers.drop_nulls().unique()
        key = bytes.fromhex(self.key)
        digests = [
            PREFIX + hmac.digest(key, each.encode("utf-8", "surrogatepass"), "sha256")[:10].hex() for each in known
        ]
        return numbers.replace_strict(known, pl.Series(digests, dtype=pl.String), default=None, return_dtype=pl.String)


def kept_counts(store: Store, ids: Iterable[str], identities: Identities) -> KeptCounts:
    """Return random ids for the persons with these customer ids (one for all linked ids), and a random key."""
    root = components((link.left, link.right) for link in identities.links if link.verdict == SAME)
    of_person: dict[str, list[str]] = {}
    for each in ids:
        of_person.setdefault(str(root.get(each, each)), []).append(each)
    aliases: dict[str, str] = {}
    for members in of_person.values():
        aliases |= dict.fromkeys(members, f"{PREFIX}{secrets.token_hex(RANDOM_BYTES)}")
    known: set[str] = set()
    if MASTER in store.tables():
        rows = store.scan(MASTER).filter(pl.col(CUSTOMER).is_in(list(aliases))).select(CUSTOMER)
        known = {*rows.collect()[CUSTOMER]}
    first = (next((each for each in sorted(members) if each in known), None) for members in of_person.values())
    return KeptCounts(aliases, secrets.token_hex(32), tuple(each for each in first if each is not None))
