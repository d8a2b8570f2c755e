"""The Python API of the knowledge base: search, check, show and create entries, find gaps.

Modules that a search does not need are imported inside the functions that need them.

>>> result = search(Path("kb"), "Paket kommt zu spät", as_of=date(2026, 6, 30))
>>> [(hit.id, hit.title, hit.score) for hit in result.hits]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ckm._kb.knowledge_base import KnowledgeBase, check_exists
from ckm._kb.search_result import FILTERS, Hit, Scope, SearchResult

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from ckm._kb.draft import Draft, DraftFields
    from ckm._kb.entry_view import EntryView
    from ckm._kb.gaps import QueryGap
    from ckm._kb.index_cache import Progress
    from ckm._kb.lint import LintReport
    from ckm._kb.relevance_test import RelevanceReport
    from ckm._kb.search_result import Semantic
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
    "related",
    "search",
    "show",
    "suite",
]

T = TypeVar("T")


def search(
    folder: Path,
    query: str,
    *,
    as_of: date,
    limit: int = 10,
    filters: Mapping[str, Collection[str]] | None = None,
    roles: Collection[str] = (),
    include_inactive: bool = False,
    prefer_lang: str = "",
    explain: bool = False,
    semantic: Semantic = "auto",
    any_lang: bool = False,
    encoder: Path | None = None,
    progress: Progress | None = None,
) -> SearchResult:
    """Return the entries that match a query, best first.

    Parameters
    ----------
    folder
        The knowledge folder.
    query
        Words, "exact phrases", -excluded words, field:value. No query is invalid.
    as_of
        Date on which entries must be valid, and to which warnings and ages refer.
    limit
        Largest number of hits.
    filters
        Values by name, one of :data:`FILTERS`; filters apply before ranking.
    roles
        Roles of the reader; empty: no check. This is a filter, not access control: the file system protects files.
    include_inactive
        Include drafts, archived entries and entries that are not valid on the date, with warnings.
    prefer_lang
        Language of titles and snippets; "": the language of the query, else of the entry.
    explain
        Whether hits contain the parts of their score.
    semantic
        Whether to look for meaning too: ``auto`` if the best hit by words has too few of the query's words (under half
        of them, or under more if many entries have no text in the query's language), ``on``, ``off``. Needs the extra
        ``semantic`` or ``encoder``; ``auto`` does without. A query with phrases, excluded words or fields is searched
        by words only.
    any_lang
        Find entries in other languages than the query's too: the same as ``semantic="on"``.
    encoder
        Folder of an encoder (:meth:`ckm.models.encoder.Encoder.open`); None: the built-in one.
    progress
        See :func:`ckm._kb.index_cache.open_index`.

    Raises
    ------
    UsageError
        The folder or the filter does not exist, or there is no encoder although ``semantic`` is ``on``.
    """
    return _call(
        folder,
        progress,
        KnowledgeBase.search,
        query,
        Scope(as_of, filters or {}, tuple(roles), include_inactive),
        limit=limit,
        prefer_lang=prefer_lang,
        explain=explain,
        semantic=semantic,
        any_lang=any_lang,
        encoder=encoder,
    )


def related(
    folder: Path, name: str, *, as_of: date, roles: Collection[str] = (), limit: int = 5, prefer_lang: str = ""
) -> list[Hit]:
    """Return the entries most similar to one, best first, by their terms of highest tf-idf.

    Parameters
    ----------
    folder, as_of, roles, prefer_lang
        As for :func:`search`.
    name
        Id of the entry; an unknown id has no similar entries.
    limit
        Largest number of entries.
    """
    scope = Scope(as_of, {}, tuple(roles))
    return _call(folder, None, KnowledgeBase.like, name, scope, limit=limit, prefer_lang=prefer_lang)


def suite(folder: Path, path: Path, scope: Scope, *, progress: Progress | None = None) -> RelevanceReport:
    """Run the queries of a suite and return recall, MRR and nDCG by language.

    Parameters
    ----------
    folder
        The knowledge folder.
    path
        The suite: a YAML list or JSON lines of relevance judgements ``{query, expect, lang, …}``.
    scope
        Scope of every query; the values of a query take precedence.
    progress
        See :func:`ckm._kb.index_cache.open_index`.

    Raises
    ------
    UsageError
        The suite cannot be read, or a query is invalid (the message names file and line).
    InputError
        The suite expects entries that do not exist (the message names file and line).
    """
    from ckm._kb.relevance_judgements import read_suite
    from ckm._kb.relevance_test import run_suite

    return _call(folder, progress, run_suite, read_suite(path), scope)


def gaps(
    folder: Path, log: Path, scope: Scope, *, progress: Progress | None = None
) -> tuple[list[QueryGap], list[str]]:
    """Return the queries of the search log that had no hits and still have none, most frequent first, and remarks.

    Parameters
    ----------
    folder
        The knowledge folder.
    log
        The search log (:mod:`ckm._kb.search_log`).
    scope
        Scope of a search now; the roles are those of each logged search.
    progress
        See :func:`ckm._kb.index_cache.open_index`.
    """
    from ckm._kb.gaps import query_gaps
    from ckm._kb.search_log import read

    return _call(folder, progress, query_gaps, read(log), scope)


def _call(folder: Path, progress: Progress | None, method: Callable[..., T], *args: Any, **options: Any) -> T:
    """Return what a method of an open knowledge base returns; rebuild the index once if it was damaged meanwhile."""
    try:
        return method(KnowledgeBase.open(folder, progress), *args, **options)
    except ValueError:
        return method(KnowledgeBase.open(folder, progress, anew=True), *args, **options)


def lint(
    folder: Path,
    as_of: date,
    *,
    settings: KbSettings | None = None,
    segments: Path | None = None,
    keep: bool = True,
    advance: Callable[[float], None] = lambda amount: None,
) -> LintReport:
    """Return all findings of the lint rules about a knowledge base, worst first.

    Parameters
    ----------
    folder
        The knowledge folder.
    as_of
        Date for overdue reviews and expired entries.
    settings
        Settings ``kb:`` of ckm.yaml.
    segments
        Folder with the segment definitions of the workspace. Entries may use their names and those of ckm's methods.
    keep
        Whether to cache parsed entries and findings for the next run.
    advance
        Called with the number of files that were finished.

    Raises
    ------
    UsageError
        The folder does not exist, or ``settings.skip`` names an unknown rule.
    """
    from ckm._kb.cache_folder import LINT_CACHE, cache_folder
    from ckm._kb.fingerprint import mark_of
    from ckm._kb.lint import LintOptions, lint_folder
    from ckm._kb.reason_codes import reason_codes
    from ckm.config import Config

    check_exists(folder)
    kb = settings or Config().kb

    def options() -> LintOptions:
        return LintOptions(
            topics=frozenset(kb.topics),
            departments=frozenset(kb.departments),
            segments=frozenset(_segment_names(segments)),
            reasons=reason_codes(),
            languages=kb.languages,
            freshness=kb.freshness,
            alike=kb.alike,
            skip=kb.skip,
        )

    state = [(path.name, mark_of(path.stat())) for path in _definitions(segments)]
    return lint_folder(
        folder,
        as_of,
        options,
        options_key=repr((vars(kb), state)),
        place=cache_folder(folder) / LINT_CACHE if keep else None,
        advance=advance,
    )


def show(
    folder: Path,
    name: str,
    as_of: date,
    *,
    lang: str = "",
    similar: Iterable[str] = (),
    roles: Collection[str] = (),
) -> EntryView:
    """Return an entry with the entries that supersede it, that it supersedes, and that are related.

    Parameters
    ----------
    folder
        The knowledge folder.
    name
        Id of the entry.
    as_of
        Date for its validity and its review.
    lang
        Language for titles of other entries (BCP 47); ``""`` for any.
    similar
        Ids of similar entries, best first, as from :func:`related`.
    roles
        Roles of the reader: an entry that none of them may read counts as missing. Empty: no check.

    Raises
    ------
    UsageError
        The folder or the entry does not exist (near ids are suggested), or the entry cannot be read.
    """
    from ckm._kb.cache_folder import LINT_CACHE, cache_folder
    from ckm._kb.entry_cache import read_cached
    from ckm._kb.entry_files import EntryCollection
    from ckm._kb.entry_view import view_entry
    from ckm._kb.file_listing import files

    check_exists(folder)
    base = read_cached(folder, files(folder), cache_folder(folder) / LINT_CACHE)
    if roles:
        readable = [each for each in base.entries if not each.access.read or set(each.access.read) & set(roles)]
        base = EntryCollection(tuple(readable), base.mistakes)
    return view_entry(base, name, as_of, lang, similar)


def new_entry(folder: Path, wanted: DraftFields, as_of: date, *, force: bool = False) -> Draft:
    """Write a draft into a knowledge base and return it.

    Parameters
    ----------
    folder
        The knowledge folder; it is created if it does not exist.
    wanted
        Given values of the entry.
    as_of
        Date on which the knowledge was collected.
    force
        Overwrite an existing file of this draft. An id that another file uses is refused nevertheless.

    Raises
    ------
    UsageError
        The id is invalid or in use, the file exists, or it cannot be written.
    """
    from ckm._kb.draft import write_draft

    return write_draft(folder, wanted, as_of, force=force)


def _segment_names(folder: Path | None) -> Iterator[str]:
    """Yield the names of segments: those of ckm's methods, and of the workspace's valid definitions."""
    from ckm._kb.segment_names import method_segment_names
    from ckm.errors import CkmError

    yield from method_segment_names()
    definitions = _definitions(folder)
    if definitions:
        from ckm._segment.definition_file import load_definition
    for path in definitions:
        try:
            yield from (segment.name for segment in load_definition(path).definition.segments)
        except CkmError:  # ckm segment reports it
            continue


def _definitions(folder: Path | None) -> list[Path]:
    return sorted(folder.glob("*.yaml")) if folder is not None and folder.is_dir() else []
