"""Persons who were treated in several audiences at once, whose effects and contacts an evaluation adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.assignments import TREATED, audience_folder, read_members
from ckm.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ckm.assignments import Assignment


def persons_in_several(root: Path, assignments: Sequence[Assignment], persons: Mapping[str, str]) -> int:
    """Return the number of persons who were treated in audiences whose windows overlap.

    Audiences whose members are not on this machine are left out: ``members.csv`` is not in git.

    Parameters
    ----------
    root
        The workspace.
    assignments
        Audiences of a period.
    persons
        Id of the person by linked customer id.
    """
    several = set[str]()
    before: list[tuple[Assignment, set[str]]] = []
    for each in assignments:
        try:
            members, _ = read_members(audience_folder(root, each.name), each)
        except VerificationError:
            continue
        treated = {persons.get(one, one) for one in members.filter(pl.col("arm") == TREATED)["customer_id"]}
        for other, others in before:
            if each.assigned_on < other.last_day and other.assigned_on < each.last_day:
                several |= treated & others
        before.append((each, treated))
    return len(several)
