"""Warnings are kept, so that the next run tells what is new, and a later one how they turned out.

A run is known by its horizon and its day: another horizon is another question, with runs of its own. A run sees only
those of days before its own, so that running it again, or as of a day in the past, gives what it gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.churning.levels import LEVELS, is_warning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.store import Run, Store

ANALYSIS = "warnings"
VERSION = 1
TOLERANCE = 1e-9
"""Of a probability: 0.8 - 0.7 is a tenth, whatever the last bit says."""
CHANGES = ("new", "worse", "same", "better")
KEPT = {
    "customer_id": pl.String(),
    "p_churn": pl.Float64(),
    "p_told": pl.Float64(),
    "level": pl.String(),
    "suppressed": pl.String(),
    "first_warned_on": pl.Date(),
    "gone_on": pl.Date(),
}
"""What is kept of each customer with a level. ``p_told`` is the probability when it was last told as a change,
``gone_on`` the last day on which the customer is still to be won."""
TOLD = {"value_at_risk": pl.Float64(), "reasons": pl.String(), "unanswered": pl.Boolean()}
"""What is kept beside, for reports: what would be lost; the codes of the reasons for leaving, the one to be read first
in front, with a space between them; whether no knowledge entry answers any. Null in runs of a ckm that did not keep
it."""


@dataclass(frozen=True)
class EarlierWarnings:
    """What a run said on an earlier day.

    Attributes
    ----------
    as_of
        The day.
    frame
        Columns of :data:`KEPT` and :data:`TOLD`, one row per customer with a level, by ``customer_id``.
    facts
        What else it said of itself, such as its model.
    horizon
        Days that it looked ahead.
    """

    as_of: date
    frame: pl.DataFrame
    facts: Mapping[str, Any]
    horizon: int = 0


@dataclass(frozen=True)
class WarningChanges:
    """What became of the warnings since the run before.

    Attributes
    ----------
    frame
        The rows that were given, in their order, with change (one of :data:`CHANGES`; null: no warning),
        first_warned_on (Date; null: never warned) and p_told.
    since
        Day of the run before; None where this is the first.
    counts
        Warnings by change, each of :data:`CHANGES`, and ``ended``: warnings of the run before that are none now.
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
        """What changed, as one sentence."""
        if self.since is None:
            return "no earlier warnings are kept: all are new"
        told = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        return f"since {self.since}: {told}"


@dataclass(frozen=True)
class Outcome:
    """How the warnings of an earlier run turned out.

    Attributes
    ----------
    as_of, horizon
        Day of the run, and how many days it looked ahead.
    customers, left
        Customers with a purchase by that day, and those of them who bought nothing within the horizon.
    warned, warned_churned
        Those who had a warning, and those of them who left.
    median_days_before
        Of churned customers with a warning, the median of the days from their first warning to the last day on which
        they were still to be won (``gone_on``); None where there are none.
    """

    as_of: date
    horizon: int
    customers: int
    left: int
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
        recall = f"of {self.left:,} churned customers, {self.warned_churned:,} had a warning"
        lead_time = (
            f"; median lead time {self.median_days_before:g} days" if self.median_days_before is not None else ""
        )
        return f"{precision}; {recall}{lead_time}"


def run_name(horizon: int) -> str:
    """Return the name under which the runs of a horizon are kept: ``90d``."""
    return f"{horizon}d"


def last_warnings(store: Store, horizon: int, as_of: date) -> EarlierWarnings | None:
    """Return what the last run before a day said; None where there is none."""
    return _newest(store, [run for run in store.runs(ANALYSIS, run_name(horizon)) if run.as_of < as_of])


def warnings_to_judge(store: Store, horizon: int, as_of: date) -> EarlierWarnings | None:
    """Return the newest run whose horizon has passed by a day; None where there is none."""
    by = as_of - timedelta(days=horizon)
    return _newest(store, [run for run in store.runs(ANALYSIS, run_name(horizon)) if run.as_of <= by])


def current_warnings(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run, of any horizon, by a day at which its horizon has not passed; None where there is none."""
    runs = [run for run in store.runs(ANALYSIS) if run.as_of <= as_of <= run.as_of + timedelta(days=_days(run))]
    return _newest(store, runs)


def judged_warnings(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run, of any horizon, whose horizon has passed by a day; None where there is none."""
    runs = [run for run in store.runs(ANALYSIS) if run.as_of + timedelta(days=_days(run)) <= as_of]
    return _newest(store, runs)


def compare(now: pl.DataFrame, before: EarlierWarnings | None, *, as_of: date, margin: float) -> WarningChanges:
    """Tell what is new, worse, the same or better since the run before.

    A warning is a row with a level that is not suppressed.

    new
        There was no warning of this customer in the run before, or the customer has bought since: that ended it.
    worse, better
        The level is higher or lower, or, at the same level, the probability is higher or lower by ``margin`` or more
        than when it was last told (as new, worse or better). So one that creeps up is told when it has come far enough,
        and one that trembles is not told every week.
    same
        Neither.

    ``first_warned_on`` is the day of the first of the warnings in a row that this one belongs to. A purchase ends the
    row, and so does a run in which the customer has no level; one in which they are only suppressed does not end it,
    and does not begin one.

    Parameters
    ----------
    now
        One row per customer: customer_id, p_churn, level, suppressed, last_order (Date; may be absent where the data
        have no days), and whatever else.
    before
        Of :func:`last_warnings`.
    as_of
        Day of this run.
    margin
        A probability.
    """
    earlier = _still_open(before, now) if before is not None else pl.DataFrame(schema=KEPT)
    then = earlier.select(
        "customer_id",
        told_then="p_told",
        level_then=pl.when(is_warning()).then(pl.col("level")),
        first_then="first_warned_on",
    )
    has_level = pl.col("level").is_not_null()
    frame = (
        now.join(then, on="customer_id", how="left", maintain_order="left")
        .with_columns(change=_change(margin))
        .with_columns(
            first_warned_on=pl.when(has_level).then(
                pl.coalesce("first_then", pl.when(is_warning()).then(pl.lit(as_of)))
            ),
            p_told=pl.when(pl.col("change") == "same").then("told_then").when(is_warning()).then("p_churn"),
        )
        .drop("told_then", "level_then", "first_then")
    )
    counts = {name: frame.filter(pl.col("change") == name).height for name in CHANGES}
    warned = frame.filter(pl.col("change").is_not_null()).select("customer_id")
    told = earlier.head(0) if before is None else before.frame.filter(is_warning())
    ended = told.join(warned, on="customer_id", how="anti").height
    return WarningChanges(frame, before.as_of if before is not None else None, {**counts, "ended": ended})


def _change(margin: float) -> pl.Expr:
    """What a warning is beside that of the run before: level against level_then, p_churn against told_then."""
    step = _place("level") - _place("level_then")
    rise = pl.col("p_churn") - pl.col("told_then")
    further = rise.abs() >= margin - TOLERANCE
    return (
        pl.when(~is_warning())
        .then(None)
        .when(pl.col("level_then").is_null())
        .then(pl.lit("new"))
        .when((step > 0) | ((step == 0) & further & (rise > 0)))
        .then(pl.lit("worse"))
        .when((step < 0) | ((step == 0) & further & (rise < 0)))
        .then(pl.lit("better"))
        .otherwise(pl.lit("same"))
    )


def _place(level: str) -> pl.Expr:
    return pl.col(level).replace_strict(list(LEVELS), range(len(LEVELS)), default=None, return_dtype=pl.Int64)


def _still_open(before: EarlierWarnings, now: pl.DataFrame) -> pl.DataFrame:
    """Return the earlier rows of customers who have not bought since."""
    if "last_order" not in now.columns:
        return before.frame
    bought = now.filter(pl.col("last_order") > before.as_of)
    return before.frame.join(bought.select("customer_id"), on="customer_id", how="anti", maintain_order="left")


def keep(store: Store, compared: pl.DataFrame, *, as_of: date, horizon: int, facts: Mapping[str, Any]) -> None:
    """Keep the warnings of a run; run twice, nothing changes.

    Parameters
    ----------
    store
        Where runs are kept.
    compared
        Frame of :func:`compare`, with days_left where the data have days.
    as_of, horizon
        Day of the run, and how many days it looks ahead.
    facts
        Small facts of the run as a whole, such as its model; nothing of a single customer.
    """
    left = pl.col("days_left") if "days_left" in compared.columns else pl.lit(None, pl.Int64)
    gone_on = pl.lit(as_of) + pl.duration(days=left)
    kept = (
        compared.filter(pl.col("level").is_not_null())
        .with_columns(gone_on=gone_on, **_told(compared))
        .select(pl.col(name).cast(dtype) for name, dtype in (KEPT | TOLD).items())
    )
    store.keep_run(ANALYSIS, run_name(horizon), VERSION, as_of, kept, facts)


def at_stake(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run of any horizon by a day; None where there is none."""
    return _newest(store, [run for run in store.runs(ANALYSIS) if run.as_of <= as_of])


def _told(compared: pl.DataFrame) -> dict[str, pl.Expr]:
    """Return the columns of :data:`TOLD`; null where something is not known."""
    told = {name: pl.col(name) if name in compared.columns else pl.lit(None) for name in TOLD}
    if "reasons" in compared.columns:
        speaks_for_leaving = pl.element().struct.field("contribution") > 0
        codes = pl.col("reasons").list.eval(pl.element().filter(speaks_for_leaving).struct.field("code"))
        told["reasons"] = codes.list.join(" ").replace("", None)  # nobody speaks for leaving
    return told


def judge(earlier: EarlierWarnings, since: pl.DataFrame, *, horizon: int) -> Outcome:
    """Say how the warnings of a run turned out, once its horizon has passed.

    Parameters
    ----------
    earlier
        Of :func:`warnings_to_judge`.
    since
        One row per customer with a purchase by the day of the run: customer_id, next_order (Date of the first purchase
        after that day; null: none yet).
    horizon
        Days that the run looked ahead.
    """
    ends = earlier.as_of + timedelta(days=horizon)
    stayed = (pl.col("next_order") > earlier.as_of) & (pl.col("next_order") <= ends)
    turned_out = since.select("customer_id", left=~stayed.fill_null(False)).join(
        earlier.frame.filter(is_warning()).with_columns(warned=pl.lit(True)), on="customer_id", how="left"
    )
    warned = turned_out.filter(pl.col("warned"))
    caught = warned.filter(pl.col("left"))
    days = caught.select((pl.col("gone_on") - pl.col("first_warned_on")).dt.total_days().median()).item()
    return Outcome(
        earlier.as_of,
        horizon,
        turned_out.height,
        turned_out.filter(pl.col("left")).height,
        warned.height,
        caught.height,
        days,
    )


def _newest(store: Store, runs: list[Run]) -> EarlierWarnings | None:
    if not runs:
        return None
    run = max(runs, key=lambda run: (run.as_of, run.number))
    rows = store.read_run(run, list(KEPT | TOLD))
    frame = rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in (KEPT | TOLD).items()
    )
    return EarlierWarnings(run.as_of, frame, run.facts, _days(run))


def _days(run: Run) -> int:
    """Days that a run looked ahead, of its name."""
    return int(run.name.removesuffix("d"))
