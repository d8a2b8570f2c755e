"""Sentences on an audience: its power, its window, who was left out, and whether the arms fit their share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.models.experiments.sample_ratio import MISMATCH, sample_ratio
from ckm.remark import basis, doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.assignments import Assignment

ARMS_OF_FILE = "the arms are those of a file: ckm cannot show that the holdout was drawn before the list"


def design_remarks(assignment: Assignment) -> Iterator[str]:
    """Yield the remarks on a new audience."""
    yield basis(
        f"outcome '{assignment.metric}' from the day after {assignment.assigned_on} to {assignment.last_day}: "
        f"ckm outcome record {assignment.name}"
    )
    if assignment.suppressed:
        left = ", ".join(f"{reason} {count:,}" for reason, count in assignment.suppressed.items())
        yield basis(f"{counted(sum(assignment.suppressed.values()), 'person')} left out: {left}")
    if assignment.by_file:
        yield doubt(ARMS_OF_FILE)
        yield from ratio_remarks(assignment.treated, assignment.holdout, assignment.share)


def power_sentence(assignment: Assignment) -> str:
    """Return which effects an audience can detect, as a sentence."""
    sizes = f"{assignment.treated:,} treated, {assignment.holdout:,} holdout"
    with_customers = f"with {assignment.customers:,} customers ({sizes})"
    if assignment.detectable is None:
        return f"{with_customers} no effect on the metric '{assignment.metric}' can be detected"
    size = (
        f"{100 * assignment.detectable:.1f} points"
        if assignment.is_rate
        else f"{assignment.detectable:,.2f} a customer"
    )
    return f"{with_customers} only effects of at least {size} can be detected (power 80 %, test at 5 %)"


def ratio_remarks(treated: int, holdout: int, share: float) -> Iterator[str]:
    """Yield a doubt if the sizes of the arms contradict the share of the holdout."""
    p = sample_ratio(treated, holdout, share)
    if p < MISMATCH:
        yield doubt(
            f"sample ratio mismatch (p = {p:.1g}): {treated:,} treated and {holdout:,} in the holdout contradict a "
            f"holdout of {100 * share:.3g} %; the effect may be biased"
        )
