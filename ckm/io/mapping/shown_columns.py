"""Select the column names that errors may show: if a record was read as the header, the names are values of a row."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError
from ckm.io.mapping.synonyms import normalise, synonyms
from ckm.io.readers.cell_kinds import LONGEST, TYPED, kind_of
from ckm.schema import TABLES
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KNOWN_NAMES = 2
"""Minimum number of known column names in a header; with fewer columns, half of them."""


def shown_columns(columns: Sequence[str], *, named: bool) -> list[str]:
    """Return the column names that a message may show.

    Parameters
    ----------
    columns
        The columns of a file.
    named
        Whether the header is certain; see :class:`ckm.io.readers.format.FileFormat`. If it is not, names are shown only
        if some of them are known column names.
    """
    if not named and sum(map(is_known, columns)) < min(KNOWN_NAMES, (len(columns) + 1) / 2):
        return []
    return [name for name in columns if len(name) <= LONGEST and kind_of(name) not in TYPED]


def listed(columns: Sequence[str], *, named: bool) -> str:
    """Return the columns of a file for a hint: their names if errors may show them, else their number."""
    names = shown_columns(columns, named=named)
    if not names:
        there = counted(len(columns), "column")
        return f"{there}, none with a known name; ckm inspect shows the header that was found"
    hidden = len(columns) - len(names)
    return ", ".join(names) + (f" and {hidden} more" if hidden else "")


def unknown_column(
    name: str, columns: Sequence[str], *, named: bool, where: str, targets: Iterable[str] = ()
) -> UnknownNameError:
    """Return the error for a column that is missing from a file and from ``targets``."""
    error = UnknownNameError("column", name, [*targets, *shown_columns(columns, named=named)], where=where)
    if not (error.hint or "").startswith("did you mean"):
        error.hint = f"the file has: {listed(columns, named=named)}"
    return error


def is_known(column: str) -> bool:
    """Return whether a table has a target or synonym with this column name."""
    return normalise(column) in _known_names(tuple(TABLES))


@cache
def _known_names(tables: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        name for table in tables for target in TABLES[table].targets for name in synonyms(table).of(target)
    )
