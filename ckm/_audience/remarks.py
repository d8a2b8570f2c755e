"""Remarks on an audience: power, window, number of persons left out, and test of the sample ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._outcome.metric_values import read_shop
from ckm.assignments import HOLDOUT, TREATED
from ckm.errors import InputError
from ckm.models.experiments.sample_ratio import MISMATCH, sample_ratio
from ckm.names import LESS_IS_BETTER
from ckm.remark import basis, doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._audience.candidates import Candidates
    from ckm._outcome.metric_values import ShopRecord
    from ckm.assignments import Assignment

ARMS_OF_FILE = "the arms are those of a file: ckm cannot show that the holdout was drawn before the list"


def design_remarks(assignment: Assignment) -> Iterator[str]:
    """Yield remarks on the design of a new audience: outcome and window, suppressed persons, arms of a file."""
    yield basis(
        f"outcome '{assignment.metric}' from the day after {assignment.assigned_on} to {assignment.last_day}: "
        f"ckm outcome record {assignment.name}"
    )
    if assignment.suppressed:
        left = ", ".join(f"{reason} {count:,}" for reason, count in assignment.suppressed.items())
        yield basis(f"{counted(sum(assignment.suppressed.values()), 'person')} left out: {left}")
    if assignment.by_file:
        yield doubt(ARMS_OF_FILE)
        if abs(assignment.share * assignment.customers - assignment.holdout) < 1:
            yield basis("the sizes of the arms cannot be tested without the planned share: --holdout SHARE")
        yield from ratio_remarks(assignment.treated, assignment.holdout, assignment.share)


def gain_remarks(members: pl.DataFrame) -> Iterator[str]:
    """Yield a remark with the number of treated persons with a negative expected gain; nothing if there are none."""
    if lost := members.filter(pl.col("arm") == TREATED, pl.col("expected_gain") < 0).height:
        yield doubt(
            f"{counted(lost, 'treated person', 'has', 'have')} an expected gain below zero: by the "
            "assumptions of churn-warn the contact costs more than it brings"
        )


def file_remarks(found: Candidates, shop: ShopRecord) -> Iterator[str]:
    """Yield remarks on an audience whose persons come from a file.

    They have the number of days from the end of the data to the assignment, and the number of persons who are in no
    table.

    Raises
    ------
    InputError
        No person of the file is in a table.
    """
    persons = found.frame["customer_id"]
    if found.has_arms and (gap := (shop.as_of - read_shop(shop.dataset).as_of).days) > 0:
        yield doubt(
            f"the assignment is {counted(gap, 'day')} after the end of the data: figures of the persons are older"
        )
    known = pl.Series(shop.positions(persons.to_list()) >= 0)
    if (table := shop.dataset.tables.get("customers")) is not None:
        known |= persons.is_in(table.select("customer_id").collect()["customer_id"].implode())
    if not len(known) or known.all():
        return
    if not known.any():
        raise InputError(
            f"none of {counted(len(known), 'person')} of the file is in a table",
            hint="customer_id must have the ids of the store",
        )
    unknown = found.frame.filter(~known)
    arms = ""
    if found.has_arms:
        held = unknown.filter(pl.col("arm") == HOLDOUT).height
        arms = f" ({unknown.height - held:,} treated, {held:,} holdout)"
    yield doubt(
        f"{counted(unknown.height, 'person')} of the file{arms} in no table: each counts as a person without an outcome"
    )


def power_sentence(assignment: Assignment) -> str:
    """Return a sentence with the smallest effect that an audience can detect with a power of 80 %."""
    sizes = f"{assignment.treated:,} treated, {assignment.holdout:,} holdout"
    with_customers = f"with {assignment.customers:,} customers ({sizes})"
    if assignment.detectable is None and not assignment.is_rate:
        return f"{with_customers} the effect that can be detected is unknown: '{assignment.metric}' did not vary before"
    if assignment.detectable is None:
        change = "decrease" if assignment.metric in LESS_IS_BETTER else "increase"
        return f"{with_customers} no {change} of the metric '{assignment.metric}' can be detected"
    size = (
        f"{100 * assignment.detectable:.1f} points"
        if assignment.is_rate
        else f"{assignment.detectable:,.2f} a customer"
    )
    return f"{with_customers} only effects of at least {size} can be detected (power 80 %, test at 5 %)"


def ratio_remarks(treated: int, holdout: int, share: float) -> Iterator[str]:
    """Yield a remark if the sizes of the arms differ significantly from the planned share of the holdout.

    The test is :func:`ckm.models.experiments.sample_ratio.sample_ratio`.
    """
    p = sample_ratio(treated, holdout, share)
    if p < MISMATCH:
        yield doubt(
            f"sample ratio mismatch (p = {p:.1g}): {treated:,} treated and {holdout:,} in the holdout contradict a "
            f"holdout of {100 * share:.3g} %; the effect may be biased"
        )
