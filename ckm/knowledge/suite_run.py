"""Run a suite of searches against an open knowledge base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import InputError
from ckm.knowledge.search_result import Scope
from ckm.knowledge.suite import ALL, DEPTH, TOLD, Case, Failure, Score, place, score
from ckm.search.query import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ckm.knowledge.knowledge_base import KnowledgeBase


@dataclass(frozen=True)
class SuiteResult:
    """How well the queries of a suite found what was expected.

    Attributes
    ----------
    scores
        One per language of the queries, by its tag, and a last one of all.
    failures
        Queries whose expected entry is not first, in the order of the file.
    """

    scores: tuple[Score, ...]
    failures: tuple[Failure, ...]

    @property
    def whole(self) -> Score:
        """The score of all queries."""
        return self.scores[-1]


def run_suite(base: KnowledgeBase, cases: Sequence[Case], scope: Scope) -> SuiteResult:
    """Make the searches of cases and compare what they find with what they expect.

    A case without a language counts to the one that its query is in, by script and stop words.

    Raises
    ------
    InputError
        A case expects an entry that the base does not have.
    """
    _refuse_unknown(base, cases)
    by_lang: dict[str, list[tuple[Sequence[str], Collection[str]]]] = {}
    failures = []
    for case in cases:
        lang = case.filters["lang"][0] if "lang" in case.filters else base.language_of(case.query)
        found = [one.entry["id"] for one in base.rank(parse(case.query), _scope(case, scope), DEPTH)]
        by_lang.setdefault(lang, []).append((found, case.expect))
        rank = place(found, case.expect)
        if rank != 1:
            failures.append(Failure(lang, case.query, case.expect, rank, found[0] if found else None, case.where))
    scores = [score(lang, by_lang[lang]) for lang in sorted(by_lang)]
    return SuiteResult((*scores, score(ALL, [one for each in by_lang.values() for one in each])), tuple(failures))


def _scope(case: Case, usual: Scope) -> Scope:
    return Scope(
        case.as_of or usual.as_of,
        {**usual.filters, **case.filters},
        usual.roles if case.roles is None else case.roles,
        usual.everything if case.everything is None else case.everything,
    )


def _refuse_unknown(base: KnowledgeBase, cases: Sequence[Case]) -> None:
    unknown = [
        f"{case.where}: no entry '{name}'" for case in cases for name in case.expect if name.casefold() not in base.ids
    ]
    if unknown:
        more = f" (and {len(unknown) - TOLD} more)" if len(unknown) > TOLD else ""
        raise InputError("; ".join(unknown[:TOLD]) + more, hint="mend the suite, or the entry's id")
