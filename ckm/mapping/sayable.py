"""Which names of columns an error may show: where a record was taken for the header, they are values of a row."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError
from ckm.mapping.synonyms import normalise, synonyms
from ckm.schema import TABLES
from ckm.sources.cell_kinds import LONGEST, TYPED, kind_of
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KNOWN_NAMES = 2
"""So many columns that are known by their names make a header; of fewer columns, half of them."""


def sayable(columns: Sequence[str], *, named: bool) -> list[str]:
    """Return the names that a message may show.

    Parameters
    ----------
    columns
        Those of a file.
    named
        Whether they are surely names; see :class:`ckm.sources.format.FileFormat`. Else some must be known ones.
    """
    if not named and sum(map(is_known, columns)) < min(KNOWN_NAMES, (len(columns) + 1) / 2):
        return []
    return [name for name in columns if len(name) <= LONGEST and kind_of(name) not in TYPED]


def listed(columns: Sequence[str], *, named: bool) -> str:
    """Return the columns of a file for a hint: their names, or how many there are."""
    names = sayable(columns, named=named)
    if not names:
        there = counted(len(columns), "column")
        return f"{there}, none of them known by its name; ckm inspect shows what was taken for the header"
    hidden = len(columns) - len(names)
    return ", ".join(names) + (f" and {hidden} more" if hidden else "")


def unknown_column(
    name: str, columns: Sequence[str], *, named: bool, where: str, targets: Iterable[str] = ()
) -> UnknownNameError:
    """Return the error for a column that neither a file nor, where they count, ``targets`` have."""
    error = UnknownNameError("column", name, [*targets, *sayable(columns, named=named)], where=where)
    if not (error.hint or "").startswith("did you mean"):
        error.hint = f"the file has: {listed(columns, named=named)}"
    return error


def is_known(column: str) -> bool:
    """Return whether a column has a name that some table knows."""
    return normalise(column) in _known_names(tuple(TABLES))


@cache
def _known_names(tables: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        name for table in tables for target in TABLES[table].targets for name in synonyms(table).of(target)
    )
