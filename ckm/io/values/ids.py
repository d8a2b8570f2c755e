"""Clean ids: remove spreadsheet marks and invisible characters, and count the changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from ckm.io.values.readers import TextReader
from ckm.io.values.scripts import INVISIBLE
from ckm.io.values.word_lists import load_data

JOINERS = "\u200c\u200d"
"""Zero-width joiners: kept between letters of Persian and Indian scripts, where they are part of the spelling."""
INVISIBLE_IN_IDS = "".join(sorted({*INVISIBLE, "\u00ad", "\u2060", "\u180e"} - {*JOINERS}))
QUOTED = r'^="(.*)"$'
"""Excel formula that keeps an id as text: ="00123"."""
APOSTROPHE = r"^'([0-9=+@-].*)$"
"""Apostrophe that keeps an id as text: '00123."""
SCIENTIFIC = r"^\d(?:[.,]\d+)?[eE]\+\d{1,3}$"
"""A long id that a spreadsheet converted to scientific notation: 4.05E+12."""

INVISIBLE_REMARK = "invisible characters were removed from {count} ids"
GUARD_REMARK = 'spreadsheet text marks were removed from {count} ids, as in ="00123" or \'00123'
NULL_REMARK = "{count} ids are null words ({words}) and were read as missing"


@dataclass(frozen=True)
class IdReader(TextReader):
    """Parser of ids: removes surrounding spaces, invisible characters and spreadsheet marks; null words are missing.

    Attributes
    ----------
    cleaned
        Number of cleaned ids by remark; null words are counted separately.
    """

    trim: bool = True
    cleaned: Counter[tuple[str, str]] = field(default_factory=Counter, compare=False)

    def careful(self, texts: pl.Series) -> pl.Series:
        """Return ids without invisible characters and spreadsheet marks; null words become null."""
        texts = super().careful(texts)
        if _are_plain(texts):
            return texts
        rows = texts.to_frame("id").select(_may_need_cleaning(pl.col("id"))).to_series().arg_true()
        if rows.is_empty():
            return texts
        return texts.scatter(rows, self._cleaned(texts.gather(rows)))

    def _cleaned(self, ids: pl.Series) -> pl.Series:
        steps = ids.to_frame("id").lazy().with_columns(seen=_visible(pl.col("id")).str.strip_chars())
        steps = steps.with_columns(bare=_without_text_marks(pl.col("seen")).str.strip_chars())
        steps = steps.with_columns(missing=pl.col("bare").is_in(id_null_words()))
        found = steps.with_columns(
            clean=pl.when(~pl.col("missing") & (pl.col("bare") != "")).then("bare"),
            invisible=pl.col("seen") != pl.col("id"),
            guarded=pl.col("bare") != pl.col("seen"),
        ).collect()
        self.cleaned[INVISIBLE_REMARK, ""] += int(found["invisible"].sum())
        self.cleaned[GUARD_REMARK, ""] += int(found["guarded"].sum())
        for word, count in found.filter("missing")["bare"].value_counts().iter_rows():
            self.cleaned[NULL_REMARK, word] += count
        return found["clean"]

    def remarks(self, name: str) -> list[str]:
        """Return remarks on the cleaned ids of the column ``name``."""
        counts: Counter[str] = Counter()
        for (remark, _), count in self.cleaned.items():
            counts[remark] += count
        words = ", ".join(sorted(word for remark, word in self.cleaned if remark == NULL_REMARK))
        return [f"{name}: {remark.format(count=f'{n:,}', words=words)}" for remark, n in counts.items() if n]


def needs_cleaning(text: pl.Expr) -> pl.Expr:
    """Return whether cleaning does more than trim spaces.

    That is so if an id is a null word, begins with ``=`` or ``'``, or contains invisible characters.
    """
    return (
        text.str.contains_any([*INVISIBLE_IN_IDS, *JOINERS])
        | text.str.starts_with("=")
        | text.str.starts_with("'")
        | text.is_in(id_null_words())
    )


@cache
def id_null_words() -> list[str]:
    """Return the words that programs write for missing ids; compared with case."""
    return [str(word) for word in load_data("null_words.yaml")["ids"]]


def _are_plain(ids: pl.Series) -> bool:
    """Return whether the smallest id, the largest id and the number of bytes prove that no id needs cleaning."""
    low, high = ids.min(), ids.max()
    if not isinstance(low, str) or not isinstance(high, str):
        return True
    guarded = any(low < chr(ord(guard) + 1) and guard <= high for guard in "='")
    if guarded or any(low <= word <= high for word in id_null_words()):
        return False
    return ids.str.len_bytes().sum() == ids.str.len_chars().sum()


def _may_need_cleaning(text: pl.Expr) -> pl.Expr:
    """Faster version of :func:`needs_cleaning`: invisible characters are not ASCII."""
    beyond_ascii = text.str.len_bytes() != text.str.len_chars()
    return beyond_ascii | text.str.starts_with("=") | text.str.starts_with("'") | text.is_in(id_null_words())


def _visible(text: pl.Expr) -> pl.Expr:
    bare = text.str.replace_many(dict.fromkeys(INVISIBLE_IN_IDS, ""))
    return bare.str.replace_all(rf"(^|[\x00-\x7F])[{JOINERS}]+", "${1}").str.replace_all(
        rf"[{JOINERS}]+([\x00-\x7F]|$)", "${1}"
    )


def _without_text_marks(text: pl.Expr) -> pl.Expr:
    return text.str.replace(QUOTED, "${1}").str.replace(APOSTROPHE, "${1}")
