"""What people sought in the knowledge base and did not find."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckm.search.query import Query, parse

if TYPE_CHECKING:
    from datetime import datetime

    from ckm.knowledge.knowledge_base import KnowledgeBase
    from ckm.knowledge.search_log import LoggedSearch, SearchLog
    from ckm.knowledge.search_result import Scope


@dataclass(frozen=True)
class QueryGap:
    """A query that found nothing.

    Attributes
    ----------
    query
        As it was typed most often; upper and lower case, widths and spaces do not make another query.
    searches
        How often it was searched without a hit.
    last
        When last.
    """

    query: str
    searches: int
    last: datetime


def query_gaps(base: KnowledgeBase, log: SearchLog, scope: Scope) -> tuple[list[QueryGap], list[str]]:
    """Return the queries that found nothing and would not today, most sought first, and remarks.

    Each is searched again as the roles that sought it: what has been answered since is a gap no more.
    """
    missed: dict[str, list[LoggedSearch]] = {}
    silent = 0
    for search in log.searches:
        if search.hits:
            continue
        if search.query is None:
            silent += 1
        elif folded := fold(search.query):
            missed.setdefault(folded, []).append(search)
    gaps, answered = [], 0
    for _, searches in sorted(missed.items()):
        written = min(Counter(each.query or "" for each in searches).items(), key=lambda item: (-item[1], item[0]))[0]
        query = parse(written)
        open_for = [roles for roles in {each.roles for each in searches} if not _finds(base, query, scope, roles)]
        still = [each for each in searches if each.roles in open_for]
        if still:
            gaps.append(QueryGap(written, len(still), max(each.at for each in still)))
        answered += not still
    gaps.sort(key=lambda gap: (-gap.searches, gap.query))
    return gaps, list(_remarks(log, silent, answered))


def fold(query: str) -> str:
    """Return what makes two queries the same: their words, whatever their case, width and spaces."""
    return " ".join(unicodedata.normalize("NFKC", query).casefold().split())


def _finds(base: KnowledgeBase, query: Query, scope: Scope, roles: tuple[str, ...]) -> bool:
    return bool(base.rank(query, replace(scope, roles=roles), 1))


def _remarks(log: SearchLog, silent: int, answered: int) -> list[str]:
    found = []
    if log.searches:
        empty = sum(not search.hits for search in log.searches)
        found.append(f"{len(log.searches):,} searches were kept, {empty:,} of them found nothing")
    if silent:
        found.append(f"of {silent:,} searches without a hit the text was not kept (kb.log_query_text)")
    if answered:
        what = "query that found nothing then finds" if answered == 1 else "queries that found nothing then find"
        found.append(f"{answered:,} {what} something by now")
    if log.broken:
        found.append(f"{log.broken:,} lines of the log could not be read")
    return found
