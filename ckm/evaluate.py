"""Return and efficiency of the customer knowledge programme: effects of its campaigns, costs, use of its knowledge.

The programme is all audiences and knowledge entries of a workspace. One section has metrics of the loyalty programme.

>>> import ckm
>>> ckm.evaluate.evaluate("shop").summary              # doctest: +SKIP
>>> ckm.evaluate.evaluate("shop").save("return.html")  # doctest: +SKIP
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from ckm._evaluate.catalogue import load_metrics, texts
from ckm._evaluate.coverage import coverage_of
from ckm._evaluate.entry_history import read_history
from ckm._evaluate.knowledge import knowledge_of
from ckm._evaluate.measurement import EvaluationSources, MeasuredAudience
from ckm._evaluate.overlap import persons_in_several
from ckm._evaluate.programme import programme_of
from ckm._evaluate.programme_return import return_of
from ckm._evaluate.result import COLUMNS, Evaluation
from ckm._evaluate.service import read_contacts_by_topic, service_of
from ckm._kb import search_log, shown_log, usage_log
from ckm._kb.entry_files import read_folder
from ckm._outcome.metric_values import read_shop
from ckm._outcome.outcome_file import read_outcome
from ckm.assignments import OUTCOME, audience_folder, audience_names, read_assignment
from ckm.customers.period import period_until
from ckm.dataset.source import dataset_of
from ckm.errors import UnknownNameError, UsageError
from ckm.metrics.loyalty_programme import TABLE as MEMBERSHIPS
from ckm.remark import assumption, basis, doubt
from ckm.store import Store
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from ckm._evaluate.entry_history import EntryHistory
    from ckm._evaluate.measurement import Measurement
    from ckm._kb.entry import KnowledgeEntry
    from ckm._outcome.metric_values import ShopRecord
    from ckm.config import Workspace
    from ckm.customers.period import Period
    from ckm.dataset.source import Source

__all__ = ["Evaluation", "evaluate"]

DIGITS = 6
"""Number of decimals to which values are rounded."""


def evaluate(
    source: Source = None,
    *,
    as_of: date | None = None,
    months: int | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Compute the metrics of the customer knowledge programme in a period: return, costs, service, use of knowledge.

    A metric that cannot be computed has no value, and a note with the reason.

    Parameters
    ----------
    source
        A workspace; None for the workspace that contains the current folder.
    as_of
        Last day of the period; outcomes that were recorded as of a later day are not used. Default: the newest usual
        day with a transaction.
    months
        Length of the period in months. Default: the setting ``evaluate.period``.
    seed
        Random seed of the simulation of intervals.
    progress
        Called with the name of each stage.

    Returns
    -------
    Evaluation
        The metrics of the period, compared with the previous period of equal length.

    Raises
    ------
    UsageError
        The source is not a workspace.
    UnknownNameError
        A goal in ``ckm.yaml`` is for an unknown metric.
    VerificationError
        The assignment of an audience was changed.
    InputError
        A recorded outcome cannot be read.

    Examples
    --------
    >>> evaluate("shop", months=3).frame  # doctest: +SKIP
    """
    dataset = dataset_of(source, by_customer=True)
    workspace = dataset.workspace
    if workspace is None:
        raise UsageError("an evaluation needs a workspace", hint="create one: ckm init DIR")
    metrics = load_metrics()
    for name in workspace.config.evaluate.goals:
        if name not in metrics:
            raise UnknownNameError("metric in evaluate.goals", name, list(metrics))
    progress("reading")
    shop = read_shop(dataset, as_of)
    sources = _sources(shop, workspace)
    length = months or workspace.config.evaluate.period
    period = period_until(shop.as_of, length)
    compared = period_until(period.first - timedelta(days=1), length)
    progress("measuring")
    measured = _measure(sources, period, length, seed)
    before = {(each.metric, each.of): each for each in _measure(sources, compared, length, seed)}
    return Evaluation(
        frame=_frame(measured, before, sources),
        notes={(each.metric, each.of): each.note for each in measured if each.note},
        label=dataset.label,
        as_of=shop.as_of,
        period=period,
        compared=compared,
        currency=shop.currency,
        remarks=(*_remarks(sources, period, compared), *_overlap(workspace, sources, period, dataset.persons)),
    )


def _measure(sources: EvaluationSources, period: Period, months: int, seed: int) -> list[Measurement]:
    """Return all metrics of a period, sorted in the order of the metric catalogue."""
    found = [
        *return_of(sources, period, months, seed),
        *service_of(sources, period),
        *coverage_of(sources, period),
        *knowledge_of(sources, period),
        *programme_of(sources, period),
    ]
    order = list(load_metrics())
    return sorted(found, key=lambda each: order.index(each.metric))


def _sources(shop: ShopRecord, workspace: Workspace) -> EvaluationSources:
    """Read all data of a workspace that the metrics need."""
    zone = shop.ledger.time_zone
    config = workspace.config
    history = read_history(workspace.kb_dir, zone) if workspace.kb_dir.is_dir() else None
    entries, later = _entries(workspace.kb_dir, history, shop.as_of)
    return EvaluationSources(
        config=config,
        currency=shop.currency,
        time_zone=zone,
        as_of=shop.as_of,
        audiences=_audiences(workspace.root, shop.as_of),
        entries=entries,
        entries_later=later,
        history=history,
        searches=search_log.read(workspace.out_dir / search_log.FILE),
        uses=usage_log.read_uses(workspace.out_dir / usage_log.FILE),
        shown=shown_log.read_shown(workspace.out_dir / shown_log.FILE),
        interactions=read_contacts_by_topic(shop.dataset.tables.get("interactions"), shop.as_of, zone),
        memberships=shop.dataset.tables.get(MEMBERSHIPS),
        ledger=shop.ledger,
        store=Store(workspace.store_dir),
    )


def _audiences(root: Path, as_of: date) -> list[MeasuredAudience]:
    """Return the audiences assigned by a day, each with its outcome if that was recorded as of this day or earlier."""
    found = []
    for name in audience_names(root):
        folder = audience_folder(root, name)
        assignment = read_assignment(folder)
        if assignment.assigned_on <= as_of:
            outcome = read_outcome(folder / OUTCOME) if (folder / OUTCOME).exists() else None
            is_later = outcome is not None and outcome.as_of > as_of
            found.append(MeasuredAudience(assignment, None if is_later else outcome, is_later))
    return found


def _entries(folder: Path, history: EntryHistory | None, as_of: date) -> tuple[Sequence[KnowledgeEntry], int]:
    """Return the knowledge entries of a day: those in the present files, unless git has later commits.

    With later commits they are those committed by this day. If git has none of this day, the present files are used,
    without entries that were collected later; the number of these is the second result. Other dates in an entry
    (verification, evidence) exclude later facts.
    """
    if not folder.is_dir():
        return (), 0
    if history is not None and history.has_commits_after(as_of):
        then = history.entries_on(as_of)
        if then is not None:
            return then, 0
    present = read_folder(folder).entries
    found = [each for each in present if (day := each.provenance.collected_at) is None or day <= as_of]
    return found, len(present) - len(found)


def _frame(
    measured: Sequence[Measurement], before: Mapping[tuple[str, str], Measurement], sources: EvaluationSources
) -> pl.DataFrame:
    metrics, words, goals = load_metrics(), texts("en"), sources.config.evaluate.goals
    rows = []
    for each in measured:
        entry = metrics[each.metric]
        earlier = before.get((each.metric, each.of))
        previous = None if earlier is None else earlier.value
        change = None if each.value is None or previous is None or (earlier and earlier.note) else each.value - previous
        goal = goals.get(each.metric) if not each.of else None
        numbers = [None if number is None else round(number, DIGITS) for number in (each.value, each.low, each.high)]
        rows.append(
            (
                entry.section,
                each.metric,
                each.of,
                numbers[0],
                sources.currency if entry.unit == "money" else entry.unit,
                *numbers[1:],
                each.n,
                None if previous is None else round(previous, DIGITS),
                None if change is None else round(change, DIGITS),
                None if goal is None else str(goal),
                None if goal is None or each.value is None else goal.is_met_by(each.value),
                words.say(f"note.{each.note}") if each.note else None,
                words.say(f"metrics.{each.metric}.definition"),
            )
        )
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _overlap(
    workspace: Workspace, sources: EvaluationSources, period: Period, persons: Mapping[str, str]
) -> Iterator[str]:
    """Yield a remark if persons were treated in several audiences whose windows overlap."""
    assignments = [each.assignment for each in sources.audiences_of(period)]
    if several := persons_in_several(workspace.root, assignments, persons):
        yield doubt(
            f"{counted(several, 'person', 'was', 'were')} treated in audiences whose windows overlap: their effects "
            "and costs are added up, and count more than once"
        )


def _remarks(sources: EvaluationSources, period: Period, compared: Period) -> Iterator[str]:
    """Yield remarks on the periods, on audiences and logged uses that are left out, and on assumed costs."""
    audiences = sources.audiences_of(period)
    yield basis(f"{period}, compared with {compared}; {counted(len(audiences), 'audience')} whose window ended in it")
    running = [each for each in sources.audiences if each.assignment.last_day > sources.as_of]
    if running:
        yield basis(f"{counted(len(running), 'audience')} whose window has not ended: not counted yet")
    both = [*audiences, *sources.audiences_of(compared)]
    if names := [each.assignment.name for each in both if each.is_recorded_later]:
        yield doubt(
            f"{counted(len(names), 'outcome', 'was', 'were')} recorded as of a day after {sources.as_of}: not counted; "
            f"ckm outcome record {names[0] if len(names) == 1 else 'NAME'} --as-of {sources.as_of} measures what was "
            "known then"
        )
    other = [each for each in audiences if each.outcome is not None and each.outcome.currency != sources.currency]
    if other:
        yield doubt(f"{counted(len(other), 'outcome')} in another currency left out")
    if later := sources.entries_later:
        entries = "1 knowledge entry" if later == 1 else f"{later:,} knowledge entries"
        yield basis(f"{entries} collected after {sources.as_of}: not counted yet")
    zone = ZoneInfo(sources.time_zone)
    if late := sum(each.at.astimezone(zone).date() > period.last for each in sources.uses.uses):
        yield basis(f"{counted(late, 'logged use')} of entries after {period.last}: not counted yet")
    for what, broken in (
        ("searches", sources.searches.broken),
        ("uses", sources.uses.broken),
        ("shown entries", sources.shown.broken),
    ):
        if broken:
            yield doubt(f"{counted(broken, 'line')} of the log of {what} could not be read")
    if sources.config.evaluate.contact_cost is None and audiences:
        yield assumption(
            f"a contact costs {sources.config.churn.contact_cost:g} {sources.currency} (churn.contact_cost)"
        )
