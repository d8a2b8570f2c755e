"""Ids, and what refers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.knowledge.lint.findings import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm.knowledge.lint.subject import Subject

SUGGESTIONS = 200
"""Dangling links for which a near id is sought; a base with more has another trouble."""
NEAR = 80
"""Likeness of two ids, of 100, from which one is suggested for the other."""


def duplicate_id(subject: Subject) -> Iterator[Breach]:
    """No id stands twice."""
    for entry in subject.entries:
        first = subject.by_id[entry.id]
        if first is not entry:
            yield Breach(
                entry, f"the id '{entry.id}' stands in {first.path}:{first.lines.get('id', first.line)} too", ("id",)
            )


def dangling_link(subject: Subject) -> Iterator[Breach]:
    """Every id that an entry refers to is there."""
    told = 0
    for entry in subject.entries:
        for key, names in (("links.supersedes", entry.links.supersedes), ("links.related", entry.links.related)):
            for name in names:
                if name in subject.known_ids:
                    continue
                told += 1
                near = near_id(name, subject.by_id) if told <= SUGGESTIONS else None
                hint = f"did you mean '{near}'?" if near else None
                yield Breach(entry, f"{key} names '{name}', which is not there", (key, "links"), hint)


def circular_link(subject: Subject) -> Iterator[Breach]:
    """No entry stands, over any number of others, in its own place; none is related to itself."""
    for circle in _circles({entry.id: entry.links.supersedes for entry in subject.by_id.values()}):
        entry = subject.by_id[circle[0]]
        if len(circle) == 1:
            yield Breach(entry, "it supersedes itself", ("links.supersedes",))
        else:
            more = f" and {len(circle) - 5:,} more" if len(circle) > 5 else ""
            names = ", ".join(f"'{name}'" for name in circle[:5])
            yield Breach(entry, f"{names}{more} supersede each other in a circle", ("links.supersedes",))
    for entry in subject.entries:
        if entry.id in entry.links.related:
            yield Breach(entry, "it is related to itself", ("links.related",))


def superseded_in_use(subject: Subject) -> Iterator[Breach]:
    """An entry in whose place another stands is archived."""
    for entry in subject.entries:
        successor = subject.superseded_by.get(entry.id)
        if entry.in_use and successor is not None:
            yield Breach(entry, f"{subject.name(successor)} stands in its place", ("state.confidence",))


def near_id(name: str, known: Mapping[str, object]) -> str | None:
    """Return the id that was probably meant; None where none is near."""
    from rapidfuzz import process

    found = process.extractOne(name, sorted(known), score_cutoff=NEAR)
    return None if found is None else str(found[0])


def _circles(successors: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """Yield each strongly connected set of ids that holds a circle, sorted (Tarjan 1972, without recursion)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    for start in successors:
        if start in number:
            continue
        work = [(start, iter(successors[start]))]
        number[start] = lowest[start] = len(number)
        path.append(start)
        on_path.add(start)
        while work:
            name, rest = work[-1]
            following = next((each for each in rest if each in successors), None)
            if following is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[name])
                if lowest[name] == number[name]:
                    component = [path.pop()]
                    while component[-1] != name:
                        component.append(path.pop())
                    on_path.difference_update(component)
                    if len(component) > 1 or name in successors[name]:
                        yield sorted(component)
            elif following not in number:
                number[following] = lowest[following] = len(number)
                path.append(following)
                on_path.add(following)
                work.append((following, iter(successors[following])))
            elif following in on_path:
                lowest[name] = min(lowest[name], number[following])
