"""Claim: the customer lifetime value of CDNOW holds on 39 weeks that it has not seen, by tenths and in total.

2,357 customers (the 1/10 sample), models learned on 39 weeks to 1997-09-30, compared with weeks 40 to 78: orders and
money by tenths, and every model in total. Then what might have come nearer than BG/NBD: the model that the likelihood
picks, the one that a holdout within the calibration picks, the mean of all, and a correction by what the models got
wrong within the calibration, for all customers alike or by how often they had bought.

First the spend of each customer, which the lifetime value rests on: CDNOW at week 39, 39 weeks ahead, and Online Retail
as of 2010-06-09, six months ahead. ckm's forecast beside each model of ordering times Gamma-Gamma, last year's spend ×
horizon, and boosting that learned from the past windows (squared error and Poisson deviance, grown by the
rate that the model of ordering expects). Bars: total within ±15 %, mean absolute error at most 2 % above the best of
these, the 80 % interval holds 75 to 85 % of the customers.

Then the two choices and the correction on other data: all of CDNOW, Online Retail and the example shop, each with its
last half, third and quarter held out; what is chosen and corrected by comes from a holdout before that.

Usage: ``python bench/loyalty_clv.py``. Reads CDNOW_sample.txt, CDNOW_master.txt and online_retail_2009_2010.parquet
(CKM_SHARED).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from measure import SHARED, machine

from ckm.errors import NotEnoughDataError
from ckm.example.simulation import simulate
from ckm.models.btyd.holdout import Holdout, HoldoutDecile, ModelHoldout, holdout_test
from ckm.models.btyd.purchases import Purchases
from ckm.models.spend.btyd_spend import BtydSpend, fit_btyd_spend
from ckm.models.spend.forecast import SpendForecast, forecast_spend
from ckm.models.spend.spend_snapshot import SpendSnapshot
from ckm.models.threads import one_thread

SPLIT = date(1997, 9, 30).toordinal()
WEEKS = 39
LAST = SPLIT + 7 * WEEKS
INNER_DAYS = (63, 91, 119, 133, 136)
"""Holdouts within the calibration: 9, 13, 17 and 19 weeks, and the half of it, which the report's rule gives."""
HELD_OUT = (2, 3, 4)
"""The last half, third and quarter."""
FEW = 20
"""Prior weight of a correction of 1, in orders."""
TOTAL_BAR, ERROR_BAR, COVERAGE_BAR = 0.15, 1.02, (0.75, 0.85)
RETAIL_SPLIT, RETAIL_END = (date(2010, month, 9).toordinal() - date(1970, 1, 1).toordinal() for month in (6, 12))
Visits = tuple[np.ndarray, np.ndarray, np.ndarray]


def visits(name: str = "CDNOW_sample.txt", *, customer: int = 1, day: int = 2, dollars: int = 4) -> Visits:
    """Return customer, day and dollars of each purchase day, by customer and day; numbers are places of the columns."""
    lines = (SHARED / "transactions" / name).read_text("ascii").split("\n")
    fields = [fields for line in lines if (fields := line.split()) and fields[0].isdigit()]
    days = [date(int(f[day][:4]), int(f[day][4:6]), int(f[day][6:])).toordinal() for f in fields]
    return by_day([int(f[customer]) for f in fields], days, [float(f[dollars]) for f in fields])


def by_day(customers: list[int], days: list[int], money: list[float]) -> Visits:
    (who, day), position = np.unique(np.stack((customers, days)), axis=1, return_inverse=True)
    return who, day, np.bincount(position.ravel(), money)


def retail() -> Visits:
    """Purchases of Online Retail II, 2009-2010."""
    lines = pl.read_parquet(SHARED / "transactions" / "online_retail_2009_2010.parquet").filter(
        pl.col("Customer ID").is_not_null(), ~pl.col("Invoice").str.starts_with("C"), pl.col("Quantity") > 0
    )
    lines = lines.select(
        pl.col("Customer ID").cast(pl.Int64),
        pl.col("InvoiceDate").str.to_datetime(time_unit="us").dt.date().to_physical().cast(pl.Int64),
        pl.col("Quantity") * pl.col("Price"),
    )
    return by_day(*(column.to_list() for column in lines))


def example() -> Visits:
    """Purchases of the example shop."""
    sold = [order for order in simulate(7).orders if order.kind == "sale" and order.customer_id is not None]
    codes = {name: code for code, name in enumerate(sorted({order.customer_id for order in sold}))}
    rows = [(codes[order.customer_id], order.day, sum(line.net for line in order.lines) / 100) for order in sold]
    return by_day(*(list(column) for column in zip(*rows, strict=True)))


def tell(title: str, tenths: tuple[HoldoutDecile, ...], unit: str) -> None:
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


def corrections(earlier: Holdout, each: ModelHoldout) -> np.ndarray:
    """Return actual over expected orders of customers with 0, 1, and more repeat orders before the earlier holdout."""
    kind = np.minimum(earlier.buyers.x, 2)
    sums = [np.bincount(kind, orders, minlength=3) + FEW for orders in (earlier.orders, each.expected)]
    return sums[0] / sums[1]


def elsewhere() -> None:
    shops = {
        "CDNOW, all": visits("CDNOW_master.txt", customer=0, day=1, dollars=3),
        "Online Retail": retail(),
        "example shop": example(),
    }
    print("\nRMSE of each customer's orders (total off), models chosen and corrected before the holdout")
    print(f"{'':<15}{'days':>5}  {'nearest before':<28}{'likeliest':<28}{'nearest, corrected by x'}")
    for name, columns in shops.items():
        first, last = columns[1].min(), columns[1].max()
        for part in HELD_OUT:
            split = int(last - (last - first) // part)
            inner = min(last - split, (split - first) // 2)
            try:
                earlier = holdout_test(Purchases(*columns), split=int(split - inner), last_day=split)
                found = holdout_test(Purchases(*columns), split=split, last_day=int(last))
            except NotEnoughDataError as error:
                print(f"{name:<15}{last - split:>5}  {error}")
                continue
            by_name = {each.model.name: each for each in found.models}
            nearest, likeliest = (
                by_name[earlier.best.model.name],
                max(found.models, key=lambda e: e.model.log_likelihood),
            )
            factors = corrections(earlier, earlier.best)[np.minimum(found.buyers.x, 2)]
            cells = [f"{each.model.name} {scored(each.expected, found.orders)}" for each in (nearest, likeliest)]
            print(f"{name:<15}{last - split:>5}  {cells[0]:<28}{cells[1]:<28}", end="")
            print(scored(nearest.expected * factors, found.orders))


def scored(expected: np.ndarray, actual: np.ndarray) -> str:
    return f"{np.sqrt(((expected - actual) ** 2).mean()):.4f} ({expected.sum() / actual.sum() - 1:+.1%})"


def main() -> None:
    customer, day, dollars = visits()
    spend("CDNOW, week 39", (customer, day, dollars), SPLIT, LAST)
    spend("Online Retail, 2010-06-09", retail(), RETAIL_SPLIT, RETAIL_END)
    found = holdout_test(Purchases(customer, day, dollars), split=SPLIT, last_day=LAST)
    print(f"{len(found.buyers):,} customers, {found.orders.sum():,.0f} orders and ", end="")
    print(f"{found.money.sum():,.2f} USD in weeks 40 to {39 + WEEKS}")
    tell(f"Orders, by {found.best.model.name}", found.totals().order_deciles, "orders")
    tell(f"Money, by {found.best.model.name} and Gamma-Gamma", found.totals().spend_deciles, "USD")
    alternatives(customer, day, dollars, found)
    elsewhere()
    print(machine("numpy", "scipy"))


def spend(name: str, columns: Visits, split: int, last: int) -> None:
    """Print the spend that was expected of customers and what came, by ckm and its peers."""
    customer, day, money = columns
    codes = np.unique(customer, return_inverse=True)[1]
    known = Purchases(codes[day <= split].astype(np.int64), day[day <= split].astype(np.int64), money[day <= split])
    everything = Purchases(codes.astype(np.int64), day.astype(np.int64), money)
    today, horizon, first = SpendSnapshot(known, split), last - split, known.first_day
    inner = holdout_test(known, split=split - min(horizon, (split - first + 1) // 2), last_day=split)
    ordering = fit_btyd_spend(today, inner.best.model.name, 0)
    found = forecast_spend(known, split, horizon, ordering.model)
    came = everything.spent(today.buyers.codes, split, last)
    outer = holdout_test(everything, split=split, last_day=last)
    peers = {each.model.name: each.expected * outer.order_value for each in outer.models}
    peers["last spend × horizon"] = today.rate * horizon
    peers |= {
        f"boosting, {loss}": boosting(known, split, found, ordering, loss) for loss in ("squared_error", "poisson")
    }
    print(
        f"\n{name}: {len(came):,} customers, {came.sum():,.2f} in {horizon} days; past windows of {found.window} days"
    )
    print(f"{'spend of each customer':<34}{'total':>14}{'off':>8}{'MAE':>11}")
    for peer, expected in {**peers, "ckm": found.spend}.items():
        off, error = expected.sum() / came.sum() - 1, np.abs(expected - came).mean()
        print(f"{peer:<34}{expected.sum():>14,.2f}{off:>8.1%}{error:>11.3f}")
    bar = ERROR_BAR * min(np.abs(each - came).mean() for each in peers.values())
    error, off = np.abs(found.spend - came).mean(), found.spend.sum() / came.sum() - 1
    within = ((found.low <= came) & (came <= found.high)).mean()
    print(f"made of {', '.join(f'{part} {share:.0%}' for part, share in found.shares.items())}")
    print(f"total {off:+.1%}, bar ±{TOTAL_BAR:.0%}: {'met' if abs(off) <= TOTAL_BAR else 'missed'}")
    print(f"MAE {error:.3f}, bar {bar:.3f}: {'met' if error <= bar else 'missed'}")
    met = COVERAGE_BAR[0] <= within <= COVERAGE_BAR[1]
    print(f"80 % interval holds {within:.1%}, bar 75 to 85 %: {'met' if met else 'missed'}", end="")
    print(f"; in the past {found.coverage:.1%}")


def boosting(known: Purchases, split: int, found: SpendForecast, ordering: BtydSpend, loss: str) -> np.ndarray:
    """Return the spend that plain boosted trees expect, which learned from windows that had closed."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    window, design, spent = found.window, [], []
    for past in (split - 2 * window, split - window):
        snapshot = SpendSnapshot(known, past)
        design.append(snapshot.features(window))
        spent.append(known.spent(snapshot.buyers.codes, past, past + window))
    today = SpendSnapshot(known, split)
    growth = ordering.orders(today, found.horizon) / np.maximum(ordering.orders(today, window), 1e-9)
    with one_thread():
        trees = HistGradientBoostingRegressor(loss=loss, max_iter=60, random_state=0, early_stopping=False)
        trees.fit(np.concatenate(design), np.concatenate(spent))
        return np.maximum(trees.predict(today.features(window)), 0.0) * growth


def alternatives(customer: np.ndarray, day: np.ndarray, dollars: np.ndarray, found: Holdout) -> None:
    print(f"\n{'orders of each customer':<34}{'total':>9}{'off':>8}{'MAE':>9}{'RMSE':>9}")
    by_name = {each.model.name: each for each in found.models}
    for name in ("BG/NBD", "MBG/NBD", "Pareto/NBD"):
        errors(name, by_name[name].expected, found.orders)
    errors("mean of the three", sum(each.expected for each in found.models) / len(found.models), found.orders)
    inner = {
        days: holdout_test(Purchases(customer, day, dollars), split=SPLIT - days, last_day=SPLIT) for days in INNER_DAYS
    }
    for days, earlier in inner.items():
        for each in earlier.models:
            ratio = earlier.orders.sum() / each.total
            errors(
                f"{each.model.name} × {ratio:.3f} (last {days} days)",
                by_name[each.model.name].expected * ratio,
                found.orders,
            )
        for each in earlier.models:
            factors = corrections(earlier, each)
            errors(
                f"{each.model.name} × {factors.round(2)} ({days} d.)",
                by_name[each.model.name].expected * factors[np.minimum(found.buyers.x, 2)],
                found.orders,
            )
    likeliest = max(found.models, key=lambda each: each.model.log_likelihood)
    print(f"\nlikeliest on weeks 1 to 39: {likeliest.model.name}, ", end="")
    print(", ".join(f"{each.model.name} {each.model.log_likelihood:.2f}" for each in found.models))
    for days, earlier in inner.items():
        print(f"nearest on the last {days} days of them: {earlier.best.model.name}, RMSE ", end="")
        print(", ".join(f"{each.model.name} {each.root_mean_square_error:.4f}" for each in earlier.models))
    print(f"nearest on weeks 40 to {39 + WEEKS}, which the report takes: {found.best.model.name}")


if __name__ == "__main__":
    main()
