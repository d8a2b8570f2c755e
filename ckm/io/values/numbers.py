"""Parse numbers, and detect the decimal mark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.readers.format import NATIVE_SUFFIX
from ckm.io.values.distinct_texts import distinct_texts
from ckm.io.values.scripts import DIGITS, INVISIBLE, SPACES
from ckm.io.values.word_lists import load_data

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKS = (".", ",")
MINUS = dict.fromkeys("−–‐‑‒﹣－", "-")
OTHER_GROUPING = " '٬"
"""Thousands separators that are never decimal marks: space, apostrophe, Arabic."""
ARABIC_DECIMAL = "٫"
WRITTEN_BY_PROGRAM = r"^[+-]?\d+\.\d+[eE][+-]?\d+$"
"""Pattern of scientific notation with a decimal point, as programs write it whatever the locale."""
OUTNUMBERED = 10
"""Ratio of values with one decimal mark to values with the other above which the latter are treated as errors."""
REPLACED = (
    DIGITS
    | MINUS
    | SPACES
    | INVISIBLE
    | {"’": "'", "ʼ": "'", "＇": "'", "．": ".", "，": ",", "、": ",", "＋": "+", "％": "%", "٪": "%"}
)


@dataclass(frozen=True)
class NumberEvidence:
    """Counts of distinct values of a column by decimal mark.

    Attributes
    ----------
    point, comma
        Values that are valid only with this decimal mark: ``12.5``, ``1,234.56``.
    open
        Ambiguous values: ``1,234`` is 1234 or 1.234.
    """

    point: int = 0
    comma: int = 0
    open: int = 0

    def __add__(self, other: NumberEvidence) -> NumberEvidence:
        return NumberEvidence(self.point + other.point, self.comma + other.comma, self.open + other.open)

    @property
    def decimal(self) -> str | None:
        """Return the decimal mark of the values; None without evidence or with conflicting evidence."""
        most, least = max(self.point, self.comma), min(self.point, self.comma)
        if most <= least * OUTNUMBERED:
            return None
        return "." if self.point == most else ","

    @property
    def is_mixed(self) -> bool:
        """Return whether both decimal marks occur."""
        return bool(self.point and self.comma)

    @property
    def is_open(self) -> bool:
        """Return whether ambiguous values remain."""
        return self.decimal is None and self.open > 0


@dataclass(frozen=True)
class NumberStyle:
    """Number format of a column.

    Attributes
    ----------
    decimal
        The decimal mark, ``.`` or ``,``. None: only unambiguous values are parsed, and ambiguous ones are
        rejected.
    thousands
        The thousands separator, if known; else any mark but the decimal mark.
    """

    decimal: str | None = None
    thousands: str | None = None

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Return Float64 for plain numbers of this style; null for others, which are left to :func:`parse_numbers`."""
        if self.decimal == ".":
            plain = text
        else:
            # A cast needs a point as decimal mark.
            plain = pl.when(~text.str.contains(".", literal=True)).then(text)
            if self.decimal == ",":
                plain = plain.str.replace(",", ".", literal=True)
        value = plain.cast(pl.Float64, strict=False)
        return pl.when(value.is_finite()).then(value)


def number_evidence(texts: pl.Series) -> NumberEvidence:
    """Count the decimal marks of the distinct values of a text column."""
    return numbers_evidence({"": texts})[""]


def numbers_evidence(columns: Mapping[str, pl.Series]) -> dict[str, NumberEvidence]:
    """Count the decimal marks of many columns at once; each distinct text is parsed once."""
    evidence = dict.fromkeys(columns, NumberEvidence())
    for stacked in distinct_texts(columns):
        texts = stacked.select(pl.col("text").unique())
        bare = texts.select("text", bare=_bare(pl.col("text"))).filter(~pl.col("bare").str.ends_with(NATIVE_SUFFIX))
        patterns = [_only_with_mark(mark, other) for mark, other in (MARKS, MARKS[::-1])]
        point, comma = (pl.col("bare").str.contains(pattern) for pattern in patterns)
        undecided = pl.col("bare").str.contains(r"^[+-]?[1-9]\d{0,2}[.,]\d{3}%?$")
        traits = bare.select("text", point=point, comma=comma, open=undecided)
        counts = stacked.join(traits, on="text").group_by("column").agg(pl.col("point", "comma", "open").sum())
        evidence |= {name: NumberEvidence(*found) for name, *found in counts.iter_rows()}
    return evidence


def parse_numbers(texts: pl.Series, style: NumberStyle) -> pl.Series:
    """Parse texts as Float64 numbers; null for invalid numbers of this style.

    Understands signs before and after, ``(5.00)``, currency signs and codes on either side, percent (hundredths),
    digits of other scripts, and thousands separators in groups of three (or two and three, as in India). A number with
    a group of another size is invalid.
    """
    bare = pl.col("bare")
    frame = texts.to_frame("text").select(bare=_bare(pl.col("text"))).lazy()  # lazily: common parts run once
    program = pl.when(bare.str.contains(WRITTEN_BY_PROGRAM)).then(_value_of(bare, ".", None))
    if style.decimal is not None:
        value_or_null = pl.coalesce(program, _value_of(bare, style.decimal, style.thousands))
        return frame.select(value_or_null).collect().to_series()
    answers = [program, pl.when(~bare.str.contains("[.,]")).then(_value_of(bare, ".", style.thousands))]
    for mark, other in (MARKS, MARKS[::-1]):
        is_clear = bare.str.contains(_only_with_mark(mark, other))
        answers.append(pl.when(is_clear).then(_value_of(bare, mark, style.thousands)))
    return frame.select(pl.coalesce(answers)).collect().to_series()


def _value_of(bare: pl.Expr, decimal: str, thousands: str | None) -> pl.Expr:
    """Return the value of a reduced number (:func:`_bare`) with this decimal mark; null if its marks are misplaced."""
    grouping = thousands or "".join(mark for mark in MARKS if mark != decimal) + OTHER_GROUPING
    mark, group = re.escape(decimal), f"[{re.escape(_plain_mark(grouping))}]"
    grouped = rf"\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}"
    valid = rf"^[+-]?(?:(?:\d+|{grouped})(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?%?$"
    bare = bare.str.replace_all(ARABIC_DECIMAL, decimal, literal=True)
    digits = (
        pl.when(bare.str.contains(valid))
        .then(bare)
        .str.replace_all(group, "")
        .str.replace(decimal, ".", literal=True)
        .str.strip_chars_end("%")
    )
    value = digits.cast(pl.Float64, strict=False)
    value_or_null = pl.when(bare.str.ends_with("%")).then(value / 100).otherwise(value)
    return pl.when(value_or_null.is_finite()).then(value_or_null)


def money_marks(texts: pl.Series) -> set[str]:
    """Return the currency signs, codes and words in the distinct values of a text column."""
    rest = texts.drop_nulls().unique().str.replace_many(REPLACED).str.replace_all(r"[\d\s.,'()+%٫٬-]", "")
    return set(rest.unique()) - {""}


def is_number(texts: pl.Series) -> pl.Series:
    """Return a Boolean mask of texts that are numbers with any decimal mark."""
    found = [parse_numbers(texts, NumberStyle(mark)).is_not_null() for mark in MARKS]
    return found[0] | found[1]


def _plain_mark(marks: str) -> str:
    return "".join(SPACES.get(mark, REPLACED.get(mark, mark)) for mark in marks)


def _bare(text: pl.Expr) -> pl.Expr:
    """Return numbers reduced to sign, digits, decimal and thousands marks, and percent sign."""
    money = _money_pattern()
    plain = text.str.replace_many(REPLACED).str.strip_chars()
    return (
        plain.str.replace(r"^\((.*)\)$", "-${1}")
        .str.replace(rf"^([+-]?)\s*(?:{money})\s*", "${1}")
        .str.replace(rf"\s*(?:{money})\s*([+-]?)$", "${1}")
        .str.replace(r"^\((.*)\)$", "-${1}")
        # "5,-" is 5.00; "5-" is -5.
        .str.replace(r"^(.*\d)[.,]-{1,2}$", "${1}")
        .str.replace(r"^([^+-].*)-$", "-${1}")
        .str.replace(r"^([+-])\s+", "${1}")
        .str.replace(r"\s+%$", "%")
    )


@cache
def _money_pattern() -> str:
    marks = load_data("number_marks.yaml")
    words = sorted((*marks["signs"], *marks["codes"]), key=len, reverse=True)
    return "(?i:" + "|".join(map(re.escape, words)) + ")"


def _only_with_mark(mark: str, other: str) -> str:
    """Return the pattern of reduced numbers that are valid only with ``mark`` as decimal mark."""
    m, o = re.escape(mark), re.escape(other)
    return (
        r"^[+-]?(?:"
        rf"\d*{m}(?:\d{{1,2}}|\d{{4,}})"  # 12.5, .5, 1.2345: not a group of three
        rf"|0{m}\d+|\d{{4,}}{m}\d{{3}}"  # 0.125, 1234.567: not a thousands group
        rf"|.*[{o} '٬]\d{{3}}{m}\d*"  # 1,234.567: the other mark is the thousands separator
        rf"|\d{{1,3}}(?:{o}\d{{2,3}})+{o}\d{{3}}"  # 1,234,567: a repeated mark is not the decimal mark
        rf"|\d+{m}\d+[eE][+-]?\d+"  # 1.234E5: written by a program
        r")%?$"
    )
