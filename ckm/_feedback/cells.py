"""Count comments by topic, product and segment, with what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.topic_model import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

DIMENSIONS = ("topic", "product", "segment", "channel", "lang", "kind")
"""Columns by which comments can be counted."""
REST = "(other)"
"""Value of a dimension for groups that are smaller than the minimum group size, together."""
UNKNOWN = "(none)"
"""Value of a dimension for comments without a value."""
MOST_EVIDENCE = 3
ALARM = 0.01
"""Probability, over all topics together, that growth without a cause is reported (Bonferroni)."""
CELL_COLUMNS = {
    "comments": pl.Int64(),
    "customers": pl.Int64(),
    "share": pl.Float64(),
    "comments_before": pl.Int64(),
    "trend": pl.Float64(),
    "growing": pl.Boolean(),
    "polarity": pl.Float64(),
    "complaints": pl.Int64(),
    "requests": pl.Int64(),
    "open": pl.Int64(),
    "open_days": pl.Float64(),
    "revenue": pl.Float64(),
    "value_at_risk": pl.Float64(),
    "evidence": pl.String(),
}
"""Columns of a cell, after its dimensions."""


def cells(
    mentions: pl.DataFrame,
    by: Sequence[str],
    *,
    since: date,
    before: date,
    as_of: date,
    min_group_size: int,
) -> pl.DataFrame:
    """Return one row per group of comments, most comments first.

    Parameters
    ----------
    mentions
        One row per comment and topic (and product): interaction_id, code, day, the dimensions ``by``, polarity, kind,
        is_open, revenue and value_at_risk of the customer.
    by
        Dimensions, ``topic`` first.
    since, before
        First day of the period, and of the previous one.
    as_of
        Last day of the period.
    min_group_size
        Smallest number of customers of a group that is shown. Smaller groups are joined to one, :data:`REST`, per group
        of the earlier dimensions; while it is too small as well, the next smallest group joins it. So no difference of
        shown numbers is of a few customers.
    """
    filled = mentions.with_columns(pl.col(name).fill_null(UNKNOWN) for name in by)
    now = filled.filter(pl.col("day").is_between(since, as_of))
    for depth in range(len(by)):
        filled = _joined(filled, now, by[: depth + 1], min_group_size)
        now = filled.filter(pl.col("day").is_between(since, as_of))
    earlier = filled.filter((pl.col("day") >= before) & (pl.col("day") < since))
    totals = [frame["interaction_id"].n_unique() for frame in (now, earlier)]
    found = (
        _counted(now, by, as_of)
        .join(
            earlier.group_by(by).agg(comments_before=pl.col("interaction_id").n_unique().cast(pl.Int64)),
            on=list(by),
            how="full" if not now.height else "left",
            coalesce=True,
        )
        .with_columns(pl.col("comments", "comments_before").fill_null(0))
        .with_columns(
            share=pl.col("comments") / max(totals[0], 1),
            trend=pl.when(pl.col("comments_before") > 0).then(pl.col("comments") / pl.col("comments_before") - 1),
        )
    )
    found = found.with_columns(growing=growing(found, *totals))
    return found.sort("comments", *by, descending=[True, *[False] * len(by)]).select(*by, *CELL_COLUMNS)


def growing(found: pl.DataFrame, now: int, earlier: int) -> pl.Series:
    """Return whether the share of each cell grew more than chance explains.

    Given its comments in both periods together, those of the later one are binomial with the share of that period in
    all comments (conditional test of two Poisson rates, Przyborowski and Wilenski 1940, Biometrika 31:313-323).
    """
    from scipy.stats import binom

    if not now or not earlier or not found.height:
        return pl.Series([False] * found.height, dtype=pl.Boolean)
    count = found["comments"].to_numpy()
    both = count + found["comments_before"].to_numpy()
    chance = binom.sf(count - 1, both, now / (now + earlier))
    return pl.Series((chance < ALARM / found.height) & (both > 0), dtype=pl.Boolean)


def _counted(now: pl.DataFrame, by: Sequence[str], as_of: date) -> pl.DataFrame:
    # A comment has a row per product; it counts once.
    once = now.unique(["interaction_id", *by], keep="first", maintain_order=True)
    people = once.unique([*by, "code"], keep="first", maintain_order=True)
    money = people.group_by(by).agg(
        customers=pl.len().cast(pl.Int64),
        revenue=pl.when(pl.col("revenue").is_not_null().any()).then(pl.col("revenue").sum()).first().round(2),
        value_at_risk=pl.when(pl.col("value_at_risk").is_not_null().any())
        .then(pl.col("value_at_risk").sum())
        .first()
        .round(2),
    )
    age = (pl.lit(as_of) - pl.col("day")).dt.total_days()
    counts = once.group_by(by).agg(
        comments=pl.len().cast(pl.Int64),
        polarity=pl.col("polarity").drop_nans().mean().round(3),
        complaints=(pl.col("kind") == "complaint").sum().cast(pl.Int64),
        requests=pl.col("kind").is_in(["question", "idea"]).sum().cast(pl.Int64),
        open=pl.col("is_open").sum().cast(pl.Int64),
        open_days=age.filter(pl.col("is_open")).median(),
        # The nearest to the centroid first.
        evidence=pl.col("interaction_id")
        .sort_by("cosine", "interaction_id", descending=[True, False])
        .head(MOST_EVIDENCE)
        .str.join(" "),
    )
    return counts.join(money, on=list(by), how="left")


def _joined(filled: pl.DataFrame, now: pl.DataFrame, by: Sequence[str], least: int) -> pl.DataFrame:
    """Return the rows with the last dimension of small groups replaced by :data:`REST`."""
    inner = by[-1]
    value = OTHER if inner == "topic" else REST
    sizes = now.group_by(by).agg(size=pl.col("code").n_unique()).sort("size", *by)
    rest: list[tuple[object, ...]] = []
    by_outer: dict[tuple[object, ...], list[tuple[object, int]]] = {}
    for *values, size in sizes.iter_rows():
        by_outer.setdefault(tuple(values[:-1]), []).append((values[-1], size))
    for key, groups in by_outer.items():
        small = [group for group in groups if group[1] < least or group[0] == value]
        large = [group for group in groups if group not in small]
        if not any(size < least for _, size in small):
            continue
        while sum(size for _, size in small) < least and large:
            small.append(large.pop(0))
        rest += [(*key, value) for value, _ in small]
    if not rest:
        return filled
    small_groups = pl.DataFrame(rest, schema=dict.fromkeys(by, pl.String()), orient="row")
    marked = filled.join(small_groups.with_columns(_small=True), on=list(by), how="left", maintain_order="left")
    return marked.with_columns(
        pl.when(pl.col("_small").fill_null(value=False)).then(pl.lit(value)).otherwise(pl.col(inner)).alias(inner)
    ).drop("_small")
