"""E-mail addresses, telephone numbers and names: columns that have them, and keys equal for all spellings of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._link.fields import field_of
from ckm._link.normalise import EXTENSION, contacts_in_cell
from ckm.io.values.scripts import DIGITS, INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

EMAIL, PHONE = "email", "phone"
NAMES = ("full_name", "given_name", "surname")
SHORTEST_PHONE = 7
"""Fewest digits of a telephone number that identifies a person."""
PHONE_DIGITS = 9
"""Last digits by which two telephone numbers are equal, with and without a country code."""
IN_BRACKETS = r"<\s*([^<>\s]+@[^<>\s]+)\s*>"


def contact_columns(names: Iterable[str]) -> dict[str, str]:
    """Return the field (``email``, ``phone``) by name of each column with e-mail addresses or telephone numbers."""
    return {name: field for name in names if (field := field_of(name)) in (EMAIL, PHONE)}


def name_columns(names: Iterable[str]) -> dict[str, str]:
    """Return the field (one of :data:`NAMES`) by name of each column with names of persons."""
    return {name: field for name in names if (field := field_of(name)) in NAMES}


def contact_key(column: pl.Expr, field: str) -> pl.Expr:
    """Return the keys of e-mail addresses or telephone numbers; null for another text.

    Spellings of one contact have equal keys. The key of an e-mail address, also of one behind a name
    (``Ann <ann@example.com>``), is the address in lower case without a tag behind ``+``. The key of a telephone number
    is its last :data:`PHONE_DIGITS` digits, without an extension. For cells with several contacts see :func:`contacts`.
    """
    text = column.cast(pl.String).str.normalize("NFKC").str.replace_many({**INVISIBLE, **DIGITS})
    if field == EMAIL:
        address = pl.coalesce(text.str.extract(IN_BRACKETS), text)
        bare = address.str.to_lowercase().str.strip_chars().str.strip_prefix("mailto:").str.replace(r"\+[^@]*@", "@")
        return pl.when(bare.str.contains(r"^[^@\s]+@[^@\s]+$")).then(bare)
    digits = text.str.replace(EXTENSION, "").str.replace_all(r"\D", "").str.strip_chars_start("0")
    return pl.when(digits.str.len_chars() >= SHORTEST_PHONE).then(digits.str.tail(PHONE_DIGITS))


def has_contact(column: pl.Expr, field: str, keys: Collection[str]) -> pl.Expr:
    """Return whether each cell has a contact with one of these keys, alone or among several; never null.

    Only cells that may have one are normalised, because that takes seconds for a million customers.
    """
    wanted = sorted(keys)
    if not wanted:
        return pl.lit(value=False)
    text = column.cast(pl.String)
    cell = pl.when(_may_have(text, field, wanted)).then(text)
    among = contacts_in_cell(cell).list.eval(contact_key(pl.element(), field).is_in(wanted)).list.any()
    return contact_key(cell, field).is_in(wanted).fill_null(value=False) | among.fill_null(value=False)


def _may_have(text: pl.Expr, field: str, keys: Sequence[str]) -> pl.Expr:
    """Return whether each text may have a contact with one of these keys: a text beyond ASCII, or with its characters.

    Of an e-mail address these are the mailbox and ``@`` or ``+``, of a telephone number its digits in their order.
    """
    beyond = text.str.len_bytes() != text.str.len_chars()
    if field == EMAIL:
        mailboxes = [key.partition("@")[0] for key in keys]
        return beyond | text.str.contains_any(
            [f"{each}{end}" for each in mailboxes for end in "@+"], ascii_case_insensitive=True
        )
    return beyond | text.str.contains("|".join(r"[^0-9]*".join(key) for key in keys))


def contacts(frame: pl.LazyFrame, column: str, field: str) -> pl.LazyFrame:
    """Return the contacts of a column: ``text`` as in the cell, ``key``, and the other columns of ``frame``.

    One row per contact; a cell with several contacts gives several rows, and a cell without a contact none.
    """
    text = pl.col(column).cast(pl.String)
    several = frame.with_columns(text=contacts_in_cell(text)).filter(pl.col("text").is_not_null()).explode("text")
    rows = pl.concat([frame.with_columns(text=text), several])
    return rows.with_columns(key=contact_key(pl.col("text"), field)).drop_nulls("key")
