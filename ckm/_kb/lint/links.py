"""Lint rules for ids and links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._kb.lint.lint_report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm._kb.lint.lint_context import LintContext

SUGGESTIONS = 200
"""Number of dangling links for which a similar id is suggested."""
NEAR = 80
"""Similarity of two ids, from 0 to 100, from which one is suggested for the other."""


def duplicate_id(context: LintContext) -> Iterator[Violation]:
    """Yield entries whose id an earlier entry has."""
    for entry in context.entries:
        first = context.by_id[entry.id]
        if first is not entry:
            yield Violation(
                entry, f"duplicate id '{entry.id}', first in {first.path}:{first.lines.get('id', first.line)}", ("id",)
            )


def dangling_link(context: LintContext) -> Iterator[Violation]:
    """Yield links to ids that do not exist."""
    count = 0
    for entry in context.entries:
        for key, names in (("links.supersedes", entry.links.supersedes), ("links.related", entry.links.related)):
            for name in names:
                if name in context.known_ids:
                    continue
                count += 1
                near = near_id(name, context.by_id) if count <= SUGGESTIONS else None
                hint = f"did you mean '{near}'?" if near else None
                yield Violation(entry, f"{key} names '{name}', which does not exist", (key, "links"), hint)


def circular_link(context: LintContext) -> Iterator[Violation]:
    """Yield entries that supersede themselves, directly or through others, or are related to themselves."""
    for circle in _circles({entry.id: entry.links.supersedes for entry in context.by_id.values()}):
        entry = context.by_id[circle[0]]
        if len(circle) == 1:
            yield Violation(entry, "supersedes itself", ("links.supersedes",))
        else:
            more = f" and {len(circle) - 5:,} more" if len(circle) > 5 else ""
            names = ", ".join(f"'{name}'" for name in circle[:5])
            yield Violation(entry, f"{names}{more} supersede each other in a circle", ("links.supersedes",))
    for entry in context.entries:
        if entry.id in entry.links.related:
            yield Violation(entry, "related to itself", ("links.related",))


def superseded_in_use(context: LintContext) -> Iterator[Violation]:
    """Yield entries in use that a valid entry supersedes."""
    for entry in context.entries:
        successor = context.superseded_by.get(entry.id)
        if entry.in_use and successor is not None:
            yield Violation(entry, f"superseded by {context.name(successor)}", ("state.confidence",))


def near_id(name: str, known: Mapping[str, object]) -> str | None:
    """Return the most similar id; None if none is similar."""
    from rapidfuzz import process

    found = process.extractOne(name, sorted(known), score_cutoff=NEAR)
    return None if found is None else str(found[0])


def _circles(successors: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """Yield each strongly connected component of ids with a circle, sorted (Tarjan 1972, without recursion)."""
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
