"""Corrections of RFM scores by a customer's own purchases, so that a name is true of each customer who has it.

A score is a rank among customers. A name states more: *New* means a single purchase, and *Lost* means that the customer
stopped. If all members pay monthly, or all firms order weekly, neither is true of the lowest 20 %. The scores are
therefore corrected by three facts before names are assigned: number of purchase days, recency in own purchase
intervals, and whether any revenue remains after returns.
"""

from __future__ import annotations

from math import inf

import polars as pl

BINS = 5
"""Number of scores of the name tables to which these facts apply."""
RECENT, MIDDLE, LONG_AGO = 4, 3, 2
"""Recency scores. Names of scores from the first one up mean a customer who still buys, and names of scores from the
last one down a customer who has stopped."""
FEW, SOME = 2, 3
"""Lowest frequency score of a repeat customer, and highest monetary score of a customer without revenue."""
LATE_AFTER, STOPPED_AFTER = 2.0, 3.0
"""Recency in own purchase intervals up to which no customer counts as stopped, and above which every customer does. Of
random (exponential) intervals, one in twenty is longer than three times the mean."""
FEWEST_OWN_GAPS = 2
"""Fewest intervals between a customer's purchase days for a median of the customer's own intervals."""
SHORTEST_INTERVAL_DAYS = 7.0
"""Shortest purchase interval in days: no customer counts as stopped within :data:`STOPPED_AFTER` such intervals."""
PLAIN_FREQUENCY = ((2, 1), (3, 2), (5, 3))
"""Pairs of purchase days and score, used if customers hardly differ in frequency: the score of a customer with fewer
purchase days; :data:`RECENT` is the score of customers with at least the last number of days."""
MANY_ORDERS = 5
"""Number of orders from which a customer with a single purchase day is not new."""

NEEDS = ("gaps", "orders", "purchase_interval_days")
"""Features of the facts, besides recency and monetary value."""
SCORES = "scores"
ONCE, SEVERAL, NO_MONEY = "one purchase day", "several orders", "no money left after returns"
WITHIN, NOT_LATE = "a purchase within the usual interval", "a purchase within two usual intervals"
STOPPED = "no purchase for long, in usual intervals"
REASONS = (SCORES, WITHIN, NOT_LATE, STOPPED, ONCE, SEVERAL, NO_MONEY)
"""Values of ``named_by``."""


def corrected_scores(interval_days: float | None, *, recency_varies: bool, frequency_varies: bool) -> list[pl.Expr]:
    """Return the corrected scores ``r``, ``f`` and ``m``, and ``because``: the fact that changed a score.

    Parameters
    ----------
    interval_days
        Median purchase interval of the shop, for customers with one purchase day; None without repeat purchases.
    recency_varies, frequency_varies
        False if all customers have the same score; then own intervals, or numbers of purchase days, replace the score.
        Without repeat purchases, no customer counts as stopped.

    Returns
    -------
    list of pl.Expr
        Expressions over a frame with ``r_score``, ``f_score``, ``m_score``, ``recency_days``, ``monetary`` and
        :data:`NEEDS`.
    """
    r, f, m = (pl.col(f"{name}_score").cast(pl.Int64) for name in "rfm")
    once = (pl.col("gaps") == 0) & (pl.col("orders") < MANY_ORDERS)
    within, not_late, stopped = _silence(interval_days, recency_varies=recency_varies)
    by_recency = (
        pl.when(within)
        .then(pl.max_horizontal(r, RECENT))
        .when(not_late)
        .then(pl.max_horizontal(r, MIDDLE))
        .when(stopped)
        .then(pl.min_horizontal(r, LONG_AGO))
        .when(once & _is_long_ago(interval_days))
        .then(pl.min_horizontal(r, MIDDLE))
        .otherwise(r)
    )
    if not recency_varies and interval_days is None:
        by_recency = pl.lit(RECENT, pl.Int64)
    by_frequency = (
        pl.when(once)
        .then(1)
        .when(by_recency >= RECENT)
        .then(pl.max_horizontal(f if frequency_varies else _plain_frequency(), FEW))
        .otherwise(f if frequency_varies else _plain_frequency())
    )
    by_money = pl.when(pl.col("monetary") <= 0).then(pl.min_horizontal(m, SOME)).otherwise(m)
    because = (
        pl.when(by_recency > r)
        .then(pl.when(within).then(pl.lit(WITHIN)).when(not_late).then(pl.lit(NOT_LATE)).otherwise(pl.lit(ONCE)))
        .when(by_recency < r)
        .then(pl.lit(STOPPED))
        .when(by_frequency != f)
        .then(pl.when(once).then(pl.lit(ONCE)).otherwise(pl.lit(SEVERAL)))
        .when(by_money != m)
        .then(pl.lit(NO_MONEY))
        .otherwise(pl.lit(SCORES))
    )
    return [by_recency.alias("r"), by_frequency.alias("f"), by_money.alias("m"), because.alias("because")]


def _silence(interval_days: float | None, *, recency_varies: bool) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Return three expressions: recency is within one purchase interval, within two, and the customer has stopped."""
    recency, gaps, usual = pl.col("recency_days"), pl.col("gaps"), pl.col("purchase_interval_days")
    if not recency_varies and interval_days is not None:
        usual = usual.fill_null(interval_days)
    is_known = (gaps >= FEWEST_OWN_GAPS) | pl.lit(not recency_varies)
    after = STOPPED_AFTER if recency_varies else LATE_AFTER
    found = (
        recency <= usual,
        is_known & (recency <= LATE_AFTER * usual),
        is_known & (recency > after * pl.max_horizontal(usual, SHORTEST_INTERVAL_DAYS))
        # a single interval is no median: the shop's interval is used too
        | (gaps > 0) & (recency > after * pl.max_horizontal(usual, interval_days or inf, SHORTEST_INTERVAL_DAYS)),
    )
    within, not_late, stopped = (each.fill_null(value=False) for each in found)
    return within, not_late, stopped


def _is_long_ago(interval_days: float | None) -> pl.Expr:
    """Return whether the only purchase of a customer is too long ago for the name *New*.

    The limit is a number of median purchase intervals of the shop.
    """
    if interval_days is None:
        return pl.lit(value=False)
    return pl.col("recency_days") > LATE_AFTER * max(interval_days, SHORTEST_INTERVAL_DAYS)


def _plain_frequency() -> pl.Expr:
    days = pl.col("gaps") + 1
    score = pl.lit(RECENT)
    for below, lower in reversed(PLAIN_FREQUENCY):
        score = pl.when(days < below).then(lower).otherwise(score)
    return score
