"""The knowledge base as a notebook uses it: search, a suite of searches, what is like an entry, what is missing.

>>> result = search(Path("kb"), "Paket kommt zu spät", as_of=date(2026, 6, 30))
>>> [(hit.id, hit.title, hit.score) for hit in result.hits]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.knowledge.search import FILTERS, Hit, KnowledgeBase, Scope, SearchResult, open_base

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from pathlib import Path

    from ckm.knowledge.cache import Watch
    from ckm.knowledge.gaps import QueryGap
    from ckm.knowledge.suite_run import SuiteResult

__all__ = [
    "FILTERS",
    "Hit",
    "KnowledgeBase",
    "Scope",
    "SearchResult",
    "gaps",
    "open_base",
    "related",
    "search",
    "suite",
]


def search(
    folder: Path,
    query: str,
    *,
    as_of: date,
    limit: int = 10,
    filters: Mapping[str, Collection[str]] | None = None,
    roles: Collection[str] = (),
    everything: bool = False,
    prefer_lang: str = "",
    explain: bool = False,
    watch: Watch | None = None,
) -> SearchResult:
    """Find entries for a query.

    Parameters
    ----------
    folder
        Of the knowledge base.
    query
        Words, "exact phrases", -words to leave out, field:value. Nothing is an error.
    as_of
        The day: entries must hold on it, and warnings and ages are as of it.
    limit
        How many at most.
    filters
        Values by name, one of :data:`FILTERS`; they work before ranking.
    roles
        Who is reading; empty: nobody is asked. A filter, not a lock: files are guarded by the file system.
    everything
        Drafts, archived ones and those that do not hold on the day too, marked.
    prefer_lang
        Language of titles and passages; "": the query's, else the entry's.
    explain
        Whether hits tell what their score is made of.
    watch
        See :func:`ckm.knowledge.cache.open_index`.

    Raises
    ------
    UsageError
        There is no such folder, or no such filter.
    """
    scope = Scope(as_of, filters or {}, tuple(roles), everything)

    def ask(base: KnowledgeBase) -> SearchResult:
        return base.search(query, scope, limit=limit, prefer_lang=prefer_lang, explain=explain)

    base = open_base(folder, watch)
    try:
        return ask(base)
    except ValueError:  # an index that came apart while it was read
        return ask(open_base(folder, watch, anew=True))


def related(
    folder: Path, name: str, *, as_of: date, roles: Collection[str] = (), limit: int = 5, prefer_lang: str = ""
) -> list[Hit]:
    """Return the entries most like one, best first: those that share its rarest words.

    Parameters
    ----------
    folder, as_of, roles, prefer_lang
        As for :func:`search`.
    name
        Id of the entry; an unknown one has none.
    limit
        How many at most.
    """
    return open_base(folder).like(name, Scope(as_of, {}, tuple(roles)), limit=limit, prefer_lang=prefer_lang)


def suite(folder: Path, path: Path, scope: Scope, *, watch: Watch | None = None) -> SuiteResult:
    """Make the searches of a suite and say how well each language found what was expected.

    Parameters
    ----------
    folder
        Of the knowledge base.
    path
        The suite: a YAML list or JSON lines of ``{query, expect, lang, …}``.
    scope
        Holds for every query; what a case says of itself goes before it.
    watch
        See :func:`ckm.knowledge.cache.open_index`.

    Raises
    ------
    UsageError
        The suite cannot be read, or a case is not as it should be (by file and line).
    InputError
        It expects entries that are not there (by file and line).
    """
    from ckm.knowledge.suite import read_suite
    from ckm.knowledge.suite_run import run_suite

    return run_suite(open_base(folder, watch), read_suite(path), scope)


def gaps(folder: Path, log: Path, scope: Scope, *, watch: Watch | None = None) -> tuple[list[QueryGap], list[str]]:
    """Return what people sought and did not find, and would not find today either, most sought first, and remarks.

    Parameters
    ----------
    folder
        Of the knowledge base.
    log
        Searches that were kept (:mod:`ckm.knowledge.search_log`).
    scope
        Of a search today; the roles are those of each search.
    watch
        See :func:`ckm.knowledge.cache.open_index`.
    """
    from ckm.knowledge.gaps import query_gaps
    from ckm.knowledge.search_log import read

    return query_gaps(open_base(folder, watch), read(log), scope)
