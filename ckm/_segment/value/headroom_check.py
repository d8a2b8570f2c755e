"""Check of the headroom: headroom of a year ago compared with the spend since."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from ckm._segment.definition import Detail, readable_number
from ckm._segment.value.headroom import CURRENT_VALUE, fit_of, learn_potential, worth
from ckm.customers.calendar import months_before
from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.quantiles import quantile_cuts

if TYPE_CHECKING:
    import numpy as np

    from ckm._segment.definition import TrainingData
    from ckm.yamlfile import YamlEntry

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

FEWEST_CUSTOMERS = 200
"""Fewest customers a year ago for a comparison: deciles of twenty, halves of ten."""
FEWEST_IN_HALF = 10
"""Fewest customers in half a decile for a comparison."""
HISTORY_DAYS = 330
"""Days of data needed before the earlier date, so that the current value of that date covers nearly a year: a shop's
first sale may be some weeks after its data begin."""
NORMAL_95 = 1.959964
"""Half width of a 95 % interval, in standard errors."""

Row = TypeVar("Row", bound="HeadroomQuintile | ValueDecile")


@dataclass(frozen=True)
class HeadroomQuintile:
    """Customers with similar headroom; amounts are means per customer.

    Attributes
    ----------
    quintile
        From 1 (least headroom) to 5; equal headroom is in the same group, so that groups can be empty and are then
        omitted.
    customers
        Number of customers.
    current_value, headroom
        Means at the earlier date.
    later_value, growth
        Current value 12 months later, and the difference.
    """

    quintile: int
    customers: int
    current_value: float
    headroom: float
    later_value: float
    growth: float


@dataclass(frozen=True)
class ValueDecile:
    """Customers with similar spend, and the effect of more headroom on their spend a year later.

    Attributes
    ----------
    decile
        Decile, from 1 (lowest current value) to 10; equal values are in the same decile.
    customers, current_value
        Number of customers, and their mean current value at the earlier date.
    difference, low, high
        Difference of the mean value a year later between the halves with more and with less headroom, at equal current
        spend; 95 % interval.
    """

    decile: int
    customers: int
    current_value: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class LaterCheck:
    """Result of comparing the headroom of a year ago with the spend since.

    Attributes
    ----------
    since, until
        The earlier date, as of which the checked definition is fitted, and the later date.
    currency
        Currency of all amounts.
    customers
        Number of customers with a purchase by ``since``.
    quintiles, deciles
        Groups by headroom, and deciles by current value; deciles with too small halves are omitted.
    difference, low, high
        Mean difference of the deciles, weighted by their customers; 95 % interval.
    coverage, skill
        Fit of the percentile that was learned as of ``since``, on the customers of ``until``; see
        :class:`ckm._segment.value.definition.ValueDefinition`.
    """

    since: date
    until: date
    currency: str
    customers: int
    difference: float
    low: float
    high: float
    coverage: float
    skill: float
    quintiles: tuple[HeadroomQuintile, ...]
    deciles: tuple[ValueDecile, ...]

    @property
    def predicted_growth(self) -> bool:
        """Whether customers with more headroom grew more, significantly at the 5 % level."""
        return self.low > 0

    @property
    def finding(self) -> str:
        """A sentence on whether headroom predicted growth."""
        if self.predicted_growth:
            answer = "headroom predicted growth"
        elif self.high < 0:
            answer = "headroom predicted less growth, not more"
        else:
            answer = "not significant, so headroom is not shown to predict growth"
        more = sum(each.low > 0 for each in self.deciles)
        less = sum(each.high < 0 for each in self.deciles)
        amount = f"{abs(self.difference):,.2f} {self.currency} {'more' if self.difference >= 0 else 'less'}"
        return (
            f"headroom of {self.since} checked on {self.customers:,} customers at {self.until}: among customers of "
            f"equal value, the half with more headroom was worth {amount} per customer a year later "
            f"(95% interval {self.low:,.2f} to {self.high:,.2f}; in {len(self.deciles)} deciles of value, "
            f"significantly more in {more}, less in {less}): {answer}"
        )

    def details(self) -> tuple[Detail, ...]:
        """Return the tables of the quintiles and of the deciles."""
        money = "{:,.2f}"
        return (
            Detail(
                f"Value by quintile of headroom, {self.since} and {self.until} (customers with low spend grow by "
                "regression to the mean alone: compare at equal spend)",
                pl.DataFrame([asdict(each) for each in self.quintiles]),
                dict.fromkeys(("current_value", "headroom", "later_value", "growth"), money),
            ),
            Detail(
                "Difference of the value a year later between the halves with more and with less headroom, by decile",
                pl.DataFrame([asdict(each) for each in self.deciles]),
                dict.fromkeys(("current_value", "difference", "low", "high"), money),
            ),
        )

    def to_plain(self) -> dict[str, Any]:
        """Return all fields as numbers, lists and text, for the definition file."""
        plain = asdict(self) | {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return plain | {name: [asdict(each) for each in getattr(self, name)] for name in ("quintiles", "deciles")}


def check_later(training: TrainingData, customers: pl.DataFrame) -> LaterCheck:
    """Fit a definition as of 12 months ago, and compare it with the spend since.

    Parameters
    ----------
    training
        Input of the fitted definition.
    customers
        Features of the customers of ``training``, sorted by ``customer_id``.

    Raises
    ------
    NotEnoughDataError
        The data cover less than two years, or have too few customers.
    """
    since = months_before(training.table.as_of, 12)
    then = training.at(since).frame.sort("customer_id")
    days = then["tenure_days"].fill_null(0).to_numpy().max()
    if days < HISTORY_DAYS:
        raise NotEnoughDataError(
            f"the first purchase is {days} days before {since}, {HISTORY_DAYS} needed for a year's value that day"
        )
    potential = learn_potential(then, training.seed)
    money = worth(then, potential)
    now = customers.select("customer_id", pl.col(CURRENT_VALUE).fill_null(0.0).alias("later_value"))
    later = then.select("customer_id").join(now, on="customer_id", how="left", maintain_order="left")
    coverage, skill = fit_of(worth(customers, potential), money["current_value"], potential.quantile)
    return LaterCheck(
        since=since,
        until=training.table.as_of,
        currency=training.table.currency,
        coverage=coverage,
        skill=skill,
        **compare_later(money, later["later_value"].fill_null(0.0)),
    )


def compare_later(then: pl.DataFrame, later: pl.Series) -> dict[str, Any]:
    """Return the comparison of the earlier headroom with the later value.

    Parameters
    ----------
    then
        ``current_value`` and ``headroom`` of each customer at the earlier date, without nulls.
    later
        Current value of the same customers 12 months later, in the same order.

    Returns
    -------
    dict
        ``customers``, ``difference``, ``low``, ``high``, ``quintiles`` and ``deciles`` of :class:`LaterCheck`.

    Raises
    ------
    NotEnoughDataError
        There are fewer than :data:`FEWEST_CUSTOMERS` customers, or no decile has two large enough halves.
    """
    if then.height < FEWEST_CUSTOMERS:
        raise NotEnoughDataError(f"{then.height:,} customers a year earlier, {FEWEST_CUSTOMERS} needed")
    both = then.select("current_value", "headroom").with_columns(later.alias("later_value"))
    compared = [each for each in map(_at_equal_spend, _groups(both, "current_value", 10)) if each]
    if not compared:
        raise NotEnoughDataError("customers of equal spend a year earlier had equal headroom")
    everyone = sum(decile.customers for decile, _ in compared)
    difference = sum(decile.difference * decile.customers for decile, _ in compared) / everyone
    error = sum((error * decile.customers / everyone) ** 2 for decile, error in compared) ** 0.5
    return {
        "customers": then.height,
        "difference": readable_number(difference),
        "low": readable_number(difference - NORMAL_95 * error),
        "high": readable_number(difference + NORMAL_95 * error),
        "quintiles": tuple(_quintile(each) for each in _groups(both, "headroom", 5)),
        "deciles": tuple(decile for decile, _ in compared),
    }


def read_later_check(entry: YamlEntry) -> LaterCheck:
    """Read the output of :meth:`LaterCheck.to_plain`; UsageError if a key is missing or invalid."""
    keys = entry.fields([each.name for each in fields(LaterCheck)])
    numbers = ("difference", "low", "high", "coverage", "skill")
    return LaterCheck(
        since=_date(keys["since"]),
        until=_date(keys["until"]),
        currency=keys["currency"].text(),
        customers=keys["customers"].whole(),
        **{name: keys[name].number() for name in numbers},
        quintiles=tuple(_row(each, HeadroomQuintile) for each in keys["quintiles"].items()),
        deciles=tuple(_row(each, ValueDecile) for each in keys["deciles"].items()),
    )


def _groups(both: pl.DataFrame, by: str, number: int) -> list[pl.DataFrame]:
    """Return the customers in ``number`` equal parts by a column, with a column ``part``; without empty parts."""
    cuts = quantile_cuts(both[by], number)
    parts = both.with_columns(cuts.score(pl.col(by)).cast(pl.Int64).alias("part"))
    return parts.sort("part", maintain_order=True).partition_by("part", maintain_order=True)


def _quintile(part: pl.DataFrame) -> HeadroomQuintile:
    current, headroom, later = (_mean(part[name]) for name in ("current_value", "headroom", "later_value"))
    means = {"current_value": current, "headroom": headroom, "later_value": later, "growth": later - current}
    return HeadroomQuintile(
        part["part"][0], part.height, **{name: readable_number(mean) for name, mean in means.items()}
    )


def _at_equal_spend(part: pl.DataFrame) -> tuple[ValueDecile, float] | None:
    """Return the difference between the halves of headroom within a decile, and its standard error.

    Within a decile, customers with more headroom still spend less. So the difference is the coefficient of "upper half"
    in a regression of the later value on "upper half" and current spend (analysis of covariance). The coefficient is
    computed from residuals on current spend (Frisch and Waugh 1933); its standard error allows unequal variances (White
    1980, with the factor n / (n - 3) of MacKinnon and White 1985). None if a half is too small, or "upper half" is
    determined by spend.
    """
    import numpy as np

    headroom = part["headroom"]
    upper = (headroom > quantile_cuts(headroom, 2).edges[0]).cast(pl.Float64).to_numpy()
    spend, later = part["current_value"].to_numpy(), part["later_value"].to_numpy()
    if min(upper.sum(), len(upper) - upper.sum()) < FEWEST_IN_HALF:
        return None
    apart, rest = _without(spend, upper), _without(spend, later)
    weight = float((apart * apart).sum())
    if weight < 1e-9 * len(upper):
        return None
    difference = float((apart * rest).sum()) / weight
    residual = rest - difference * apart
    count = len(upper)
    error = float(np.sqrt((apart**2 * residual**2).sum() * count / (count - 3))) / weight
    bounds = (difference, difference - NORMAL_95 * error, difference + NORMAL_95 * error)
    mean = readable_number(_mean(part["current_value"]))
    return ValueDecile(part["part"][0], count, mean, *map(readable_number, bounds)), error


def _without(spend: Floats, values: Floats) -> Floats:
    """Return the residuals of ``values`` in a linear regression on ``spend``."""
    centred, rest = spend - spend.mean(), values - values.mean()
    spread = float((centred * centred).sum())
    slope = float((centred * rest).sum()) / spread if spread > 0 else 0.0
    apart: Floats = rest - centred * slope
    return apart


def _mean(values: pl.Series) -> float:
    return float(values.to_numpy().mean())


def _row(entry: YamlEntry, kind: type[Row]) -> Row:
    keys = entry.fields([each.name for each in fields(kind)])
    whole = {each.name for each in fields(kind) if each.type == "int"}
    numbers: dict[str, Any] = {name: each.whole() if name in whole else each.number() for name, each in keys.items()}
    return kind(**numbers)


def _date(entry: YamlEntry) -> date:
    try:
        return date.fromisoformat(entry.text())
    except ValueError:
        raise UsageError(f"{entry.where}: a date is expected", hint="write it as 2026-06-30") from None
