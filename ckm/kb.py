"""The knowledge base as a notebook uses it: search it, check it, show and start entries, see what is missing.

A search is done before other parts are loaded: what it does not need is imported where it is needed.

>>> result = search(Path("kb"), "Paket kommt zu spät", as_of=date(2026, 6, 30))
>>> [(hit.id, hit.title, hit.score) for hit in result.hits]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ckm.errors import UsageError
from ckm.files import refuse_unreadable
from ckm.knowledge.search import FILTERS, Hit, KnowledgeBase, Scope, SearchResult, open_base

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from ckm.knowledge.draft import Draft, Wanted
    from ckm.knowledge.gaps import QueryGap
    from ckm.knowledge.index_cache import Progress
    from ckm.knowledge.linked import Shown
    from ckm.knowledge.lint import LintReport
    from ckm.knowledge.suite_run import SuiteResult
    from ckm.settings import KbSettings

__all__ = [
    "FILTERS",
    "Hit",
    "KnowledgeBase",
    "Scope",
    "SearchResult",
    "gaps",
    "lint",
    "new_entry",
    "open_base",
    "related",
    "search",
    "show",
    "suite",
]

T = TypeVar("T")

KEPT = "lint"
"""Folder in the cache folder of a knowledge base for what was read and found by :func:`lint`."""


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
    progress: Progress | None = None,
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
    progress
        See :func:`ckm.knowledge.index_cache.open_index`.

    Raises
    ------
    UsageError
        There is no such folder, or no such filter.
    """
    scope = Scope(as_of, filters or {}, tuple(roles), everything)

    def ask(base: KnowledgeBase) -> SearchResult:
        return base.search(query, scope, limit=limit, prefer_lang=prefer_lang, explain=explain)

    return _asked(folder, progress, ask)


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
    scope = Scope(as_of, {}, tuple(roles))
    return _asked(folder, None, lambda base: base.like(name, scope, limit=limit, prefer_lang=prefer_lang))


def suite(folder: Path, path: Path, scope: Scope, *, progress: Progress | None = None) -> SuiteResult:
    """Make the searches of a suite and say how well each language found what was expected.

    Parameters
    ----------
    folder
        Of the knowledge base.
    path
        The suite: a YAML list or JSON lines of ``{query, expect, lang, …}``.
    scope
        Holds for every query; what a case says of itself goes before it.
    progress
        See :func:`ckm.knowledge.index_cache.open_index`.

    Raises
    ------
    UsageError
        The suite cannot be read, or a case is not as it should be (by file and line).
    InputError
        It expects entries that are not there (by file and line).
    """
    from ckm.knowledge.suite import read_suite
    from ckm.knowledge.suite_run import run_suite

    cases = read_suite(path)
    return _asked(folder, progress, lambda base: run_suite(base, cases, scope))


def gaps(
    folder: Path, log: Path, scope: Scope, *, progress: Progress | None = None
) -> tuple[list[QueryGap], list[str]]:
    """Return what people sought and did not find, and would not find today either, most sought first, and remarks.

    Parameters
    ----------
    folder
        Of the knowledge base.
    log
        Searches that were kept (:mod:`ckm.knowledge.search_log`).
    scope
        Of a search today; the roles are those of each search.
    progress
        See :func:`ckm.knowledge.index_cache.open_index`.
    """
    from ckm.knowledge.gaps import query_gaps
    from ckm.knowledge.search_log import read

    searches = read(log)
    return _asked(folder, progress, lambda base: query_gaps(base, searches, scope))


def _asked(folder: Path, progress: Progress | None, ask: Callable[[KnowledgeBase], T]) -> T:
    """Ask a knowledge base; where its index comes apart meanwhile, once more with a new one."""
    try:
        return ask(open_base(folder, progress))
    except ValueError:
        return ask(open_base(folder, progress, anew=True))


def lint(
    folder: Path,
    as_of: date,
    *,
    settings: KbSettings | None = None,
    segments: Path | None = None,
    keep: bool = True,
    advance: Callable[[float], None] = lambda amount: None,
) -> LintReport:
    """Find what is wrong with a knowledge base.

    Parameters
    ----------
    folder
        Of the knowledge base.
    as_of
        The day: reviews due before it are overdue, entries that ended before it expired.
    settings
        What the team has agreed on (``kb:`` of ckm.yaml).
    segments
        Folder of the workspace's definitions of segments, whose names entries may use beside those of ckm's methods.
    keep
        Whether what was read and found is kept in the cache folder, for the next time.
    advance
        Told how many files more are done.

    Raises
    ------
    UsageError
        There is no such folder, or ``settings.skip`` names a rule that there is not.
    """
    from ckm.config import Config
    from ckm.knowledge.cache_folder import cache_folder
    from ckm.knowledge.fingerprint import mark_of
    from ckm.knowledge.lint import Expected, lint_folder
    from ckm.knowledge.reason_codes import reason_codes

    _needs(folder)
    agreed = settings or Config().kb

    def expected() -> Expected:
        return Expected(
            topics=frozenset(agreed.topics),
            departments=frozenset(agreed.departments),
            segments=frozenset(_segment_names(segments)),
            reasons=reason_codes(),
            languages=agreed.languages,
            freshness=agreed.freshness,
            alike=agreed.alike,
            skip=agreed.skip,
        )

    state = [(path.name, mark_of(path.stat())) for path in _definitions(segments)]
    return lint_folder(
        folder,
        as_of,
        expected,
        agreed=repr((vars(agreed), state)),
        place=cache_folder(folder) / KEPT if keep else None,
        advance=advance,
    )


def show(folder: Path, name: str, as_of: date, *, lang: str = "", similar: Iterable[str] = ()) -> Shown:
    """Return an entry with what supersedes it, what it supersedes, and what is related.

    Parameters
    ----------
    folder
        Of the knowledge base.
    name
        Id of the entry.
    as_of
        The day by which it is expired or due.
    lang
        Language for titles of others (BCP 47); ``""`` for any.
    similar
        Ids of the entries that are like it, best first, as the index finds them.

    Raises
    ------
    UsageError
        There is no such folder or entry (the near ids are suggested), or the entry cannot be read.
    """
    from ckm.knowledge.cache_folder import cache_folder
    from ckm.knowledge.entry_cache import read_cached
    from ckm.knowledge.linked import show_entry
    from ckm.knowledge.listing import files

    _needs(folder)
    base = read_cached(folder, files(folder), cache_folder(folder) / KEPT)
    return show_entry(base, name, as_of, lang, similar)


def new_entry(folder: Path, wanted: Wanted, as_of: date, *, force: bool = False) -> Draft:
    """Write a draft into a knowledge base.

    Parameters
    ----------
    folder
        Of the knowledge base; it is made if it is not there.
    wanted
        What is known of the entry.
    as_of
        The day on which it was learned.
    force
        Overwrite the draft's own file; an id that another file holds is refused all the same.

    Raises
    ------
    UsageError
        The id is unfit or taken, the file is there, or it cannot be written.
    """
    from ckm.knowledge.draft import write_draft

    return write_draft(folder, wanted, as_of, force=force)


def _needs(folder: Path) -> None:

    if not folder.is_dir():
        refuse_unreadable(folder)
        raise UsageError(
            f"there is no folder {folder}", hint="--kb DIR names the knowledge base; ckm kb-new starts one"
        )


def _segment_names(folder: Path | None) -> Iterator[str]:
    """Yield the names of segments: of ckm's methods, and of the workspace's definitions that can be read."""
    from ckm.errors import CkmError
    from ckm.knowledge.segment_names import usual_segment_names

    yield from usual_segment_names()
    definitions = _definitions(folder)
    if definitions:
        from ckm.segmentation.saved import load_definition
    for path in definitions:
        try:
            yield from (segment.name for segment in load_definition(path).definition.segments)
        except CkmError:  # whoever segments with it is told
            continue


def _definitions(folder: Path | None) -> list[Path]:
    return sorted(folder.glob("*.yaml")) if folder is not None and folder.is_dir() else []
