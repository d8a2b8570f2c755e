"""One entry, with those that it is linked to in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from ckm.knowledge.entry import Entry, Mistake
    from ckm.knowledge.entry_files import Base


@dataclass(frozen=True)
class Linked:
    """An entry that another names, in short.

    Attributes
    ----------
    id
        As it is named.
    title
        In the reader's language; empty where it is not there.
    confidence
        Its state; None where it is not there, or cannot be read.
    """

    id: str
    title: str = ""
    confidence: str | None = None


@dataclass(frozen=True)
class Shown:
    """An entry and its neighbours.

    Attributes
    ----------
    entry
        The entry.
    as_of
        The day by which it is expired or due.
    lang
        Language in which the reader wants texts; ``""`` for any.
    supersedes, superseded_by
        Entries in whose place it stands, and those in its place.
    related
        Entries that it names as related or that name it.
    similar
        Entries that are like it by their texts.
    mistakes
        What is not as the schema says.
    """

    entry: Entry
    as_of: date
    lang: str
    supersedes: tuple[Linked, ...]
    superseded_by: tuple[Linked, ...]
    related: tuple[Linked, ...]
    similar: tuple[Linked, ...]
    mistakes: tuple[Mistake, ...]


def show_entry(base: Base, name: str, as_of: date, lang: str = "", similar: Iterable[str] = ()) -> Shown:
    """Return an entry with its neighbours; of several with this id the first.

    Parameters
    ----------
    base
        As it was read.
    name
        The id.
    as_of, lang
        As in :class:`Shown`.
    similar
        Ids of the entries that are like it, best first.

    Raises
    ------
    UnknownNameError
        There is no such entry; the near id is suggested.
    UsageError
        It is there and cannot be read.
    """
    by_id: dict[str, Entry] = {}
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
    return Shown(
        entry,
        as_of,
        lang,
        supersedes=linked(by_id, entry.links.supersedes, lang),
        superseded_by=linked(by_id, superseded_by, lang),
        related=linked(by_id, (*entry.links.related, *naming), lang),
        similar=linked(by_id, similar, lang),
        mistakes=tuple(each for each in base.mistakes if (each.path, each.document) == (entry.path, entry.document)),
    )


def linked(by_id: dict[str, Entry], names: Iterable[str], lang: str) -> tuple[Linked, ...]:
    """Return what a reader wants to know of entries that are named, each once, in their order."""
    found = []
    for name in dict.fromkeys(names):
        entry = by_id.get(name)
        found.append(
            Linked(name) if entry is None else Linked(name, entry.title.in_language(lang)[1], entry.state.confidence)
        )
    return tuple(found)


def _unknown(name: str, ids: list[str]) -> UnknownNameError:
    """Suggest by rapidfuzz: the standard library takes a second for 10,000 ids."""
    from rapidfuzz import process

    near = [str(found[0]) for found in process.extract(name, ids, limit=3, score_cutoff=60)]
    error = UnknownNameError("entry", name, near or ids[:5])
    if near:
        error.hint = "did you mean " + " or ".join(f"'{each}'" for each in near) + "?"
    elif len(ids) > 5:
        error.hint = f"{len(ids):,} entries are there; ckm kb-search finds them by their words"
    return error
