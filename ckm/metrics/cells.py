"""Cells: the groups of customers behind metrics, and the totals that they add up to.

A cell is the part of a metric's slice that selects customers, such as ``{country: DE}`` or ``{country: DE, state:
lapsed}``. A month or a rating scale in a slice is not part of the cell. ``ckm/data/hidden_cells.yaml`` lists the
dimensions that divide customers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckm.metrics.catalogue import load_catalogue
from ckm.metrics.protection import OWN_N, OWN_N_OF, PUBLIC, SLICE, WHOLE, Pair, Part, load_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.metrics.metric import Metric, Metrics

COUNTS_OF_A_SLICE = ("customers_active",)
"""Metrics whose value is the number of customers of a slice of ``--by``."""
N_OF_A_SLICE = ("revenue_of_customers",)
"""Metrics whose ``n`` is the number of customers of a slice with a purchase or return."""

Cell = frozenset[Pair]


Sizes = tuple[int, int]
"""Number of customers of a cell in the period and in the previous one; 0 without any."""
NOT_COUNTED: Sizes = (1, 1)
"""Size of a cell with an unknown number of customers: too small to be shown."""


@dataclass
class Grid:
    """All cells of a report.

    Attributes
    ----------
    sizes
        Number of customers of every cell.
    lines
        Groups of cells that together contain all customers, so that one suppressed cell could be computed as the rest.
    rows
        By breakdown, then by slice of ``--by``: the cells of the breakdown within the slice.
    cells
        For each metric, in order: its cell, and whether the metric is shown even if the cell is small.
    alone
        Cells that do not add up to a total with others, such as the top 20 %; their own size decides on suppression.
    """

    sizes: dict[Cell, Sizes] = field(default_factory=dict)
    lines: tuple[frozenset[Cell], ...] = ()
    rows: dict[str, dict[Cell, set[Cell]]] = field(default_factory=dict)
    cells: list[tuple[Cell, bool]] = field(default_factory=list)
    alone: set[Cell] = field(default_factory=set)


def slice_key(column: str, value: str) -> Pair:
    """Return the pair of a slice of ``--by`` in a cell; its prefix keeps a column ``state`` apart from the stages."""
    return f"column {column}", value


def grid(metrics: Metrics, by: str | None) -> Grid:
    """Return the cells of the metrics, their numbers of customers, and their totals.

    Parameters
    ----------
    metrics
        Metrics of the report; metrics of slices have ``by`` as the first dimension.
    by
        The dimension of the slices; None without one.
    """
    found, lines = Grid(), dict[str, set[Cell]]()
    for metric in metrics:
        place = _place(metric, by)
        outer, inner, part, cell = place.outer, place.inner, place.part, place.outer | place.inner
        found.cells.append((cell, place.is_public and not outer))
        if not cell:
            continue
        known = found.sizes.setdefault(cell, NOT_COUNTED)
        sizes = _sizes(metric, place)
        if sizes is not None:
            found.sizes[cell] = sizes if known is NOT_COUNTED else _fewer(known, sizes)
        if part is not None and load_catalogue()[metric.name].protection.one_in > 1:
            found.alone.add(cell)
        elif outer and inner and part is not None:
            row = found.rows.setdefault(_together(part, inner), {})
            row.setdefault(outer, set()).add(cell)
        elif part is None or not part.overlap:
            name = part.name if part is not None else next(iter(cell))[0]
            lines.setdefault(name, set()).add(cell)
    found.lines = tuple(sorted({line for name in sorted(lines) for line in _lines(name, lines[name])}, key=_order))
    return found


@dataclass(frozen=True)
class _Place:
    """Cell of a metric, split into the slice of ``--by`` and the group of customers within that slice.

    Attributes
    ----------
    outer
        Slice of ``--by``; empty without one.
    inner
        Part of the customers within the slice, such as a stage; empty if the metric is about all of them.
    part
        Definition of the breakdown to which ``inner`` belongs; None without one.
    is_public
        Whether the catalogue protects the metric as ``public``.
    """

    outer: Cell
    inner: Cell = frozenset()
    part: Part | None = None
    is_public: bool = False


def _place(metric: Metric, by: str | None) -> _Place:
    pairs, description = list(metric.slice), load_catalogue()[metric.name]
    protection = description.protection
    outer: Cell = frozenset()
    dimensions = tuple(dimension for dimension, _ in pairs)
    if dimensions[:1] == (by,) and dimensions != description.slices:
        outer = frozenset([slice_key(*pairs.pop(0))])
    values = dict(pairs)
    if not values.keys() <= set(
        description.slices
    ):  # slice that the catalogue does not declare: the number of customers is unknown
        return _Place(outer, frozenset(pairs))
    if protection.part == SLICE:
        return _Place(outer, frozenset([slice_key(values["dimension"], values["value"])]))
    if protection.part == OWN_N:
        return _counted_by_itself(metric, outer, OWN_N)
    if protection.part == WHOLE:
        return _Place(outer)
    if protection.part == PUBLIC:
        part = next((each for each in load_parts().values() if each.counted_by == metric.name), None)
    else:
        part = load_parts()[protection.part]
    if part is None:
        return _Place(outer, is_public=protection.part == PUBLIC)
    if protection.value is None and part.dimension not in values:  # a sum over the parts, such as of all warnings
        return _counted_by_itself(metric, outer, part.counted_by if part.counted_by == metric.name else OWN_N)
    value = protection.value or values[part.dimension]
    inner = frozenset([part.same_as.get(value, (part.name, value))])
    return _Place(outer, inner, part, is_public=protection.part == PUBLIC)


def _counted_by_itself(metric: Metric, outer: Cell, counted_by: str) -> _Place:
    own = (metric.name, "; ".join(f"{name}={value}" for name, value in metric.slice[len(outer) :]))
    return _Place(outer, frozenset([own]), Part(metric.name, "", counted_by, overlap=True))


def _sizes(metric: Metric, place: _Place) -> Sizes | None:
    """Return the number of customers of the metric's cell that the metric shows; None if it shows no such number."""
    part, protection = place.part, load_catalogue()[metric.name].protection
    if part is not None and part.counted_by.startswith(OWN_N_OF) and part.counted_by != OWN_N_OF + metric.name:
        return None
    if part is not None and part.counted_by == metric.name:
        return int(metric.value or 0), int(metric.previous or 0)
    if part is not None and (part.counted_by == OWN_N or protection.value is not None):
        before = 0 if metric.previous_n is None else protection.customers_behind(metric.previous_n)
        return 0 if metric.value is None else protection.customers_behind(metric.n), before
    if place.outer and not place.inner and metric.name in COUNTS_OF_A_SLICE:
        return int(metric.value or 0), int(metric.previous or 0)
    if protection.part == SLICE or (not place.inner and metric.name in N_OF_A_SLICE):
        return metric.n or 0, 0
    return None


def _fewer(one: Sizes, other: Sizes) -> Sizes:
    """Return the smaller of two numbers of customers, in each period."""
    now, before = (min((each for each in pair if each), default=0) for pair in zip(one, other, strict=True))
    return now, before


def _together(part: Part, inner: Cell) -> str:
    """Return the key of a group of breakdowns that are suppressed together, because they share a cell."""
    if part.overlap:
        return " ".join(next(iter(inner)))
    return next((other for other, _ in part.same_as.values()), part.name)


def _lines(name: str, cells: set[Cell]) -> Iterable[frozenset[Cell]]:
    yield frozenset(cells)
    for values in load_parts()[name].sums if name in load_parts() else ():
        some = frozenset(cell for cell in cells if any((name, value) in cell for value in values))
        # the sum of the other cells is known as the difference to the total
        yield from (those for those in (some, frozenset(cells - some)) if those)


def _order(line: frozenset[Cell]) -> tuple[int, list[list[Pair]]]:
    """Return the sort key of a line: short lines first, because a cell suppressed there may be in a longer line too."""
    return len(line), sorted(sorted(cell) for cell in line)
