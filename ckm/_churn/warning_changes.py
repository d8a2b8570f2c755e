"""Changes of the warnings since the previous run: new, worse, same, better, ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.saved_warnings import RUN_COLUMNS
from ckm._churn.warning_levels import LEVELS, is_warning

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ckm._churn.saved_warnings import EarlierWarnings

TOLERANCE = 1e-9
"""Tolerance of probability differences, for rounding errors."""
CHANGES = ("new", "worse", "same", "better")


@dataclass(frozen=True)
class WarningChanges:
    """Changes of the warnings since the previous run.

    Attributes
    ----------
    frame
        The input rows in their order, with change (one of :data:`CHANGES`; null: no warning),
        first_warned_on (Date; null: never warned) and p_reported.
    since
        As-of date of the previous run; None for the first run.
    counts
        Number of warnings by change, and ``ended``: number of warnings of the previous run that are no warnings now.
    """

    frame: pl.DataFrame
    since: date | None
    counts: Mapping[str, int]

    @property
    def new(self) -> pl.DataFrame:
        """The new and worse warnings, which are the warnings that ``--new-only`` lists."""
        return self.frame.filter(pl.col("change").is_in(["new", "worse"]))

    @property
    def sentence(self) -> str:
        """One sentence with the number of warnings for each kind of change."""
        if self.since is None:
            return "no saved warnings of an earlier run: all are new"
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        return f"since {self.since}: {counts}"


def compare(now: pl.DataFrame, before: EarlierWarnings | None, *, as_of: date, margin: float) -> WarningChanges:
    """Return the change of each warning since the previous run: new, worse, same or better.

    A warning is a row with a level that is not suppressed.

    new
        The previous run has no warning of this customer, or the customer has bought since.
    worse, better
        The level is higher or lower. Or, at the same level, the probability is higher or lower by at least ``margin``
        than in the last run in which the warning was new, worse or better. Slow trends are therefore reported, and
        small fluctuations are not.
    same
        The warning is none of these.

    ``first_warned_on`` is the first day of the current series of warnings. A purchase ends a series, and so does a run
    in which the customer has no level. A run in which the customer is suppressed neither ends nor begins one.

    Parameters
    ----------
    now
        One row per customer: customer_id, p_churn, level, suppressed, last_order (Date; may be absent in data without
        dates), and any other columns.
    before
        Result of :func:`ckm._churn.saved_warnings.last_warnings`.
    as_of
        As-of date of this run.
    margin
        Smallest change of the probability that counts.
    """
    earlier = _still_open(before, now) if before is not None else pl.DataFrame(schema=RUN_COLUMNS)
    then = earlier.select(
        "customer_id",
        p_before="p_reported",
        level_before=pl.when(is_warning()).then(pl.col("level")),
        first_before="first_warned_on",
    )
    has_level = pl.col("level").is_not_null()
    frame = (
        now.join(then, on="customer_id", how="left", maintain_order="left")
        .with_columns(change=_change(margin))
        .with_columns(
            first_warned_on=pl.when(has_level).then(
                pl.coalesce("first_before", pl.when(is_warning()).then(pl.lit(as_of)))
            ),
            p_reported=pl.when(pl.col("change") == "same").then("p_before").when(is_warning()).then("p_churn"),
        )
        .drop("p_before", "level_before", "first_before")
    )
    counts = {name: frame.filter(pl.col("change") == name).height for name in CHANGES}
    warned = frame.filter(pl.col("change").is_not_null()).select("customer_id")
    warned_before = earlier.head(0) if before is None else before.frame.filter(is_warning())
    ended = warned_before.join(warned, on="customer_id", how="anti").height
    return WarningChanges(frame, before.as_of if before is not None else None, {**counts, "ended": ended})


def without_listed(new: pl.DataFrame, listed: EarlierWarnings | None, *, as_of: date, margin: float) -> pl.DataFrame:
    """Return the new and worse warnings that are also new or worse compared with an earlier run of the same day.

    Parameters
    ----------
    new
        :attr:`WarningChanges.new`.
    listed
        Result of :func:`ckm._churn.saved_warnings.same_day_warnings`.
    as_of, margin
        As for :func:`compare`.
    """
    if listed is None:
        return new
    now = new.drop("change", "first_warned_on", "p_reported")
    return new.join(
        compare(now, listed, as_of=as_of, margin=margin).new.select("customer_id"),
        on="customer_id",
        how="semi",
        maintain_order="left",
    )


def _change(margin: float) -> pl.Expr:
    """Return an expression: the change of a warning; see :func:`compare`.

    The level changes from level_before to level, the probability from p_before to p_churn.
    """
    step = _level_rank("level") - _level_rank("level_before")
    rise = pl.col("p_churn") - pl.col("p_before")
    further = rise.abs() >= margin - TOLERANCE
    return (
        pl.when(~is_warning())
        .then(None)
        .when(pl.col("level_before").is_null())
        .then(pl.lit("new"))
        .when((step > 0) | ((step == 0) & further & (rise > 0)))
        .then(pl.lit("worse"))
        .when((step < 0) | ((step == 0) & further & (rise < 0)))
        .then(pl.lit("better"))
        .otherwise(pl.lit("same"))
    )


def _level_rank(level: str) -> pl.Expr:
    return pl.col(level).replace_strict(list(LEVELS), range(len(LEVELS)), default=None, return_dtype=pl.Int64)


def _still_open(before: EarlierWarnings, now: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the earlier run, without customers who have bought since that run."""
    if "last_order" not in now.columns:
        return before.frame
    bought = now.filter(pl.col("last_order") > before.as_of)
    return before.frame.join(bought.select("customer_id"), on="customer_id", how="anti", maintain_order="left")
