"""What is hidden so that no number tells of a few customers, and none can be had by subtraction.

1. A cell of 1 to ``min_cell - 1`` customers, in this period or the one before, is hidden, in every measure that is
   given for it; so is every cell within it. An empty cell is not.
2. Cells that add up to something known hide no cell alone: where the hidden ones of such a line are one, or have fewer
   than ``min_cell`` customers together, the next smallest is hidden as well, until they are more; where all others
   are empty, the sum that gives them away is.
3. A cell may stand in several lines (``country`` × ``state``), and two sums may tell what one does not. So the lines
   are solved as equations for all hidden cells at once; while one of them has a single solution, the smallest cell
   beside it is hidden as well.

The whole shop is never hidden, and the sum over every dimension counts as known even where no measure gives it. The
rules hold for every additive measure (customers, orders, money) at once, since they look at cells and not at values.
Cox 1980, Journal of the American Statistical Association 75(370):377-385.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.measures.book import load_book
from ckm.measures.cells import Cell, Grid, Line, column_pair, grid
from ckm.measures.measure import Measures, Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.measures.measure import Measure

MIN_CELL = 5
"""Fewest customers that a number may be given for, unless ``--min-cell`` says otherwise."""
NOTHING = 1e-9
"""Numbers of a solution that are smaller count as zero."""


@dataclass(frozen=True)
class Hidden:
    """Measures without those that are hidden.

    Attributes
    ----------
    measures
        What is given.
    cells
        What is not.
    missing
        How many cells are hidden, for the sections that lack them.
    """

    measures: Measures
    cells: frozenset[Cell]
    missing: tuple[Missing, ...]

    def hides(self, dimension: str, value: str) -> bool:
        """Whether a slice of a dimension is hidden."""
        return frozenset([column_pair(dimension, value)]) in self.cells


def hide_small(measures: Measures, *, min_cell: int = MIN_CELL, by: str | None = None) -> Hidden:
    """Take out what rests on few customers, and what would give it away.

    Parameters
    ----------
    measures
        Of the report.
    min_cell
        Fewest customers of a cell; 0 or 1 hides nothing.
    by
        First dimension of the measures that are repeated per slice.
    """
    cells = grid(measures, by)
    hidden = hidden_cells(cells, min_cell)
    kept: list[Measure] = []
    sections: dict[str, set[Cell]] = {}
    for measure, (cell, shown) in zip(measures, cells.cells, strict=True):
        if cell not in hidden or (shown and len(cell) == 1):
            kept.append(measure)
        else:
            sections.setdefault(_section(measure.name), set()).add(cell)
    missing = tuple(
        Missing(section, "hidden_cells", (("count", len(those)), ("min_cell", min_cell)))
        for section, those in sections.items()
    )
    return Hidden(Measures(kept), hidden, missing)


def _section(name: str) -> str:
    return load_book()[name].section


def hidden_cells(cells: Grid, min_cell: int) -> frozenset[Cell]:
    """Return the cells to hide, by the rules at the top."""
    hidden = {cell for cell, sizes in cells.sizes.items() if any(0 < size < min_cell for size in sizes)}
    # Of the two periods the one with fewer; empty is who was never there.
    size = {cell: min((each for each in sizes if each), default=0) for cell, sizes in cells.sizes.items()}
    while True:
        hidden |= {cell for cell in cells.sizes if len(cell) > 1 and any(frozenset([pair]) in hidden for pair in cell)}
        more = next((cell for line in cells.lines if (cell := _too_few(line, hidden, size, min_cell))), None)
        more = more or _given_away(cells, hidden, size)
        if more is None:
            return frozenset(hidden)
        hidden.add(more)


def _too_few(line: Line, hidden: set[Cell], size: dict[Cell, int], min_cell: int) -> Cell | None:
    """Return what must be hidden beside the hidden cells of a line, None where they are enough."""
    here = [cell for cell in line.members if cell in hidden and size[cell]]
    if not here or line.whole in hidden:
        return None
    enough = len(here) > 1 and sum(size[cell] for cell in here) >= min_cell
    return None if enough else _beside(line, hidden, size)


def _beside(line: Line, hidden: set[Cell], size: dict[Cell, int]) -> Cell | None:
    """Return the smallest shown cell of a line; where all others are empty, the sum that gives it away."""
    candidates = [cell for cell in line.members - hidden if size[cell]]
    return min(candidates, key=lambda cell: (size[cell], sorted(cell)), default=line.whole)


def _given_away(cells: Grid, hidden: set[Cell], size: dict[Cell, int]) -> Cell | None:
    """Return what must be hidden because the lines together give away a hidden cell."""
    given = {cell for cell in solved(cells.lines, hidden) if size[cell]}
    for line in cells.lines:
        if given & line.members and line.whole not in hidden:
            beside = _beside(line, hidden, size)
            if beside is not None:
                return beside
    return None


def solved(lines: Sequence[Line], hidden: set[Cell] | frozenset[Cell]) -> frozenset[Cell]:
    """Return the hidden cells whose number follows from the shown ones by sums and differences.

    A cell follows if no two solutions of the equations differ in it: if it is zero in all of their null space.
    """
    columns = sorted((cell for cell in hidden if any(cell in line.members for line in lines)), key=sorted)
    if not columns:
        return frozenset()
    place = {cell: at for at, cell in enumerate(columns)}
    equations = np.zeros((len(lines), len(columns)))
    for row, line in enumerate(lines):
        for cell in line.members & hidden:
            equations[row, place[cell]] = 1
        if line.whole in place:
            equations[row, place[line.whole]] = -1
    _, strengths, directions = np.linalg.svd(equations)
    free = directions[int((strengths > NOTHING).sum()) :]
    return frozenset(cell for cell, at in place.items() if (np.abs(free[:, at]) < NOTHING).all())
