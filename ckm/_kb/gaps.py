"""Gaps of the knowledge base: queries without hits that have enough in common with them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckm.search.query import Query, parse

if TYPE_CHECKING:
    from datetime import datetime

    from ckm._kb.knowledge_base import KnowledgeBase
    from ckm._kb.search_log import LoggedSearch, SearchLog
    from ckm._kb.search_result import Scope


@dataclass(frozen=True)
class QueryGap:
    """A query without hits.

    Attributes
    ----------
    query
        The most frequent spelling; case, character widths and spaces are ignored.
    searches
        Number of searches without hits.
    last
        Time of the last one.
    """

    query: str
    searches: int
    last: datetime


def query_gaps(base: KnowledgeBase, log: SearchLog, scope: Scope) -> tuple[list[QueryGap], list[str]]:
    """Return the queries that had no hits and still have none, most frequent first, and remarks.

    Hits that have little in common with a query do not count. Each query is searched again with the roles of its
    searches. A query with hits now is not a gap.
    """
    without_hits: dict[str, list[LoggedSearch]] = {}
    unlogged = 0
    for search in log.searches:
        if search.hits:
            continue
        if search.query is None:
            unlogged += 1
        elif folded := fold(search.query):
            without_hits.setdefault(folded, []).append(search)
    gaps, answered = [], 0
    for _, searches in sorted(without_hits.items()):
        written = min(Counter(each.query or "" for each in searches).items(), key=lambda item: (-item[1], item[0]))[0]
        query = parse(written)
        open_for = [roles for roles in {each.roles for each in searches} if not _finds(base, query, scope, roles)]
        still = [each for each in searches if each.roles in open_for]
        if still:
            gaps.append(QueryGap(written, len(still), max(each.at for each in still)))
        answered += not still
    gaps.sort(key=lambda gap: (-gap.searches, gap.query))
    return gaps, list(_remarks(log, unlogged, answered))


def fold(query: str) -> str:
    """Return the query with case, character widths and spaces normalised."""
    return " ".join(unicodedata.normalize("NFKC", query).casefold().split())


def _finds(base: KnowledgeBase, query: Query, scope: Scope, roles: tuple[str, ...]) -> bool:
    return base.is_answered(query, replace(scope, roles=roles))


def _remarks(log: SearchLog, unlogged: int, answered: int) -> list[str]:
    found = []
    if log.searches:
        empty = sum(not search.hits for search in log.searches)
        found.append(f"{len(log.searches):,} searches in the log, {empty:,} of them without hits")
    if unlogged:
        found.append(f"{unlogged:,} searches without hits have no text in the log (kb.log_query_text)")
    if answered:
        what = "query without hits then has" if answered == 1 else "queries without hits then have"
        found.append(f"{answered:,} {what} hits now")
    if log.broken:
        found.append(f"{log.broken:,} lines of the log could not be read")
    return found
