"""Simulated shops of many kinds: rows by seed, and facts of each customer computed from the rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import mean, median
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = list[tuple[str, int, float]]

START = date(2023, 1, 1)
LAST = 800
"""Number of days of the longest shop."""


@dataclass(frozen=True)
class Customer:
    """Facts of a customer, computed from the rows alone; days count from :data:`START`."""

    days: tuple[int, ...]
    orders: tuple[float, ...]
    returned: float
    today: int
    last_year: float

    @property
    def recency(self) -> int:
        return self.today - self.days[-1]

    @property
    def gaps(self) -> list[int]:
        return [later - earlier for earlier, later in zip(self.days, self.days[1:], strict=False)]

    @property
    def interval(self) -> float | None:
        """Own purchase interval in days: the larger of median and mean; None with one purchase day."""
        return max(median(self.gaps), mean(self.gaps)) if self.gaps else None

    @property
    def interval_before(self) -> float | None:
        """Own purchase interval without the last gap; None with fewer than three purchase days."""
        before = self.gaps[:-1]
        return max(median(before), mean(before)) if before else None

    @property
    def net(self) -> float:
        return round(sum(self.orders) + self.returned, 6)

    @property
    def bought_within_own_interval(self) -> bool:
        return self.interval is not None and self.recency <= self.interval


def facts(rows: Rows, as_of: int | None = None) -> dict[str, Customer]:
    """Return the customers who bought."""
    today = max(day for _, day, _ in rows) if as_of is None else as_of
    year = (START + timedelta(days=today)).replace(year=(START + timedelta(days=today)).year - 1)
    of: dict[str, Rows] = {}
    for each in rows:
        of.setdefault(each[0], []).append(each)
    found = {}
    for name, own in of.items():
        bought = [(day, net) for _, day, net in own if net >= 0]
        if bought:
            found[name] = Customer(
                tuple(sorted({day for day, _ in bought})),
                tuple(net for _, net in bought),
                sum(net for _, _, net in own if net < 0),
                today,
                sum(net for _, day, net in own if START + timedelta(days=day) > year),
            )
    return found


def transactions(rows: Rows) -> pl.LazyFrame:
    noon = datetime(START.year, START.month, START.day, 12, tzinfo=UTC)
    return pl.LazyFrame(
        {
            "order_id": [f"o{number}" for number in range(len(rows))],
            "customer_id": [name for name, _, _ in rows],
            "ordered_at": [noon + timedelta(days=day) for _, day, _ in rows],
            "net": [net for _, _, net in rows],
            "currency": ["EUR"] * len(rows),
            "type": ["return" if net < 0 else "sale" for _, _, net in rows],
        },
        schema_overrides={"ordered_at": pl.Datetime("us", "UTC")},
    )


def months(day_of_month: int) -> list[int]:
    days = [(START.replace(year=2023 + number // 12, month=number % 12 + 1, day=day_of_month)) for number in range(26)]
    return [(day - START).days for day in days]


def club(random: np.random.Generator) -> Rows:
    """Members who are billed on the first of each month at one price; 10 % have left."""
    rows: Rows = []
    for number in range(int(random.integers(30, 250))):
        bills = months(1)[: random.integers(2, 26) if random.random() < 0.1 else 26]
        rows += [(f"m{number:03}", day, 9.9) for day in bills]
    return rows


def club_with_joiners(random: np.random.Generator) -> Rows:
    """Members of three prices who joined at any time, each with an own day of the month; some leave."""
    rows: Rows = []
    for number in range(int(random.integers(30, 200))):
        first, price = int(random.integers(0, 26)), float(random.choice([9.9, 19.9, 49.0]))
        until = 26 if random.random() < 0.8 else int(random.integers(first + 1, 27))
        rows += [(f"m{number:03}", day, price) for day in months(int(random.integers(1, 28)))[first:until]]
    return rows


def firms(random: np.random.Generator, number: int = 8) -> Rows:
    """Firms that order each week on their weekday; one in eight has stopped; one is much larger."""
    rows: Rows = []
    for firm in range(number):
        size = float(random.lognormal(8, 1))
        weeks = 110 if random.random() > 1 / 8 else int(random.integers(20, 100))
        skipped = random.random(weeks) < 0.02
        weekday = int(random.integers(0, 7))
        rows += [
            (f"f{firm}", 7 * week + weekday, round(size * float(random.lognormal(0, 0.2)), 2))
            for week in range(weeks)
            if not skipped[week]
        ]
    return rows


def many_firms(random: np.random.Generator) -> Rows:
    return firms(random, int(random.integers(20, 120)))


def one_day_each(random: np.random.Generator) -> Rows:
    """All customers bought on one day, some of them several times."""
    rows: Rows = []
    for number in range(int(random.integers(20, 150))):
        day = int(random.integers(0, 300))
        rows += [(f"c{number}", day, round(float(random.lognormal(3, 1)), 2))] * min(int(random.pareto(1)) + 1, 40)
    return rows


def thin(random: np.random.Generator) -> Rows:
    """A few customers with one to three orders."""
    rows: Rows = []
    for number in range(int(random.integers(1, 30))):
        for day in random.integers(0, 400, int(random.integers(1, 4))):
            rows.append((f"c{number}", int(day), round(float(random.uniform(5, 50)), 2)))
    return rows


def one_time(random: np.random.Generator) -> Rows:
    """All customers bought once."""
    count = int(random.integers(5, 300))
    return [
        (f"c{number}", int(random.integers(0, 500)), round(float(random.lognormal(4, 0.6)), 2))
        for number in range(count)
    ]


def seasonal(random: np.random.Generator) -> Rows:
    """Most buy in Advent only, some the whole year round."""
    rows: Rows = []
    for number in range(int(random.integers(40, 250))):
        if random.random() < 0.7:
            for advent in (330, 695):
                days = advent + random.integers(0, 25, int(random.integers(0, 4)))
                rows += [(f"c{number}", int(day), round(float(random.uniform(10, 90)), 2)) for day in days]
        else:
            days = random.integers(0, LAST, int(random.integers(2, 20)))
            rows += [(f"c{number}", int(day), round(float(random.uniform(10, 40)), 2)) for day in days]
    return rows


def one_customer(random: np.random.Generator) -> Rows:
    return [("only", int(day), 10.0) for day in random.integers(0, 300, int(random.integers(1, 40)))]


def all_the_same(random: np.random.Generator) -> Rows:
    days = sorted({int(day) for day in random.integers(0, 300, int(random.integers(1, 12)))})
    return [(f"c{number}", day, 5.0) for number in range(int(random.integers(5, 150))) for day in days]


def one_price(random: np.random.Generator) -> Rows:
    """All orders have the same amount; customers differ in the number of orders only."""
    rows: Rows = []
    for number in range(int(random.integers(100, 200))):
        days = {int(day) for day in random.integers(0, 500, int(random.integers(1, 20)))}
        rows += [(f"c{number}", day, 3.3 * 3) for day in sorted(days)]
    return rows


def heavy_tails(random: np.random.Generator) -> Rows:
    """A few customers make most of the orders, a few others the largest ones; some rows are returns."""
    rows: Rows = []
    for number in range(int(random.integers(100, 300))):
        orders = min(int(random.pareto(0.9)) + 1, 300)
        level = float(random.lognormal(3, 1.8))
        for day in random.integers(int(random.integers(0, LAST - 1)), LAST, orders):
            net = round(level * float(random.lognormal(0, 0.8)), 2)
            rows.append((f"c{number}", int(day), net))
            if random.random() < 0.05:
                rows.append((f"c{number}", min(int(day) + 5, LAST), -net))
    return rows


def mixed(random: np.random.Generator) -> Rows:
    """Weekly, monthly and yearly buyers of small and of large baskets, who start and stop at any time."""
    rows: Rows = []
    for number in range(int(random.integers(100, 300))):
        pace, level = float(random.choice([7, 30, 90, 300])), float(random.choice([10, 40, 200]))
        day, end = float(random.uniform(0, LAST)), float(random.choice([LAST, random.uniform(0, LAST)]))
        rows.append((f"c{number}", int(day), level))
        while (day := day + float(random.gamma(2, pace / 2)) + 1) < end:
            rows.append((f"c{number}", int(day), round(level * float(random.lognormal(0, 0.4)), 2)))
    return rows


SHOPS: dict[str, Callable[[np.random.Generator], Rows]] = {
    each.__name__: each
    for each in (
        club, club_with_joiners, firms, many_firms, one_day_each, thin, one_time, seasonal, one_customer, all_the_same,
        one_price, heavy_tails, mixed,
    )
}  # fmt: skip
