"""Pseudonymised tables: ids as keyed hashes, without names, contacts and texts (GDPR, article 4 (5)).

Equal ids have equal hashes in all tables, so that tables can be joined. The hash of a known id can
be computed with the key; so the key must not be in the workspace or in the copy.
"""

from __future__ import annotations

import hmac
import stat
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import InputError, RefusedError, UsageError
from ckm.files import FOR_OTHERS
from ckm.pseudonym import shown_ids
from ckm.schema import TABLES, Exposure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SHORTEST_KEY = 16
"""Fewest bytes of a key, without blanks around (128 bits, NIST SP 800-107)."""
HASH_BYTES = 10
"""Length of a hash: 80 bits, so that among a million customers two share one with a probability of 4e-13."""
HASHED = {
    "customer_id": "customer",
    "parent_id": "customer",
    "related_id": "customer",
    "order_id": "order",
    "invoice_id": "invoice",
    "interaction_id": "interaction",
    "account_owner": "owner",
}
"""Columns of ids that become hashes, with the kind of id: equal ids of different kinds have different hashes."""
MASKED = ("text",)
MASK = "[masked]"
DECADES = ("birth_year",)
KEPT = frozenset({"line_no", "source"})
"""Columns without a person beside those whose exposure is group or amount."""
KEPT_EXPOSURES = frozenset({Exposure.group, Exposure.amount})
HASH, MASKING, DECADE, KEEP, DROP = "keyed hash", "masked", "decade", "unchanged", "dropped"


def read_key(path: Path, forbidden: Iterable[Path]) -> bytes:
    """Return the secret key in a file, for :func:`hashed`.

    Parameters
    ----------
    path
        The file; blanks and line ends before and after the key are removed.
    forbidden
        Folders that must not contain the file, directly or by a symbolic link.

    Raises
    ------
    InputError
        The file cannot be read.
    RefusedError
        The key is in a forbidden folder, is too short, or can be read by other users.
    """
    create = f"create one: (umask 077; openssl rand -hex 32 > {path})"
    for folder in forbidden:
        if any(each.is_relative_to(folder.resolve()) for each in (path.resolve(), path.absolute())):
            raise RefusedError(
                f"the key {path} is in {folder}: whoever gets the data would get the key",
                hint="move the key to a place outside of the workspace and of the copy",
            )
    try:
        key, mode = path.read_bytes().strip(), stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be read'}", hint=create) from error
    if len(key) < SHORTEST_KEY:
        raise RefusedError(f"the key {path} has {len(key)} bytes, {SHORTEST_KEY} are needed", hint=create)
    if mode & FOR_OTHERS:
        raise RefusedError(f"other users can read the key {path}", hint=f"chmod 600 {path}")
    return key


def treatment(table: str, column: str) -> str:
    """Return the treatment of a column: keyed hash, masked, decade, unchanged, or dropped.

    Columns that the schema does not have are dropped.
    """
    if column in KEPT:
        return KEEP
    if table not in TABLES or column not in TABLES[table].dtypes:
        return DROP
    if column in HASHED:
        return HASH
    if column in MASKED:
        return MASKING
    if column in DECADES:
        return DECADE
    return KEEP if TABLES[table].exposure(column) in KEPT_EXPOSURES else DROP


def pseudonymised(table: str, frame: pl.LazyFrame, key: bytes) -> tuple[pl.DataFrame, Mapping[str, str]]:
    """Return a table with hashes instead of ids, and the treatment by column name.

    In unchanged text columns, a value that is an e-mail address or a telephone number becomes a pseudonym, as in a
    report.
    """
    treated = {column: treatment(table, column) for column in frame.collect_schema()}
    rows = frame.select(column for column, how in treated.items() if how != DROP).collect(engine="streaming")
    found = [_treated(rows[column], treated[column], key) for column in rows.columns]
    order = [each for each in ("customer_id", "order_id", "interaction_id", "line_no") if each in rows.columns]
    return pl.DataFrame(found).sort(order, maintain_order=True), treated


def _treated(values: pl.Series, how: str, key: bytes) -> pl.Series:
    if how == HASH:
        return hashed(values.cast(pl.String), HASHED[values.name], key)
    if how == MASKING:
        return pl.select(pl.when(values.is_not_null()).then(pl.lit(MASK)).alias(values.name)).to_series()
    if how == DECADE:
        return values // 10 * 10
    return shown_ids(values) if values.dtype == pl.String else values


def hashed(ids: pl.Series, kind: str, key: bytes) -> pl.Series:
    """Return the keyed hashes (HMAC-SHA256, hexadecimal, 80 bits) of ids; null stays null."""
    known = ids.drop_nulls().unique()
    digests = [
        hmac.digest(key, f"{kind}\0{each}".encode("utf-8", "surrogatepass"), "sha256")[:HASH_BYTES].hex()
        for each in known
    ]
    return ids.replace_strict(known, pl.Series(digests, dtype=pl.String), default=None, return_dtype=pl.String)


def refuse_full(folder: Path) -> None:
    """Check that the folder for the copy is new or empty, so that no table of an earlier copy remains in it.

    Raises
    ------
    UsageError
        The folder is a file or is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder", hint="name a new folder for the copy")
