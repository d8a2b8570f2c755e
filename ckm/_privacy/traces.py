"""Search for the ids, contacts and names of a person in text files, tables, workbooks and archives."""

from __future__ import annotations

import gzip
import html
import io
import json
import mmap
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from ckm._privacy.contacts import EMAIL, PHONE
from ckm.paths import openable
from ckm.pseudonym import is_contact, pseudonym

if TYPE_CHECKING:
    from pathlib import Path

    from ckm._privacy.person import Person

LONG_NUMBER = 7
"""Digits from which an id of digits alone is searched in a text; shorter ones are equal to amounts and counts."""
MASK = "…"
BETWEEN_DIGITS = r"[\s().\-/]*"


@dataclass(frozen=True)
class Traces:
    """Search for the ids, contacts and names of a person.

    An id of fewer than :data:`LONG_NUMBER` digits is not searched in texts; it is compared only with values of ids.
    """

    person: Person

    @cached_property
    def distinctive(self) -> tuple[str, ...]:
        """Ids that are searched in texts, and the pseudonyms of these ids in reports."""
        ids = [each for each in self.person.ids if not each.isdecimal() or len(each) >= LONG_NUMBER]
        return (*ids, *(pseudonym(each) for each in ids if is_contact(each)))

    @cached_property
    def words(self) -> frozenset[str]:
        """All searched ids, contacts and names, without the spellings of telephone numbers."""
        return frozenset({*self.distinctive, *self.person.texts, *self.person.keys.get(EMAIL, ())})

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """Regular expression of all searched ids, contacts and names; None if there are none."""
        parts = [_whole(each) for each in sorted(self.words, key=lambda word: (-len(word), word))]
        parts += [rf"{BETWEEN_DIGITS.join(key)}(?!\d)" for key in self.person.keys.get(PHONE, ())]
        return re.compile("|".join(parts), re.IGNORECASE) if parts else None

    def in_text(self, text: str) -> bool:
        """Return whether a text contains an id, contact or name of the person."""
        return self.pattern is not None and self.pattern.search(text) is not None

    def masked(self, name: str) -> str:
        """Return a file name in which ids, contacts and names of the person are replaced by :data:`MASK`."""
        for word in sorted(self.words, key=lambda word: (-len(word), word)):
            name = re.sub(re.escape(word), MASK, name, flags=re.IGNORECASE)
        return name

    def in_column(self, rows: pl.LazyFrame, column: str) -> bool:
        """Return whether a text column contains an id, contact or name of the person in any row."""
        if not self.words:
            return False
        may_contain = pl.col(column).str.contains_any(sorted(self.words), ascii_case_insensitive=True)
        return any(map(self.in_text, rows.filter(may_contain).select(column).collect()[column]))

    def in_file(self, path: Path) -> bool:
        """Return whether a file contains an id, contact or name of the person; archives and tables are decoded."""
        return any(map(self.in_text, texts_of(path)))

    def in_bytes(self, path: Path) -> bool:
        """Return whether a file contains an id, contact or name in the store's spelling; for files of any size."""
        if path.suffix in (".gz", ".zip", ".xlsx", ".parquet"):
            return self.in_file(path)
        if not path.stat().st_size:
            return False
        texts = {*self.distinctive, *self.person.texts}
        words = {word.encode() for text in texts for word in (text, json.dumps(text)[1:-1])}
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(word) >= 0 for word in words)


def _whole(word: str) -> str:
    """Return the regular expression of a whole word; without word borders for scripts without spaces."""
    return rf"(?<![\w-]){re.escape(word)}(?![\w-])" if word.isascii() else re.escape(word)


def texts_of(path: Path) -> list[str]:
    """Return the texts of a file; of an archive those of every member, of a Parquet file those of every column."""
    try:
        if path.suffix == ".parquet":
            frame = pl.read_parquet(openable(path), glob=False, hive_partitioning=False)
            return [frame.select(pl.all().cast(pl.String, strict=False)).write_csv()] if frame.width else []
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        if data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return [_text(archive.read(name)) for name in archive.namelist()]
    except (OSError, ValueError, zipfile.BadZipFile, pl.exceptions.PolarsError):
        return [_text(path.read_bytes())]
    return [_text(data)]


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return f"{text}\n{html.unescape(text)}" if "&" in text else text
