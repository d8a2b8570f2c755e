"""Metrics of the loyalty programme in an evaluation: members, points, activity, and effect of an invitation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._evaluate.measurement import Measurement, unknown
from ckm.metrics.loyalty_programme import read_programme

if TYPE_CHECKING:
    from ckm._evaluate.measurement import EvaluationSources
    from ckm.customers.period import Period

OFFER = "membership"
"""Name of the offer of audiences whose treated customers were invited to the loyalty programme."""
METRICS = ("members", "points_liability", "member_activity_rate", "point_redemption_rate", "member_difference")


def programme_of(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the metrics of the loyalty programme in a period; empty without the table ``memberships``."""
    if sources.memberships is None:
        return []
    found = read_programme(sources.memberships, sources.ledger, period)
    if found is None:
        return [*unknown("no_members", *METRICS), _invitation(sources, period)]
    count = found.members.height
    rows = [Measurement("members", count), *(Measurement("members", n, of=tier) for tier, n in found.tiers)]
    value, balance, redemption = sources.config.loyalty.point_value, found.balance, found.redemption
    if balance is None or value is None:
        rows += unknown("no_points" if balance is None else "no_point_value", "points_liability")
    else:
        rows.append(Measurement("points_liability", balance * value, n=count))
    rows.append(Measurement("member_activity_rate", *found.activity, n=count))
    if redemption is None:
        rows += unknown("no_points", "point_redemption_rate")
    else:
        rows.append(Measurement("point_redemption_rate", redemption, n=count))
    pairs = found.difference
    if pairs is None:
        return [*rows, *unknown("few_pairs", "member_difference"), _invitation(sources, period)]
    difference = Measurement(
        "member_difference", pairs.value, pairs.low, pairs.high, pairs.pairs, note="not_randomised"
    )
    return [*rows, difference, _invitation(sources, period)]


def _invitation(sources: EvaluationSources, period: Period) -> Measurement:
    """Return the effect of an invitation to the programme on net sales per person, from the newest such audience.

    The audience has the offer :data:`OFFER`, a final outcome in the currency of the shop, and a window that ends in the
    period.
    """
    invited = [each.outcome for each in sources.audiences_of(period) if each.assignment.offer == OFFER and each.outcome]
    for outcome in sorted(invited, key=lambda each: (each.last_day, each.audience), reverse=True):
        for effect in (outcome.primary, *outcome.secondary):
            if outcome.is_final and effect.metric == "net" and outcome.currency == sources.currency:
                count = effect.treated + effect.holdout
                return Measurement("membership_effect", effect.estimate, effect.low, effect.high, count)
    return unknown("no_membership_audience", "membership_effect")[0]
