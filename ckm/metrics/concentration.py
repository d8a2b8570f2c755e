"""Concentration of revenue among active customers: the Gini coefficient, and the share of the top 20 %."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckm.metrics.metric import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.metrics.context import ReportContext
    from ckm.metrics.metric import Missing

TOP_PART = 5
"""The top customers are one in ``TOP_PART``: 20 %."""
DIGITS = 12


def gini(amounts: NDArray[np.int64]) -> float | None:
    """Return the Gini coefficient of amounts of 0 or more; None if their sum is 0.

    ``2 sum(i x_i) / (n sum(x)) - (n + 1) / n`` over ascending ``x``, with ``i`` from 1: half of the mean absolute
    difference of two amounts ÷ the mean (Gini 1912). Between 0 and ``1 - 1/n``.
    """
    total = int(amounts.sum())
    if not total:
        return None
    ascending, n = np.sort(amounts).astype(np.float64), len(amounts)
    weighted = float((np.arange(1, n + 1) * ascending).sum())
    return max(0.0, round(2 * weighted / (n * total) - (n + 1) / n, DIGITS))


def top_quintile_share(amounts: NDArray[np.int64]) -> float | None:
    """Return the share of the top 20 % of customers in the sum of ``amounts``; None if the sum is 0.

    The number of top customers is rounded up; amounts are 0 or more.
    """
    total = int(amounts.sum())
    best = -(-len(amounts) // TOP_PART)
    return int(np.partition(amounts, len(amounts) - best)[len(amounts) - best :].sum()) / total if total else None


def concentration_metrics(context: ReportContext) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return ``gini`` and ``top_quintile_share`` of the active customers' revenue in the period."""
    now, before = active_revenue(context), active_revenue(context.before) if context.before else None
    return tuple(
        Metric(
            name,
            of(now),
            n=len(now),
            previous=None if before is None else of(before),
            previous_n=None if before is None else len(before),
        )
        for name, of in (("gini", gini), ("top_quintile_share", top_quintile_share))
    ), ()


def active_revenue(context: ReportContext) -> NDArray[np.int64]:
    """Return the net of each active customer in the period (int64, in ``1 / scale``); 0 if returns exceed purchases."""
    active = context.ledger.bought_between(context.period)
    return np.maximum(context.ledger.net_between(context.period)[active], 0)
