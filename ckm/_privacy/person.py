"""Ids, contacts and names of one person in the store, and the conditions for rows of the person."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm._link.linkage import AUTOMATIC
from ckm._privacy.contacts import EMAIL, contact_columns, contact_key, contacts, has_contact, name_columns
from ckm.errors import RefusedError
from ckm.identities import FILE as IDENTITIES
from ckm.identities import SAME, components
from ckm.pseudonym import is_contact
from ckm.store.delta import StoredTable
from ckm.store.erase import RELATED
from ckm.store.quarantine_search import names_customer, values_of_record
from ckm.store.side_tables import QUARANTINE, REPLACED
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ckm.identities import Identities
    from ckm.store import Store

CUSTOMER = "customer_id"
FULL_NAME = "full_name"
SHORTEST_NAME = 7
"""Characters of a single Latin word from which it counts as the name of one person."""


@dataclass(frozen=True)
class Person:
    """Ids, contacts and names of the person or persons to erase or export.

    Attributes
    ----------
    ids
        Customer ids.
    keys
        Keys of the contacts by field (:func:`ckm._privacy.contacts.contact_key`), without contacts that other
        customers have too.
    texts
        Contacts and names as written in the store, without contacts and names that other customers have too.
    shared
        Number of contacts and names that other customers have too.
    """

    ids: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    shared: int = 0

    def contact_columns(self, names: Iterable[str]) -> list[str]:
        """Return the columns in which a row can have a contact of the person, out of columns with these names."""
        return [name for name, kind in contact_columns(names).items() if self.keys.get(kind)]

    def rows(self, frame: pl.DataFrame) -> pl.Series:
        """Return whether each row belongs to the person, by an id or a contact; Boolean, shape (rows,)."""
        return frame.select(self.condition(frame.columns)).to_series()

    def condition(self, names: Collection[str]) -> pl.Expr:
        """Return the condition for rows of the person in a table with these columns, by an id or a contact."""
        theirs = pl.col(CUSTOMER).is_in(list(self.ids)).fill_null(value=False)
        if RELATED in names:
            theirs |= pl.col(RELATED).is_in(list(self.ids)).fill_null(value=False)
        for name in self.contact_columns(names):
            kind = contact_columns([name])[name]
            theirs |= has_contact(pl.col(name), kind, self.keys[kind])
        return theirs

    def records(self, raw: pl.Series) -> pl.Series:
        """Return whether each quarantined record (JSON or text) contains an id or a contact of the person."""
        found = pl.repeat(False, len(raw), eager=True)
        for each in self.ids:
            found |= names_customer(raw, each)
        if not any(self.keys.values()):
            return found
        for place, text in enumerate(raw):
            if not found[place] and text:
                values = pl.DataFrame({"value": sorted({*values_of_record(text)})})
                found[place] = any(
                    values.select(has_contact(pl.col("value"), kind, keys).any()).item()
                    for kind, keys in self.keys.items()
                )
        return found


def linked_ids(ids: Iterable[str], identities: Identities) -> tuple[str, ...]:
    """Return the given customer ids and all ids linked to them, sorted."""
    root = components((link.left, link.right) for link in identities.links if link.verdict == SAME)
    given = set(ids)
    roots = {root[each] for each in given if each in root}
    return tuple(sorted(given | {each for each, of in root.items() if of in roots}))


def refuse_uncertain_links(ids: Iterable[str], identities: Identities) -> None:
    """Check that no link of these ids is uncertain: a linked id may be of another person.

    Raises
    ------
    RefusedError
        A link has a probability below :data:`AUTOMATIC`, and nobody reviewed it. The error has the number of such
        links.
    """
    linked = {*linked_ids(ids, identities)}
    uncertain = [
        link
        for link in identities.links
        if link.verdict == SAME and link.of_model and link.left in linked and link.probability
        if float(link.probability) < AUTOMATIC
    ]
    if uncertain:
        raise RefusedError(
            f"{counted(len(uncertain), 'link')} of the person in {IDENTITIES} with a probability below "
            f"{AUTOMATIC:.0%}: another customer may be meant",
            hint="see ckm link explain A B, then fill in 'same' or 'different': ckm link review --from FILE --by NAME",
            links=len(uncertain),
        )


def find_person(store: Store, ids: tuple[str, ...]) -> Person:
    """Return the person with these customer ids: contacts and names from all tables and replaced rows of a store."""
    tables = dict(tables_with_customers(store))
    keys: dict[str, set[str]] = {}
    texts: dict[str, str] = {each: each.lower() for each in ids if is_contact(each)}
    as_email = pl.DataFrame({CUSTOMER: list(ids)}, schema={CUSTOMER: pl.String})
    keys[EMAIL] = {*as_email.select(contact_key(pl.col(CUSTOMER), EMAIL)).to_series().drop_nulls()}
    theirs = pl.col(CUSTOMER).is_in(list(ids))
    for frame in tables.values():
        names = frame.collect_schema().names()
        for column, kind in contact_columns(names).items():
            known = contacts(frame.filter(theirs).select(column), column, kind).select("text", "key").unique().collect()
            keys.setdefault(kind, set()).update(known["key"])
            texts |= dict(zip(known["text"], known["key"], strict=True))
        full = _full_names(names)
        if full is not None:
            known = frame.filter(theirs).select(full.alias("text")).drop_nulls().unique().collect()
            texts |= {each: each.lower() for each in known["text"] if _identifies(each)}
    others = _of_others(tables.values(), ids, keys, {*texts.values()})
    kept = {kind: tuple(sorted(found - others)) for kind, found in sorted(keys.items()) if found - others}
    own = tuple(sorted(text for text, key in texts.items() if key not in others))
    return Person(ids, kept, own, shared=len(others))


def same_address(store: Store, person: Person) -> set[str]:
    """Return further customer ids that are an e-mail address of the person, in any spelling."""
    keys = person.keys.get(EMAIL)
    if not keys:
        return set()
    found: set[str] = set()
    for _, frame in tables_with_customers(store):
        # ids with an @ are collected first: the keys of all ids of 20 million rows would take long
        signed = frame.select(CUSTOMER).filter(pl.col(CUSTOMER).str.contains("@", literal=True)).unique()
        addresses = signed.collect(engine="streaming")
        found.update(addresses.filter(contact_key(pl.col(CUSTOMER), EMAIL).is_in(list(keys)))[CUSTOMER])
    return found - {*person.ids}


def _identifies(name: str) -> bool:
    """Return whether a name is searched in texts; one short word, such as a given name, fits too many people."""
    return not name.isascii() or " " in name or len(name) >= SHORTEST_NAME


def tables_with_customers(store: Store) -> Iterator[tuple[str, pl.LazyFrame]]:
    """Yield name and rows of each table with customer ids, also of replaced rows, without the quarantine."""
    for name in store.tables():
        for each in (name, f"{name}{REPLACED}"):
            table = StoredTable(store.root / each)
            if table.exists and CUSTOMER in table.schema and each != QUARANTINE:
                yield each, table.scan()


def _of_others(
    tables: Iterable[pl.LazyFrame], ids: tuple[str, ...], keys: Mapping[str, set[str]], names: set[str]
) -> set[str]:
    """Return the keys of contacts, and the names, that rows of other customers have too.

    ``keys`` has the keys by field, ``names`` the names in lower case; ``ids`` are the customers of the person.
    """
    others: set[str] = set()
    rest = pl.col(CUSTOMER).is_not_null() & ~pl.col(CUSTOMER).is_in(list(ids))
    for frame in tables:
        columns = frame.collect_schema().names()
        wanted = [
            (contacts(_with(frame.filter(rest), column, kind, keys[kind]), column, kind), keys[kind])
            for column, kind in contact_columns(columns).items()
            if keys.get(kind)
        ]
        full = _full_names(columns)
        if full is not None and names:
            wanted.append((frame.filter(rest).select(CUSTOMER, key=full.str.to_lowercase()), names))
        for rows, values in wanted:
            found = rows.select(CUSTOMER, "key").filter(pl.col("key").is_in(sorted(values)))
            # an id that is this e-mail address is an id of the person (:func:`same_address`)
            is_address = (contact_key(pl.col(CUSTOMER), EMAIL) == pl.col("key")).fill_null(value=False)
            others.update(found.unique().collect().filter(~is_address)["key"])
    return others


def _with(frame: pl.LazyFrame, column: str, kind: str, keys: set[str]) -> pl.LazyFrame:
    """Return customer id and contact of the rows that have one of these contacts in ``column``."""
    return frame.select(CUSTOMER, column).filter(has_contact(pl.col(column), kind, keys))


def _full_names(columns: Iterable[str]) -> pl.Expr | None:
    """Return the full name of each row, or given name and surname joined by a space; None without name columns."""
    by_field: dict[str, list[str]] = {}
    for column, kind in name_columns(columns).items():
        by_field.setdefault(kind, []).append(column)
    whole = [pl.col(each).cast(pl.String) for each in by_field.get(FULL_NAME, [])]
    parts = [by_field.get(each) for each in ("given_name", "surname")]
    if all(parts):
        whole.append(pl.concat_str([pl.col(each[0]).cast(pl.String) for each in parts if each], separator=" "))
    return pl.coalesce(whole).str.strip_chars().replace("", None) if whole else None
