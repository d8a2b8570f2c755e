"""Recency, frequency and money as scores, and the names that belong to three scores."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UnknownNameError, UsageError
from ckm.yamlfile import YamlEntry, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

USUAL_NAMES = Path(__file__).parent / "data" / "rfm_names.yaml"
"""The eleven usual names over five scores."""
NAMES_SCHEMA = "ckm.rfm_names/1"
MOST_BINS = 9
"""A score is one digit of a code."""
MEASURES = ("recency", "frequency", "monetary")
"""The digits of a code, in their order."""

_DIGIT = re.compile(r"(\d)|\[(\d)-(\d)\]")
_PATTERN = re.compile(rf"(?:{_DIGIT.pattern}){{{len(MEASURES)}}}")


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


def load_names(path: Path = USUAL_NAMES) -> NameTable:
    """Read a name table and check that it is total: every code has exactly one name.

    Parameters
    ----------
    path
        YAML file as ``ckm/data/rfm_names.yaml``; default: that file, with the eleven usual names.

    Raises
    ------
    UsageError
        The file cannot be read as such a table; or codes have no name or more than one, which are then listed.
    """
    document = read_yaml(path)
    keys = _keys(document, ("schema", "bins", "segments"), str(path))
    if keys["schema"].text() != NAMES_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a table of names", hint=f"write 'schema: {NAMES_SCHEMA}'")
    if keys["bins"].text() not in map(str, range(2, MOST_BINS + 1)):
        raise UsageError(f"{keys['bins'].where}: 'bins' is no whole number from 2 to {MOST_BINS}")
    bins = int(keys["bins"].text())
    segments = tuple(_segment(entry, bins) for entry in keys["segments"].items())
    _check_total(segments, bins, path)
    return NameTable(bins, segments)


def _segment(entry: YamlEntry, bins: int) -> NamedSegment:
    keys = _keys(entry, ("name", "advice", "codes"), entry.where)
    codes = (code for pattern in keys["codes"].items() for code in _codes(pattern, bins))
    return NamedSegment(keys["name"].text(), keys["advice"].text(), tuple(codes))


def _keys(entry: YamlEntry | None, needed: tuple[str, ...], where: str) -> Mapping[str, YamlEntry]:
    keys = entry.mapping() if entry else {}
    for key, value in keys.items():
        if key not in needed:
            raise UnknownNameError("key", key, needed, where=value.where)
    for key in needed:
        if key not in keys:
            raise UsageError(f"{where}: '{key}' is missing", hint=f"needed are {', '.join(needed)}")
    return keys


def _codes(entry: YamlEntry, bins: int) -> list[str]:
    pattern = entry.text()
    digits = []
    for one, low, high in _DIGIT.findall(pattern):
        first, last = int(one or low), int(one or high)
        digits.append([str(score) for score in range(first, last + 1) if first >= 1 and last <= bins])
    if not _PATTERN.fullmatch(pattern) or not all(digits):
        raise UsageError(
            f"{entry.where}: '{pattern}' stands for no code",
            hint=f"three scores from 1 to {bins}, each a digit or a range such as [1-{bins}]",
        )
    return ["".join(code) for code in product(*digits)]


def _check_total(segments: tuple[NamedSegment, ...], bins: int, path: Path) -> None:
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
        raise UsageError(f"{path}: {'; '.join(wrong)}", unnamed=unnamed, doubled=doubled)
