"""Segment names of RFM codes; every code has exactly one name."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm._segment.rfm.score_corrections import BINS as FACTS_BINS
from ckm.errors import UsageError
from ckm.yamlfile import dump_yaml, read_yaml

if TYPE_CHECKING:
    from ckm.yamlfile import YamlEntry

DEFAULT_NAMES = Path(__file__).parents[2] / "data" / "rfm_names.yaml"
"""File of the eleven names that are usual in the field, for five scores."""
NAMES_SCHEMA = "ckm.rfm_names/1"
MOST_BINS = 9
"""Maximum number of scores, because a score is one digit of a code."""
DIGITS = ("recency", "frequency", "monetary")
"""Feature that each digit of a code scores, from left to right."""

_DIGIT = re.compile(r"(\d)|\[(\d)-(\d)\]")
_PATTERN = re.compile(rf"(?:{_DIGIT.pattern}){{{len(DIGITS)}}}")


@dataclass(frozen=True)
class NamedCodes:
    """A segment name, its advice, and patterns of the codes that have the name, such as ``[4-5]3[1-3]``."""

    name: str
    advice: str
    patterns: tuple[str, ...]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Return every code that matches one of the patterns."""
        return tuple(code for pattern in self.patterns for code in _codes(pattern))


@dataclass(frozen=True)
class NameTable:
    """Names for all codes, and the segments from best to worst.

    Attributes
    ----------
    bins
        Number of scores.
    segments
        Names with their codes.
    facts
        Whether a customer's own purchases correct the scores before names are assigned
        (:mod:`ckm._segment.rfm.score_corrections`); only for five scores.
    """

    bins: int
    segments: tuple[NamedCodes, ...]
    facts: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the segments, best first."""
        return tuple(segment.name for segment in self.segments)

    @cached_property
    def name_by_code(self) -> dict[str, str]:
        """Name of every code."""
        return {code: segment.name for segment in self.segments for code in segment.codes}

    def name(self, r_score: pl.Expr, f_score: pl.Expr, m_score: pl.Expr) -> pl.Expr:
        """Return an expression: the name for three scores."""
        base = 10
        code = r_score.cast(pl.Int32) * base**2 + f_score * base + m_score
        by_number = {int(code): name for code, name in self.name_by_code.items()}
        return code.replace_strict(by_number, return_dtype=pl.Enum(self.names))

    def to_plain(self) -> dict[str, Any]:
        """Return the table in the form of its file, without the key ``schema``."""
        return {
            "bins": self.bins,
            **({"facts": "yes"} if self.facts else {}),
            "segments": [
                {"name": each.name, "advice": each.advice, "codes": list(each.patterns)} for each in self.segments
            ],
        }


def load_names(path: Path = DEFAULT_NAMES) -> NameTable:
    """Read a name table and check that every code has exactly one name.

    Parameters
    ----------
    path
        YAML file as ``ckm/data/rfm_names.yaml``; default: that file, with the eleven usual names.

    Raises
    ------
    UsageError
        The file is not a valid table, or codes have no name or several; the error lists them.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}: 'schema' is missing", hint="needed are schema, bins, segments")
    keys = document.fields(("schema", "bins", "segments"), ("facts",))
    if keys["schema"].text() != NAMES_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a table of names", hint=f"write 'schema: {NAMES_SCHEMA}'")
    return read_names(document, beside=("schema",))


def names_text(names: NameTable) -> str:
    """Return a name table as the text of a file that :func:`load_names` reads."""
    return dump_yaml({"schema": NAMES_SCHEMA, **names.to_plain()})


def read_names(entry: YamlEntry, beside: tuple[str, ...] = ()) -> NameTable:
    """Read ``bins`` and ``segments``, and check that every code has exactly one name.

    Parameters
    ----------
    entry
        A mapping with these keys.
    beside
        Further allowed keys.

    Raises
    ------
    UsageError
        A key is missing or invalid, or codes have no name or several; the error lists them.
    """
    keys = entry.fields(("bins", "segments", *beside), ("facts",))
    if keys["bins"].text() not in map(str, range(2, MOST_BINS + 1)):
        raise UsageError(f"{keys['bins'].where}: 'bins' must be a whole number from 2 to {MOST_BINS}")
    bins = int(keys["bins"].text())
    facts = keys["facts"].text() if "facts" in keys else "no"
    if facts not in ("yes", "no") or (facts == "yes" and bins != FACTS_BINS):
        raise UsageError(f"{keys['facts'].where}: 'facts' is yes or no, and yes with {FACTS_BINS} scores only")
    segments = tuple(_segment(segment, bins) for segment in keys["segments"].items())
    table = NameTable(bins, segments, facts == "yes")
    _check_total(table, entry.path)
    return table


def _segment(entry: YamlEntry, bins: int) -> NamedCodes:
    keys = entry.fields(("name", "advice", "codes"))
    patterns = keys["codes"].items()
    for pattern in patterns:
        _check_pattern(pattern, bins)
    return NamedCodes(keys["name"].text(), keys["advice"].text(), tuple(each.text() for each in patterns))


def _check_pattern(entry: YamlEntry, bins: int) -> None:
    pattern = entry.text()
    fits = _PATTERN.fullmatch(pattern) and all(1 <= low <= high <= bins for low, high in _ranges(pattern))
    if not fits:
        raise UsageError(
            f"{entry.where}: '{pattern}' matches no code",
            hint=f"three scores from 1 to {bins}, each a digit or a range such as [1-{bins}]",
        )


def _ranges(pattern: str) -> list[tuple[int, int]]:
    return [(int(one or low), int(one or high)) for one, low, high in _DIGIT.findall(pattern)]


def _codes(pattern: str) -> list[str]:
    digits = [range(low, high + 1) for low, high in _ranges(pattern)]
    return ["".join(map(str, code)) for code in product(*digits)]


def _check_total(table: NameTable, path: Path) -> None:
    holders = defaultdict(list)
    for segment in table.segments:
        for code in segment.codes:
            holders[code].append(segment.name)
    every = ("".join(map(str, code)) for code in product(range(1, table.bins + 1), repeat=len(DIGITS)))
    unnamed = [code for code in every if code not in holders]
    doubled = [f"{code} ({', '.join(names)})" for code, names in sorted(holders.items()) if len(names) > 1]
    wrong = []
    if unnamed:
        wrong.append(f"codes without a name: {', '.join(unnamed)}")
    if doubled:
        wrong.append(f"codes with several names: {', '.join(doubled)}")
    repeated = sorted({name for name in table.names if table.names.count(name) > 1})
    if repeated:
        wrong.append(f"names given twice: {', '.join(repeated)}")
    if wrong:
        raise UsageError(f"{path}: {'; '.join(wrong)}", unnamed=unnamed, doubled=doubled)
