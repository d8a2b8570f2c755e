"""Links between customer ids of one person: the file ``identities.csv`` of a workspace.

The file has one line per link. A line contains ids and names of fields, but no contact or other value of a customer, so
that the file can be reviewed and kept in git. Deleting a line undoes the link; the verdict ``different`` forbids the
link. The store is never changed: analyses replace the ids of linked customers by the person id while they read.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, defaultdict
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "identities.csv"
SAME, DIFFERENT = "same", "different"
VERDICTS = (SAME, DIFFERENT)
MODEL = "ckm link"
"""Value of ``by`` for links that the model found; each run may replace them."""


@dataclass(frozen=True, order=True)
class Link:
    """A link, or a forbidden link, between two customer ids.

    Attributes
    ----------
    left, right
        Customer ids; ``left < right``.
    verdict
        ``same`` or ``different``.
    person_id
        Id of the person; empty for ``different``.
    rule
        How the link was found: ``model`` or ``review``.
    probability
        Probability of a match; empty if a person decided.
    weight
        Sum of the weights of the fields, in bits; empty if a person decided.
    fields
        Names of the agreeing fields, separated by spaces.
    by, on
        Who decided, and the date (``YYYY-MM-DD``).
    """

    left: str
    right: str
    verdict: str = SAME
    person_id: str = ""
    rule: str = "review"
    probability: str = ""
    weight: str = ""
    fields: str = ""
    by: str = ""
    on: str = ""

    @property
    def of_model(self) -> bool:
        """Whether the model found the link."""
        return self.by == MODEL


CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
"""First characters of the lines that git writes around lines that it cannot merge."""
COLUMNS = tuple(field.name for field in fields(Link))


@dataclass(frozen=True)
class Identities:
    """All links and forbidden links of a workspace, sorted by their ids."""

    links: tuple[Link, ...] = ()

    @cached_property
    def persons(self) -> Mapping[str, str]:
        """Person id by customer id, for all customers that are linked to another customer.

        The person id is the ``person_id`` that most lines of the person have, out of the customer ids of the person. If
        no line has such a ``person_id`` (after lines were deleted), it is the first customer id of the person.
        """
        member_of = components((link.left, link.right) for link in self.links if link.verdict == SAME)
        members: dict[str, list[str]] = defaultdict(list)
        named: dict[str, Counter[str]] = defaultdict(Counter)
        for customer, root in member_of.items():
            members[root].append(customer)
        for link in self.links:
            if link.verdict == SAME and link.person_id:
                named[member_of[link.left]][link.person_id] += 1
        found: dict[str, str] = {}
        for root, customers in members.items():
            own = [name for name in named[root] if name in customers]
            person = min(own, key=lambda name: (-named[root][name], name)) if own else min(customers)
            found |= dict.fromkeys(customers, person)
        return found

    @property
    def forbidden(self) -> frozenset[tuple[str, str]]:
        """Pairs of customer ids with the verdict ``different``, each in the order ``(left, right)``."""
        return frozenset((link.left, link.right) for link in self.links if link.verdict == DIFFERENT)

    @property
    def decided(self) -> tuple[Link, ...]:
        """Links and forbidden links that a person decided, not the model."""
        return tuple(link for link in self.links if not link.of_model)

    def having(self, links: Iterable[Link]) -> Identities:
        """Return these identities with further links, which replace links between the same ids."""
        by_pair = {(link.left, link.right): link for link in (*self.links, *links)}
        return Identities(tuple(by_pair[pair] for pair in sorted(by_pair)))

    def text(self) -> str:
        """Return the links as the text of ``identities.csv``."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(link, name) for name in COLUMNS] for link in self.links)
        return out.getvalue()

    def write(self, path: Path) -> None:
        """Write the links to a file; no file is created if there are no links."""
        if not self.links and not path.exists():
            return
        with replacing(path) as draft:
            draft.write_text(self.text(), encoding="utf-8", newline="")


def persons_digest(persons: Mapping[str, str]) -> str:
    """Return a SHA-256 hash of the person ids by customer id, to detect changes; empty without linked customers."""
    if not persons:
        return ""
    text = "\n".join(f"{customer}\0{person}" for customer, person in sorted(persons.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def components(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return by id the first id, in alphabetical order, of its connected component."""
    parent: dict[str, str] = {}

    def root(customer: str) -> str:
        while parent.setdefault(customer, customer) != customer:
            parent[customer] = parent[parent[customer]]
            customer = parent[customer]
        return customer

    for left, right in pairs:
        one, other = sorted((root(left), root(right)))
        parent[other] = one
    return {customer: root(customer) for customer in parent}


def read_identities(path: Path) -> Identities:
    """Return the links in a file; no links if the file does not exist.

    Raises
    ------
    UsageError
        The file is not readable, a column is missing, or a line has an unknown verdict or not two different ids.
        The error names the line.
    """
    if not path.exists():
        return Identities()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV in UTF-8", hint="restore it from git") from error
    for number, row in enumerate(rows, start=2):
        if str(next(iter(row.values()))).startswith(CONFLICT):
            raise UsageError(
                f"{path}, line {number}: conflict of a merge by git",
                hint="keep the right lines of both sides",
                line=number,
            )
    missing = [name for name in ("left", "right", "verdict") if rows and name not in rows[0]]
    if missing:
        raise UsageError(f"{path}: no column '{missing[0]}'", hint=f"columns: {', '.join(COLUMNS)}")
    links: list[Link] = []
    for number, row in enumerate(rows, start=2):
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if values["verdict"] not in VERDICTS:
            raise UsageError(
                f"{path}, line {number}: unknown verdict", hint=f"use {' or '.join(VERDICTS)}", line=number
            )
        if not values["left"] or not values["right"] or values["left"] == values["right"]:
            raise UsageError(
                f"{path}, line {number}: two different customer ids are needed", hint="left and right", line=number
            )
        links.append(ordered(Link(**values)))
    return Identities().having(links)


def ordered(link: Link) -> Link:
    """Return a link with its two ids in alphabetical order (``left < right``)."""
    return link if link.left < link.right else replace(link, left=link.right, right=link.left)
