"""Purchase intervals of a customer, and of all customers."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.customers.ledger_reader import read_ledger
from ckm.models.purchase_interval import PRIOR_GAPS, population_gap, shrunk_gap
from tests.test_segment import cdnow_master, online_retail

spans = st.floats(1, 5_000)


def shrunk(own: float | None, gaps: int, population: float | None) -> float | None:
    frame = pl.DataFrame({"own": [own], "gaps": [gaps]}, schema={"own": pl.Float64, "gaps": pl.Int64})
    found: float | None = frame.select(shrunk_gap(pl.col("own"), pl.col("gaps"), population)).item()
    return found


def test_as_many_intervals_as_the_prior_weight_count_half() -> None:
    assert shrunk(4.0, PRIOR_GAPS, 100.0) == 20.0  # the geometric mean


def test_one_interval_of_a_week_is_shrunk_to_a_population_interval_of_a_month() -> None:
    assert shrunk(7.0, 1, 30.0) == pytest.approx(7 ** (1 / 4) * 30 ** (3 / 4), abs=0.0005)


@given(spans, spans, st.integers(1, 500))
def test_the_estimate_is_between_the_customers_and_the_populations_interval(
    own: float, population: float, gaps: int
) -> None:
    found = shrunk(own, gaps, population)
    assert found is not None
    assert min(own, population) - 0.001 <= found <= max(own, population) + 0.001


@given(spans, spans, st.integers(1, 500))
def test_with_more_intervals_the_shrinkage_never_increases(own: float, population: float, gaps: int) -> None:
    fewer, more = shrunk(own, gaps, population), shrunk(own, gaps + 1, population)
    assert fewer is not None
    assert more is not None
    assert abs(more - own) <= abs(fewer - own) + 0.001


def test_without_intervals_of_the_customer_the_population_interval_is_used() -> None:
    assert shrunk(None, 0, 12.3456789) == 12.3456789


def test_without_a_population_interval_the_result_is_null() -> None:
    assert shrunk(5.0, 2, None) is None


def histogram(*customers: list[int]) -> pl.DataFrame:
    rows = [(gap, len(gaps)) for gaps in customers for gap in gaps]
    schema = {"gap": pl.Int64, "gaps_of_customer": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").group_by(*schema).agg(count=pl.len())


def test_every_customer_has_equal_weight_in_the_population_quantile() -> None:
    weekly, yearly = [7] * 300, [365]
    assert population_gap(histogram(weekly, yearly, yearly), 0.5) == 365
    assert population_gap(histogram(weekly, weekly, yearly), 0.5) == 7


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.sampled_from([0.5, 0.8]))
def test_with_one_interval_per_customer_the_result_is_the_plain_quantile(gaps: list[int], share: float) -> None:
    at_or_below = population_gap(histogram(*([gap] for gap in gaps)), share)
    assert at_or_below is not None
    assert sum(gap <= at_or_below for gap in gaps) >= share * len(gaps)
    assert sum(gap < at_or_below for gap in gaps) < share * len(gaps)


def test_rounding_of_weights_does_not_change_the_quantile() -> None:
    assert population_gap(histogram([1, 1, 1], [2]), 0.5) == 1


def test_without_repeat_purchases_the_population_interval_is_none() -> None:
    assert population_gap(histogram(), 0.5) is None


@pytest.mark.slow
@pytest.mark.parametrize(("read", "of_a_mean"), [(cdnow_master, 2.44), (online_retail, 1.12)])
def test_the_prior_weight_agrees_with_the_variance_components_of_real_customers(
    read: Callable[[], pl.LazyFrame], of_a_mean: float
) -> None:
    gaps = read_ledger({"transactions": read()}).gaps
    span = pl.col("gap").log()
    groups = (
        pl.LazyFrame({"customer": gaps.codes, "gap": gaps.lengths})
        .group_by("customer")
        .agg(n=pl.len(), mean=span.mean(), spread=span.var() * (pl.len() - 1))
    )
    customers = groups.with_columns(pl.col("spread").fill_null(0.0), pl.col("n").cast(pl.Float64)).collect()
    n, mean = customers["n"], customers["mean"]
    within = customers["spread"].sum() / (n.sum() - len(n))
    overall = (n * mean).sum() / n.sum()
    spread = (n * (mean - overall) ** 2).sum() - (len(n) - 1) * within
    between = spread / (n.sum() - (n**2).sum() / n.sum())  # Buehlmann and Straub 1970
    assert within / between == pytest.approx(of_a_mean, abs=0.01)
    assert 1.2 * within / between < PRIOR_GAPS < 2.8 * within / between
