"""Where scores give way to a customer's own purchases, so that a name is true of each customer who bears it.

A score is a rank among customers. A name states more: *New* that there was one purchase, *Lost* that
the customer stopped. Among members who all pay each month, or firms that all order each week, the last fifth has done
neither. The scores that a name is taken from are therefore corrected by three facts: on how many days the customer
bought, how long ago in own purchase intervals, and whether any money was left.
"""

from __future__ import annotations

from math import inf

import polars as pl

BINS = 5
"""Scores of the tables whose names these facts are about."""
RECENT, MIDDLE, LONG_AGO = 4, 3, 2
"""Recency scores: from the first upward a name means an active customer, at the last and below a lapsed one."""
FEW, SOME = 2, 3
"""The lowest score of frequency of who came back, and the highest of money of who brought none."""
LATE_AFTER, STOPPED_AFTER = 2.0, 3.0
"""Own purchase intervals without a purchase up to which nobody has stopped, and after which nobody still buys. Of
gaps that come by chance (exponential ones) one in twenty is longer than three times the mean."""
RHYTHM_GAPS = 2
"""Fewest purchase days of a median purchase interval."""
SHORTEST_INTERVAL_DAYS = 7.0
"""Nobody has stopped for want of a purchase in so many days times :data:`STOPPED_AFTER`."""
PLAIN_FREQUENCY = ((2, 1), (3, 2), (5, 3))
"""Where customers hardly differ in frequency: below so many purchase days the score is this; else :data:`RECENT`."""
MANY_ORDERS = 5
"""Orders with which also who bought on one day is no new customer."""

NEEDS = ("gaps", "orders", "purchase_interval_days")
"""Features that the facts are read from, beside recency and money."""
SCORES = "scores"
ONCE, SEVERAL, NO_MONEY = "one purchase day", "several orders", "no money left after returns"
WITHIN, NOT_LATE = "a purchase within the usual interval", "a purchase within two usual intervals"
STOPPED = "no purchase for long, in usual intervals"
REASONS = (SCORES, WITHIN, NOT_LATE, STOPPED, ONCE, SEVERAL, NO_MONEY)
"""What ``named_by`` can be."""


def corrected_scores(interval_days: float | None, *, recency_varies: bool, frequency_varies: bool) -> list[pl.Expr]:
    """Return the scores that a name is taken from, ``r``, ``f`` and ``m``, and ``because``, the fact that changed one.

    Parameters
    ----------
    interval_days
        Usual purchase interval of the shop, for customers with one purchase day; None without repeat purchases.
    recency_varies, frequency_varies
        False where all customers have one score: then own intervals, and plain numbers of days, take its place. Where
        nobody came back either, nobody is known to have stopped.

    Returns
    -------
    list of pl.Expr
        Of a frame with ``r_score``, ``f_score``, ``m_score``, ``recency_days``, ``monetary`` and :data:`NEEDS`.
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
    """Whether the last purchase is within the usual interval, within two, and so long ago that the customer stopped."""
    recency, gaps, usual = pl.col("recency_days"), pl.col("gaps"), pl.col("purchase_interval_days")
    if not recency_varies and interval_days is not None:
        usual = usual.fill_null(interval_days)
    is_known = (gaps >= RHYTHM_GAPS) | pl.lit(not recency_varies)
    after = STOPPED_AFTER if recency_varies else LATE_AFTER
    found = (
        recency <= usual,
        is_known & (recency <= LATE_AFTER * usual),
        is_known & (recency > after * pl.max_horizontal(usual, SHORTEST_INTERVAL_DAYS))
        # one gap is no usual interval: the shop's own stands beside it
        | (gaps > 0) & (recency > after * pl.max_horizontal(usual, interval_days or inf, SHORTEST_INTERVAL_DAYS)),
    )
    within, not_late, stopped = (each.fill_null(value=False) for each in found)
    return within, not_late, stopped


def _is_long_ago(interval_days: float | None) -> pl.Expr:
    """Whether who bought once did so too long ago to be new, in usual intervals of the shop."""
    if interval_days is None:
        return pl.lit(value=False)
    return pl.col("recency_days") > LATE_AFTER * max(interval_days, SHORTEST_INTERVAL_DAYS)


def _plain_frequency() -> pl.Expr:
    days = pl.col("gaps") + 1
    score = pl.lit(RECENT)
    for below, lower in reversed(PLAIN_FREQUENCY):
        score = pl.when(days < below).then(lower).otherwise(score)
    return score
