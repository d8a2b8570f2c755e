"""Suppress small cells, and further cells so that no suppressed number can be computed by subtraction.

1. Primary suppression: a cell of 1 to ``min_group_size - 1`` customers, in this period or the previous one, is
   suppressed in every metric. Empty cells are shown; cells that were not counted are suppressed. Each metric declares
   its cell (``protection`` in ``ckm/data/metrics.yaml``).
2. Secondary suppression: where the suppressed cells of a known total are only one, or have fewer than
   ``min_group_size`` customers together in a period, the next smallest cell is suppressed as well. A cell can be part
   of several totals; so all totals are solved as linear equations for the suppressed cells, and while a cell has a
   unique solution, the smallest cell of the same total is suppressed as well.
3. Within a slice of ``--by`` all cells of one breakdown (stages, loyalty, ...) are shown or none: none if one of them
   is small or the slice is suppressed. At least two slices show none, and each of their cells has together no
   customer or at least ``min_group_size``; otherwise the next smallest slice shows none either. So no difference to
   the total is of a few customers.

The total is never suppressed, and the sum over each dimension counts as known even where no metric gives it. The rules
hold for all additive metrics (customers, orders, money) at once, because they look at cells, not at values.
Cox 1980, Journal of the American Statistical Association 75(370):377-385.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm.metrics.catalogue import load_catalogue
from ckm.metrics.cells import Cell, Grid, Sizes, grid, slice_key
from ckm.metrics.metric import Metrics, Missing
from ckm.metrics.protection import OWN_N

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckm.metrics.metric import Metric

MIN_GROUP_SIZE = 5
"""Default of ``--min-group-size``: smallest number of customers behind a number that is shown."""
NOTHING = 1e-9
"""Numbers of a solution below it count as zero."""


@dataclass(frozen=True)
class Hidden:
    """The metrics of a report after suppression.

    Attributes
    ----------
    metrics
        Metrics that are shown.
    cells
        Suppressed cells.
    missing
        Number of suppressed cells of each section, as reason ``hidden_cells``.
    """

    metrics: Metrics
    cells: frozenset[Cell]
    missing: tuple[Missing, ...]

    def hides(self, dimension: str, value: str) -> bool:
        """Return whether the slice ``value`` of ``dimension`` is suppressed."""
        return frozenset([slice_key(dimension, value)]) in self.cells


def hide_small(metrics: Metrics, *, min_group_size: int = MIN_GROUP_SIZE, by: str | None = None) -> Hidden:
    """Return the metrics without cells of few customers, and without cells from which these could be computed.

    Parameters
    ----------
    metrics
        Metrics of the report.
    min_group_size
        Fewest customers of a cell; 0 or 1 suppresses nothing.
    by
        First dimension of metrics that are repeated per slice.
    """
    cells = grid(metrics, by)
    hidden = hidden_cells(cells, min_group_size)
    remaining: list[Metric] = []
    sections: dict[str, set[Cell]] = {}
    for metric, (cell, shown) in zip(metrics, cells.cells, strict=True):
        if cell not in hidden or shown:
            remaining.append(metric if min_group_size <= 1 else _without_uncounted(metric))
        else:
            sections.setdefault(_section(metric.name), set()).add(cell)
    missing = tuple(
        Missing(section, "hidden_cells", (("count", len(those)), ("min_group_size", min_group_size)))
        for section, those in sections.items()
    )
    return Hidden(Metrics(remaining), hidden, missing)


def _without_uncounted(metric: Metric) -> Metric:
    """Return a metric without its previous value if the number of customers of that value is unknown."""
    counts_itself = load_catalogue()[metric.name].protection.part == OWN_N
    if counts_itself and metric.previous is not None and metric.previous_n is None:
        return replace(metric, previous=None)
    return metric


def _section(name: str) -> str:
    return load_catalogue()[name].section


def hidden_cells(cells: Grid, min_group_size: int) -> frozenset[Cell]:
    """Return the cells to suppress, by the rules in the module docstring."""
    small = {cell for cell, sizes in cells.sizes.items() if any(0 < size < min_group_size for size in sizes)}
    hidden = _of_lines(cells, {cell for cell in small - cells.alone if len(cell) == 1}, min_group_size)
    inside: set[Cell] = set()
    for rows in cells.rows.values():
        closed = _closed(rows, cells.sizes, hidden, small, min_group_size)
        inside |= {cell for slice_ in closed for cell in rows[slice_]}
    # all cells within a suppressed slice are suppressed
    inside |= {cell for cell in cells.sizes if len(cell) > 1 and any(frozenset([pair]) in hidden for pair in cell)}
    return frozenset(hidden | inside | (small & cells.alone))


def _of_lines(cells: Grid, hidden: set[Cell], min_group_size: int) -> set[Cell]:
    """Return the suppressed cells of all customers, with secondary suppression."""
    while True:
        more = next(
            (cell for line in cells.lines if (cell := _too_few(line, hidden, cells.sizes, min_group_size))), None
        )
        more = more or _derivable_cell(cells, hidden)
        if more is None:
            return hidden
        hidden = hidden | {more}


def _too_few(line: frozenset[Cell], hidden: set[Cell], sizes: Mapping[Cell, Sizes], min_group_size: int) -> Cell | None:
    """Return the next cell to suppress in a line; None if the line needs none or is suppressed as a whole."""
    here = [cell for cell in line if cell in hidden and any(sizes[cell])]
    if not here or (len(here) > 1 and _are_many([sizes[cell] for cell in here], min_group_size)):
        return None
    return _smallest(line - hidden, sizes)


def _are_many(sizes: Iterable[Sizes], min_group_size: int) -> bool:
    """Return whether the cells together have no customer or at least ``min_group_size`` customers, in each period."""
    return all(not (together := sum(each)) or together >= min_group_size for each in zip(*sizes, strict=True))


def _smallest(cells: Iterable[Cell], sizes: Mapping[Cell, Sizes]) -> Cell | None:
    some = [cell for cell in cells if any(sizes[cell])]
    return min(some, key=lambda cell: (max(sizes[cell]), sorted(cell)), default=None)


def _closed(
    rows: Mapping[Cell, set[Cell]],
    sizes: Mapping[Cell, Sizes],
    hidden: set[Cell],
    small: set[Cell],
    min_group_size: int,
) -> set[Cell]:
    """Return the slices in which all cells of a breakdown must be suppressed.

    ``rows`` has the cells of the breakdown by slice; ``small`` are the cells with too few customers.
    """
    closed = {slice_ for slice_, row in rows.items() if slice_ in hidden or row & small}
    while closed and len(closed) < len(rows):
        columns: dict[Cell, list[Sizes]] = {}
        for slice_ in closed:
            for cell in rows[slice_]:
                columns.setdefault(cell - slice_, []).append(sizes[cell])
        if len(closed) > 1 and all(_are_many(column, min_group_size) for column in columns.values()):
            break
        closed.add(min(rows.keys() - closed, key=lambda slice_: (max(sizes[slice_]), sorted(slice_))))
    return closed


def _derivable_cell(cells: Grid, hidden: set[Cell]) -> Cell | None:
    """Return the next cell to suppress because a suppressed cell can be computed from totals; None if none can."""
    given = {cell for cell in solved(cells.lines, hidden) if any(cells.sizes[cell])}
    for line in cells.lines:
        beside = _smallest(line - hidden, cells.sizes) if given & line else None
        if beside is not None:
            return beside
    return None


def solved(lines: Sequence[frozenset[Cell]], hidden: set[Cell]) -> frozenset[Cell]:
    """Return the suppressed cells whose number can be computed from shown cells by sums and differences.

    That is so if a cell has one value in all solutions of the equations: if it is zero in their whole null space.
    """
    columns = sorted((cell for cell in hidden if any(cell in line for line in lines)), key=sorted)
    if not columns:
        return frozenset()
    equations = np.array([[float(cell in line) for cell in columns] for line in lines])
    _, strengths, directions = np.linalg.svd(equations)
    free = directions[int((strengths > NOTHING).sum()) :]
    return frozenset(cell for at, cell in enumerate(columns) if (np.abs(free[:, at]) < NOTHING).all())
