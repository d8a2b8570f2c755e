"""Loyalty report: the functions behind ``ckm loyalty-report``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.period import MONTHS_OF_A_YEAR, Comparison, Period, period_until
from ckm.customers.recent_drop import recent_drop
from ckm.errors import UsageError, no_amounts
from ckm.metrics.cell_suppression import MIN_GROUP_SIZE, hide_small
from ckm.metrics.context import ReportContext
from ckm.metrics.drivers import shown_drivers
from ckm.metrics.goals import check_goals, goal_metrics
from ckm.metrics.metric import Metrics, Missing
from ckm.metrics.net_sales import net_sales_of
from ckm.metrics.report import LoyaltyReport
from ckm.metrics.report_metrics import report_metrics
from ckm.metrics.report_period import report_period
from ckm.metrics.shown_customers import shown_customers, shown_slices
from ckm.metrics.significance import reportable_changes
from ckm.metrics.slices import find_dimension
from ckm.partitions.engine import IN_MEMORY, Engine, EngineName
from ckm.partitions.partitioned_ledger import Reading
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.schema import NO_CURRENCY
from ckm.setting_values import parse_months
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from ckm.config import Config
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source
    from ckm.metrics.customer_estimates import CustomerEstimates
    from ckm.metrics.customer_table import CustomerFacts
    from ckm.metrics.slices import Dimension

MOST_TOPICS = 3
"""Most topics without a knowledge entry that a remark names, those of the highest value at risk."""


@dataclass(frozen=True)
class LoyaltyOptions:
    """Options of a loyalty report.

    Attributes
    ----------
    as_of
        As-of date; None means the newest usual day of the data (docs/explanation/customer-ledger.md).
    months
        Length of the period that ends with it; None means 12, or where the data hold no year before, 6, 3 or 1
        (:func:`ckm.metrics.report_period.report_period`).
    comparison
        Comparison with the previous period, or with the same period of the previous year.
    by
        Column of customers or transactions whose values are the slices; None without slices.
    min_group_size
        Smallest group that is shown; smaller ones are suppressed, with the numbers that would reveal them.
    names
        Whether customers' names may be shown.
    seed
        Random seed.
    cache
        Whether to use and save the workspace's cached ledger; without it the transactions are read.
    keep
        Whether a workspace saves the expected spend of each customer, for comparison in a later report.
    engine
        Where the analysis runs.
    """

    as_of: date | None = None
    months: int | None = None
    comparison: Comparison = "previous"
    by: str | None = None
    min_group_size: int = MIN_GROUP_SIZE
    names: bool = False
    seed: int = 0
    cache: bool = True
    keep: bool = True
    engine: Engine = IN_MEMORY

    def __post_init__(self) -> None:
        if self.min_group_size < 0:
            raise UsageError(
                f"groups have at least 0 customers, not {self.min_group_size}", hint="name a min_group_size of 5"
            )


@dataclass(frozen=True)
class Loyalty(Result):
    """A report, with its results per customer.

    Attributes
    ----------
    report
        The report.
    context, known
        Input of :func:`ckm._loyalty.export.export_customers`, which writes one row per customer.
    """

    report: LoyaltyReport
    context: ReportContext
    known: CustomerFacts

    @property
    def frame(self) -> pl.DataFrame:
        """Every metric: section, metric, slice, value, unit, n, lo, hi, previous, change, definition."""
        return self.report.metrics.table()

    @property
    def summary(self) -> pl.DataFrame:
        """Metrics of all customers, without slices."""
        return self.frame.filter(pl.col("slice") == "").select("section", "metric", "value", "previous", "change")

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks for the user, as sentences."""
        return self.report.remarks

    def to_html(self, lang: str = "en") -> str:
        """Return the report as a self-contained HTML page, in a language of :data:`LANGUAGES`."""
        from ckm._loyalty.document import loyalty_document
        from ckm._loyalty.words import load_words
        from ckm.render.page import render_page

        return render_page(loyalty_document(self.report, lang), load_words(lang).page_words())

    def export(self, folder: str | Path, lang: str = "en") -> list[Path]:
        """Write the table of customers, its dictionary and the audience lists, as ``--export`` does.

        Names are shown if the report was made with ``names``; ``lang`` is that of the texts for mail tools.
        """
        from ckm._loyalty.export import export_customers

        return export_customers(self.context, self.known, Path(folder), names=self.report.names, lang=lang)


def loyalty(
    source: Source = None,
    *,
    as_of: date | None = None,
    period: str | None = None,
    compare: Comparison = "previous",
    by: str | None = None,
    min_group_size: int = MIN_GROUP_SIZE,
    names: bool = False,
    seed: int = 0,
    keep: bool = True,
    engine: EngineName = "polars",
    partitions: int | Literal["auto"] | None = None,
    master: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Loyalty:
    """Return metrics of loyalty, changes, growth potential and churn.

    Parameters
    ----------
    source
        As for :func:`ckm.dataset.source.dataset_of`.
    as_of
        As-of date. Default: the newest usual day of the data (docs/explanation/customer-ledger.md).
    period
        Months that end with it, as ``12mo``. Default: 12, or where the data hold no year before, 6, 3 or 1
        (:func:`ckm.metrics.report_period.report_period`).
    compare
        ``previous`` (period), or ``year-ago`` (same period of the previous year).
    by
        Column of customers or transactions whose values are the slices.
    min_group_size
        Smallest group that is shown; smaller ones are suppressed, with the numbers that would reveal them.
    names
        Whether customers' names may be shown.
    seed
        Random seed.
    keep
        Whether to save the ledger and the expected spend of each customer in the workspace.
    engine
        ``polars``: this process; ``spark``: the executors of a Spark cluster (docs/explanation/spark.md).
    partitions
        Number of partitions of the customers, one in memory at a time, or ``auto``; None: without partitions, in Spark
        by the number of rows.
    master
        URL of the Spark master; None means that of the Spark configuration, or else all cores of this machine.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError, InputError, NotEnoughDataError
        As :func:`loyalty_report`.

    Examples
    --------
    >>> loyalty("orders.csv", period="6mo").save("loyalty.csv")  # doctest: +SKIP
    """
    runs_on = Engine.of(engine, partitions, master)
    dataset = runs_on.dataset(source)
    request = LoyaltyOptions(
        as_of=as_of,
        months=None if period is None else parse_months(period),
        comparison=compare,
        by=by,
        min_group_size=min_group_size,
        names=names,
        seed=seed,
        cache=keep,
        keep=keep,
        engine=runs_on,
    )
    found = loyalty_report(dataset, request, dataset.config, progress=progress or (lambda _: None))
    return replace(found, report=replace(found.report, remarks=(*dataset.remarks, *found.report.remarks)))


def loyalty_report(
    dataset: Dataset, request: LoyaltyOptions, config: Config, *, progress: Callable[[str], None] = lambda _: None
) -> Loyalty:
    """Return metrics of loyalty, changes, growth potential and churn.

    Missing data raise no error: missing metrics are in ``report.missing``, with the reason.

    Parameters
    ----------
    dataset
        A workspace or a file of transactions.
    request
        Options of the report.
    config
        Settings.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError
        A goal or the dimension is unknown; amounts are of several currencies.
    InputError
        The data, or ``controls.csv``, are damaged or invalid.
    NotEnoughDataError
        There are no purchases by the day, or the data have no amounts.
    """
    dataset = dataset.known_on(request.as_of)
    tables = {**dataset.tables, "transactions": dataset.transactions}
    check_goals(config.goals, dataset.workspace.root if dataset.workspace else None)
    dimension = find_dimension(tables, request.by) if request.by else None
    progress("reading")
    whole, comparison_used = _context(tables, dataset, request, config, dimension)
    found = report_metrics(whole, dimension, keep=request.keep, progress=progress)
    hidden = hide_small(Metrics(found.metrics), min_group_size=request.min_group_size, by=request.by)
    goals, of_goals, no_goals = goal_metrics(config.goals, hidden.metrics)
    progress("changes")
    changes = found.changes()
    shows_calls = hidden.metrics.get("call_value") is not None
    context, comparison, scored = found.context, found.comparison, found.scored
    is_shortened = request.months is None and context.period != period_until(context.as_of, MONTHS_OF_A_YEAR)
    report = LoyaltyReport(
        label=dataset.label,
        shop=config.name or dataset.label,
        data="" if dataset.workspace is not None else dataset.label,
        significant=frozenset(each.metric for each in changes if each.is_reportable and not each.slice),
        period=context.period,
        compared=context.compared,
        comparison=comparison_used,
        shortened_from=MONTHS_OF_A_YEAR if is_shortened else None,
        data_begin=context.ledger.begins,
        as_of=context.as_of,
        currency=context.ledger.currency,
        time_zone=context.ledger.time_zone,
        metrics=Metrics([*shown_slices(hidden.metrics, dimension, names=request.names), *of_goals]),
        days=None if comparison is None else comparison.days,
        data_end=context.data_end,
        silences=context.silences,
        warnings_scored=found.estimates.warnings_scored,
        spend_scored=None if scored is None else Period(scored.as_of, scored.until),
        missing=tuple(dict.fromkeys((*found.missing, *hidden.missing, *no_goals))),
        drivers=tuple(
            replace(each, drivers=shown_drivers(each.drivers, hidden, request.min_group_size))
            for each in reportable_changes(changes)
        ),
        goals=goals,
        loyal=shown_customers(found.loyal, tables, names=request.names),
        at_risk=shown_customers(found.calls if shows_calls else found.calls.clear(), tables, names=request.names),
        by=request.by,
        names=request.names,
        net_sales=net_sales_of(dataset.transaction_sources()),
        remarks=(*_remarks(context, found.estimates), *_topics_without_entry(context, request.min_group_size)),
        calendar=config.loyalty.calendar,
    )
    return Loyalty(report, whole, found.facts)


def _context(
    tables: Mapping[str, pl.LazyFrame],
    dataset: Dataset,
    request: LoyaltyOptions,
    config: Config,
    dimension: Dimension | None,
) -> tuple[ReportContext, Comparison]:
    """Return the context of the report, and the comparison that was used (:func:`report_period`)."""
    by = dimension.of_rows if dimension is not None else None
    needs = replace(EVERYTHING, by=by)
    reading = Reading(request.as_of, config.time_zone, needs, config.keeps_stray_dates)
    ledger = request.engine.divided(dataset, reading) or cached_ledger(
        tables,
        find_cache(dataset, enabled=request.cache),
        as_of=request.as_of,
        time_zone=config.time_zone,
        needs=needs,
        keep_stray_dates=config.keeps_stray_dates,
    )
    if ledger.currency == NO_CURRENCY:
        raise no_amounts("the metrics of a loyalty report")

    def of(period: Period, compared: Period) -> ReportContext:
        return ReportContext(tables, ledger, period, compared, config, dataset.workspace, request.seed)

    return report_period(of, ledger.as_of, request.months, request.comparison)


def _topics_without_entry(context: ReportContext, min_group_size: int) -> Iterator[str]:
    """Yield a sentence on the topics of comments that no knowledge entry answers, by the newest saved run."""
    if context.workspace is None:
        return
    from ckm._feedback.unanswered_topics import unanswered_topics
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    found = unanswered_topics(Store(context.workspace.store_dir), context.workspace.kb_dir, context.as_of)
    topics = [each for each in found.topics if each.customers >= min_group_size] if found is not None else []
    if topics:
        shown = "; ".join(each.name for each in topics[:MOST_TOPICS])
        count = counted(len(topics), "topic")
        yield basis(f"{count} of what customers say without a knowledge entry (ckm kb-gaps): {shown}")


def _remarks(context: ReportContext, estimates: CustomerEstimates) -> Iterator[str]:
    compared = f"{context.period}, compared with {context.compared}"
    yield basis(f"as of {context.as_of}: {compared}, in {context.ledger.currency}")
    yield from context.ledger.left_out.remarks
    if drop := recent_drop(context.ledger):
        yield doubt(drop.sentence)
    for part in (estimates.lifetime, estimates.growth_potential, estimates.risk):
        if not isinstance(part, Missing):
            yield from part.remarks
        elif part.detail:
            yield doubt(part.detail)
