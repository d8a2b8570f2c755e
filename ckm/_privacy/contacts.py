"""E-mail addresses, telephone numbers and names: columns that have them, and keys equal for all spellings of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._link.fields import field_of
from ckm.io.values.scripts import DIGITS, INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    is its last :data:`PHONE_DIGITS` digits.
    """
    text = column.cast(pl.String).str.normalize("NFKC").str.replace_many({**INVISIBLE, **DIGITS})
    if field == EMAIL:
        address = pl.coalesce(text.str.extract(IN_BRACKETS), text)
        bare = address.str.to_lowercase().str.strip_chars().str.strip_prefix("mailto:").str.replace(r"\+[^@]*@", "@")
        return pl.when(bare.str.contains(r"^[^@\s]+@[^@\s]+$")).then(bare)
    digits = text.str.replace_all(r"\D", "").str.strip_chars_start("0")
    return pl.when(digits.str.len_chars() >= SHORTEST_PHONE).then(digits.str.tail(PHONE_DIGITS))
