"""Offer success rate as it was measured on an earlier audience of churn warnings, in place of the assumed one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckm._outcome.outcome_file import read_outcomes
from ckm.errors import InputError
from ckm.remark import assumption, basis, doubt

if TYPE_CHECKING:
    from datetime import date

    from ckm._churn.expected_gain import Assumptions
    from ckm.config import Workspace

ORIGIN = "churn-warn"


def with_measured_offer(
    assumed: Assumptions, workspace: Workspace | None, as_of: date
) -> tuple[Assumptions, tuple[str, ...]]:
    """Return the assumptions with the measured offer success rate, and remarks on which rate is used.

    The newest final outcome of an audience from ``ckm churn-warn`` with the metric order or churn counts: the relative
    reduction of the share of customers without an order in its window. It replaces the assumed rate if its 95 %
    interval excludes the assumed rate or excludes zero; otherwise the measurement does not contradict the assumption,
    which stays.

    Parameters
    ----------
    assumed
        Assumptions of the settings.
    workspace
        Workspace with the audiences; None for a file.
    as_of
        As-of date: outcomes as of a later day are not used.
    """
    try:
        outcomes = read_outcomes(workspace.root, as_of) if workspace is not None else []
    except InputError as error:
        return assumed, (doubt(f"measured offers are not used: {error}"),)
    measured = [each for each in outcomes if each.is_final and each.origin == ORIGIN and each.reduction is not None]
    if not measured:
        return assumed, ()
    newest = measured[-1]
    assert newest.reduction is not None
    rate, low, high = newest.reduction
    interval = f"{100 * low:.3g} to {100 * high:.3g} %"
    persons = f"{newest.primary.treated:,} treated, {newest.primary.holdout:,} holdout"
    where = f"audience {newest.audience} until {newest.last_day} ({persons})"
    if low <= 0 and low <= assumed.offer_success_rate <= high:
        return assumed, (
            assumption(
                f"offer success rate: assumed {assumed.offer_success_rate:.0%}; {where} measured {100 * rate:.3g} % "
                f"({interval}), which excludes neither zero nor the assumption"
            ),
        )
    used = min(1.0, max(0.0, rate))
    note = f"measured, {interval}, in {where}"
    return replace(assumed, offer_success_rate=used, measured=note), (basis(f"offer success rate: {note}"),)
