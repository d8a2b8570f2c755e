"""Life cycle: one stage per customer, by the own purchase interval, changed by silence and purchases only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm._segment.definition import TrainingData
from ckm._segment.lifecycle.definition import (
    ACTIVE_STAGES,
    STATES,
    Check,
    LifecycleDefinition,
    Returns,
    fit_lifecycle,
    read_lifecycle,
)
from ckm.errors import NotEnoughDataError, UsageError
from ckm.settings import SegmentSettings
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 6, 30)
USUAL, LONG = 30.0, 60.0
DEFINITION = LifecycleDefinition(gap_median_days=USUAL, gap_p80_days=LONG)
SCHEMA = {
    "customer_id": pl.String,
    "last_purchase": pl.Date,
    "recency_days": pl.Int64,
    "gaps": pl.Int64,
    "gap_median_days": pl.Float64,
    "gap_p80_days": pl.Float64,
    "gap_last_days": pl.Int64,
    "gap_p80_days_before": pl.Float64,
    "purchase_interval_days": pl.Float64,
    "purchase_interval_days_before": pl.Float64,
}


@dataclass(frozen=True)
class Buyer:
    """Recency and intervals of a customer in days; ``gaps`` is 0 for one purchase day, ``silence`` None without any."""

    silence: int | None
    gaps: int = 5
    long: float = LONG
    last: int | None = 30
    long_before: float | None = LONG
    interval: float | None = None
    interval_before: float | None = None


ONCE = Buyer(0, gaps=0, last=None, long_before=None)
PROSPECT = Buyer(None, gaps=0, last=None, long_before=None)


def features(*buyers: Buyer) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                f"c{number:04}",
                None if each.silence is None else DAY - timedelta(days=each.silence),
                each.silence,
                each.gaps,
                each.long / 2,
                each.long,
                each.last,
                each.long_before,
                each.interval,
                each.interval_before,
            )
            for number, each in enumerate(buyers)
        ],
        schema=SCHEMA,
        orient="row",
    )


def states(*buyers: Buyer, by: LifecycleDefinition = DEFINITION) -> list[str]:
    return by.assign(features(*buyers))["segment"].to_list()


def training(now: pl.DataFrame, before: pl.DataFrame | None = None, long: float | None = LONG) -> TrainingData:
    population = SimpleNamespace(gap_median_days=None if long is None else long / 2, gap_p80_days=long)

    def at(_: date) -> Any:
        if before is None:
            raise NotEnoughDataError("no purchase")
        return SimpleNamespace(frame=before, population=population)

    table: Any = SimpleNamespace(frame=now, population=population, as_of=DAY)
    return TrainingData(table, at, SegmentSettings())


def reread(definition: LifecycleDefinition, folder: Path) -> LifecycleDefinition:
    path = folder / "definition.yaml"
    path.write_text(yaml.safe_dump(definition.to_plain(), sort_keys=False), encoding="utf-8")
    entry = read_yaml(path)
    assert entry is not None
    return read_lifecycle(entry)


buyers = st.builds(
    Buyer,
    silence=st.integers(0, 800),
    gaps=st.integers(1, 50),
    long=st.floats(0.5, 400),
    last=st.integers(1, 800),
    long_before=st.floats(0.5, 400),
)
one_time_buyers = st.builds(
    Buyer,
    silence=st.integers(0, 800),
    gaps=st.just(0),
    long=st.just(LONG),
    last=st.none(),
    long_before=st.none(),
)


@pytest.mark.parametrize(
    ("buyer", "state"),
    [
        (PROSPECT, "prospect"),
        (ONCE, "new"),
        (replace(ONCE, silence=75), "new"),
        (replace(ONCE, silence=76), "cooling"),
        (replace(ONCE, silence=120), "cooling"),
        (replace(ONCE, silence=121), "lapsed"),
        (Buyer(0), "active"),
        (Buyer(75), "active"),
        (Buyer(76), "cooling"),
        (Buyer(120), "cooling"),
        (Buyer(121), "lapsed"),
        (Buyer(0, last=120), "active"),
        (Buyer(0, last=121), "reactivated"),
        (Buyer(75, last=121), "reactivated"),
        (Buyer(76, last=121), "cooling"),
        (Buyer(0, gaps=1, last=121), "reactivated"),
        (Buyer(0, last=121, long_before=60.5), "active"),
    ],
)
def test_each_stage_has_its_boundaries(buyer: Buyer, state: str) -> None:
    assert states(buyer) == [state]


def test_the_same_silence_means_more_to_a_weekly_buyer_than_to_a_yearly_one() -> None:
    weekly, yearly = Buyer(40, long=8, last=7, long_before=8), Buyer(40, long=380, last=365, long_before=380)
    assert states(weekly, yearly) == ["lapsed", "active"]


def test_customers_within_their_purchase_interval_are_active_and_usual_returns_are_no_reactivation() -> None:
    seldom = Buyer(300, gaps=2, last=300, interval=300.0, interval_before=300.0)
    assert states(*(replace(seldom, silence=days) for days in (0, 300, 375, 376, 601))) == [
        "active", "active", "active", "cooling", "lapsed",
    ]  # fmt: skip
    assert states(replace(seldom, silence=0, last=601)) == ["reactivated"]
    before_there_was_one = replace(DEFINITION, own_interval=False)
    assert states(seldom, replace(seldom, silence=0), by=before_there_was_one) == ["lapsed", "reactivated"]


def test_no_daily_buyer_lapses_over_a_weekend_or_two_weeks_of_holiday() -> None:
    daily = Buyer(0, gaps=200, long=1.2, last=1, long_before=1.2)
    assert states(*(replace(daily, silence=days) for days in (3, 8, 9, 14, 15))) == [
        "active", "active", "cooling", "cooling", "lapsed",
    ]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.one_of(buyers, one_time_buyers, st.just(PROSPECT)), min_size=1, max_size=30))
def test_every_customer_has_one_stage_and_equal_customers_the_same(some: list[Buyer]) -> None:
    found = states(*some)
    assert set(found) <= set(STATES)
    assert len(set(zip(some, found, strict=True))) == len(set(some))
    assert states(*reversed(some)) == found[::-1]


@settings(deadline=None)
@given(st.one_of(buyers, one_time_buyers))
def test_time_alone_only_leads_from_active_to_cooling_to_lapsed(buyer: Buyer) -> None:
    found = states(*(replace(buyer, silence=days) for days in range(0, 1300, 7)))
    assert found[0] in ACTIVE_STAGES
    order = {**dict.fromkeys(ACTIVE_STAGES, 0), "cooling": 1, "lapsed": 2}
    ranks = [order[state] for state in found]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2}
    assert len(set(found)) == 3


@settings(deadline=None)
@given(st.one_of(buyers, one_time_buyers))
def test_a_purchase_always_leads_to_an_active_stage(buyer: Buyer) -> None:
    assert states(replace(buyer, silence=0))[0] in ACTIVE_STAGES


@settings(deadline=None)
@given(buyers, st.integers(1, 800))
def test_exactly_the_customers_who_return_after_lapsing_are_reactivated(buyer: Buyer, silence: int) -> None:
    before = states(replace(buyer, silence=silence))[0]
    after = replace(buyer, silence=0, gaps=buyer.gaps + 1, last=silence, long_before=buyer.long)
    assert states(after)[0] == ("reactivated" if before == "lapsed" else "active")


def test_the_figures_behind_the_stage_are_columns_of_the_result() -> None:
    found = DEFINITION.assign(features(Buyer(45, last=75, long_before=50.0), ONCE, PROSPECT))
    assert found.rows() == [
        ("active", 30.0, 60.0, 0.75, 1.5),
        ("new", 30.0, 60.0, 0.0, None),
        ("prospect", None, None, None, None),
    ]


def test_an_unknown_purchase_interval_is_that_of_all_customers() -> None:
    unknown = features(replace(ONCE, silence=76)).with_columns(pl.lit(None, pl.Float64).alias("gap_p80_days"))
    found = DEFINITION.assign(unknown)
    assert found.select("segment", "long_gap_days").row(0) == ("cooling", LONG)


def test_the_thresholds_are_those_of_the_definition() -> None:
    strict = replace(DEFINITION, cooling_after=1.0, lapsed_after=3.0)
    assert states(Buyer(60), Buyer(61), Buyer(180), Buyer(181), by=strict) == [
        "active", "cooling", "cooling", "lapsed",
    ]  # fmt: skip


def test_the_data_file_names_the_states() -> None:
    assert tuple(segment.name for segment in DEFINITION.segments) == STATES
    assert all(segment.advice and "\n" not in segment.advice for segment in DEFINITION.segments)


def test_a_definition_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    checked = replace(
        DEFINITION,
        gap_median_days=31.4159,
        gap_p80_days=0.1 + 0.2,
        check=Check(date(2026, 5, 1), (Returns("active", 3, 2), Returns("reactivated", 0, 0))),
    )
    assert reread(checked, tmp_path) == checked
    assert reread(DEFINITION, tmp_path) == DEFINITION
    old = replace(DEFINITION, own_interval=False)
    assert "own_interval" not in old.to_plain()
    assert reread(old, tmp_path) == old


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cooling_after": 0}, r"yaml:1: a number above 0"),
        ({"cooling_after": 3.0}, r"yaml:2: 'lapsed_after' must be more than 'cooling_after'"),
        ({"lapsed_after": "soon"}, r"yaml:2: a number is expected"),
        ({"population": {"gap_median_days": 30}}, r"yaml:5: 'gap_p80_days' is missing"),
        ({"own_interval": "maybe"}, r"yaml:4: 'own_interval' is yes or no"),
        ({"check": {"day": "yesterday", "states": []}}, r"yaml:9: a date is expected"),
    ],
)
def test_an_invalid_definition_is_reported_with_its_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "definition.yaml"
    path.write_text(yaml.safe_dump(DEFINITION.to_plain() | change, sort_keys=False), encoding="utf-8")
    entry = read_yaml(path)
    assert entry is not None
    with pytest.raises(UsageError, match=message):
        read_lifecycle(entry)


def test_the_population_purchase_interval_is_saved_as_shown() -> None:
    found = fit_lifecycle(training(features(Buyer(3), Buyer(9)), long=61.23456789))
    assert (found.gap_median_days, found.gap_p80_days, found.check) == (30.6173, 61.2346, None)


def test_the_check_counts_the_customers_who_bought_after_its_day() -> None:
    """All customers have bought by the end of 1 May; ``c0000`` and ``c0003`` buy again later."""
    before = features(Buyer(10), Buyer(20), Buyer(100), Buyer(300), PROSPECT)
    now = features(Buyer(5), Buyer(80), Buyer(160), Buyer(59), PROSPECT)
    found = fit_lifecycle(training(now, before))
    assert found.check is not None
    assert found.check.day == date(2026, 5, 1)
    assert {each.state: (each.customers, each.bought_since) for each in found.check.returns} == {
        "active": (2, 1), "reactivated": (0, 0), "new": (0, 0), "cooling": (1, 0), "lapsed": (1, 1), "prospect": (1, 0),
    }  # fmt: skip
    (detail,) = found.details()
    assert detail.frame["share"].to_list() == [0.5, None, None, 0.0, 1.0, 0.0]


def test_without_an_earlier_day_there_is_no_check_to_show() -> None:
    assert fit_lifecycle(training(features(Buyer(3), Buyer(9)))).details() == ()


@pytest.mark.parametrize(
    ("those", "long", "message"),
    [
        (
            [ONCE, ONCE, PROSPECT],
            None,
            r"^2 customers with a purchase, 0 of them on several days; 0 purchase intervals",
        ),
        (
            [Buyer(3), replace(Buyer(3), gaps=4), ONCE],
            LONG,
            r"^3 customers .*, 2 of them .*; 9 purchase intervals, 10 needed",
        ),
    ],
)
def test_too_few_repeat_purchases_give_no_purchase_interval(
    those: list[Buyer], long: float | None, message: str
) -> None:
    with pytest.raises(NotEnoughDataError, match=message):
        fit_lifecycle(training(features(*those), long=long))


def test_remarks_have_the_thresholds_and_the_customers_without_own_intervals() -> None:
    where, borrowed = DEFINITION.remarks(DEFINITION.assign(features(Buyer(3), ONCE, ONCE, PROSPECT)))
    assert "at most 1.25 of the customer's own long intervals; lapsed: of more than 2 (" in where
    assert borrowed == "2 customers with one purchase day: the intervals of all customers are used"
    assert len(DEFINITION.remarks(DEFINITION.assign(features(Buyer(3), PROSPECT)))) == 1


def test_remarks_say_how_many_came_back_after_lapsing() -> None:
    returns = (Returns("active", 6, 5), Returns("new", 4, 1), Returns("lapsed", 8, 1), Returns("prospect", 9, 9))
    checked = replace(DEFINITION, check=Check(date(2026, 5, 1), returns))
    *_, last = checked.remarks(checked.assign(features(Buyer(3))))
    assert last == ("of 8 customers who had lapsed by 2026-05-01, 1 (12.5%) bought since; of 10 active, 6 (60.0%)")
    nobody = replace(DEFINITION, check=Check(date(2026, 5, 1), returns[:2]))
    assert len(nobody.remarks(nobody.assign(features(Buyer(3))))) == 1


def test_a_stage_does_not_depend_on_other_customers() -> None:
    together = DEFINITION.assign(features(Buyer(3), ONCE, PROSPECT, Buyer(500)))
    alone = [DEFINITION.assign(features(each)) for each in (Buyer(3), ONCE, PROSPECT, Buyer(500))]
    assert_frame_equal(together, pl.concat(alone))
