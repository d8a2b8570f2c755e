"""Persons who were treated in several audiences at the same time, so that their effects are counted more than once."""

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
    """Return the number of persons who were treated in two or more audiences whose windows overlap.

    Audiences whose ``members.csv`` is missing or was changed are left out. The file is not in git, so that it may be on
    another computer.

    Parameters
    ----------
    root
        The workspace.
    assignments
        Assignments of the audiences of a period.
    persons
        Id of the person by linked customer id; empty without links.
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
