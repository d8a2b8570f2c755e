"""Comparison of the warnings with the saved runs of a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._churn.saved_warnings import WarningRun, closed_warnings, last_warnings, same_day_warnings
from ckm._churn.warning_changes import compare, without_listed
from ckm._churn.warning_outcome import warning_outcome
from ckm.customers.calendar import calendar_day

if TYPE_CHECKING:
    import polars as pl

    from ckm._churn.churn_forecast import Forecast
    from ckm.store import Store


@dataclass(frozen=True)
class RunComparison:
    """Warnings compared with the saved runs.

    Attributes
    ----------
    customers
        All customers, with the change of their warning.
    to_list
        Customers from whom the list is made: with ``new_only`` the customers with a new or worse warning that no
        earlier run of the same day listed, else all.
    remarks
        Remarks on the changes, and on the outcome of earlier warnings; none without a workspace.
    run
        The current run, which the caller saves; None without a workspace.
    """

    customers: pl.DataFrame
    to_list: pl.DataFrame
    remarks: tuple[str, ...] = ()
    run: WarningRun | None = None


def compare_runs(
    frame: pl.DataFrame, forecast: Forecast, store: Store | None, *, margin: float, new_only: bool, repeat: bool
) -> RunComparison:
    """Return the changes since the last saved run, and the outcome of the newest run whose horizon has passed.

    Parameters
    ----------
    frame
        One row per customer, with level and suppressed.
    forecast
        The forecast, with the horizon and the as-of date that identify the run.
    store
        Store of the workspace; None without a workspace: all warnings are then new.
    margin
        Smallest change of the probability that counts.
    new_only, repeat
        As in :class:`ckm.churn.ChurnOptions`.
    """
    as_of, horizon = calendar_day(forecast.history.as_of), forecast.horizon.days
    earlier = last_warnings(store, horizon, as_of) if store is not None else None
    changes = compare(frame, earlier, as_of=as_of, margin=margin)
    if store is None:
        return RunComparison(changes.frame, changes.frame)
    to_list, remarks = changes.frame, [changes.sentence]
    if closed := closed_warnings(store, horizon, as_of):
        bought = forecast.history.ledger.next_purchases(closed.as_of)
        remarks.append(warning_outcome(closed, bought, horizon=horizon).sentence)
    if new_only:
        same_day = None if repeat else same_day_warnings(store, horizon, as_of)
        to_list = without_listed(changes.new, same_day, as_of=as_of, margin=margin)
        if same_day is not None:
            remarks.append(f"warnings of an earlier run as of {as_of} are not listed again")
    run = WarningRun(store, changes.frame, as_of, horizon, {"model": forecast.model.name})
    return RunComparison(changes.frame, to_list, tuple(remarks), run)
