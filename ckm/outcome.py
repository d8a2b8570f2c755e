"""Outcomes of audiences against their holdout, and their publication on knowledge entries.

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
    """Outcome of an audience, by intention to treat: all persons count in the arm to which they were assigned.

    Attributes
    ----------
    record
        The outcome, as the file has it.
    groups
        Effects by value, risk, segment and entry, with Holm's correction
        (:func:`ckm._outcome.effects.group_effects`); empty before the end of the window.
    rules
        Rules of targeting (:func:`ckm._outcome.effects.rule_effects`); empty before the end of the window.
    remarks
        Remarks.
    path
        The written file; None for a dry run.
    """

    record: OutcomeRecord
    groups: pl.DataFrame
    rules: pl.DataFrame
    remarks: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """One row per effect: metric, role (primary, adjusted, secondary), sizes and means of the arms, interval.

        ``total`` is the effect on all treated persons together.
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
        """The effect on the primary metric."""
        return self.frame.head(1)


@dataclass(frozen=True)
class Published(Result):
    """Evidence that was written on knowledge entries.

    Attributes
    ----------
    frame
        One row per entry: entry, audience, metric, effect, low, high, verdict (helps, harms, unclear), file.
    remarks
        Remarks.
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

    The metric and its window were fixed with the assignment. The interval of a rate is Newcombe's, that of an amount is
    of a hurdle model; before the end of the window it is a confidence sequence, which may be looked at every day.

    Parameters
    ----------
    source
        A workspace; None for the one around the current folder.
    name
        Name of the audience.
    as_of
        Last day whose rows are used. Default: the newest usual day.
    dry_run
        Write nothing.
    seed
        Seed of the hurdle model.
    progress
        Called with the name of each stage.

    Raises
    ------
    UnknownNameError
        There is no such audience.
    VerificationError
        A file of the audience was changed after the assignment.
    NotEnoughDataError
        The window has not begun, or the smaller arm has fewer than ten buyers.
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
    """Write the effect of an audience as ``evidence`` on the knowledge entries that its treated arm got.

    An effect is credited to the entry of the audience. In an audience with an entry per person each entry gets the
    effect among the persons with this entry. Comments and layout of the files are kept. Evidence of the same audience
    is replaced.

    Raises
    ------
    UsageError
        The outcome was not recorded, its window has not ended, the audience has no entry, or an entry does not exist.
    VerificationError
        The assignment was changed after the outcome was recorded.
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
    return (
        effect.metric, role, effect.treated, effect.holdout, effect.treated_mean, effect.holdout_mean, effect.estimate,
        effect.low, effect.high, effect.total[0], effect.method,
    )  # fmt: skip


def _remarks(found: OutcomeRecord, assignment: Assignment, erased: int, crossed: int) -> list[str]:
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
