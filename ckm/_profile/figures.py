"""Content of a profile: figures and tables with their source and date, and facts that are missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ckm.schema import Exposure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date


@dataclass(frozen=True)
class ProfileFigure:
    """One fact about the customer.

    Attributes
    ----------
    name, label
        Name in JSON and frames; label in texts for readers.
    value
        Text, number, flag or date; never None.
    source
        Table, saved run or file that the value comes from.
    day
        Date of the value: the as-of date of a computed figure, the day of the load of an attribute.
    exposure
        Strictest exposure of the columns that the value is computed from.
    unit
        Currency of an amount, ``days``, ``%`` (the value is a share); empty for other values.
    """

    name: str
    label: str
    value: str | float | bool | date
    source: str
    day: date
    exposure: Exposure
    unit: str = ""


@dataclass(frozen=True)
class ProfileTable:
    """A table of facts about the customer.

    Attributes
    ----------
    name, title
        Name in JSON; title in texts for readers.
    columns
        Exposure by column name.
    rows
        One value per column; None where unknown.
    source, day
        Table, saved run or file that the rows come from; date of the rows.
    """

    name: str
    title: str
    columns: Mapping[str, Exposure]
    rows: tuple[tuple[Any, ...], ...]
    source: str
    day: date

    def visible(self, exposures: Collection[Exposure]) -> ProfileTable | None:
        """Return the table with the columns of these exposures only; None if no column is left."""
        kept = [number for number, exposure in enumerate(self.columns.values()) if exposure in exposures]
        if not kept:
            return None
        names = list(self.columns)
        rows = tuple(tuple(row[number] for number in kept) for row in self.rows)
        return replace(self, columns={names[number]: self.columns[names[number]] for number in kept}, rows=rows)


@dataclass(frozen=True)
class NotKnown:
    """A fact that the profile lacks (``what``), the reason (``why``), and the exposure of the fact."""

    what: str
    why: str
    exposure: Exposure = Exposure.group


@dataclass(frozen=True)
class ProfileSection:
    """Figures and tables about one subject.

    Attributes
    ----------
    name, title
        Name in JSON; title in texts for readers.
    figures, tables
        Known facts.
    not_known
        Missing facts, with the reason.
    """

    name: str
    title: str
    figures: tuple[ProfileFigure, ...] = ()
    tables: tuple[ProfileTable, ...] = ()
    not_known: tuple[NotKnown, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the section has no figure and no table with rows."""
        return not self.figures and not any(table.rows for table in self.tables)

    def visible(self, exposures: Collection[Exposure]) -> ProfileSection:
        """Return the section with figures, columns and missing facts of these exposures only."""
        tables = (table.visible(exposures) for table in self.tables)
        return replace(
            self,
            figures=tuple(figure for figure in self.figures if figure.exposure in exposures),
            tables=tuple(table for table in tables if table is not None),
            not_known=tuple(each for each in self.not_known if each.exposure in exposures),
        )
