"""An entry with the entries that it links to and that link to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from ckm._kb.entry import KnowledgeEntry, Mistake
    from ckm._kb.entry_files import EntryCollection


@dataclass(frozen=True)
class LinkedEntry:
    """Short form of an entry that another entry links to.

    Attributes
    ----------
    id
        Id in the link.
    title
        Title in the reader's language; empty if the entry does not exist.
    confidence
        State; None if the entry does not exist or cannot be read.
    """

    id: str
    title: str = ""
    confidence: str | None = None


@dataclass(frozen=True)
class EntryView:
    """An entry and its links.

    Attributes
    ----------
    entry
        The entry.
    as_of
        Date for its validity and its review.
    lang
        Preferred language of texts; ``""`` for any.
    supersedes, superseded_by
        Entries that it supersedes, and entries that supersede it.
    related
        Entries that it links to as related, and entries that link to it.
    similar
        Entries with similar texts.
    mistakes
        Violations of the schema.
    """

    entry: KnowledgeEntry
    as_of: date
    lang: str
    supersedes: tuple[LinkedEntry, ...]
    superseded_by: tuple[LinkedEntry, ...]
    related: tuple[LinkedEntry, ...]
    similar: tuple[LinkedEntry, ...]
    mistakes: tuple[Mistake, ...]


def view_entry(base: EntryCollection, name: str, as_of: date, lang: str = "", similar: Iterable[str] = ()) -> EntryView:
    """Return an entry with its links; of several entries with this id the first.

    Parameters
    ----------
    base
        All entries of the knowledge base.
    name
        Id of the entry.
    as_of, lang
        As in :class:`EntryView`.
    similar
        Ids of similar entries, best first.

    Raises
    ------
    UnknownNameError
        The entry does not exist; the nearest id is suggested.
    UsageError
        The entry exists and cannot be read.
    """
    by_id: dict[str, KnowledgeEntry] = {}
    for each in base.entries:
        by_id.setdefault(each.id, each)
    entry = by_id.get(name)
    if entry is None:
        lost = next((each for each in base.mistakes if each.entry == name and each.left_out), None)
        if lost is not None:
            raise UsageError(f"{lost.where}: {lost.message}", hint=lost.hint)
        raise _unknown(name, sorted(by_id))
    superseded_by = [each.id for each in base.entries if name in each.links.supersedes and each is not entry]
    naming = [each.id for each in base.entries if name in each.links.related and each is not entry]
    return EntryView(
        entry,
        as_of,
        lang,
        supersedes=linked(by_id, entry.links.supersedes, lang),
        superseded_by=linked(by_id, superseded_by, lang),
        related=linked(by_id, (*entry.links.related, *naming), lang),
        similar=linked(by_id, similar, lang),
        mistakes=tuple(each for each in base.mistakes if (each.path, each.document) == (entry.path, entry.document)),
    )


def linked(by_id: dict[str, KnowledgeEntry], ids: Iterable[str], lang: str) -> tuple[LinkedEntry, ...]:
    """Return the short form of each entry, without repeats, in the order of ``ids``; an unknown id has no title."""
    found = []
    for name in dict.fromkeys(ids):
        entry = by_id.get(name)
        found.append(
            LinkedEntry(name)
            if entry is None
            else LinkedEntry(name, entry.title.in_language(lang)[1], entry.state.confidence)
        )
    return tuple(found)


def _unknown(name: str, ids: list[str]) -> UnknownNameError:
    """Return the error with near ids from rapidfuzz; difflib takes a second for 10,000 ids."""
    from rapidfuzz import process

    near = [str(found[0]) for found in process.extract(name, ids, limit=3, score_cutoff=60)]
    error = UnknownNameError("entry", name, near or ids[:5])
    if near:
        error.hint = "did you mean " + " or ".join(f"'{each}'" for each in near) + "?"
    elif len(ids) > 5:
        error.hint = f"there are {len(ids):,} entries; search them with ckm kb-search"
    return error
