"""Net promoter score, customer satisfaction and customer effort score, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.metrics.metric import Metric, Missing
from ckm.metrics.ratings import Ratings, read_ratings
from ckm.models import intervals
from ckm.schema import RATING_SCALES

if TYPE_CHECKING:
    from ckm.customers.period import Period
    from ckm.metrics.context import ReportContext
    from ckm.models.intervals import Interval

PROMOTER, DETRACTOR = 9, 6
"""Lowest rating of a promoter (9 of 10) and highest of a detractor (6; Reichheld 2003, Harvard Business Review
81(12):46-54)."""
SATISFIED = 4
"""Lowest rating of a satisfied customer: 4 of 5."""
SCORES = {"nps_0_10": "nps", "csat_1_5": "csat", "ces_1_7": "ces"}
"""Metric by rating scale."""
FEWEST_ANSWERS = 2
"""Fewest responses of a score; a single response has no interval."""


@dataclass(frozen=True)
class RatingScore:
    """A score, its interval, and its number of responses."""

    value: float | None
    answers: int
    interval: Interval = (None, None)


def satisfaction_metrics(
    context: ReportContext, ratings: Ratings | None = None
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return ``nps``, ``csat``, ``ces``, and by scale ``responses`` and ``response_rate``.

    The newest response of each customer and scale in the period counts, for customers with a purchase up to the as-of
    date. Ratings without a customer id are excluded; their number is ``ratings_without_customer``.

    Parameters
    ----------
    context
        Input of the report.
    ratings
        Ratings of the context, if read already.
    """
    if "interactions" not in context.tables:
        return (), (Missing("loyalty", "no_interactions"),)
    ratings = ratings or read_ratings(context)
    newest = None if ratings is None else ratings.newest(context.period)
    if ratings is None or newest is None or newest.is_empty():
        return (), (Missing("loyalty", "no_ratings"), *_nameless(ratings, context.period))
    before = ratings.newest(context.compared) if context.is_comparable else None
    metrics, missing = [], list(_nameless(ratings, context.period))
    for scale, name in SCORES.items():
        here = newest.filter(pl.col("scale") == scale)
        if here.is_empty():
            continue
        then = None if before is None else before.filter(pl.col("scale") == scale)
        now, previous = score(here["rating"], scale), None if then is None else score(then["rating"], scale)
        if now.value is None:
            missing.append(Missing("loyalty", "few_ratings", (("there", now.answers), ("needed", FEWEST_ANSWERS))))
        else:
            lo, hi = now.interval
            was = None if previous is None else previous.value
            metrics.append(Metric(name, now.value, n=now.answers, lo=lo, hi=hi, previous=was))
        metrics += _answers(context, scale, here, then)
    return tuple(metrics), tuple(missing)


def score(ratings: pl.Series, scale: str) -> RatingScore:
    """Return the score of ratings on a scale; its value is None with fewer than :data:`FEWEST_ANSWERS`."""
    answers = len(ratings)
    if answers < FEWEST_ANSWERS:
        return RatingScore(None, answers)
    if scale == "nps_0_10":
        promoters, detractors = int((ratings >= PROMOTER).sum()), int((ratings <= DETRACTOR).sum())
        ends = intervals.net_promoter_score(promoters, answers - promoters - detractors, detractors)
        return RatingScore(100 * (promoters - detractors) / answers, answers, ends)
    if scale == "csat_1_5":
        satisfied = int((ratings >= SATISFIED).sum())
        return RatingScore(satisfied / answers, answers, intervals.wilson(satisfied, answers))
    ordered = ratings.sort()
    lo, hi = intervals.mean(ordered.to_list())
    worst, best = RATING_SCALES[scale]
    ends = (None, None) if lo is None or hi is None else (max(lo, worst), min(hi, best))
    return RatingScore(float(ordered.to_numpy().mean()), answers, ends)


def _answers(
    context: ReportContext, scale: str, here: pl.DataFrame, then: pl.DataFrame | None
) -> tuple[Metric, Metric]:
    """Return the metrics of a scale's number of responses and response rate among active customers."""
    place = (("scale", scale),)
    share, active, lo, hi = _response(context, here, context.period)
    was = None if then is None else _response(context, then, context.compared)[0]
    return (
        Metric("responses", float(here.height), place, previous=None if then is None else float(then.height)),
        Metric("response_rate", share, place, n=active, lo=lo, hi=hi, previous=was),
    )


def _response(
    context: ReportContext, newest: pl.DataFrame, period: Period
) -> tuple[float | None, int, float | None, float | None]:
    active = context.ledger.bought_between(period)
    count, answered = int(active.sum()), int(active[newest["code"].to_numpy()].sum())
    lo, hi = intervals.wilson(answered, count)
    return answered / count if count else None, count, lo, hi


def _nameless(ratings: Ratings | None, period: Period) -> tuple[Missing, ...]:
    count = 0 if ratings is None else ratings.without_customer(period)
    return (Missing("loyalty", "ratings_without_customer", (("count", count),)),) if count else ()
