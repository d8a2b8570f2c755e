"""Claim: the customer lifetime value of CDNOW holds on 39 weeks that it has not seen, by tenths and in total.

2,357 customers (the 1/10 sample), models learned on 39 weeks to 1997-09-30, held against weeks 40 to 78: orders and
money by tenths, and every model in total. Then what might have come nearer than BG/NBD: the model that the likelihood
picks, the one that a holdout within the calibration picks, the mean of all, and a correction by what the models got
wrong within the calibration.

Usage: ``python bench/loyalty_clv.py``. Reads CDNOW_sample.txt (CKM_SHARED).
"""

from __future__ import annotations

from datetime import date

import numpy as np
from measure import SHARED, machine

from ckm.models.btyd.holdout import Holdout, Tenth, hold_out

SPLIT = date(1997, 9, 30).toordinal()
WEEKS = 39
LAST = SPLIT + 7 * WEEKS
INNER_WEEKS = (9, 13, 17)
"""Holdouts within the calibration."""


def visits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return customer, day and dollars of each purchase day, by customer and day."""
    lines = (SHARED / "transactions" / "CDNOW_sample.txt").read_text("ascii").split("\n")
    fields = [line.split() for line in lines if line.strip()]
    days = [date(int(f[2][:4]), int(f[2][4:6]), int(f[2][6:])).toordinal() for f in fields]
    keys = np.stack(([int(f[1]) for f in fields], days))
    (customer, day), position = np.unique(keys, axis=1, return_inverse=True)
    return customer, day, np.bincount(position.ravel(), [float(f[4]) for f in fields])


def tell(title: str, tenths: tuple[Tenth, ...], unit: str) -> None:
    print(f"\n{title}\n{'tenth':>7}{'customers':>11}{'expected':>12}{'actual':>12}  {unit}")
    for number, each in enumerate(tenths, 1):
        print(f"{number:>7}{each.customers:>11,}{each.expected:>12,.1f}{each.actual:>12,.1f}")
    expected, actual = (sum(getattr(each, name) for each in tenths) for name in ("expected", "actual"))
    print(f"{'all':>7}{sum(each.customers for each in tenths):>11,}{expected:>12,.1f}{actual:>12,.1f}")


def errors(name: str, expected: np.ndarray, actual: np.ndarray) -> None:
    miss = expected - actual
    total = expected.sum()
    print(
        f"{name:<34}{total:>9,.1f}{total / actual.sum() - 1:>8.1%}{abs(miss).mean():>9.4f}"
        f"{np.sqrt((miss**2).mean()):>9.4f}"
    )


def main() -> None:
    customer, day, dollars = visits()
    found = hold_out(customer, day, dollars, split=SPLIT, last_day=LAST)
    print(f"{len(found.buyers):,} customers, {found.orders.sum():,.0f} orders and ", end="")
    print(f"{found.money.sum():,.2f} USD in weeks 40 to {39 + WEEKS}")
    tell(f"Orders, by {found.best.model.name}", found.tenths_of_orders, "orders")
    tell(f"Money, by {found.best.model.name} and Gamma-Gamma", found.tenths_of_money, "USD")
    alternatives(customer, day, dollars, found)
    print(machine("numpy", "scipy"))


def alternatives(customer: np.ndarray, day: np.ndarray, dollars: np.ndarray, found: Holdout) -> None:
    print(f"\n{'orders of each customer':<34}{'total':>9}{'off':>8}{'MAE':>9}{'RMSE':>9}")
    by_name = {each.model.name: each for each in found.models}
    for name in ("BG/NBD", "MBG/NBD", "Pareto/NBD"):
        errors(name, by_name[name].expected, found.orders)
    errors("mean of the three", sum(each.expected for each in found.models) / len(found.models), found.orders)
    inner = {
        weeks: hold_out(customer, day, dollars, split=SPLIT - 7 * weeks, last_day=SPLIT) for weeks in INNER_WEEKS
    }
    for weeks, earlier in inner.items():
        for each in earlier.models:
            ratio = earlier.orders.sum() / each.total
            errors(
                f"{each.model.name} × {ratio:.3f} (weeks {40 - weeks}-39)",
                by_name[each.model.name].expected * ratio,
                found.orders,
            )
    likeliest = max(found.models, key=lambda each: each.model.log_likelihood)
    print(f"\nlikeliest on weeks 1 to 39: {likeliest.model.name}, ", end="")
    print(", ".join(f"{each.model.name} {each.model.log_likelihood:.2f}" for each in found.models))
    for weeks, earlier in inner.items():
        print(f"nearest on weeks {40 - weeks} to 39: {earlier.best.model.name}, RMSE ", end="")
        print(", ".join(f"{each.model.name} {each.root_mean_square_error:.4f}" for each in earlier.models))
    print(f"nearest on weeks 40 to {39 + WEEKS}, which the report takes: {found.best.model.name}")


if __name__ == "__main__":
    main()
