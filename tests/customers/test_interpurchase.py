"""Purchase intervals of customers, shrunk to the population's intervals."""

from __future__ import annotations

import math
from datetime import date

import pytest

from ckm.customers.features import Population
from tests.customers.rows import of, row, table

NOBODY_ELSE = Population(gap_median_days=None, gap_p80_days=None, margin_share=None)


def test_purchase_intervals_by_hand() -> None:
    days = (0, 10, 40, 42, 100)  # intervals 10, 30, 2, 58; without the last one 10, 30, 2
    found = table(*(row("ann", day, 1.0) for day in days), population=Population(7.0, 20.0))
    assert of(found, "ann", "first_purchase", "last_purchase", "tenure_days", "gaps", "gap_last_days") == (
        date(2024, 3, 1),
        date(2024, 6, 9),
        100,
        4,
        58,
    )

    def drawn(own: float, gaps: int, population: float) -> float:
        return math.exp((gaps * math.log(own) + 3 * math.log(population)) / (gaps + 3))

    names = ("gap_median_days", "gap_p80_days", "usual_gap_days_before", "gap_p80_days_before")
    assert of(found, "ann", *names) == pytest.approx(
        (drawn(20, 4, 7), drawn(41.2, 4, 20), drawn(10, 3, 7), drawn(22, 3, 20)), abs=0.0005
    )


def test_a_customer_without_intervals_has_the_populations_interval() -> None:
    found = table(*(row("ann", day, 1.0) for day in (0, 10, 30)), row("bob", 5, 1.0))
    assert found.population == Population(10.0, 20.0)
    assert of(found, "bob", "gaps", "gap_median_days", "gap_p80_days", "gap_last_days") == (0, 10.0, 20.0, None)
    assert of(found, "bob", "usual_gap_days_before", "gap_p80_days_before") == (10.0, 20.0)


@pytest.mark.slow
def test_intervals_before_the_last_one_do_not_depend_on_a_long_absence() -> None:
    steady = [row("ann", day, 1.0) for day in range(0, 70, 7)]
    before = of(table(*steady, population=Population(30.0, 60.0)), "ann", "gap_median_days", "gap_p80_days")
    back = table(*steady, row("ann", 400, 1.0), population=Population(30.0, 60.0))
    assert of(back, "ann", "usual_gap_days_before", "gap_p80_days_before") == before
    assert of(back, "ann", "gap_last_days") == 337


def test_without_repeat_purchases_intervals_are_null() -> None:
    found = table(row("ann", 0, 1.0), row("bob", 5, 1.0), row("bob", 5, 2.0))
    assert found.population == NOBODY_ELSE
    assert not found.features & {"gap_median_days", "gap_p80_days", "usual_gap_days_before", "gap_p80_days_before"}


def test_every_customer_has_equal_weight_in_the_populations_interval() -> None:
    daily = [row("ann", day, 1.0) for day in range(100)]
    others = [row(customer, day, 1.0) for customer in ("bob", "cho") for day in (0, 60)]
    assert table(*daily, *others).population == Population(60.0, 60.0)


@pytest.mark.slow
def test_given_population_parameters_are_used_unchanged() -> None:
    rows = [*(row("ann", day, 10.0, cost=4.0) for day in (0, 10)), row("bob", 10, 10.0)]
    assert table(*rows).population == Population(10.0, 10.0, 0.6)
    frozen = Population(50.0, 80.0, 0.25)
    found = table(*rows, population=frozen)
    assert found.population is frozen
    assert of(found, "bob", "gap_median_days", "gap_p80_days", "margin_12mo") == (50.0, 80.0, 2.5)
