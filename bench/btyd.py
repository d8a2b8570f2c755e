"""Buy-till-you-die models on CDNOW compared with the published figures, and their speed.

Usage: ``python bench/btyd.py [--million]``. Reads the CDNOW sample (CKM_SHARED). Calibration: 39 weeks to 1997-09-30,
by purchase days; holdout: the 39 weeks after. ``--million`` adds a million simulated customers.
"""

from __future__ import annotations

import sys
from datetime import date
from time import perf_counter, process_time

import numpy as np
from measure import SHARED, machine

from ckm.models.btyd.bgnbd import fit_bgnbd
from ckm.models.btyd.gamma_gamma import check_independence, fit_gamma_gamma
from ckm.models.btyd.histories import histories_of_purchases
from ckm.models.btyd.mbgnbd import fit_mbgnbd
from ckm.models.btyd.model_selection import choose_btyd
from ckm.models.btyd.pareto_nbd import fit_pareto_nbd

CALIBRATION_END = date(1997, 9, 30).toordinal()
HOLDOUT_WEEKS = 39
FITS = {"BG/NBD": fit_bgnbd, "MBG/NBD": fit_mbgnbd, "Pareto/NBD": fit_pareto_nbd}


def purchases() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return customer, day and dollars of each line of the sample."""
    lines = (SHARED / "transactions" / "CDNOW_sample.txt").read_text("ascii").split("\n")
    fields = [line.split() for line in lines if line.strip()]
    days = [date(int(f[2][:4]), int(f[2][4:6]), int(f[2][6:])).toordinal() for f in fields]
    return np.asarray([int(f[1]) for f in fields]), np.asarray(days), np.asarray([float(f[4]) for f in fields])


def cdnow() -> None:
    customers, days, dollars = purchases()
    codes, (x, t_x, T) = histories_of_purchases(customers, days, CALIBRATION_END)  # noqa: N806 - the papers' name
    t_x, T = t_x / 7, T / 7  # noqa: N806
    later = np.unique(np.stack((customers, days))[:, days > CALIBRATION_END], axis=1)[0]
    actual = np.bincount(np.searchsorted(codes, later), minlength=len(codes))
    print(f"{len(codes)} customers, {x.sum():.0f} repeat orders, T up to {T.max():.2f} weeks; holdout {actual.sum()}")
    fit_bgnbd(x, t_x, T)  # imports
    for name, fit in FITS.items():
        started = perf_counter()
        model = fit(x, t_x, T, time_unit="weeks")
        seconds = perf_counter() - started
        values = "  ".join(f"{p} {v:.4f} (se {model.standard_errors[p]:.3f})" for p, v in model.parameters.items())
        print(f"{name:11} {values}  LL {model.log_likelihood:.3f}  {1000 * seconds:.0f} ms")
        error(name, model.expected_orders(x, t_x, T, HOLDOUT_WEEKS), actual)
        brier(name, model.no_order(x, t_x, T, HOLDOUT_WEEKS), 1 - model.alive(x, t_x, T), actual == 0)
    error("own rate", x / T * HOLDOUT_WEEKS, actual)
    print("chosen:", choose_btyd(x, t_x, T, time_unit="weeks").model.name)
    spend(customers, days, dollars)


def error(name: str, expected: np.ndarray, actual: np.ndarray) -> None:
    miss = expected - actual
    print(f"{name:11} holdout {expected.sum():.1f}  MAE {abs(miss).mean():.4f}  RMSE {np.sqrt((miss**2).mean()):.4f}")


def brier(name: str, probability: np.ndarray, dead: np.ndarray, silent: np.ndarray) -> None:
    """Print how well the probability of no order foretells silence, and how badly 1 - P(alive) does."""
    score = ((probability - silent) ** 2).mean()
    print(
        f"{name:11} no order in the holdout: {probability.sum():.0f} expected, {silent.sum()} were silent; Brier "
        f"{score:.4f}, AUC {auc(probability, silent):.4f} (1 - P(alive): {auc(dead, silent):.4f})"
    )


def auc(score: np.ndarray, truth: np.ndarray) -> float:
    _, position, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[position]
    positive = truth.sum()
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (~truth).sum()))


def spend(customers: np.ndarray, days: np.ndarray, dollars: np.ndarray) -> None:
    """Fit Gamma-Gamma to the mean value of repeat purchase days within the calibration."""
    known = days <= CALIBRATION_END
    (who, _), day_of = np.unique(np.stack((customers, days))[:, known], axis=1, return_inverse=True)
    value = np.bincount(day_of.ravel(), dollars[known])
    first = np.unique(who, return_index=True)[1]
    repeat = np.ones(len(who), bool)
    repeat[first] = False
    x, total = np.bincount(who[repeat]), np.bincount(who[repeat], value[repeat])
    mean = np.divide(total, x, out=np.zeros(len(x)), where=x > 0)
    model, independence = fit_gamma_gamma(x, mean), check_independence(x, mean)
    print(
        f"Gamma-Gamma p {model.p:.4f}  q {model.q:.4f}  gamma {model.gamma:.4f}  LL {model.log_likelihood:.3f}, "
        f"{model.customers:.0f} customers. {independence.sentence}"
    )


def million() -> None:
    draw = np.random.default_rng(0)
    count = 1_000_000
    T = draw.integers(1, 731, count).astype(float)  # noqa: N806
    stays = np.minimum(draw.exponential(1 / draw.gamma(0.6, 1 / 90, count)), T)
    x = draw.poisson(draw.gamma(0.5, 1 / 60, count) * stays)
    t_x = np.minimum(np.where(x > 0, np.ceil(stays * draw.random(count) ** (1 / np.maximum(x, 1))), 0), T)
    for name, fit in FITS.items():
        times = [process_time()]
        model = fit(x, t_x, T)
        for score, horizon in ((model.no_order, [90]), (model.alive, []), (model.expected_orders, [90])):
            times.append(process_time())
            score(x, t_x, T, *horizon)
        times.append(process_time())
        parts = dict(zip(("fit", "no order", "alive", "expected"), np.diff(times), strict=True))
        took = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in parts.items())
        print(f"a million, {name:11} {took} of CPU")


if __name__ == "__main__":
    cdnow()
    if "--million" in sys.argv:
        million()
    print(machine("numpy", "scipy"))
