"""Contact values of a person: the columns that contain them, and keys that are equal for different spellings."""

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
    """Return the columns with e-mail addresses or telephone numbers, with their field (``email``, ``phone``)."""
    return {name: field for name in names if (field := field_of(name)) in (EMAIL, PHONE)}


def name_columns(names: Iterable[str]) -> dict[str, str]:
    """Return the columns with names of persons, with their field."""
    return {name: field for name in names if (field := field_of(name)) in NAMES}


def contact_key(column: pl.Expr, field: str) -> pl.Expr:
    """Return the keys of contact values, equal for different spellings; null for a text that is no contact.

    An e-mail address, also one behind a name (``Ann <ann@example.com>``), is written in lower case without a tag behind
    ``+``; of a telephone number the last :data:`PHONE_DIGITS` digits count.
    """
    text = column.cast(pl.String).str.normalize("NFKC").str.replace_many({**INVISIBLE, **DIGITS})
    if field == EMAIL:
        address = pl.coalesce(text.str.extract(IN_BRACKETS), text)
        bare = address.str.to_lowercase().str.strip_chars().str.strip_prefix("mailto:").str.replace(r"\+[^@]*@", "@")
        return pl.when(bare.str.contains(r"^[^@\s]+@[^@\s]+$")).then(bare)
    digits = text.str.replace_all(r"\D", "").str.strip_chars_start("0")
    return pl.when(digits.str.len_chars() >= SHORTEST_PHONE).then(digits.str.tail(PHONE_DIGITS))
