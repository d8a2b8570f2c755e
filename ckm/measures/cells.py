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


Sizes = tuple[int, int]
"""Customers of a cell in the period and in the one before; 0 where there are none, or none are known."""


@dataclass
class Grid:
    """The cells of a report.

    Attributes
    ----------
    sizes
        Of every cell.
    lines
        Cells of all customers that add up to a number that anybody may know.
    rows
        By parts that belong together, and by slice of ``--by``, the cells within the slice.
    cells
        By position of a measure its cell, and whether the measure may be given where the cell is small.
    """

    sizes: dict[Cell, Sizes] = field(default_factory=dict)
    lines: tuple[frozenset[Cell], ...] = ()
    rows: dict[str, dict[Cell, set[Cell]]] = field(default_factory=dict)
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


def column_pair(column: str, value: str) -> Pair:
    """Return what a slice of a column is called among the cells: a column may be called ``state`` or ``level`` too."""
    return f"column {column}", value


def grid(measures: Measures, by: str | None) -> Grid:
    """Return the cells of the measures, how many customers they have, and what adds up to what.

    Parameters
    ----------
    measures
        Of the report, those of slices with ``by`` as the first dimension.
    by
        The dimension of the slices; None where there is none.
    """
    found, lines = Grid(), dict[str, set[Cell]]()
    for measure in measures:
        outer, inner, part = _place(measure, by)
        cell = outer | inner
        found.cells.append((cell, part is not None and measure.name in part.shown and not outer))
        if not cell:
            continue
        known = found.sizes.get(cell, (0, 0))
        found.sizes[cell] = _fewer(known, _sizes(measure, part, counts_a_slice=bool(outer) and not inner))
        if outer and inner and part is not None:
            row = found.rows.setdefault(_together(part, inner), {})
            row.setdefault(outer, set()).add(cell)
        elif part is None or not part.overlap:
            name = part.name if part is not None else next(iter(cell))[0]
            lines.setdefault(name, set()).add(cell)
    found.lines = tuple(sorted({line for name in sorted(lines) for line in _lines(name, lines[name])}, key=_order))
    return found


def _place(measure: Measure, by: str | None) -> tuple[Cell, Cell, Part | None]:
    """Return the slice of ``--by`` that a measure is of, the part of the customers in it, and the way to part them."""
    pairs = list(measure.slice)
    outer: Cell = frozenset()
    dimensions = tuple(dimension for dimension, _ in pairs)
    if dimensions[:1] == (by,) and dimensions != load_book()[measure.name].slices:
        outer = frozenset([column_pair(*pairs.pop(0))])
    values = dict(pairs)
    if measure.name == BY_SLICE:
        return outer, frozenset([column_pair(values["dimension"], values["value"])]), None
    for part in load_parts():
        value = part.value_of(values) if measure.name in part.measures else None
        if value is not None:
            return outer, frozenset([part.same_as.get(value, (part.name, value))]), part
    return outer, frozenset(), None


def _sizes(measure: Measure, part: Part | None, *, counts_a_slice: bool) -> Sizes:
    if part is not None and part.counted_by == measure.name:
        return int(measure.value or 0), int(measure.previous or 0)
    if counts_a_slice and measure.name in COUNTS_OF_A_SLICE:
        return int(measure.value or 0), int(measure.previous or 0)
    if measure.name in (BY_SLICE, *N_OF_A_SLICE) or (part is not None and part.counted_by == OWN_N):
        return measure.n or 0, 0
    return 0, 0


def _fewer(one: Sizes, other: Sizes) -> Sizes:
    """The lesser number of customers in each period, where two measures say how many they are."""
    now, before = (min((each for each in pair if each), default=0) for pair in zip(one, other, strict=True))
    return now, before


def _together(part: Part, inner: Cell) -> str:
    """What parts are hidden together in a slice: those that share a cell. Where parts overlap, each stands alone."""
    if part.overlap:
        return " ".join(next(iter(inner)))
    return next((other for other, _ in part.same_as.values()), part.name)


def _lines(name: str, cells: set[Cell]) -> Iterable[frozenset[Cell]]:
    yield frozenset(cells)
    for values in next((part.sums for part in load_parts() if part.name == name), ()):
        some = frozenset(cell for cell in cells if any((name, value) in cell for value in values))
        # The sum of the others is known too, as the difference to all.
        yield from (those for those in (some, frozenset(cells - some)) if those)


def _order(line: frozenset[Cell]) -> tuple[int, list[list[Pair]]]:
    """Short lines first: what they need hidden serves the long ones too, and not the other way round."""
    return len(line), sorted(sorted(cell) for cell in line)
