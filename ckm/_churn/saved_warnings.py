"""Saved warnings: changes since the previous run, and outcomes of runs whose horizon has passed.

Horizon and as-of date identify a run; each horizon has its own run history. A run reads only runs with an earlier as-of
date, so repeating it, or running it as of a past day, gives the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm._churn.warning_levels import LEVELS, is_warning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.store import Run, Store

ANALYSIS = "warnings"
VERSION = 1
TOLERANCE = 1e-9
"""Tolerance of probability differences, for rounding errors."""
CHANGES = ("new", "worse", "same", "better")
RUN_COLUMNS = {
    "customer_id": pl.String(),
    "p_churn": pl.Float64(),
    "p_told": pl.Float64(),
    "level": pl.String(),
    "suppressed": pl.String(),
    "first_warned_on": pl.Date(),
    "gone_on": pl.Date(),
}
"""Columns saved per customer with a level. ``p_told`` is the probability of the last run in which the warning was new,
worse or better; ``gone_on`` is the last day on which the customer can still be retained."""
REPORT_COLUMNS = {"value_at_risk": pl.Float64(), "reasons": pl.String(), "unanswered": pl.Boolean()}
"""Columns saved for reports: value at risk; codes of the churn reasons, separated by spaces, top reason first; whether
no knowledge entry answers any of them. Null in runs of earlier versions without these columns."""


@dataclass(frozen=True)
class EarlierWarnings:
    """Saved warnings of an earlier run.

    Attributes
    ----------
    as_of
        As-of date of the run.
    frame
        :data:`RUN_COLUMNS` and :data:`REPORT_COLUMNS`, one row per customer with a level, by ``customer_id``.
    facts
        Facts of the run as a whole, such as its model.
    horizon
        Horizon of the run in days.
    """

    as_of: date
    frame: pl.DataFrame
    facts: Mapping[str, Any]
    horizon: int = 0


@dataclass(frozen=True)
class WarningChanges:
    """Changes of the warnings since the previous run.

    Attributes
    ----------
    frame
        The input rows in their order, with change (one of :data:`CHANGES`; null: no warning),
        first_warned_on (Date; null: never warned) and p_told.
    since
        As-of date of the previous run; None for the first run.
    counts
        Number of warnings by change, and ``ended``: warnings of the previous run that are no warnings now.
    """

    frame: pl.DataFrame
    since: date | None
    counts: Mapping[str, int]

    @property
    def new(self) -> pl.DataFrame:
        """New and worse warnings, which ``--new-only`` lists."""
        return self.frame.filter(pl.col("change").is_in(["new", "worse"]))

    @property
    def sentence(self) -> str:
        """Number of warnings by change, as one sentence."""
        if self.since is None:
            return "no saved warnings of an earlier run: all are new"
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        return f"since {self.since}: {counts}"


@dataclass(frozen=True)
class Outcome:
    """Precision, recall and lead time of the warnings of an earlier run.

    Attributes
    ----------
    as_of, horizon
        As-of date and horizon of the run.
    customers, churned
        Customers with a purchase by that day, and how many of them churned.
    warned, warned_churned
        Customers with a warning, and how many of them churned.
    median_days_before
        Median lead time of churned customers with a warning: days from the first warning to the last day on which the
        customer could be retained (``gone_on``); None without such customers.
    """

    as_of: date
    horizon: int
    customers: int
    churned: int
    warned: int
    warned_churned: int
    median_days_before: float | None

    @property
    def sentence(self) -> str:
        """Precision, recall and lead time of the warnings, as one sentence."""
        ends = self.as_of + timedelta(days=self.horizon)
        precision = (
            f"of {self.warned:,} customers with a warning on {self.as_of}, {self.warned_churned:,} churned by {ends}"
        )
        recall = f"of {self.churned:,} churned customers, {self.warned_churned:,} had a warning"
        lead_time = (
            f"; median lead time {self.median_days_before:g} days" if self.median_days_before is not None else ""
        )
        return f"{precision}; {recall}{lead_time}"


def run_name(horizon: int) -> str:
    """Return the name of the runs of a horizon, such as ``90d``."""
    return f"{horizon}d"


def last_warnings(store: Store, horizon: int, as_of: date) -> EarlierWarnings | None:
    """Return the newest run before a day; None without one."""
    return _newest(store, [run for run in store.runs(ANALYSIS, run_name(horizon)) if run.as_of < as_of])


def same_day_warnings(store: Store, horizon: int, as_of: date) -> EarlierWarnings | None:
    """Return the run of a day; None without one."""
    return _newest(store, [run for run in store.runs(ANALYSIS, run_name(horizon)) if run.as_of == as_of])


def closed_warnings(store: Store, horizon: int, as_of: date) -> EarlierWarnings | None:
    """Return the newest run whose horizon has passed by a day; None without one."""
    by = as_of - timedelta(days=horizon)
    return _newest(store, [run for run in store.runs(ANALYSIS, run_name(horizon)) if run.as_of <= by])


def current_warnings(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run, of any horizon, whose horizon has not passed by a day; None without one."""
    runs = [run for run in store.runs(ANALYSIS) if run.as_of <= as_of <= run.as_of + timedelta(days=_days(run))]
    return _newest(store, runs)


def newest_closed_warnings(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run, of any horizon, whose horizon has passed by a day; None without one."""
    runs = [run for run in store.runs(ANALYSIS) if run.as_of + timedelta(days=_days(run)) <= as_of]
    return _newest(store, runs)


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
        Neither.

    ``first_warned_on`` is the first day of the current series of warnings. A purchase ends a series, and so does a run
    in which the customer has no level. A run in which the customer is suppressed neither ends nor begins one.

    Parameters
    ----------
    now
        One row per customer: customer_id, p_churn, level, suppressed, last_order (Date; may be absent in data without
        dates), and any other columns.
    before
        Result of :func:`last_warnings`.
    as_of
        As-of date of this run.
    margin
        Smallest change of the probability that counts.
    """
    earlier = _still_open(before, now) if before is not None else pl.DataFrame(schema=RUN_COLUMNS)
    then = earlier.select(
        "customer_id",
        p_before="p_told",
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
            p_told=pl.when(pl.col("change") == "same").then("p_before").when(is_warning()).then("p_churn"),
        )
        .drop("p_before", "level_before", "first_before")
    )
    counts = {name: frame.filter(pl.col("change") == name).height for name in CHANGES}
    warned = frame.filter(pl.col("change").is_not_null()).select("customer_id")
    warned_before = earlier.head(0) if before is None else before.frame.filter(is_warning())
    ended = warned_before.join(warned, on="customer_id", how="anti").height
    return WarningChanges(frame, before.as_of if before is not None else None, {**counts, "ended": ended})


def without_listed(new: pl.DataFrame, listed: EarlierWarnings | None, *, as_of: date, margin: float) -> pl.DataFrame:
    """Return the new and worse warnings that are also new or worse since an earlier run of the same day.

    Parameters
    ----------
    new
        :attr:`WarningChanges.new`.
    listed
        Result of :func:`same_day_warnings`.
    as_of, margin
        As for :func:`compare`.
    """
    if listed is None:
        return new
    now = new.drop("change", "first_warned_on", "p_told")
    return new.join(
        compare(now, listed, as_of=as_of, margin=margin).new.select("customer_id"),
        on="customer_id",
        how="semi",
        maintain_order="left",
    )


def _change(margin: float) -> pl.Expr:
    """Return the change of a warning, from level_before to level and from p_before to p_churn."""
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
    """Return the earlier rows of customers who have not bought since."""
    if "last_order" not in now.columns:
        return before.frame
    bought = now.filter(pl.col("last_order") > before.as_of)
    return before.frame.join(bought.select("customer_id"), on="customer_id", how="anti", maintain_order="left")


@dataclass(frozen=True)
class WarningRun:
    """A run of warnings that can be saved.

    Attributes
    ----------
    store
        Store of the workspace.
    compared, as_of, horizon, facts
        As for :func:`save_warnings`.
    """

    store: Store
    compared: pl.DataFrame
    as_of: date
    horizon: int
    facts: Mapping[str, Any]

    def save(self) -> None:
        """Save the run; see :func:`save_warnings`."""
        save_warnings(self.store, self.compared, as_of=self.as_of, horizon=self.horizon, facts=self.facts)


def save_warnings(store: Store, compared: pl.DataFrame, *, as_of: date, horizon: int, facts: Mapping[str, Any]) -> None:
    """Save the warnings of a run; saving the same run again changes nothing.

    Parameters
    ----------
    store
        Store of the workspace.
    compared
        Frame of :func:`compare`, with days_left where the data have dates.
    as_of, horizon
        As-of date and horizon of the run.
    facts
        Facts of the run as a whole, such as its model; nothing about single customers.
    """
    left = pl.col("days_left") if "days_left" in compared.columns else pl.lit(None, pl.Int64)
    gone_on = pl.lit(as_of) + pl.duration(days=left)
    saved = (
        compared.filter(pl.col("level").is_not_null())
        .with_columns(gone_on=gone_on, **_report_columns(compared))
        .select(pl.col(name).cast(dtype) for name, dtype in (RUN_COLUMNS | REPORT_COLUMNS).items())
    )
    store.keep_run(ANALYSIS, run_name(horizon), VERSION, as_of, saved, facts)


def newest_warnings(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run of any horizon by a day; None without one."""
    return _newest(store, [run for run in store.runs(ANALYSIS) if run.as_of <= as_of])


def _report_columns(compared: pl.DataFrame) -> dict[str, pl.Expr]:
    """Return :data:`REPORT_COLUMNS`; null where the value is unknown."""
    columns = {name: pl.col(name) if name in compared.columns else pl.lit(None) for name in REPORT_COLUMNS}
    if "reasons" in compared.columns:
        raises_churn = pl.element().struct.field("contribution") > 0
        codes = pl.col("reasons").list.eval(pl.element().filter(raises_churn).struct.field("code"))
        columns["reasons"] = codes.list.join(" ").replace("", None)  # no churn reason
    return columns


def warning_outcome(earlier: EarlierWarnings, since: pl.DataFrame, *, horizon: int) -> Outcome:
    """Return precision, recall and lead time of the warnings of a run whose horizon has passed.

    Parameters
    ----------
    earlier
        Result of :func:`closed_warnings`.
    since
        One row per customer with a purchase by the day of the run: customer_id, next_order (Date of the first purchase
        after that day; null without one).
    horizon
        Horizon of the run in days.
    """
    ends = earlier.as_of + timedelta(days=horizon)
    bought = (pl.col("next_order") > earlier.as_of) & (pl.col("next_order") <= ends)
    turned_out = since.select("customer_id", churned=~bought.fill_null(False)).join(
        earlier.frame.filter(is_warning()).with_columns(warned=pl.lit(True)), on="customer_id", how="left"
    )
    warned = turned_out.filter(pl.col("warned"))
    churned = warned.filter(pl.col("churned"))
    days = churned.select((pl.col("gone_on") - pl.col("first_warned_on")).dt.total_days().median()).item()
    return Outcome(
        earlier.as_of,
        horizon,
        turned_out.height,
        turned_out.filter(pl.col("churned")).height,
        warned.height,
        churned.height,
        days,
    )


def _newest(store: Store, runs: list[Run]) -> EarlierWarnings | None:
    if not runs:
        return None
    run = max(runs, key=lambda run: (run.as_of, run.number))
    rows = store.read_run(run, list(RUN_COLUMNS | REPORT_COLUMNS))
    frame = rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in (RUN_COLUMNS | REPORT_COLUMNS).items()
    )
    return EarlierWarnings(run.as_of, frame, run.facts, _days(run))


def _days(run: Run) -> int:
    """Return the horizon of a run, from its name."""
    return int(run.name.removesuffix("d"))
