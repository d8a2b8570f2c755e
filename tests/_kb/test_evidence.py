"""Evidence on a knowledge entry: verdict by interval, metric and day."""

from __future__ import annotations

from datetime import date

import pytest

from ckm._kb.evidence import HARMS, HELPS, UNCLEAR, Evidence, read_evidence, verdict_of

DAY = date(2026, 5, 1)


def evidence(low: float, high: float, metric: str = "order", day: date = DAY, audience: str = "may") -> Evidence:
    return Evidence(audience, metric, round((low + high) / 2, 6), low, high, 200, 100, 30, day, "abc")


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (evidence(0.01, 0.09), HELPS),
        (evidence(-0.09, -0.01), HARMS),
        (evidence(-0.01, 0.09), UNCLEAR),
        (evidence(0.01, 0.09, "churn"), HARMS),
        (evidence(-0.09, -0.01, "complaint"), HELPS),
        (evidence(0.0, 0.09), UNCLEAR),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_direction_of_the_metric(found: Evidence, verdict: str) -> None:
    assert found.verdict == verdict


def test_the_sentence_has_percentage_points_for_a_rate_and_plain_numbers_for_an_amount() -> None:
    rate = "helps: order +5 points (+1 to +9) against a holdout, 200 treated, 100 holdout, audience may, 2026-05-01"
    assert evidence(0.01, 0.09).sentence() == rate
    assert "net +2.5 (-1 to +6)" in evidence(-1.0, 6.0, "net").sentence()


def test_the_verdict_on_a_day_is_that_of_the_newest_evidence_up_to_it() -> None:
    items = [evidence(0.01, 0.09, day=date(2026, 1, 1)), evidence(-0.09, -0.01, day=DAY)]
    assert verdict_of(items) == HARMS
    assert verdict_of(items, date(2026, 4, 30)) == HELPS
    assert verdict_of(items, date(2025, 12, 31)) == UNCLEAR


def test_of_evidence_with_the_same_date_the_worst_verdict_is_used() -> None:
    assert verdict_of([evidence(0.01, 0.09), evidence(-0.09, -0.01, audience="june")]) == HARMS


def test_invalid_items_of_evidence_are_left_out() -> None:
    plain = {"audience": "may", "metric": "order", "effect": "0.05", "low": "0.01", "high": "0.09", "treated": "200",
             "holdout": "100", "window_days": "30", "date": "2026-05-01", "run": "abc"}  # fmt: skip
    assert read_evidence([plain]) == (evidence(0.01, 0.09),)
    wrong = ({"low": "0.2"}, {"metric": "clicks"}, {"date": "soon"}, {"treated": "many"})
    assert read_evidence([plain | each for each in wrong]) == ()
    assert read_evidence("a survey") == read_evidence(None) == read_evidence([["x"]]) == ()
