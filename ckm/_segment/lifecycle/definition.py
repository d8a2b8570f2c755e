"""Segments by life cycle stage (active, cooling, lapsed), relative to the customer's own purchase interval.

A customer's *long gap* is the 80th percentile of the own intervals between purchase days. With few intervals it is
shrunk towards the percentile of all customers. It is never shorter than the own purchase interval. Recency (silence) is
measured in long gaps, so that a month of silence is short for a customer who buys quarterly and long for a customer who
buys weekly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from ckm._segment.definition import Detail, load_segments, readable_number
from ckm.errors import NotEnoughDataError, UsageError
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Container

    from ckm._segment.definition import Segment, TrainingData
    from ckm.yamlfile import YamlEntry

NAMES = Path(__file__).parents[2] / "data" / "segments_lifecycle.yaml"
STATES = ("active", "reactivated", "new", "cooling", "lapsed", "prospect")
"""Names of the stages, in the order of the data file."""
ACTIVE_STAGES = ("active", "reactivated", "new")
"""Stages that count as active in the customer flow (:mod:`ckm._segment.lifecycle.flows`)."""

COOLING_AFTER = 1.25
"""Silence in long gaps above which a customer is cooling. One interval in five is longer than the long gap by
definition, and one in seven to twelve is longer than 1.25 long gaps in the data of bench/lifecycle.py: fewer false
alarms."""
LAPSED_AFTER = 2.0
"""Silence in long gaps above which a customer is lapsed: one interval in twenty or fewer is longer. This is a
convention: in every data set of bench/lifecycle.py, some customers returned after a longer silence."""
SHORTEST_INTERVAL_DAYS = 7.0
"""Shortest long gap in days, a week: a customer does not become cooling over a weekend, or lapsed over two weeks of
holiday."""
FEWEST_GAPS = 10
"""Fewest purchase intervals of all customers together to fit the definition: with fewer, the 80th percentile would be
one of the two longest."""


INTERVAL_FEATURES = (
    "recency_days",
    "gaps",
    "gap_median_days",
    "gap_p80_days",
    "gap_last_days",
    "gap_p80_days_before",
)


@dataclass(frozen=True)
class Returns:
    """Number of customers in a stage on an earlier day, and how many of them bought after that day."""

    state: str
    customers: int
    bought_since: int


@dataclass(frozen=True)
class Check:
    """Check of the stages: customers in each stage at the end of an earlier ``day``, and how many bought after it.

    The stages use the purchase interval of all customers as known on that day, so that no later data are used.
    """

    day: date
    returns: tuple[Returns, ...]

    def bought_since(self, states: Container[str]) -> tuple[int, int]:
        """Return two numbers: customers in the stages ``states`` who bought after ``day``, and all in these stages."""
        counts = [(each.bought_since, each.customers) for each in self.returns if each.state in states]
        return sum(bought for bought, _ in counts), sum(customers for _, customers in counts)


@dataclass(frozen=True)
class LifecycleDefinition:
    """Fitted thresholds, and the population's purchase intervals for customers with a short history.

    Attributes
    ----------
    gap_median_days, gap_p80_days
        Median and long gap of all customers, in days; features must be computed with them.
    cooling_after, lapsed_after
        Silence, in own long gaps, above which a customer is cooling or lapsed.
    shortest_interval_days
        Shortest long gap.
    own_interval
        Whether a long gap is also at least the customer's own purchase interval, so that no customer who bought within
        it is lapsed; False in definitions of older versions.
    check
        Check of the stages of an earlier day; None if the history is too short.
    """

    gap_median_days: float
    gap_p80_days: float
    cooling_after: float = COOLING_AFTER
    lapsed_after: float = LAPSED_AFTER
    shortest_interval_days: float = SHORTEST_INTERVAL_DAYS
    own_interval: bool = True
    check: Check | None = None

    method: ClassVar[str] = "lifecycle"
    needs_prospects: ClassVar[bool] = True

    @property
    def needs(self) -> tuple[str, ...]:
        """Features of the customer's purchase interval, today and at the last purchase."""
        interval = ("purchase_interval_days", "purchase_interval_days_before") if self.own_interval else ()
        return (*INTERVAL_FEATURES, *interval)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stages and their advice: active first, prospects last."""
        return _segments()

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return the stage of every customer, and the figures from which it follows.

        Parameters
        ----------
        features
            One row per customer, with the columns of :attr:`needs`; ``recency_days`` is null for a prospect.

        Returns
        -------
        pl.DataFrame
            ``segment``; ``usual_gap_days`` (own median gap, shrunk), ``long_gap_days`` (:meth:`long_gap_days`),
            ``silence_ratio`` (recency in long gaps): Float64, null for prospects; ``broken_silence_ratio`` (Float64,
            the silence before the last purchase, in the long gaps of that day; null with a single purchase day).
        """
        bought = pl.col("recency_days").is_not_null()
        interval, interval_before = (
            pl.col(f"purchase_interval_days{when}") if self.own_interval else pl.lit(None, pl.Float64)
            for when in ("", "_before")
        )
        ended = self.long_gap_days(pl.col("gap_p80_days_before"), interval_before)
        explained = (
            features.lazy()
            .select(
                "recency_days",
                "gaps",
                usual_gap_days=pl.when(bought).then(pl.col("gap_median_days").fill_null(self.gap_median_days)),
                long_gap_days=pl.when(bought).then(self.long_gap_days(pl.col("gap_p80_days"), interval)),
                broken_silence_ratio=pl.when(bought).then(pl.col("gap_last_days") / ended),
            )
            .with_columns(silence_ratio=pl.col("recency_days") / pl.col("long_gap_days"))
        )
        return explained.select(
            self._state().alias("segment"), "usual_gap_days", "long_gap_days", "silence_ratio", "broken_silence_ratio"
        ).collect()

    def long_gap_days(self, gap_p80_days: pl.Expr, purchase_interval_days: pl.Expr) -> pl.Expr:
        """Return the long gap of each customer in days; if a customer's is unknown, the long gap of all customers.

        The result is at least the shortest long gap and, with :attr:`own_interval`, at least the own purchase interval.
        """
        least = pl.lit(self.shortest_interval_days)
        if self.own_interval:
            least = pl.max_horizontal(least, purchase_interval_days)
        return pl.max_horizontal(gap_p80_days.fill_null(self.gap_p80_days), least)

    def is_active(self, silence_ratio: pl.Expr) -> pl.Expr:
        """Return whether a customer with this recency (in own long gaps) is active; null without purchases."""
        return silence_ratio <= self.cooling_after

    def _state(self) -> pl.Expr:
        silence = pl.col("silence_ratio")
        return (
            pl.when(pl.col("recency_days").is_null())
            .then(pl.lit("prospect"))
            .when(silence > self.lapsed_after)
            .then(pl.lit("lapsed"))
            .when(~self.is_active(silence))
            .then(pl.lit("cooling"))
            .when(pl.col("gaps") == 0)
            .then(pl.lit("new"))
            .when(pl.col("broken_silence_ratio") > self.lapsed_after)
            .then(pl.lit("reactivated"))
            .otherwise(pl.lit("active"))
        )

    def to_plain(self) -> dict[str, Any]:
        """Return the thresholds, the purchase interval of all customers, and the result of the check."""
        plain: dict[str, Any] = {
            "cooling_after": self.cooling_after,
            "lapsed_after": self.lapsed_after,
            "shortest_interval_days": self.shortest_interval_days,
            **({"own_interval": "yes"} if self.own_interval else {}),
            "population": {"gap_median_days": self.gap_median_days, "gap_p80_days": self.gap_p80_days},
        }
        if self.check:
            states = [
                {"name": each.state, "customers": each.customers, "bought_since": each.bought_since}
                for each in self.check.returns
            ]
            plain["check"] = {"day": self.check.day.isoformat(), "states": states}
        return plain

    def details(self) -> tuple[Detail, ...]:
        """Return how many customers of each stage bought again, as a check of the stages."""
        if self.check is None:
            return ()
        customers = pl.col("customers")
        frame = pl.DataFrame(
            [(each.state, each.customers, each.bought_since) for each in self.check.returns],
            schema={"segment": pl.String, "customers": pl.Int64, "bought_since": pl.Int64},
            orient="row",
        ).with_columns(share=pl.when(customers > 0).then((pl.col("bought_since") / customers).round(12)))
        title = f"Customers who bought again after {self.check.day}, by their stage at the end of that day"
        return (Detail(title, frame, {"share": "{:.1%}"}),)

    def remarks(self, assigned: pl.DataFrame) -> tuple[str, ...]:
        """Return remarks on the thresholds, on customers without an own interval, and on returns after lapsing."""
        remarks = [
            f"active: recency of at most {self.cooling_after:g} of the customer's own long intervals; lapsed: of more "
            f"than {self.lapsed_after:g} (all customers: median interval {self.gap_median_days:.0f} days, long "
            f"interval {self.gap_p80_days:.0f})"
        ]
        once = assigned.filter(pl.col("silence_ratio").is_not_null() & pl.col("broken_silence_ratio").is_null()).height
        if once:
            remarks.append(
                f"{counted(once, 'customer')} with one purchase day: the intervals of all customers are used"
            )
        if self.check:
            (lapsed, all_lapsed), (active, all_active) = map(self.check.bought_since, (("lapsed",), ACTIVE_STAGES))
            if all_lapsed and all_active:
                remarks.append(
                    f"of {counted(all_lapsed, 'customer')} who had lapsed by {self.check.day}, {lapsed:,} "
                    f"({lapsed / all_lapsed:.1%}) bought since; of {all_active:,} active, {active:,} "
                    f"({active / all_active:.1%})"
                )
        return tuple(remarks)


@cache
def _segments() -> tuple[Segment, ...]:
    return load_segments(NAMES)


def fit_lifecycle(training: TrainingData) -> LifecycleDefinition:
    """Fit the purchase intervals of all customers, and check the stages as of one long gap ago.

    Parameters
    ----------
    training
        Customers; ``training.at`` is called with the day that is one long gap of the population ago.

    Raises
    ------
    NotEnoughDataError
        Too few repeat purchases for a purchase interval.
    """
    table = training.table
    usual, long = table.population.gap_median_days, table.population.gap_p80_days
    gaps = int(table.frame["gaps"].sum())
    if usual is None or long is None or gaps < FEWEST_GAPS:
        raise _no_interval(table.frame, gaps)
    definition = LifecycleDefinition(readable_number(usual), readable_number(long))
    return replace(definition, check=_checked(definition, training))


def _checked(definition: LifecycleDefinition, training: TrainingData) -> Check | None:
    day = training.table.as_of - timedelta(days=math.ceil(definition.gap_p80_days))
    try:
        earlier = training.at(day)
    except NotEnoughDataError:
        return None
    if earlier.population.gap_p80_days is None:  # without repeat purchases by then, intervals would use later data
        return None
    states = pl.concat([earlier.frame.select("customer_id"), definition.assign(earlier.frame)], how="horizontal")
    bought = training.table.frame.filter(pl.col("last_purchase") > day).select("customer_id", bought=True)
    found = (
        states.lazy()
        .join(bought.lazy(), on="customer_id", how="left")
        .group_by("segment")
        .agg(pl.len(), pl.col("bought").fill_null(False).sum().alias("bought"))
        .collect()
    )
    counts = {state: (customers, since) for state, customers, since in found.iter_rows()}
    return Check(day, tuple(Returns(state, *counts.get(state, (0, 0))) for state in STATES))


def read_lifecycle(entry: YamlEntry) -> LifecycleDefinition:
    """Read the output of :meth:`LifecycleDefinition.to_plain`.

    Raises
    ------
    UsageError
        A key is missing or invalid; the error has file and line.
    """
    keys = entry.fields(
        ("cooling_after", "lapsed_after", "shortest_interval_days", "population"), ("own_interval", "check")
    )
    population = keys["population"].fields(("gap_median_days", "gap_p80_days"))
    definition = LifecycleDefinition(
        gap_median_days=_positive(population["gap_median_days"]),
        gap_p80_days=_positive(population["gap_p80_days"]),
        cooling_after=_positive(keys["cooling_after"]),
        lapsed_after=_positive(keys["lapsed_after"]),
        shortest_interval_days=_positive(keys["shortest_interval_days"]),
        own_interval="own_interval" in keys and _read_yes(keys["own_interval"]),
        check=_read_check(keys["check"]) if "check" in keys else None,
    )
    if definition.lapsed_after <= definition.cooling_after:
        raise UsageError(f"{keys['lapsed_after'].where}: 'lapsed_after' must be more than 'cooling_after'")
    return definition


def _read_yes(entry: YamlEntry) -> bool:
    if entry.text() not in ("yes", "no"):
        raise UsageError(f"{entry.where}: 'own_interval' is yes or no")
    return entry.text() == "yes"


def _read_check(entry: YamlEntry) -> Check:
    keys = entry.fields(("day", "states"))
    try:
        day = date.fromisoformat(keys["day"].text())
    except ValueError:
        raise UsageError(f"{keys['day'].where}: a date is expected", hint="write it as 2026-06-30") from None
    states = [item.fields(("name", "customers", "bought_since")) for item in keys["states"].items()]
    return Check(
        day,
        tuple(Returns(each["name"].text(), each["customers"].whole(), each["bought_since"].whole()) for each in states),
    )


def _positive(entry: YamlEntry) -> float:
    number = entry.number()
    if number <= 0:
        raise UsageError(f"{entry.where}: a number above 0 is expected")
    return number


def _no_interval(frame: pl.DataFrame, gaps: int) -> NotEnoughDataError:
    buyers = frame.height - frame["recency_days"].null_count()
    returned = frame.filter(pl.col("gaps") > 0).height
    return NotEnoughDataError(
        f"{counted(buyers, 'customer')} with a purchase, {returned:,} of them on several days; "
        f"{counted(gaps, 'purchase interval')}, {FEWEST_GAPS} needed",
        hint="load more data, or use a later --as-of",
        gaps=gaps,
        needed=FEWEST_GAPS,
    )
