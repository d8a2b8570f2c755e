"""A suite of searches: queries, and the entries that each is expected to find. A team's regression test."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from ckm.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

DEPTH = 10
"""Hits of a query that count."""
ALL = "all"
FILTER_KEYS = ("kind", "facet", "lang", "tag", "product", "segment", "reason", "state")
KEYS = ("query", "expect", *FILTER_KEYS, "role", "as_of", "all")
TOLD = 5
"""Mistakes that are told one by one."""


@dataclass(frozen=True)
class Case:
    """A query with what it is expected to find.

    Attributes
    ----------
    query
        As it is typed.
    expect
        Ids of entries; any of them answers it.
    where
        File and line.
    filters
        Values by name of the filter.
    roles, as_of, everything
        As in :class:`ckm.kb.Scope`; None where the case does not say.
    """

    query: str
    expect: tuple[str, ...]
    where: str
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: tuple[str, ...] | None = None
    as_of: date | None = None
    everything: bool | None = None


@dataclass(frozen=True)
class Score:
    """How well the queries of a language found what was expected; means over the queries.

    Attributes
    ----------
    lang
        The language, ``all`` for all of them.
    queries
        How many.
    recall_1, recall_5, recall_10
        Share of the expected entries that are among the first so many hits.
    mrr
        One over the place of the first expected entry, 0 where none is among the first ten (Voorhees, "The TREC-8
        question answering track report", 1999).
    ndcg_10
        Gains 1 for an expected entry and 0 for others, discounted by the logarithm of the place, beside the best order
        (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002).
    """

    lang: str
    queries: int
    recall_1: float
    recall_5: float
    recall_10: float
    mrr: float
    ndcg_10: float


@dataclass(frozen=True)
class Failure:
    """A query whose expected entry is not first.

    Attributes
    ----------
    lang, query, expected, where
        Of the case.
    rank
        Place of the first expected entry among the first ten; None where it is not among them.
    first
        Id of the entry that is first; None where nothing was found.
    """

    lang: str
    query: str
    expected: tuple[str, ...]
    rank: int | None
    first: str | None
    where: str


def read_suite(path: Path) -> list[Case]:
    """Read a suite: a YAML list, or JSON lines (``.jsonl .ndjson .json``).

    Raises
    ------
    UsageError
        It cannot be read, is empty, or a case is not as it should be; the message names lines.
    """
    cases, mistakes = [], []
    for where, plain in _lines(path) if path.suffix.lower() in (".jsonl", ".ndjson", ".json") else _documents(path):
        try:
            cases.append(_case(plain, where))
        except UsageError as error:
            mistakes.append(f"{where}: {error}")
    if mistakes:
        more = f" (and {len(mistakes) - TOLD} more)" if len(mistakes) > TOLD else ""
        raise UsageError("; ".join(mistakes[:TOLD]) + more, hint="a case is {query: words, expect: [ids]}")
    if not cases:
        raise UsageError(f"{path} holds no queries", hint="a case is {query: words, expect: [ids]}")
    return cases


def _lines(path: Path) -> list[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    if path.suffix.lower() == ".json" and text.lstrip().startswith("["):
        return _documents(path)  # JSON is YAML
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append((f"{path}:{number}", json.loads(line)))
            except (ValueError, RecursionError):
                raise UsageError(f"{path}:{number}: this line is no JSON", hint="one case a line") from None
    return found


def _documents(path: Path) -> list[tuple[str, Any]]:
    from ckm.yamlfile import read_yaml

    document = read_yaml(path)
    if document is None:
        return []
    return [(item.where, _plain(item)) for item in document.items()]


def _plain(entry: Any) -> Any:
    """Return a case of a YAML file as JSON would have it: texts, lists of texts."""
    return {
        name: value.text() if value.is_text else [item.text() for item in value.items()]
        for name, value in entry.mapping().items()
        if not value.is_null
    }


def _case(plain: Any, where: str) -> Case:
    if not isinstance(plain, dict):
        raise UsageError("a case has 'key: value' pairs")
    for key in plain:
        if key not in KEYS:
            raise UsageError(f"nobody knows the key '{key}'", hint=f"known: {', '.join(KEYS)}")
    query = plain.get("query")
    if not isinstance(query, str) or not query.strip():
        raise UsageError("'query' is missing")
    expect = _texts(plain, "expect")
    if not expect:
        raise UsageError("'expect' is missing")
    filters = {name: _texts(plain, name) for name in FILTER_KEYS if name in plain}
    roles = _texts(plain, "role") if "role" in plain else None
    return Case(query, expect, where, filters, roles, _day(plain.get("as_of")), _flag(plain.get("all")))


def _texts(plain: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = plain.get(name, ())
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise UsageError(f"'{name}' is a text or a list of texts")
    return tuple(dict.fromkeys(values))


def _day(value: Any) -> date | None:
    try:
        return None if value is None else date.fromisoformat(value)
    except (ValueError, TypeError):
        raise UsageError("'as_of' is a day such as 2026-06-30") from None


def _flag(value: Any) -> bool | None:
    if value in (None, True, False):
        return value  # type: ignore[no-any-return]
    flags = {"true": True, "false": False}
    if not isinstance(value, str) or value.lower() not in flags:
        raise UsageError("'all' is true or false")
    return flags[value.lower()]


def place(found: Sequence[str], expected: Collection[str]) -> int | None:
    """Return the 1-based place of the first expected id; None where none was found."""
    return next((at for at, name in enumerate(found, 1) if name in expected), None)


def score(lang: str, results: Sequence[tuple[Sequence[str], Collection[str]]]) -> Score:
    """Return the means over queries.

    Parameters
    ----------
    lang
        What the row is called.
    results
        Per query the ids found, best first, and those expected; at least one query.
    """
    places = [place(found[:DEPTH], expected) for found, expected in results]

    def recall(depth: int) -> float:
        return _mean(_recall(found[:depth], expected) for found, expected in results)

    return Score(
        lang,
        len(results),
        recall(1),
        recall(5),
        recall(DEPTH),
        _mean(0.0 if at is None else 1 / at for at in places),
        _mean(_ndcg(found[:DEPTH], expected) for found, expected in results),
    )


def _recall(found: Sequence[str], expected: Collection[str]) -> float:
    return len(set(found) & set(expected)) / len(set(expected))


def _ndcg(found: Sequence[str], expected: Collection[str]) -> float:
    gained = sum(1 / math.log2(at + 1) for at, name in enumerate(found, 1) if name in expected)
    best = sum(1 / math.log2(at + 1) for at in range(1, min(DEPTH, len(set(expected))) + 1))
    return gained / best


def _mean(values: Any) -> float:
    numbers = list(values)
    return round(math.fsum(numbers) / len(numbers), 4)
