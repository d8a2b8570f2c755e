"""Monthly control totals of the finance department, which ``ckm check`` compares with the loaded transactions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ckm.example import days

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.simulation import Simulation

MISBOOKED_MONTH, MISBOOKED_CENTS, MISBOOKED_ROWS = "2025-11", 12_990, 1
"""A sale that is in the control totals but in no export: month, net value in cents, and number of rows."""


def monthly_totals(world: Simulation) -> dict[str, tuple[int, int]]:
    """Return net value in cents and number of order lines by month (``2025-11``), without cancelled orders."""
    net: defaultdict[str, int] = defaultdict(int)
    rows: defaultdict[str, int] = defaultdict(int)
    for order in world.orders:
        if order.kind != "cancel":
            month = f"{days.as_date(order.day):%Y-%m}"
            net[month] += order.net
            rows[month] += len(order.lines)
    return {month: (net[month], rows[month]) for month in sorted(net)}


def write_controls(world: Simulation, folder: Path) -> None:
    """Write the control totals to ``controls.csv``; one month includes a sale that no export contains."""
    lines = ["month,table,currency,net,rows"]
    for month, (cents, rows) in monthly_totals(world).items():
        if month == MISBOOKED_MONTH:
            cents, rows = cents + MISBOOKED_CENTS, rows + MISBOOKED_ROWS
        lines.append(f"{month},transactions,EUR,{cents / 100:.2f},{rows}")
    (folder / "controls.csv").write_bytes(("\n".join(lines) + "\n").encode())
