from __future__ import annotations

from collections import Counter
from math import log, sqrt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.example.churn_odds import odds_ratio, trouble
from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example.churn_odds import Exposure
    from ckm.example.simulation import Simulation

pytestmark = pytest.mark.slow  # the fixture generates the shop, in three seconds

KINDS = ["late_delivery", "lost_category", "open_complaint", "rejected_invoice"]


def _mantel_haenszel(exposure: Exposure, kind: str) -> tuple[float, float]:
    """Return the common odds ratio of a trouble over the groups, and the standard error of its logarithm.

    Robins, Breslow and Greenland (1986), Biometrics 42, 311-323, eq. 3.
    """
    up = down = pr = qs = mixed = 0.0
    for group in words("groups"):
        a, b = exposure[group, (kind,), True], exposure[group, (kind,), False]
        c, d = exposure[group, (), True], exposure[group, (), False]
        if (n := a + b + c + d) == 0:
            continue
        r, s = a * d / n, b * c / n
        p, q = (a + d) / n, (b + c) / n
        up, down = up + r, down + s
        pr, qs, mixed = pr + p * r, qs + q * s, mixed + p * s + q * r
    return up / down, sqrt(pr / (2 * up**2) + mixed / (2 * up * down) + qs / (2 * down**2))


@pytest.fixture(scope="module")
def exposure(world: Simulation, other_world: Simulation) -> Exposure:
    """Customer-weeks of two seeds, added up, because a single seed has few rejected invoices."""
    return world.exposure + other_world.exposure


@pytest.mark.parametrize("kind", KINDS)
def test_a_trouble_multiplies_the_churn_odds_by_its_odds_ratio(exposure: Exposure, kind: str) -> None:
    ratio, error = _mantel_haenszel(exposure, kind)
    assert abs(log(ratio) - log(words("troubles")[kind]["odds"])) < 2.6 * error
    assert log(ratio) > 5 * error


def test_customers_with_an_open_complaint_churn_more_often_than_those_with_a_resolved_one(world: Simulation) -> None:
    stayed: Counter[tuple[bool, bool]] = Counter()
    for history in world.histories:
        for contact in history.contacts:
            if contact.kind == "complaint" and history.is_active(contact.day) and history.customer.group != "once":
                is_open = contact.resolved is None or contact.resolved > contact.day + 40
                stayed[is_open, history.is_active(contact.day + 90)] += 1
    left = {is_open: stayed[is_open, False] / stayed.total() for is_open in (True, False)}
    among = {key: stayed[key, False] / (stayed[key, False] + stayed[key, True]) for key in left}
    assert among[True] > 3 * among[False]


def test_each_churn_reason_occurs_at_least_25_times(world: Simulation) -> None:
    reasons = Counter(history.churn.reason for history in world.histories if history.churn)
    assert set(reasons) == {*KINDS, "drift", "faded", "one_purchase"}
    assert min(reasons.values()) >= 25


def test_a_churn_reason_is_a_trouble_that_the_customer_had_on_that_day(world: Simulation) -> None:
    for history in world.histories:
        if history.churn and history.churn.reason in KINDS:
            day, reason = history.churn.day, history.churn.reason
            assert any(each.kind == reason and each.first <= day <= each.last for each in history.troubles)


@given(st.lists(st.sampled_from(KINDS)), st.sampled_from(KINDS))
def test_odds_ratios_of_troubles_are_multiplied(kinds: list[str], more: str) -> None:
    assert odds_ratio([*kinds, more]) == pytest.approx(odds_ratio(kinds) * words("troubles")[more]["odds"])


@given(st.sampled_from(KINDS), st.integers(0, 800), st.integers(0, 200))
def test_a_trouble_has_no_effect_after_it_is_resolved(kind: str, first: int, after: int) -> None:
    assert trouble(kind, first, until=first + after).last <= min(trouble(kind, first).last, first + after)
