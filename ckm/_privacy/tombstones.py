"""Tombstones: keyed hashes of ids and contacts of erased persons, by which later loads recognise and drop their rows.

The file of tombstones contains no value of a person. Without the key, the hash of a guessed value cannot be computed.
The key is a file of the workspace, readable only for its owner.
"""

from __future__ import annotations

import csv
import hmac
import io
import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from ckm._privacy.contacts import EMAIL, contact_columns, contacts
from ckm.errors import RefusedError
from ckm.files import OWNER_ONLY_FOLDER, flush_folder, replacing
from ckm.store.erase import PARENT, RELATED
from ckm.store.quarantine_search import values_of_record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FOLDER = "privacy"
"""Folder of a workspace with the tombstones, their key, the receipts and the journal of an erasure."""
FILE, KEY_FILE = "tombstones.csv", "key"
COLUMNS = ("kind", "digest", "erased_on")
ID = "id"
KEY_BYTES = 32
GITIGNORE = "# The key must not be in git; keep a backup elsewhere.\nkey\nerasure.json\n"
CUSTOMER = "customer_id"


class MissingKeyError(RefusedError):
    """The workspace has tombstones and no key, so that erased persons cannot be recognised."""

    code = "missing-privacy-key"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing: without it, erased persons would be loaded again",
            hint="restore it from a backup; nothing was loaded",
            place=str(path),
        )


@dataclass(frozen=True)
class Tombstones:
    """Keyed hashes of erased persons.

    Attributes
    ----------
    key
        Secret key of the hashes.
    digests
        Date of the erasure by kind (``id``, ``email``, ``phone``) and hash of each value.
    """

    key: bytes
    digests: dict[tuple[str, str], str]

    def digest(self, kind: str, value: str) -> str:
        """Return the keyed hash (HMAC-SHA256, hexadecimal) of a value and its kind (``id``, ``email``, ``phone``)."""
        return hmac.digest(self.key, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256").hex()

    def has(self, kind: str, value: str) -> bool:
        """Return whether a value of a kind (``id``, ``email``, ``phone``) has a tombstone."""
        return (kind, self.digest(kind, value)) in self.digests

    def rows(self, frame: pl.DataFrame) -> pl.Series:
        """Return whether each row is of an erased person, by its customer id or a contact; Boolean, shape (rows,)."""
        found = pl.repeat(False, len(frame), eager=True)
        if CUSTOMER in frame.columns:
            ids = frame[CUSTOMER].cast(pl.String)
            found |= self.ids(ids)
            found |= self._contacts(ids, EMAIL)
        for column, field in contact_columns(frame.columns).items():
            found |= self._contacts(frame[column], field)
        return found

    def ids(self, values: pl.Series) -> pl.Series:
        """Return whether each value is the id of an erased person, in characters of any width; false for null."""
        texts = values.cast(pl.String)
        return self._among(texts, ID) | self._among(texts.str.normalize("NFKC").str.strip_chars(), ID)

    def records(self, raw: pl.Series, customers: pl.Series) -> pl.Series:
        """Return whether each failed record is of an erased person.

        Parameters
        ----------
        raw
            Records as JSON, or their text.
        customers
            Customer id of each record; if it is null, every value of the record is compared with the erased ids.
        """
        found = self.ids(customers)
        for place, (text, customer) in enumerate(zip(raw, customers, strict=True)):
            if not found[place] and text:
                found[place] = self._has_value(text, with_ids=customer is None)
        return found

    def _has_value(self, text: str, *, with_ids: bool) -> bool:
        values = pl.Series(sorted({*values_of_record(text)}), dtype=pl.String)
        if with_ids and self.ids(values).any():
            return True
        return any(self._contacts(values, field).any() for field in self._contact_kinds)

    @cached_property
    def _contact_kinds(self) -> list[str]:
        return sorted({kind for kind, _ in self.digests if kind != ID})

    def _contacts(self, cells: pl.Series, field: str) -> pl.Series:
        """Return whether each cell has a contact of an erased person, alone or among several; never null."""
        if field not in self._contact_kinds:
            return pl.repeat(False, len(cells), eager=True)
        rows = pl.LazyFrame({"cell": cells.cast(pl.String).drop_nulls().unique()})
        known = contacts(rows, "cell", field).collect()
        theirs = {key for key in known["key"].unique() if self.has(field, key)}
        return (
            cells.cast(pl.String)
            .is_in(known.filter(pl.col("key").is_in(theirs))["cell"].to_list())
            .fill_null(value=False)
        )

    def _among(self, values: pl.Series, kind: str) -> pl.Series:
        if not any(known == kind for known, _ in self.digests):
            return pl.repeat(False, len(values), eager=True)
        theirs = [each for each in values.drop_nulls().unique() if self.has(kind, each)]
        return values.is_in(theirs).fill_null(value=False)


def without_erased(
    good: pl.DataFrame, failed: pl.DataFrame, tombstones: Tombstones
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return valid and failed rows of a load without rows of erased persons; an erased parent id becomes null."""
    unknown = pl.repeat(None, len(failed), dtype=pl.String, eager=True)
    customers = failed[CUSTOMER] if CUSTOMER in failed.columns else unknown
    good = good.filter(~tombstones.rows(good))
    if RELATED in good.columns:
        good = good.filter(~tombstones.ids(good[RELATED]))
    if PARENT in good.columns:
        erased = tombstones.ids(good[PARENT])
        good = good.with_columns(pl.when(~erased).then(pl.col(PARENT)).alias(PARENT))
    return good, failed.filter(~tombstones.records(failed["raw"], customers))


def read_tombstones(folder: Path) -> Tombstones | None:
    """Return the tombstones in the privacy folder of a workspace; None if nobody was erased.

    Raises
    ------
    MissingKeyError
        The key is missing.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        key = _read_key(folder / KEY_FILE)
    except (OSError, ValueError):
        raise MissingKeyError(folder / KEY_FILE) from None
    with path.open(encoding="utf-8", newline="") as file:
        digests = {(row["kind"], row["digest"]): row["erased_on"] for row in csv.DictReader(file)}
    return Tombstones(key, digests)


def add_tombstones(folder: Path, values: Iterable[tuple[str, str]], erased_on: str) -> Tombstones:
    """Add tombstones of values (kind, value) to the privacy folder, created if needed; return all tombstones."""
    make_private(folder)
    known = read_tombstones(folder) or Tombstones(_key(folder), {})
    digests = {(kind, known.digest(kind, value)): erased_on for kind, value in values}
    made = Tombstones(known.key, {**digests, **known.digests})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((*pair, made.digests[pair]) for pair in sorted(made.digests))
    write_private(folder / FILE, out.getvalue())
    return made


def make_private(folder: Path) -> None:
    """Create a folder that only its owner can read, with a ``.gitignore`` for its secrets."""
    folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text(GITIGNORE, encoding="utf-8", newline="\n")


def write_private(path: Path, text: str) -> None:
    """Write a text to a file that only its owner can read, in one step."""
    with replacing(path, owner_only=True) as draft:
        draft.write_text(text, encoding="utf-8", newline="")
    flush_folder(path.parent)


def _key(folder: Path) -> bytes:
    """Return the key; create one if the folder has no key, or an empty key file that a killed process left."""
    path = folder / KEY_FILE
    if not path.exists() or not path.stat().st_size:
        write_private(path, f"{secrets.token_hex(KEY_BYTES)}\n")
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    if len(key) != KEY_BYTES:
        raise ValueError
    return key
