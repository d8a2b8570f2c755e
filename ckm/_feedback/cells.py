"""Counts of comments by topic, product and segment, with the revenue and value at risk of the customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.topic_space import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

DIMENSIONS = ("topic", "product", "competitor", "segment", "channel", "lang", "kind")
"""Columns by which comments can be counted."""
REST = "(other)"
"""Value of a dimension for the combined groups below the minimum group size."""
UNKNOWN = "(none)"
"""Value of a dimension for comments in which it is null."""
MOST_EVIDENCE = 3
MOST_PRODUCTS = 3
LEAST_LIFT = 2.0
"""Smallest ratio of a product's share of a row's customers to its share of all customers, for a product of the row."""
FEWEST_BEFORE = 10
"""Fewest comments in the previous period for a relative change: the change from fewer is mostly chance."""
FEWEST_POLARITIES = 5
"""Fewest comments with a polarity for a mean."""
ALARM = 0.01
"""Family-wise error rate of the tests for growth, over all cells (Bonferroni)."""
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
    "products": pl.String(),
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
    """Count the comments of a period, and of the previous period, by dimensions.

    Parameters
    ----------
    mentions
        One row per comment, topic, product and competitor: interaction_id, code (number of the customer), day, product,
        the dimensions ``by``, cosine, polarity, kind, is_open, and revenue and value_at_risk of the customer.
    by
        Dimensions, outermost first.
    since, before
        First day of the period, and first day of the previous period, which ends on the day before ``since``.
    as_of
        Last day of the period.
    min_group_size
        Fewest customers of a row. Among the groups that have the same values of the earlier dimensions, smaller groups
        are combined to one, :data:`REST` (topics to :data:`OTHER`). While the combined group is too small, the next
        smallest group is added to it. Thus no difference between a total and its rows is of fewer customers.

    Returns
    -------
    pl.DataFrame
        One row per combination of the dimensions, most comments first, with the dimensions and :data:`CELL_COLUMNS`.
        ``share`` is that of all comments of the period; ``trend`` is the relative change of the number of comments from
        the previous period (null with fewer than :data:`FEWEST_BEFORE` in it); ``polarity`` is a mean (null with fewer
        than :data:`FEWEST_POLARITIES` comments with a polarity); ``open_days`` is
        the median age of open complaints in days (null without any); ``revenue`` and ``value_at_risk`` are sums over
        the customers (null if no customer has a value); ``products`` are those about which at least ``min_group_size``
        customers of the row wrote, and :data:`LEAST_LIFT` times as many as by their share of all customers, separated
        by semicolons (null without any); ``evidence`` are ids of interactions, separated by spaces.
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
        .join(_busiest(now, earlier, by), on=list(by), how="left")
        .join(_products(now, by, min_group_size), on=list(by), how="left")
        .with_columns(pl.col("comments", "comments_before", "busiest", "busiest_before").fill_null(0))
        .with_columns(
            share=pl.col("comments") / max(totals[0], 1),
            trend=pl.when(pl.col("comments_before") >= FEWEST_BEFORE).then(
                pl.col("comments") / pl.col("comments_before") - 1
            ),
        )
    )
    found = found.with_columns(growing=growing(found, *totals))
    return found.sort("comments", *by, descending=[True, *[False] * len(by)]).select(*by, *CELL_COLUMNS)


def growing(found: pl.DataFrame, now: int, earlier: int) -> pl.Series:
    """Test whether the share of each cell in all comments grew from the previous period, shape (cells,).

    The comments of the customer with most comments in the cell are left out, so that no single customer makes a topic
    grow. Without growth, the comments of a cell in the period are binomial(n, p), where n are its comments in both
    periods and p is the share of the period in all comments of both periods (conditional test of two Poisson rates,
    Przyborowski and Wilenski 1940, Biometrika 31:313-323). The test is one-sided at the level :data:`ALARM` divided by
    the number of cells (Bonferroni).

    Parameters
    ----------
    found
        One row per cell, with ``comments`` and ``comments_before``, and ``busiest`` and ``busiest_before``, the
        comments of the customer with most comments in the period.
    now, earlier
        Number of all comments in the period, and in the previous period.
    """
    from scipy.stats import binom

    if not now or not earlier or not found.height:
        return pl.Series([False] * found.height, dtype=pl.Boolean)
    count = (found["comments"] - found["busiest"]).to_numpy()
    both = count + (found["comments_before"] - found["busiest_before"]).to_numpy()
    chance = binom.sf(count - 1, both, now / (now + earlier))
    return pl.Series((chance < ALARM / found.height) & (both > 0), dtype=pl.Boolean)


def mean_polarity() -> pl.Expr:
    """Return the expression of the mean of ``polarity``; null with too few values (:data:`FEWEST_POLARITIES`)."""
    values = pl.col("polarity").drop_nans().drop_nulls()
    return pl.when(values.len() >= FEWEST_POLARITIES).then(values.mean().round(3))


def _counted(now: pl.DataFrame, by: Sequence[str], as_of: date) -> pl.DataFrame:
    # A comment about several products or competitors has several rows: count it once.
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
        polarity=mean_polarity(),
        complaints=(pl.col("kind") == "complaint").sum().cast(pl.Int64),
        requests=pl.col("kind").is_in(["question", "idea"]).sum().cast(pl.Int64),
        open=pl.col("is_open").sum().cast(pl.Int64),
        open_days=age.filter(pl.col("is_open")).median(),
        # Comments with the largest cosine to the centroid of the topic first.
        evidence=pl.col("interaction_id")
        .sort_by("cosine", "interaction_id", descending=[True, False])
        .head(MOST_EVIDENCE)
        .str.join(" "),
    )
    return counts.join(money, on=list(by), how="left")


def _busiest(now: pl.DataFrame, earlier: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the comments of each cell's customer with most comments in the period: ``busiest``, ``busiest_before``."""
    comments = pl.col("interaction_id").n_unique().cast(pl.Int64)
    before = earlier.group_by(*by, "code").agg(busiest_before=comments)
    return (
        now.group_by(*by, "code")
        .agg(busiest=comments)
        .join(before, on=[*by, "code"], how="left")
        .sort("busiest", "code", descending=[True, False])
        .unique(by, keep="first", maintain_order=True)
        .drop("code")
    )


def _products(now: pl.DataFrame, by: Sequence[str], least: int) -> pl.DataFrame:
    """Return the products of each cell, most customers first, as in :func:`cells`."""
    named = now.filter(~pl.col("product").is_in([UNKNOWN, REST]))
    of_product, of_cell = pl.col("code").n_unique().over("product"), pl.col("code").n_unique().over(by)
    of_both = pl.col("code").n_unique().over(*by, "product")
    expected = of_cell * of_product / max(named["code"].n_unique(), 1)
    found = named.select(*by, name="product", size=of_both, lift=of_both / expected).unique()
    return (
        found.filter((pl.col("size") >= least) & (pl.col("lift") >= LEAST_LIFT))
        .sort(*by, "size", "name", descending=[False] * len(by) + [True, False])
        .group_by(by, maintain_order=True)
        .agg(products=pl.col("name").head(MOST_PRODUCTS).str.join("; "))
    )


def _joined(filled: pl.DataFrame, now: pl.DataFrame, by: Sequence[str], least: int) -> pl.DataFrame:
    """Replace the last dimension of groups of fewer than ``least`` customers by :data:`REST` (a topic by OTHER)."""
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
