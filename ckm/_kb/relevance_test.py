"""Run the queries of a suite against a knowledge base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._kb.relevance_judgements import (
    ALL,
    DEPTH,
    MOST_LISTED,
    JudgedQuery,
    RelevanceFailure,
    RelevanceScore,
    first_rank,
    score,
)
from ckm._kb.search_result import Scope
from ckm.errors import InputError
from ckm.search.query import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ckm._kb.knowledge_base import KnowledgeBase


@dataclass(frozen=True)
class RelevanceReport:
    """Relevance metrics of a suite.

    Attributes
    ----------
    scores
        One per language, in order of tags, and last one for all queries.
    failures
        Queries whose first hit is not relevant, in the order of the file.
    """

    scores: tuple[RelevanceScore, ...]
    failures: tuple[RelevanceFailure, ...]

    @property
    def whole(self) -> RelevanceScore:
        """The metrics of all queries."""
        return self.scores[-1]


def run_suite(base: KnowledgeBase, cases: Sequence[JudgedQuery], scope: Scope) -> RelevanceReport:
    """Return the relevance metrics of queries.

    A query without a language counts for the language of its script and stop words.

    Raises
    ------
    InputError
        A relevant entry does not exist.
    """
    _check_ids(base, cases)
    by_lang: dict[str, list[tuple[Sequence[str], Collection[str]]]] = {}
    failures = []
    for case in cases:
        lang = case.filters["lang"][0] if "lang" in case.filters else base.language_of(case.query)
        found = [one.entry["id"] for one in base.rank(parse(case.query), _scope(case, scope), DEPTH)]
        by_lang.setdefault(lang, []).append((found, case.expect))
        rank = first_rank(found, case.expect)
        if rank != 1:
            failures.append(
                RelevanceFailure(lang, case.query, case.expect, rank, found[0] if found else None, case.where)
            )
    scores = [score(lang, by_lang[lang]) for lang in sorted(by_lang)]
    return RelevanceReport((*scores, score(ALL, [one for each in by_lang.values() for one in each])), tuple(failures))


def _scope(case: JudgedQuery, default: Scope) -> Scope:
    return Scope(
        case.as_of or default.as_of,
        {**default.filters, **case.filters},
        default.roles if case.roles is None else case.roles,
        default.include_inactive if case.include_inactive is None else case.include_inactive,
    )


def _check_ids(base: KnowledgeBase, cases: Sequence[JudgedQuery]) -> None:
    unknown = [
        f"{case.where}: no entry '{name}'" for case in cases for name in case.expect if name.casefold() not in base.ids
    ]
    if unknown:
        more = f" (and {len(unknown) - MOST_LISTED} more)" if len(unknown) > MOST_LISTED else ""
        raise InputError("; ".join(unknown[:MOST_LISTED]) + more, hint="fix the suite, or the id of the entry")
