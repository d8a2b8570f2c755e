"""Cells: the groups of customers that measures are given for, and which of them add up to what.

A cell is what a measure's slice says about who is counted: ``{country: DE}``, or ``{country: DE, state: lapsed}``; what
says when or of what (a month, a scale) is no part of it. Which dimensions part the customers is in
``ckm/data/hidden_cells.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.measures.book import load_book
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckm.measures.measure import Measure, Measures
    from ckm.yamlfile import YamlEntry

PARTS = Path(__file__).parents[1] / "data" / "hidden_cells.yaml"
PARTS_SCHEMA = "ckm.hidden_cells/1"
OWN_N = "n"
BY_SLICE = "change_by_slice"
COUNTS_OF_A_SLICE = ("customers_active",)
"""Measures whose value is the number of customers of a slice of ``--by``."""
N_OF_A_SLICE = ("revenue_of_customers",)
"""Measures whose ``n`` is: of everybody who bought or returned anything."""

Pair = tuple[str, str]
Cell = frozenset[Pair]


@dataclass(frozen=True)
class Part:
    """A way to part the customers: see ``ckm/data/hidden_cells.yaml``."""

    name: str
    dimension: str | None
    value: str | None
    measures: tuple[str, ...]
    counted_by: str
    sums: tuple[tuple[str, ...], ...]
    same_as: Mapping[str, Pair]
    shown: tuple[str, ...]
    overlap: bool

    def value_of(self, slice_: Mapping[str, str]) -> str | None:
        """Return which part a measure is of; None where it is of all."""
        return self.value if self.dimension is None else slice_.get(self.dimension)


@dataclass(frozen=True)
class Line:
    """Cells that add up to another one, or to a number that everybody may know.

    Attributes
    ----------
    members
        Each once.
    whole
        The cell that they add up to; None for a number that is known.
    """

    members: frozenset[Cell]
    whole: Cell | None = None


@dataclass
class Grid:
    """The cells of a report.

    Attributes
    ----------
    sizes
        By cell the numbers of customers it is known to have, in this period and the one before.
    lines
        What adds up to what.
    cells
        By position of a measure its cell, and whether the measure may be given where the cell is small.
    """

    sizes: dict[Cell, set[int]] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    cells: list[tuple[Cell, bool]] = field(default_factory=list)


@cache
def load_parts() -> tuple[Part, ...]:
    """Return the parts that come with ckm."""
    document = read_yaml(PARTS)
    assert document is not None
    keys = document.fields(("schema", "parts"))
    if keys["schema"].text() != PARTS_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a list of parts")
    return tuple(_part(each) for each in keys["parts"].items())


def _part(entry: YamlEntry) -> Part:
    keys = entry.fields(
        ("name", "measures", "counted_by"), ("dimension", "value", "sums", "same_as", "shown", "overlap")
    )

    def texts(name: str) -> tuple[str, ...]:
        return tuple(each.text() for each in keys[name].items()) if name in keys else ()

    same = keys["same_as"].mapping() if "same_as" in keys else {}
    pairs = {value: tuple(each.text() for each in other.items()) for value, other in same.items()}
    sums = keys["sums"].items() if "sums" in keys else []
    return Part(
        name=keys["name"].text(),
        dimension=keys["dimension"].text() if "dimension" in keys else None,
        value=keys["value"].text() if "value" in keys else None,
        measures=texts("measures"),
        counted_by=keys["counted_by"].text(),
        sums=tuple(tuple(value.text() for value in each.items()) for each in sums),
        same_as={value: (part, name) for value, (part, name) in pairs.items()},
        shown=texts("shown"),
        overlap="overlap" in keys,
    )


def grid(measures: Measures, by: str | None) -> Grid:
    """Return the cells of the measures, how many customers they have, and what adds up to what.

    Parameters
    ----------
    measures
        Of the report, those of slices with ``by`` as the first dimension.
    by
        The dimension of the slices; None where there is none.
    """
    found = Grid()
    members: dict[tuple[str, Cell], set[Cell]] = {}
    for measure in measures:
        cell, lines, shown = _place(measure, by)
        found.cells.append((cell, shown))
        if not cell:
            continue
        found.sizes.setdefault(cell, set()).update(_sizes(measure, by))
        for line in lines:
            members.setdefault(line, set()).add(cell)
    # Short lines first: what they need hidden serves the long ones too, and not the other way round.
    found.lines = tuple(sorted(_lines(members), key=lambda line: len(line.members)))
    return found


def column_pair(column: str, value: str) -> Pair:
    """Return what a slice of a column is called among the cells: a column may be called ``state`` or ``level`` too."""
    return f"column {column}", value


def _is_of_slice(measure: Measure, by: str | None) -> bool:
    """Whether a measure is one of those that are repeated per slice."""
    dimensions = tuple(dimension for dimension, _ in measure.slice)
    return dimensions[:1] == (by,) and dimensions != load_book()[measure.name].slices


def _place(measure: Measure, by: str | None) -> tuple[Cell, list[tuple[str, Cell]], bool]:
    """Return a measure's cell, the lines it stands in as (part, cell of the whole), and whether it is given anyway."""
    pairs = list(measure.slice)
    outer: list[Pair] = []
    if _is_of_slice(measure, by):
        outer = [column_pair(*pairs.pop(0))]
    inner, part = _inner(measure.name, pairs)
    own = frozenset(inner)
    cell = frozenset(outer) | own
    lines = []
    if outer:
        lines.append((outer[0][0], own if own - frozenset(outer) else frozenset()))
    if inner and not (part and part.overlap):
        lines.append((part.name if part else inner[0][0], frozenset(outer)))
    return cell, lines, part is not None and measure.name in part.shown


def _inner(name: str, pairs: Iterable[Pair]) -> tuple[list[Pair], Part | None]:
    """Return what a measure's own dimensions say about who is counted."""
    values = dict(pairs)
    if name == BY_SLICE:
        return [column_pair(values["dimension"], values["value"])], None
    for part in load_parts():
        value = part.value_of(values) if name in part.measures else None
        if value is not None:
            return [part.same_as.get(value, (part.name, value))], part
    return [], None


def _sizes(measure: Measure, by: str | None) -> set[int]:
    part = next((each for each in load_parts() if measure.name in each.measures), None)
    own_n = measure.name in (BY_SLICE, *N_OF_A_SLICE) or (part is not None and part.counted_by == OWN_N)
    counts: list[float | None] = [measure.n] if own_n else []
    counts_a_slice = _is_of_slice(measure, by) and measure.name in COUNTS_OF_A_SLICE
    if counts_a_slice or (part is not None and part.counted_by == measure.name):
        counts += [measure.value, measure.previous]
    return {int(each) for each in counts if each is not None}


def _lines(members: Mapping[tuple[str, Cell], set[Cell]]) -> Iterable[Line]:
    for (part_name, whole), cells in sorted(members.items(), key=lambda item: (item[0][0], sorted(item[0][1]))):
        yield Line(frozenset(cells), whole or None)
        for values in next((part.sums for part in load_parts() if part.name == part_name), ()):
            some = frozenset(cell for cell in cells if any((part_name, value) in cell for value in values))
            # The sum of the rest is known too, as the difference to all.
            yield from (Line(those) for those in (some, frozenset(cells - some)) if those)
