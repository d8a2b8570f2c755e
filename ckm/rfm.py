"""Recency, frequency and money as scores, and the names that belong to three scores."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Any

import polars as pl
import yaml

from ckm.errors import UsageError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

NAMES_SCHEMA = "ckm.rfm_names/1"
MEASURES = ("recency", "frequency", "monetary")
"""The digits of a code, in their order."""

_DIGIT = re.compile(r"(\d)|\[(\d)-(\d)\]")
_PATTERN = re.compile(rf"(?:{_DIGIT.pattern}){{{len(MEASURES)}}}")
_MOST_BINS = 9  # a score is one digit of a code


@dataclass(frozen=True)
class Cuts:
    """Cut points between the scores of one measure.

    Attributes
    ----------
    edges
        Ascending, in the unit of the measure, one fewer than there are scores. Ties repeat an edge: the score
        between two equal edges is then held by nobody.
    fewer_is_better
        True for recency, where fewer days make the better customer.
    """

    edges: tuple[int, ...]
    fewer_is_better: bool = False

    def score(self, value: pl.Expr) -> pl.Expr:
        """Score of ``value``, Int8 from 1 (worst) to ``len(edges) + 1`` (best); null stays null."""
        above = pl.sum_horizontal(value.gt(edge).cast(pl.Int8) for edge in self.edges)
        level = len(self.edges) + 1 - above if self.fewer_is_better else above + 1
        return pl.when(value.is_not_null()).then(level.cast(pl.Int8))


def quantile_cuts(values: pl.Series, bins: int, *, fewer_is_better: bool = False) -> Cuts:
    """Cut points that put equally many customers into each score, as far as equal values allow.

    The edge ``i`` is the smallest value that at least ``i / bins`` of the customers do not exceed (the inverse of
    the empirical distribution function, type 1 in Hyndman and Fan 1996, p. 363). Scores compare values with edges
    and never count rows, so equal values share their score whatever the order of the rows, and a larger value
    never falls below a smaller one. Ties go with the smaller value: among customers of whom half bought once, one
    purchase is score 1, and the next score in use is 3, since half of all customers lie below it.

    Parameters
    ----------
    values
        Whole numbers, one per customer, without nulls, not empty.
    bins
        Number of scores, at least 1.
    fewer_is_better
        See :class:`Cuts`.

    Examples
    --------
    >>> quantile_cuts(pl.Series([1, 1, 1, 2, 9]), 5).edges
    (1, 1, 1, 2)
    """
    ascending = values.sort()
    count = len(ascending)
    edges = (int(ascending[-(-count * i // bins) - 1]) for i in range(1, bins))
    return Cuts(tuple(edges), fewer_is_better)


@dataclass(frozen=True)
class NamedSegment:
    """A name, the codes it stands for, and what to do about these customers."""

    name: str
    advice: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class NameTable:
    """Names over all codes, each code exactly once; the segments from best to worst."""

    bins: int
    segments: tuple[NamedSegment, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the segments, best first."""
        return tuple(segment.name for segment in self.segments)

    @cached_property
    def name_by_code(self) -> dict[str, str]:
        """Name of every code."""
        return {code: segment.name for segment in self.segments for code in segment.codes}

    def name(self, r_score: pl.Expr, f_score: pl.Expr, m_score: pl.Expr) -> pl.Expr:
        """Name for three scores, as an Enum whose order is best first."""
        code = pl.concat_str(r_score, f_score, m_score)
        return code.replace_strict(self.name_by_code, return_dtype=pl.Enum(self.names))


def load_names(path: Path | None = None) -> NameTable:
    """Read a name table and check that it is total: every code has exactly one name.

    Parameters
    ----------
    path
        YAML file as ``ckm/data/rfm_names.yaml``; default: that file, with the eleven usual names.

    Raises
    ------
    UsageError
        When the file cannot be read as such a table, or codes have no name or more than one: these are listed.
    """
    source = path or files("ckm").joinpath("data/rfm_names.yaml")
    table = _read_table(source)
    bins = table["bins"]
    if not isinstance(bins, int) or not 1 < bins <= _MOST_BINS:
        raise UsageError(f"{source.name}: bins must be a whole number from 2 to {_MOST_BINS}")
    segments = tuple(_segment(entry, bins, source.name) for entry in table["segments"])
    _check_total(segments, bins, source.name)
    return NameTable(bins, segments)


def _read_table(source: Path | Traversable) -> dict[str, Any]:
    try:
        table = yaml.load(source.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source.name}: cannot be read as a UTF-8 text file") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{source.name}:{line}: {error.problem}", hint="quote a code that has brackets") from error
    if not isinstance(table, dict) or table.get("schema") != NAMES_SCHEMA:
        raise UsageError(f"{source.name}: not a table of names", hint=f"its first key must be 'schema: {NAMES_SCHEMA}'")
    missing = [key for key in ("bins", "segments") if not table.get(key)]
    if missing or not isinstance(table["segments"], list):
        raise UsageError(f"{source.name}: needs 'bins' and a list of 'segments'")
    return table


def _segment(entry: Any, bins: int, source: str) -> NamedSegment:
    if not isinstance(entry, dict) or set(entry) != {"name", "advice", "codes"} or not isinstance(entry["codes"], list):
        raise UsageError(f"{source}: a segment has 'name', 'advice' and a list of 'codes', nothing else")
    name = str(entry["name"])
    codes = (code for pattern in entry["codes"] for code in _codes(str(pattern), bins, f"{source}: {name}"))
    return NamedSegment(name, str(entry["advice"]), tuple(codes))


def _codes(pattern: str, bins: int, where: str) -> list[str]:
    digits = []
    for one, low, high in _DIGIT.findall(pattern):
        first, last = int(one or low), int(one or high)
        digits.append([str(score) for score in range(first, last + 1) if first >= 1 and last <= bins])
    if not _PATTERN.fullmatch(pattern) or not all(digits):
        raise UsageError(
            f"{where}: '{pattern}' stands for no code",
            hint=f"three scores from 1 to {bins}, each a digit or a range such as [1-{bins}]",
        )
    return ["".join(code) for code in product(*digits)]


def _check_total(segments: tuple[NamedSegment, ...], bins: int, source: str) -> None:
    holders = defaultdict(list)
    for segment in segments:
        for code in segment.codes:
            holders[code].append(segment.name)
    every = ("".join(map(str, code)) for code in product(range(1, bins + 1), repeat=len(MEASURES)))
    unnamed = [code for code in every if code not in holders]
    doubled = [f"{code} ({', '.join(names)})" for code, names in sorted(holders.items()) if len(names) > 1]
    wrong = []
    if unnamed:
        wrong.append(f"codes without a name: {', '.join(unnamed)}")
    if doubled:
        wrong.append(f"codes with several names: {', '.join(doubled)}")
    names = [segment.name for segment in segments]
    if len(set(names)) < len(names):
        wrong.append(f"names given twice: {', '.join(sorted({name for name in names if names.count(name) > 1}))}")
    if wrong:
        raise UsageError(f"{source}: {'; '.join(wrong)}", unnamed=unnamed, doubled=doubled)
