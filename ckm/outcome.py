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

from ckm._audience.remarks import ARMS_OF_FILE, ratio_remarks
from ckm._kb.evidence import Evidence
from ckm._kb.evidence_file import write_evidence
from ckm._outcome.effects import Experiment, group_effects, rule_effects
from ckm._outcome.metric_values import read_shop
from ckm._outcome.outcome_file import FINAL, RUNNING, MeasuredEffect, OutcomeRecord, read_outcome
from ckm.assignments import OUTCOME, TREATED, Assignment, audience_folder, read_assignment, read_members
from ckm.customers.period import Period
from ckm.dataset.source import dataset_of
from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.experiments.adjustment import adjust
from ckm.models.experiments.confidence_sequence import confidence_sequence
from ckm.models.experiments.newcombe import relative_reduction
from ckm.models.experiments.sample_ratio import sample_ratio
from ckm.names import RATES
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.schema import NO_CURRENCY
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from ckm._outcome.metric_values import ShopRecord
    from ckm.config import Workspace
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source
    from ckm.models.experiments.effect import Effect

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
SECONDARY = ("net", "margin")
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
    members, crossed = _as_persons(members, dataset)
    progress("reading")
    shop = read_shop(dataset, as_of)
    first, last = assignment.assigned_on + DAY, min(shop.as_of, assignment.last_day)
    if shop.as_of < first:
        raise NotEnoughDataError(
            f"the data end on {shop.as_of}, and the window begins on {first}", hint="load newer data: ckm ingest"
        )
    progress("measuring")
    period = Period(first, last)
    persons = members["customer_id"].to_list()
    values = shop.values(assignment.metric, persons, period)
    experiment = Experiment(assignment.metric, values, (members["arm"] == TREATED).to_numpy(), members)
    experiment.require_enough()
    final = shop.as_of >= assignment.last_day
    (_, in_treated), (_, in_holdout) = experiment.counts
    effect = experiment.effect(seed=seed) if final else _running(experiment, assignment)
    progress("groups")
    groups = group_effects(experiment, seed=seed) if final else pl.DataFrame()
    rules = rule_effects(experiment, seed=seed) if final else pl.DataFrame()
    result = OutcomeRecord(
        audience=name,
        origin=assignment.origin,
        entry=assignment.entry,
        offer=assignment.offer,
        digest=str(assignment.document()["digest"]),
        metric=assignment.metric,
        first_day=first,
        last_day=assignment.last_day,
        as_of=shop.as_of,
        status=FINAL if final else RUNNING,
        currency=shop.currency,
        primary=_measured(experiment, effect),
        secondary=tuple(_secondary(experiment, shop, period, seed)) if final else (),
        entries=tuple(_by_entry(experiment, seed)) if final and assignment.entries else (),
        adjusted=_adjusted(experiment, assignment) if final and assignment.covariates else None,
        reduction=_reduction(experiment) if final and assignment.metric in ("order", "churn") else None,
        sample_ratio_p=sample_ratio(in_treated, in_holdout, assignment.share),
        groups=tuple(groups.to_dicts()),
        rules=tuple(rules.to_dicts()),
    )
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


def _as_persons(members: pl.DataFrame, dataset: Dataset) -> tuple[pl.DataFrame, int]:
    """Return the members by present person, and the number of persons in both arms, who are left out.

    Ids that were linked after the assignment may be of one person: in one arm it counts once.
    """
    if not dataset.persons:
        return members, 0
    linked = members.with_columns(pl.col("customer_id").replace(dict(dataset.persons)))
    arms = linked.group_by("customer_id").agg(arms=pl.col("arm").n_unique())
    both = arms.filter(pl.col("arms") > 1)
    kept = linked.join(both, on="customer_id", how="anti").unique("customer_id", keep="first", maintain_order=True)
    return kept, both.height


def _running(experiment: Experiment, assignment: Assignment) -> Effect:
    treated, holdout = experiment.arm(treated=True), experiment.arm(treated=False)
    moments = [(float(arm.mean()), float(arm.var(ddof=1)), len(arm)) for arm in (treated, holdout)]
    deviation = assignment.baseline[1] or float(experiment.values.std())
    return confidence_sequence(*moments, target=deviation**2 * (1 / len(treated) + 1 / len(holdout)))


def _measured(experiment: Experiment, effect: Effect, entry: str = "") -> MeasuredEffect:
    (_, treated), (_, holdout) = experiment.counts
    return MeasuredEffect(
        experiment.metric,
        effect.estimate,
        effect.low,
        effect.high,
        treated,
        holdout,
        effect.treated_mean,
        effect.holdout_mean,
        effect.method,
        entry,
    )


def _secondary(experiment: Experiment, shop: ShopRecord, period: Period, seed: int) -> list[MeasuredEffect]:
    """Return the effects on net sales and margin, as far as the data allow them."""
    found = []
    known = () if shop.currency == NO_CURRENCY else SECONDARY
    for metric in known:
        if metric == experiment.metric or (metric == "margin" and shop.ledger.margin_share() is None):
            continue
        persons = experiment.members["customer_id"].to_list()
        other = Experiment(metric, shop.values(metric, persons, period), experiment.treated, experiment.members)
        if other.is_enough:
            found.append(_measured(other, other.effect(seed=seed)))
    return found


def _by_entry(experiment: Experiment, seed: int) -> list[MeasuredEffect]:
    """Return the effects among the persons of each entry with enough buyers."""
    found = []
    for entry in experiment.members["entry"].unique().sort():
        part = experiment.of((experiment.members["entry"] == entry).to_numpy())
        if entry and part.is_enough:
            found.append(_measured(part, part.effect(seed=seed), entry))
    return found


def _adjusted(experiment: Experiment, assignment: Assignment) -> dict[str, float]:
    covariates = experiment.members.select(assignment.covariates).to_numpy()
    treated = experiment.treated
    found = adjust(experiment.values[treated], experiment.values[~treated], covariates[treated], covariates[~treated])
    effect = found.effect
    return {
        "estimate": effect.estimate,
        "low": effect.low,
        "high": effect.high,
        "variance_reduction": found.variance_reduction,
    }


def _reduction(experiment: Experiment) -> tuple[float, float, float] | None:
    """Return the relative reduction of the share of persons without an order; None if all of the holdout ordered."""
    (a, m), (b, n) = experiment.counts
    lost = ((a, m), (b, n)) if experiment.metric == "churn" else ((m - a, m), (n - b, n))
    return relative_reduction(*lost) if lost[1][0] else None


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
    if crossed:
        remarks.append(doubt(f"{counted(crossed, 'person')} with linked ids in both arms left out"))
    if erased:
        remarks.append(basis(f"{counted(erased, 'person')} erased since the assignment"))
    if found.adjusted is not None:
        remarks.append(f"adjustment removes {100 * found.adjusted['variance_reduction']:.1f} % of the variance")
    return remarks
