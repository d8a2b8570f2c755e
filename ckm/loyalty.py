"""Loyalty report: the functions behind ``ckm loyalty-report``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.period import (
    MONTHS_OF_A_YEAR,
    SHORTER,
    Comparison,
    Period,
    compared_with,
    period_until,
    previous_days,
)
from ckm.customers.recent_drop import recent_drop
from ckm.dataset.source import dataset_of
from ckm.errors import UsageError, no_amounts
from ckm.metrics.cell_suppression import MIN_GROUP_SIZE, hide_small
from ckm.metrics.changes import change_metrics
from ckm.metrics.cohorts import cohort_metrics
from ckm.metrics.comparison import compare
from ckm.metrics.concentration import concentration_metrics
from ckm.metrics.context import NO_COMPARISON, ReportContext
from ckm.metrics.customer_segments import read_segments
from ckm.metrics.customer_table import CustomerFacts
from ckm.metrics.data_quality import data_quality_metrics
from ckm.metrics.dimensions import partings
from ckm.metrics.drivers import shown_drivers
from ckm.metrics.feature_sample import read_features
from ckm.metrics.forecast_accuracy import (
    ScoredSpend,
    forecast_accuracy_metrics,
    save_expected_spend,
    score_expected_spend,
)
from ckm.metrics.goals import check_goals, goal_metrics
from ckm.metrics.growth_potential import GrowthPotential, growth_potential_metrics, read_growth_potential
from ckm.metrics.lifecycle import lifecycle_metrics, lifecycle_of
from ckm.metrics.lifetime import Lifetime, lifetime_metrics, read_lifetime
from ckm.metrics.loyalty_matrix import loyalty_metrics
from ckm.metrics.margin import read_margin
from ckm.metrics.metric import Metric, Metrics, Missing
from ckm.metrics.monthly import monthly_metrics
from ckm.metrics.next_steps import call_list, next_step_metrics
from ckm.metrics.ratings import read_ratings
from ckm.metrics.relationships import relationship_metrics
from ckm.metrics.report import LoyaltyReport
from ckm.metrics.satisfaction import satisfaction_metrics
from ckm.metrics.second_order import second_order_metrics, second_orders
from ckm.metrics.significance import judge_changes, those_that_matter
from ckm.metrics.slices import CUSTOMERS, Dimension, find_dimension, slice_contexts, slice_metrics
from ckm.metrics.survival import survival_metrics
from ckm.metrics.value_at_risk import NO_FORECAST, Risk, read_risk, value_at_risk_metrics
from ckm.metrics.wallet_share import wallet_metrics
from ckm.partitions.engine import IN_MEMORY, Engine
from ckm.partitions.partitioned_ledger import Reading
from ckm.pseudonym import shown_ids
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.schema import NO_CURRENCY
from ckm.settings import parse_months

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from ckm.config import Config
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source
    from ckm.metrics.customer_segments import Segments
    from ckm.metrics.feature_sample import FeatureSample
    from ckm.metrics.lifecycle import Lifecycle
    from ckm.metrics.margin import Margin

SectionMetrics = tuple[tuple[Metric, ...], tuple[Missing, ...]]


@dataclass(frozen=True)
class LoyaltyOptions:
    """Options of a loyalty report.

    Attributes
    ----------
    as_of
        As-of date; None means the newest usual day.
    months
        Length of the period that ends with it; None means 12, or where the data cover them and no earlier period to
        compare with, the longest of 6, 3 and 1 that has one.
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
        Where the ledger is built.
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
    progress: Callable[[str], None] | None = None,
) -> Loyalty:
    """Return metrics of loyalty, changes, growth potential and churn.

    Parameters
    ----------
    source
        As for :func:`ckm.dataset.source.dataset_of`.
    as_of
        As-of date. Default: the newest usual day.
    period
        Months that end with it, as ``12mo``. Default: 12, or where the data cover them and no earlier period to
        compare with, the longest of 6, 3 and 1 that has one.
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
    dataset = dataset_of(source, by_customer=True)
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
    progress("relationships")
    ledger = whole.ledger.without_baskets()  # only the features need them: without them, less is copied here
    context = replace(whole, ledger=ledger)
    with ThreadPoolExecutor(1) as beside:  # each half is mostly array arithmetic, which leaves one core for the other
        of_single = beside.submit(_Single.read, whole, context, progress)
        lifecycle, ratings, comparison = lifecycle_of(context), read_ratings(context), compare(context)
        parts = partings(context, ledger.net_between(context.period) + ledger.net_between(context.compared))
        loyal, matrix, no_matrix = loyalty_metrics(context, lifecycle, ratings)
        second = second_orders(whole)
        sections: list[SectionMetrics] = [
            change_metrics(context, comparison, parts),
            monthly_metrics(context),
            relationship_metrics(context),
            cohort_metrics(context),
            survival_metrics(context, lifecycle),
            second_order_metrics(second, None if context.before is None else second_orders(context.before)),
            lifecycle_metrics(context, lifecycle),
            concentration_metrics(context),
            satisfaction_metrics(context, ratings),
            (matrix, no_matrix),
        ]
        single = of_single.result()
    calls = call_list(context, single.risk)
    scored = _score_past(context, single.lifetime, keep=request.keep)
    sections += [*single.sections(context), wallet_metrics(context)]
    sections += [next_step_metrics(context, single.risk, calls, lifecycle)]
    sections += [(forecast_accuracy_metrics(scored), ()), data_quality_metrics(context)]
    metrics = [metric for found, _ in sections for metric in found]
    missing = [each for _, missing_here in sections for each in missing_here]
    if dimension is not None:
        progress("slices")
        metrics += slice_metrics(context, dimension, lifecycle, ratings)
        metrics += _single_by_slice(context, dimension, single)
    hidden = hide_small(Metrics(metrics), min_group_size=request.min_group_size, by=request.by)
    shows_calls = hidden.metrics.get("call_value") is not None
    goals, of_goals, no_goals = goal_metrics(config.goals, hidden.metrics)
    progress("changes")
    causes = [each for each in parts if not each.is_consequence]
    judged = judge_changes(comparison, causes, ratings) if comparison is not None else ()
    changes = those_that_matter(judged)
    return Loyalty(
        LoyaltyReport(
            label=dataset.label,
            shop=config.name or dataset.label,
            data="" if dataset.workspace is not None else dataset.label,
            significant=frozenset(each.metric for each in judged if each.matters and not each.slice),
            period=context.period,
            compared=context.compared,
            comparison=comparison_used,
            shortened_from=MONTHS_OF_A_YEAR if _is_shortened(context, request) else None,
            data_begin=ledger.begins,
            as_of=context.as_of,
            currency=ledger.currency,
            time_zone=ledger.time_zone,
            metrics=Metrics([*_unnamed(hidden.metrics, dimension, names=request.names), *of_goals]),
            days=None if comparison is None else comparison.days,
            data_end=context.data_end,
            silences=context.silences,
            warnings_scored=single.warnings_scored,
            spend_scored=None if scored is None else Period(scored.as_of, scored.until),
            missing=tuple(dict.fromkeys((*missing, *hidden.missing, *no_goals))),
            drivers=tuple(
                replace(each, drivers=shown_drivers(each.drivers, hidden, request.min_group_size)) for each in changes
            ),
            goals=goals,
            loyal=_listed(loyal.frame, tables, names=request.names),
            at_risk=_listed(calls if shows_calls else calls.clear(), tables, names=request.names),
            by=request.by,
            names=request.names,
            remarks=tuple(_remarks(context, single)),
            calendar=config.loyalty.calendar,
        ),
        whole,
        replace(single.known(lifecycle, loyal.frame), second_orders=second),
    )


def _context(
    tables: Mapping[str, pl.LazyFrame],
    dataset: Dataset,
    request: LoyaltyOptions,
    config: Config,
    dimension: Dimension | None,
) -> tuple[ReportContext, Comparison]:
    """Return what is measured, and how the compared period was chosen: as requested, or the nearest that is covered."""
    by = dimension.of_rows if dimension is not None else None
    needs = replace(EVERYTHING, by=by)
    reading = Reading(request.as_of, config.time_zone, needs, config.keeps_stray_dates)
    ledger = request.engine.joined(dataset, reading) or cached_ledger(
        tables,
        find_cache(dataset, enabled=request.cache),
        as_of=request.as_of,
        time_zone=config.time_zone,
        needs=needs,
        keep_stray_dates=config.keeps_stray_dates,
    )
    if ledger.currency == NO_CURRENCY:
        raise no_amounts("the metrics of a loyalty report")

    def of(months: int, comparison: Comparison) -> ReportContext:
        period = period_until(ledger.as_of, months)
        compared = compared_with(period, months, comparison)
        return ReportContext(tables, ledger, period, compared, config, dataset.workspace, request.seed)

    first = of(MONTHS_OF_A_YEAR if request.months is None else request.months, request.comparison)
    if request.months is not None or first.incomparable is None or first.incomparable[0] != NO_COMPARISON:
        return first, request.comparison
    if not first.covers(first.period):  # the report of a young shop is of all that it has sold
        return first, request.comparison
    comparisons: tuple[Comparison, ...] = (
        ("year-ago", "previous") if request.comparison == "year-ago" else ("previous",)
    )
    for comparison in comparisons:
        for months in SHORTER if comparison == request.comparison else (MONTHS_OF_A_YEAR, *SHORTER):
            found = of(months, comparison)
            if comparison == "previous":
                found = replace(found, compared=previous_days(found.period))
            if found.is_comparable:
                return found, comparison
    return first, request.comparison


def _is_shortened(context: ReportContext, request: LoyaltyOptions) -> bool:
    return request.months is None and context.period != period_until(context.as_of, MONTHS_OF_A_YEAR)


def _score_past(context: ReportContext, lifetime: Lifetime | Missing, *, keep: bool) -> ScoredSpend | None:
    """Return the accuracy of the saved spend forecast, and save the present one."""
    workspace = context.workspace
    if workspace is None:
        return None
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    store = Store(workspace.store_dir)
    if keep and workspace.writable and isinstance(lifetime, Lifetime):
        save_expected_spend(store, lifetime, context.as_of)
    return score_expected_spend(context, store)


@dataclass(frozen=True)
class _Single:
    """Estimates of single customers, computed once for all of them."""

    margin: Margin
    sample: FeatureSample
    lifetime: Lifetime | Missing
    growth_potential: GrowthPotential | Missing
    segments: Segments | None
    risk: Risk | Missing

    @classmethod
    def read(cls, whole: ReportContext, context: ReportContext, progress: Callable[[str], None]) -> _Single:
        progress("customer value and growth potential")
        margin, sample = read_margin(context), read_features(whole)
        growth_potential = read_growth_potential(context, sample)
        segments = read_segments(context)
        progress("churn")
        risk = read_risk(context, margin, segments)
        refused = isinstance(risk, Missing) and risk.reason == NO_FORECAST
        lifetime = Missing("growth_potential", NO_FORECAST) if refused else read_lifetime(context, margin)
        return cls(margin, sample, lifetime, growth_potential, segments, risk)

    @property
    def warnings_scored(self) -> Period | None:
        """Horizon of the scored run of warnings; None without one."""
        outcome = None if isinstance(self.risk, Missing) else self.risk.outcome
        return None if outcome is None else Period(outcome.as_of, outcome.as_of + timedelta(outcome.horizon))

    def sections(self, context: ReportContext) -> tuple[SectionMetrics, ...]:
        """Return the sections of all customers, or of a part of them."""
        return (
            growth_potential_metrics(context, self.growth_potential, self.margin),
            lifetime_metrics(context, self.lifetime),
            value_at_risk_metrics(context, self.risk),
        )

    def known(self, lifecycle: Lifecycle | None, loyal: pl.DataFrame) -> CustomerFacts:
        """Return all facts of single customers."""
        return CustomerFacts(
            self.sample, self.lifetime, self.growth_potential, self.segments, self.risk, lifecycle, loyal
        )


def _single_by_slice(context: ReportContext, dimension: Dimension, single: _Single) -> Iterator[Metric]:
    """Return the estimates by slice, if slices divide customers."""
    if dimension.table != CUSTOMERS:
        return
    for value, part in slice_contexts(context, dimension):
        for metrics, _ in single.sections(part):
            yield from (metric.within(dimension.column, value) for metric in metrics)


def _unnamed(metrics: Metrics, dimension: Dimension | None, *, names: bool) -> Iterator[Metric]:
    """Return the metrics with pseudonyms for slices of a column that may contain addresses (an account owner)."""
    for each in metrics:
        first = each.slice[0] if each.slice else None
        if names or dimension is None or first is None or first[0] != dimension.column:
            yield each
        else:
            yield replace(each, slice=((first[0], dimension.shown(first[1])), *each.slice[1:]))


def _listed(customers: pl.DataFrame, tables: Mapping[str, pl.LazyFrame], *, names: bool) -> pl.DataFrame:
    """Give a list as a report shows it: with names, else with a pseudonym for an id that is an address."""
    return _named(customers, tables) if names else customers.with_columns(shown_ids(customers["customer_id"]))


def _named(listed: pl.DataFrame, tables: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """Add the customers' names, where the data have them."""
    customers = tables.get("customers")
    if customers is None or "display_name" not in customers.collect_schema():
        return listed
    names = customers.select(pl.col("customer_id").cast(pl.String), "display_name").unique("customer_id", keep="any")
    return listed.lazy().join(names, on="customer_id", how="left", maintain_order="left").collect()


def _remarks(context: ReportContext, single: _Single) -> Iterator[str]:
    compared = f"{context.period}, compared with {context.compared}"
    yield basis(f"as of {context.as_of}: {compared}, in {context.ledger.currency}")
    yield from context.ledger.left_out.remarks
    if drop := recent_drop(context.ledger):
        yield doubt(drop.sentence)
    for part in (single.lifetime, single.growth_potential, single.risk):
        if not isinstance(part, Missing):
            yield from part.remarks
        elif part.detail:
            yield doubt(part.detail)
