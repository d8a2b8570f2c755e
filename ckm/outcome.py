"""Outcomes of audiences: effects against the holdout, and their publication as evidence on knowledge entries.

>>> import ckm
>>> ckm.outcome.record("shop", "may-letter").frame   # doctest: +SKIP
>>> ckm.outcome.publish("shop", "may-letter").frame  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._audience.linked_members import as_persons, crossed_remark
from ckm._audience.remarks import ARMS_OF_FILE, ratio_remarks
from ckm._kb.evidence import Evidence
from ckm._kb.evidence_file import write_evidence
from ckm._outcome.measurement import measure
from ckm._outcome.metric_values import read_shop
from ckm._outcome.outcome_file import MeasuredEffect, OutcomeRecord, read_outcome
from ckm.assignments import OUTCOME, Assignment, audience_folder, read_assignment, read_members
from ckm.customers.period import Period
from ckm.dataset.source import dataset_of
from ckm.errors import NotEnoughDataError, UsageError
from ckm.names import RATES
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from ckm.config import Workspace
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source

__all__ = ["MeasuredEffect", "Outcome", "OutcomeRecord", "Published", "publish", "record"]

EFFECT_COLUMNS = {
    "metric": pl.String,
    "role": pl.String,
    "treated": pl.Int64,
    "holdout": pl.Int64,
    "treated_mean": pl.Float64,
    "holdout_mean": pl.Float64,
    "effect": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "total": pl.Float64,
    "method": pl.String,
}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Outcome(Result):
    """Outcome of an audience, by intention to treat: each person counts in the arm to which it was assigned.

    Attributes
    ----------
    record
        The outcome, with the content of ``outcome.json``.
    groups
        Effects by value, risk, segment and entry, with Holm's correction
        (:func:`ckm._outcome.effects.group_effects`); empty before the end of the window.
    rules
        Effects by rule of targeting (:func:`ckm._outcome.effects.rule_effects`); empty before the end of the window.
    remarks
        Remarks for the user.
    path
        The written file; None after a dry run.
    """

    record: OutcomeRecord
    groups: pl.DataFrame
    rules: pl.DataFrame
    remarks: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """One row per effect, with the columns of :data:`EFFECT_COLUMNS`; the primary metric is first.

        ``role`` is ``primary``, ``adjusted`` or ``secondary``; ``treated`` and ``holdout`` are numbers of persons;
        ``effect`` is per person, with the ends of its 95 % interval; ``total`` is the effect summed over all treated
        persons. The means of an adjusted effect are null.
        """
        record = self.record
        rows = [_row(record.primary, "primary")]
        if record.adjusted is not None:
            estimate, low, high = (record.adjusted[name] for name in ("estimate", "low", "high"))
            primary = record.primary
            rows.append(
                (primary.metric, "adjusted", primary.treated, primary.holdout, None, None, estimate, low, high,
                 estimate * primary.treated, "regression on value, risk and the metric before")
            )  # fmt: skip
        rows += [_row(each, "secondary") for each in record.secondary]
        return pl.DataFrame(rows, schema=EFFECT_COLUMNS, orient="row")

    @property
    def summary(self) -> pl.DataFrame:
        """The row of :attr:`frame` with the effect on the primary metric."""
        return self.frame.head(1)


@dataclass(frozen=True)
class Published(Result):
    """Evidence that was written to the files of knowledge entries.

    Attributes
    ----------
    frame
        One row per entry, sorted by id: entry, audience, metric, effect (per person), low, high (ends of its 95 %
        interval), verdict (helps, harms, unclear), file (relative to the workspace).
    remarks
        Remarks for the user.
    """

    frame: pl.DataFrame
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """Same as :attr:`frame`."""
        return self.frame


def record(
    source: Source,
    name: str,
    *,
    as_of: date | None = None,
    dry_run: bool = False,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Measure the outcome of an audience against its holdout, and write ``audiences/NAME/outcome.json``.

    The metric and its window were fixed in the assignment. The 95 % interval of a rate is by Newcombe, that of an
    amount by a hurdle model. Before the end of the window it is a confidence sequence, whose coverage holds however
    often the outcome is measured.

    Parameters
    ----------
    source
        A workspace; None for the workspace that contains the current folder.
    name
        Name of the audience.
    as_of
        Last day whose rows are used. Default: the newest usual day with a transaction.
    dry_run
        Whether to return the outcome without writing it.
    seed
        Random seed of the hurdle model.
    progress
        Called with the name of each stage.

    Returns
    -------
    Outcome
        The effects, with remarks.

    Raises
    ------
    UsageError
        The source is not a workspace.
    UnknownNameError
        No audience has this name.
    VerificationError
        A file of the audience was changed after the assignment, or is missing.
    NotEnoughDataError
        The window has not begun, the smaller arm has fewer than ten expected buyers, or the data have no amounts, costs
        or interactions that the metric needs.
    """
    dataset = dataset_of(source, by_customer=True)
    folder = audience_folder(_workspace(dataset).root, name)
    assignment = read_assignment(folder)
    members, erased = read_members(folder, assignment)
    members, crossed = as_persons(members, dataset.persons)
    progress("reading")
    shop = read_shop(dataset, as_of)
    first, last = assignment.assigned_on + DAY, min(shop.as_of, assignment.last_day)
    if shop.as_of < first:
        raise NotEnoughDataError(
            f"the data end on {shop.as_of}, and the window begins on {first}", hint="load newer data: ckm ingest"
        )
    progress("measuring")
    result, groups, rules = measure(assignment, members, shop, Period(first, last), seed=seed)
    if not dry_run:
        result.write(folder / OUTCOME)
    remarks = tuple(_remarks(result, assignment, erased, crossed))
    return Outcome(result, groups, rules, remarks, None if dry_run else folder / OUTCOME)


def publish(source: Source, name: str) -> Published:
    """Write the effect of an audience as ``evidence`` to the knowledge entries that its treated persons got.

    The entry of the audience gets the effect on the primary metric among all persons. If persons have different
    entries, each entry gets the effect among the persons with this entry, if they include enough buyers. Comments and
    layout of the files are kept; earlier evidence of the same audience and metric is replaced.

    Parameters
    ----------
    source
        A workspace; None for the workspace that contains the current folder.
    name
        Name of the audience.

    Raises
    ------
    UsageError
        The source is not a workspace; the outcome is not recorded, is not final, or is that of another assignment; no
        entry can be credited; or the file of an entry cannot be edited.
    UnknownNameError
        The audience, or a knowledge entry, does not exist.
    VerificationError
        The assignment was changed.
    """
    workspace = _workspace(dataset_of(source, by_customer=True))
    folder = audience_folder(workspace.root, name)
    if not (folder / OUTCOME).exists():
        raise UsageError(f"audience '{name}' has no outcome", hint=f"ckm outcome record {name}")
    found = read_outcome(folder / OUTCOME)
    assignment = read_assignment(folder)
    if found.digest != assignment.document()["digest"]:
        raise UsageError(
            f"the outcome of '{name}' is of another assignment", hint=f"record it anew: ckm outcome record {name}"
        )
    if not found.is_final:
        raise UsageError(
            f"the window of '{name}' ends on {found.last_day}: until then there is no evidence",
            hint=f"record it anew after {found.last_day}",
        )
    credited = list(found.entries)
    if found.entry:
        credited = [found.primary]
    if not credited:
        why = "no entry has enough buyers" if assignment.entries else "the audience has no entry"
        raise UsageError(f"nothing to publish: {why}", hint="ckm audience new NAME --from ORIGIN --entry ID")
    rows = []
    for each in credited:
        entry = each.entry or found.entry
        item = Evidence(
            audience=name,
            metric=each.metric,
            effect=each.estimate,
            low=each.low,
            high=each.high,
            treated=each.treated,
            holdout=each.holdout,
            window_days=(found.last_day - found.first_day).days + 1,
            date=found.as_of,
            run=found.digest[:12],
        )
        path = write_evidence(workspace.kb_dir, entry, item)
        place = path.relative_to(workspace.root).as_posix()
        rows.append((entry, name, each.metric, each.estimate, each.low, each.high, item.verdict, place))
    texts = dict.fromkeys(("entry", "audience", "metric"), pl.String())
    numbers = dict.fromkeys(("effect", "low", "high"), pl.Float64())
    frame = pl.DataFrame(rows, schema={**texts, **numbers, "verdict": pl.String(), "file": pl.String()}, orient="row")
    return Published(frame.sort("entry"))


def _workspace(dataset: Dataset) -> Workspace:
    if dataset.workspace is None:
        raise UsageError("an outcome needs a workspace", hint="create one: ckm init DIR")
    return dataset.workspace


def _row(effect: MeasuredEffect, role: str) -> tuple[object, ...]:
    """Return a row with the columns of :data:`EFFECT_COLUMNS`."""
    return (
        effect.metric, role, effect.treated, effect.holdout, effect.treated_mean, effect.holdout_mean, effect.estimate,
        effect.low, effect.high, effect.total[0], effect.method,
    )  # fmt: skip


def _remarks(found: OutcomeRecord, assignment: Assignment, erased: int, crossed: int) -> list[str]:
    """Return the remarks on an outcome.

    ``erased`` and ``crossed`` are the numbers of persons who were erased, and who are left out with ids in both arms.
    """
    primary = found.primary
    scale, unit = (100, " points") if found.metric in RATES else (1, f" {found.currency} a person")
    ends = f"{scale * primary.low:+,.2f} to {scale * primary.high:+,.2f}"
    remarks: list[str] = [
        basis(
            f"{found.metric} from {found.first_day} to {min(found.as_of, found.last_day)}: effect "
            f"{scale * primary.estimate:+,.2f}{unit} ({ends}): "
            f"{'zero is in the interval' if primary.verdict == 'unclear' else f'it {primary.verdict}'}"
        )
    ]
    if not found.is_final:
        remarks.append(
            doubt(
                f"the window ends on {found.last_day}: the interval is a confidence sequence, which may be looked at "
                "every day"
            )
        )
    remarks += ratio_remarks(primary.treated, primary.holdout, assignment.share)
    if assignment.by_file:
        remarks.append(doubt(ARMS_OF_FILE))
    remarks += crossed_remark(crossed)
    if erased:
        remarks.append(basis(f"{counted(erased, 'person')} erased since the assignment"))
    if found.adjusted is not None:
        remarks.append(f"adjustment removes {100 * found.adjusted['variance_reduction']:.1f} % of the variance")
    return remarks
