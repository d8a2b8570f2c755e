"""Purchases of simulated shops."""

from __future__ import annotations

import numpy as np

from ckm.models.btyd.model import TransactionModel
from ckm.models.btyd.purchases import Purchases
from ckm.models.spend.btyd_spend import fit_btyd_spend
from ckm.models.spend.spend_snapshot import SpendSnapshot


def purchases(rows: list[tuple[int, int, float]]) -> Purchases:
    """Return purchases with one entry per customer and day."""
    found = np.array(rows, dtype=np.float64)
    keys, position = np.unique(found[:, :2], axis=0, return_inverse=True)
    return Purchases(
        keys[:, 0].astype(np.int64), keys[:, 1].astype(np.int64), np.bincount(position.ravel(), found[:, 2])
    )


def shop(customers: int = 600, days: int = 900, seed: int = 3) -> Purchases:
    """Return purchases of customers with individual first day, purchase rate, order value and dropout."""
    chance = np.random.default_rng(seed)
    rows = []
    for who in range(customers):
        day = float(chance.uniform(0, days * 0.8))
        rate, left = chance.gamma(0.8, 1 / 40), day + chance.exponential(500)
        value = float(np.exp(chance.normal(3.5, 0.8)))
        while day <= min(days, left):
            rows.append((who, int(day), value * chance.gamma(4, 0.25)))
            day += float(chance.exponential(1 / rate)) + 1
    return purchases(rows)


def model(of: Purchases, day: int, name: str = "BG/NBD") -> TransactionModel:
    return fit_btyd_spend(SpendSnapshot(of, day), name, 0).model
