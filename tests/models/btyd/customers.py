"""Customers of CDNOW, and customers simulated from the purchase models."""

# ruff: noqa: N803, N806 - the papers name it T

from __future__ import annotations

import os
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ckm.models.btyd.histories import histories_of_purchases
from ckm.models.btyd.mbgnbd import MBGNBD
from ckm.models.btyd.model import TransactionModel
from ckm.models.btyd.pareto_nbd import ParetoNBD

SHARED = Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[4] / "shared" / "data") / "transactions"
CALIBRATION_END = date(1997, 9, 30).toordinal()
HOLDOUT_WEEKS = 39


@cache
def cdnow_lines() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return customer, day and dollars of each line of the CDNOW sample."""
    path = SHARED / "CDNOW_sample.txt"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    fields = [line.split() for line in path.read_text("ascii").splitlines() if line.strip()]
    days = [date(int(f[2][:4]), int(f[2][4:6]), int(f[2][6:])).toordinal() for f in fields]
    return np.asarray([int(f[1]) for f in fields]), np.asarray(days), np.asarray([float(f[4]) for f in fields])


@cache
def cdnow() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x, t_x and T in weeks at the end of week 39, and the orders in the 39 weeks after."""
    customers, days, _ = cdnow_lines()
    codes, (x, t_x, T) = histories_of_purchases(customers, days, CALIBRATION_END)
    later = np.unique(np.stack((customers, days))[:, days > CALIBRATION_END], axis=1)[0]
    return x, t_x / 7, T / 7, np.bincount(np.searchsorted(codes, later), minlength=len(codes))


def simulated(
    model: TransactionModel, T: float, horizon: float, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x and t_x at T, and the orders in the horizon after T, of customers simulated purchase by purchase."""
    draw = np.random.default_rng(7)
    rate = draw.gamma(model.r, 1 / model.alpha, count)
    leaves_at, chance = np.full(count, np.inf), np.zeros(count)
    if isinstance(model, ParetoNBD):
        leaves_at = draw.exponential(1 / draw.gamma(model.s, 1 / model.beta, count))
    else:
        chance = draw.beta(model.a, model.b, count)
    x, t_x, ahead, now = (np.zeros(count) for _ in range(4))
    there = draw.random(count) >= chance if isinstance(model, MBGNBD) else np.ones(count, bool)
    while there.any():
        now = now + draw.exponential(1 / rate)
        there = there & (now < np.minimum(leaves_at, T + horizon))
        known = there & (now <= T)
        x[known] += 1
        t_x[known] = now[known]
        ahead[there & (now > T)] += 1
        there = there & (draw.random(count) >= chance)
    return x, t_x, ahead
