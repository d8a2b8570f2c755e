"""Relevance judgements: queries with the entries that they should find, and the metrics over them."""

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
"""Number of hits per query that the metrics use."""
ALL = "all"
FILTER_KEYS = ("kind", "facet", "lang", "tag", "product", "segment", "reason", "state")
KEYS = ("query", "expect", *FILTER_KEYS, "role", "as_of", "all")
MOST_LISTED = 5
"""Number of mistakes that a message lists."""


@dataclass(frozen=True)
class JudgedQuery:
    """A query with its relevant entries.

    Attributes
    ----------
    query
        The query.
    expect
        Ids of relevant entries.
    where
        File and line.
    filters
        Values by name of the filter.
    roles, as_of, include_inactive
        As in :class:`ckm.kb.Scope`; None if the suite does not name them.
    """

    query: str
    expect: tuple[str, ...]
    where: str
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: tuple[str, ...] | None = None
    as_of: date | None = None
    include_inactive: bool | None = None


@dataclass(frozen=True)
class RelevanceScore:
    """Relevance metrics of the queries in a language; means over the queries.

    Attributes
    ----------
    lang
        The language; ``all`` for all queries.
    queries
        Number of queries.
    recall_1, recall_5, recall_10
        Recall: share of the relevant entries among the first 1, 5 or 10 hits.
    mrr
        Mean reciprocal rank: 1 / rank of the first relevant entry, 0 if none is among the first ten (Voorhees, "The
        TREC-8 question answering track report", 1999).
    ndcg_10
        Normalised discounted cumulative gain: gain 1 for a relevant entry, divided by the base-2 logarithm of rank + 1
        and by the gain of the ideal order (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques",
        2002).
    """

    lang: str
    queries: int
    recall_1: float
    recall_5: float
    recall_10: float
    mrr: float
    ndcg_10: float


@dataclass(frozen=True)
class RelevanceFailure:
    """A query whose first hit is not relevant.

    Attributes
    ----------
    lang, query, expected, where
        As in the suite.
    rank
        Rank of the first relevant entry among the first ten hits; None if there is none.
    first
        Id of the first hit; None without hits.
    """

    lang: str
    query: str
    expected: tuple[str, ...]
    rank: int | None
    first: str | None
    where: str


def read_suite(path: Path) -> list[JudgedQuery]:
    """Return the queries of a suite: a YAML list, or JSON lines (``.jsonl .ndjson .json``).

    Raises
    ------
    UsageError
        The suite cannot be read, is empty, or has an invalid query; the message has the lines.
    """
    cases, mistakes = [], []
    for where, plain in _lines(path) if path.suffix.lower() in (".jsonl", ".ndjson", ".json") else _documents(path):
        try:
            cases.append(_case(plain, where))
        except UsageError as error:
            mistakes.append(f"{where}: {error}")
    if mistakes:
        more = f" (and {len(mistakes) - MOST_LISTED} more)" if len(mistakes) > MOST_LISTED else ""
        raise UsageError("; ".join(mistakes[:MOST_LISTED]) + more, hint="write {query: words, expect: [ids]}")
    if not cases:
        raise UsageError(f"{path} has no queries", hint="write {query: words, expect: [ids]}")
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
                raise UsageError(f"{path}:{number}: this line is not JSON", hint="write one query per line") from None
    return found


def _documents(path: Path) -> list[tuple[str, Any]]:
    from ckm.yamlfile import read_yaml

    document = read_yaml(path)
    if document is None:
        return []
    return [(item.where, _plain(item)) for item in document.items()]


def _plain(entry: Any) -> Any:
    """Return a query of a YAML file as texts and lists of texts, as in JSON."""
    return {
        name: value.text() if value.is_text else [item.text() for item in value.items()]
        for name, value in entry.mapping().items()
        if not value.is_null
    }


def _case(plain: Any, where: str) -> JudgedQuery:
    if not isinstance(plain, dict):
        raise UsageError("expected 'key: value' pairs")
    for key in plain:
        if key not in KEYS:
            raise UsageError(f"unknown key '{key}'", hint=f"known: {', '.join(KEYS)}")
    query = plain.get("query")
    if not isinstance(query, str) or not query.strip():
        raise UsageError("'query' is missing")
    expect = _texts(plain, "expect")
    if not expect:
        raise UsageError("'expect' is missing")
    filters = {name: _texts(plain, name) for name in FILTER_KEYS if name in plain}
    roles = _texts(plain, "role") if "role" in plain else None
    return JudgedQuery(query, expect, where, filters, roles, _day(plain.get("as_of")), _flag(plain.get("all")))


def _texts(plain: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = plain.get(name, ())
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise UsageError(f"'{name}' must be a text or a list of texts")
    return tuple(dict.fromkeys(values))


def _day(value: Any) -> date | None:
    try:
        return None if value is None else date.fromisoformat(value)
    except (ValueError, TypeError):
        raise UsageError("'as_of' must be a date such as 2026-06-30") from None


def _flag(value: Any) -> bool | None:
    if value in (None, True, False):
        return value  # type: ignore[no-any-return]
    flags = {"true": True, "false": False}
    if not isinstance(value, str) or value.lower() not in flags:
        raise UsageError("'all' must be true or false")
    return flags[value.lower()]


def first_rank(found: Sequence[str], expected: Collection[str]) -> int | None:
    """Return the 1-based rank of the first relevant id; None if there is none."""
    return next((at for at, name in enumerate(found, 1) if name in expected), None)


def score(lang: str, results: Sequence[tuple[Sequence[str], Collection[str]]]) -> RelevanceScore:
    """Return the metrics as means over queries.

    Parameters
    ----------
    lang
        Name of the row.
    results
        Ids of the hits, best first, and relevant ids of each query; at least one query.
    """
    ranks = [first_rank(found[:DEPTH], expected) for found, expected in results]

    def recall(depth: int) -> float:
        return _mean(_recall(found[:depth], expected) for found, expected in results)

    return RelevanceScore(
        lang,
        len(results),
        recall(1),
        recall(5),
        recall(DEPTH),
        _mean(0.0 if at is None else 1 / at for at in ranks),
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
