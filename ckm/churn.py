"""Churn warnings: the functions of ``ckm churn-warn``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import polars as pl

from ckm import __version__
from ckm._churn.card_builder import CardContext, card_of_backtest, card_of_labels
from ckm._churn.card_figures import CardData, ModelCard
from ckm._churn.churn_forecast import AUTO, Forecast, forecast
from ckm._churn.expected_gain import Assumptions, ProfitCurve, choose, order_is_of_value_at_risk, profit_curve
from ckm._churn.forecast_remarks import forecast_remarks
from ckm._churn.horizon import Horizon, parse_horizon, usual_horizon
from ckm._churn.saved_warnings import (
    WarningRun,
    closed_warnings,
    compare,
    last_warnings,
    same_day_warnings,
    warning_outcome,
    without_listed,
)
from ckm._churn.warning_levels import is_warning, level_remarks
from ckm._churn.warning_list import COLUMNS, best_first, list_customers, summarise, without_amounts
from ckm._segment.apply import apply_definition
from ckm._segment.library import Library
from ckm.customers.calendar import calendar_day
from ckm.customers.history import NEEDS, read_history
from ckm.customers.ledger_cache import find_cache
from ckm.dataset.source import dataset_of
from ckm.errors import UsageError
from ckm.partitions.engine import IN_MEMORY, Engine
from ckm.partitions.partitioned_ledger import Reading
from ckm.remark import assumption, doubt, warning
from ckm.result import Result
from ckm.schema import NO_CURRENCY
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from ckm._churn.label_scores import LabelledList
    from ckm._churn.saved_warnings import WarningChanges
    from ckm._churn.warning_list import ChurnListing
    from ckm.config import Config
    from ckm.customers.ledger import Ledger
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source
    from ckm.store import Store

MADE_WITH = ("numpy", "polars", "scikit-learn", "scipy")
"""Packages whose versions a model card lists."""
DEFAULT_SEGMENTS = "default"
"""Segment definition whose segments the warnings list."""


@dataclass(frozen=True)
class ChurnOptions:
    """Options of a churn warning run.

    Attributes
    ----------
    as_of
        As-of date; None means the newest usual day.
    horizon
        Days that the prediction looks ahead; None means the default by the customers' purchase intervals.
    model
        One of :data:`ckm._churn.churn_forecast.CHOICES`.
    backtest
        Run the backtest also where a model is named.
    lead_time
        Days that an action needs; None means the setting.
    budget
        Largest number of contacts; None means no limit.
    all_customers
        List all customers, not only those with a warning.
    new_only
        List only warnings that are new or worse since the previous run.
    repeat
        With ``new_only``: also list warnings that an earlier run of the same day listed.
    seed
        Random seed.
    keep
        Whether to save the warnings in the workspace.
    defer
        The caller saves the warnings, with ``run.save()`` of the result, after it has delivered the list: if it is
        interrupted before, the next run lists them again.
    wait
        Seconds to wait for another writer of the store; None means no limit.
    cache
        Whether to use and save the workspace's ledger; without it the transactions are read.
    engine
        Where the ledger is built.
    """

    as_of: date | None = None
    horizon: int | None = None
    model: str = AUTO
    backtest: bool = False
    lead_time: int | None = None
    budget: int | None = None
    all_customers: bool = False
    new_only: bool = False
    repeat: bool = False
    seed: int = 0
    keep: bool = True
    defer: bool = False
    wait: float | None = None
    cache: bool = True
    engine: Engine = IN_MEMORY


WITHOUT_AMOUNTS = (
    "the data have no amounts: the list is ordered by purchases at risk, without value at risk and expected gain"
)


@dataclass(frozen=True)
class ChurnWarnings(Result):
    """Customers with a churn warning, their reasons and recommended actions.

    Attributes
    ----------
    frame
        Listed customers, highest expected gain first; the columns of :data:`ckm._churn.warning_list.COLUMNS`.
    summary
        One row per level, for the customers in ``frame``; see :func:`ckm._churn.warning_list.summarise`.
    curve
        Expected gain by length of the list.
    forecast
        Model, horizon, churn probabilities and backtest.
    titles
        Titles of the knowledge entries that answer a reason, by id.
    value
        Measure of customer value: ``margin``, or ``revenue`` where no costs are known.
    levels
        Thresholds of the levels, as a sentence.
    assumptions
        Assumptions of the expected gain, as a sentence.
    remarks
        Notes for the reader, as sentences.
    run
        The warnings of all customers, for saving; None if they are not to be saved.
    """

    frame: pl.DataFrame
    summary: pl.DataFrame
    curve: ProfitCurve
    forecast: Forecast
    titles: Mapping[str, str]
    value: str
    levels: str
    assumptions: str
    remarks: tuple[str, ...]
    run: WarningRun | None = None

    @property
    def as_of(self) -> date:
        """As-of date; rows after it are not used."""
        return calendar_day(self.forecast.today.day)

    @property
    def warned(self) -> int:
        """Number of listed customers with a warning."""
        return self.frame.height - self.frame["level"].null_count()

    @property
    def currency(self) -> str:
        """Currency of every amount."""
        return self.forecast.history.ledger.currency

    @property
    def money_known(self) -> bool:
        """Whether the transactions have amounts; without them the profit curve has no meaning."""
        return self.currency != NO_CURRENCY


def churn(
    source: Source = None,
    *,
    as_of: date | None = None,
    horizon: int | str | None = None,
    model: str = AUTO,
    backtest: bool = False,
    lead_time: int | None = None,
    budget: int | None = None,
    all_customers: bool = False,
    new_only: bool = False,
    seed: int = 0,
    keep: bool = True,
    progress: Callable[[str], None] | None = None,
) -> ChurnWarnings:
    """Predict each customer's probability of no purchase within the horizon, with reasons and recommended actions.

    Parameters
    ----------
    source
        As for :func:`ckm.dataset.source.dataset_of`.
    as_of
        Last day that the analysis uses. Default: the newest usual day.
    horizon
        Days to look ahead, or a span such as ``90d``. Default: by the customers' purchase intervals.
    model
        ``auto``, or a model of :data:`ckm.models.churn.training.MODELS`.
    backtest
        Run the backtest also where a model is named.
    lead_time
        Days that an action needs. Default: the setting.
    budget
        Largest number of contacts. Default: no limit.
    all_customers
        List all customers, not only those with a warning.
    new_only
        List only warnings that are new or worse since the previous run, which may be of the same day.
    seed
        Random seed.
    keep
        Whether to save the warnings and the ledger in the workspace.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError, InputError, NotEnoughDataError
        As :func:`warn`.

    Examples
    --------
    >>> churn("orders.csv", horizon="90d").frame  # doctest: +SKIP
    """
    dataset = dataset_of(source, by_customer=True)
    request = ChurnOptions(
        as_of=as_of,
        horizon=parse_horizon(horizon) if isinstance(horizon, str) else horizon,
        model=model,
        backtest=backtest,
        lead_time=lead_time,
        budget=budget,
        all_customers=all_customers,
        new_only=new_only,
        seed=seed,
        keep=keep,
        cache=keep,
    )
    found = warn(dataset, request, dataset.config, progress=progress or (lambda _: None))
    return replace(found, remarks=(*dataset.remarks, *found.remarks))


def warn(
    dataset: Dataset, request: ChurnOptions, config: Config, *, progress: Callable[[str], None] = lambda _: None
) -> ChurnWarnings:
    """Predict each customer's probability of no purchase within the horizon, with reasons and recommended actions.

    Parameters
    ----------
    dataset
        A workspace or a file of transactions.
    request
        Options.
    config
        Settings.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError
        The options contradict each other or the data.
    InputError
        See :func:`ckm.customers.features.feature_table`.
    NotEnoughDataError
        Too little history; the message states the days available and needed.
    """
    settings = config.churn
    dataset = dataset.known_on(request.as_of)
    tables = {**dataset.tables, "transactions": dataset.transactions}
    store = _store(dataset, request.wait)
    if request.new_only and store is None:
        raise UsageError(
            "--new-only compares with the saved warnings of a workspace, and there is no workspace",
            hint="create one: ckm init DIR",
        )
    progress("reading")
    history = read_history(
        tables,
        as_of=request.as_of,
        time_zone=config.time_zone,
        cache=find_cache(dataset, enabled=request.cache, keep=request.keep),
        keep_stray_dates=config.keeps_stray_dates,
        everybody=request.engine.joined(
            dataset, Reading(request.as_of, config.time_zone, NEEDS, config.keeps_stray_dates)
        ),
    )
    horizon = usual_horizon(history) if request.horizon is None else _given_horizon(request.horizon)
    found = forecast(
        history, horizon, model=request.model, compare=request.backtest, seed=request.seed, progress=progress
    )
    lead_time = settings.lead_time if request.lead_time is None else request.lead_time
    progress("explaining")
    kb = dataset.workspace.kb_dir if dataset.workspace else None
    listing = list_customers(found, tables, settings, lead_time=lead_time, kb=kb, all_customers=request.all_customers)
    as_of = calendar_day(history.as_of)
    frame, segment_remarks = _with_segments(listing.frame, dataset, tables, as_of, history.everybody)
    earlier = last_warnings(store, horizon.days, as_of) if store else None
    changes = compare(frame, earlier, as_of=as_of, margin=settings.change_margin)
    remarks = [
        *forecast_remarks(found),
        *listing.remarks,
        *segment_remarks,
    ]
    listed, run = changes.frame, None
    if store is not None:
        run = WarningRun(store, changes.frame, as_of, horizon.days, {"model": found.model.name})
        listed, list_remarks = _listed(changes, run, request, settings.change_margin)
        run, save_remarks = _saved(run, dataset, request)
        remarks += [changes.sentence, *_past_outcome(store, found, as_of), *list_remarks, *save_remarks]
    chosen = _chosen(listed, request)
    assumptions = Assumptions.of(settings)
    money_known = history.ledger.currency != NO_CURRENCY
    remarks += [
        *level_remarks(changes.frame, chosen, listing.thresholds, lead_time=lead_time),
        *_list_remarks(changes.frame, chosen, request),
        *(_gain_remarks(chosen, listing, assumptions) if money_known else ()),
    ]
    table, summary = chosen.select(COLUMNS), summarise(chosen, history.ledger.currency)
    return ChurnWarnings(
        frame=table if money_known else without_amounts(table),
        summary=summary if money_known else without_amounts(summary),
        curve=profit_curve(_gains(chosen)),
        forecast=found,
        titles={name: entry.title() for name, entry in listing.answers.entries.items()},
        value=listing.value,
        levels=listing.thresholds.sentence,
        assumptions=assumptions.sentence(history.ledger.currency, listing.value) if money_known else WITHOUT_AMOUNTS,
        remarks=tuple(remarks),
        run=run,
    )


def model_card(result: ChurnWarnings) -> ModelCard:
    """Return the model card of a backtested run.

    Raises
    ------
    UsageError
        The run has no backtest.
    """
    found = result.forecast
    if found.backtest is None:
        raise UsageError("a model card needs a backtest", hint="use --backtest, or backtest=True")
    history, left = found.history, found.history.everybody.left_out
    reasons = {
        "with a stray date": left.rows_stray,
        "after the as-of date": left.rows_after_as_of,
        "of cancelled orders": left.rows_cancelled,
        "without a customer": left.rows_without_customer,
    }
    data = CardData(
        customers=len(found.today),
        rows_used=left.rows - sum(reasons.values()),
        left_out=tuple((why, rows) for why, rows in reasons.items() if rows),
        first_day=calendar_day(history.first_day),
        last_day=calendar_day(history.last_day),
    )
    return card_of_backtest(
        found.backtest,
        CardContext(data, (("offer", result.assumptions), ("levels", result.levels)), _versions()),
        as_of=result.as_of,
        horizon=found.horizon,
        features=tuple(found.today.features),
        model=found.model.name,
    )


def labelled_card(found: LabelledList, *, label: str, positive: str) -> ModelCard:
    """Return the model card of a labelled table."""
    labelled, blank = len(found.fit.ids), len(found.fit.blank.ids)
    data = CardData(customers=labelled + blank, rows_used=labelled, blank_labels=blank)
    context = CardContext(data, (), _versions())
    return card_of_labels(found.fit, context, label=label, positive=positive)


def _versions() -> tuple[tuple[str, str], ...]:
    return (("ckm", __version__), *((name, version(name)) for name in MADE_WITH))


def _given_horizon(days: int) -> Horizon:
    if days < 1:
        raise UsageError(f"invalid horizon: {days} days", hint="use at least 1")
    return Horizon(days, f"{days} days, as given")


def _store(dataset: Dataset, wait: float | None) -> Store | None:
    if dataset.workspace is None:
        return None
    from ckm.store import Store  # imports deltalake, which a single file does not need

    return Store(dataset.workspace.store_dir, wait=wait)


def _listed(
    changes: WarningChanges, run: WarningRun, request: ChurnOptions, margin: float
) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows to choose from: with ``new_only`` without those of an earlier run of the day; and a remark."""
    if not request.new_only:
        return changes.frame, []
    earlier = None if request.repeat else same_day_warnings(run.store, run.horizon, run.as_of)
    remarks = [f"warnings of an earlier run as of {run.as_of} are not listed again"] if earlier is not None else []
    return without_listed(changes.new, earlier, as_of=run.as_of, margin=margin), remarks


def _saved(run: WarningRun, dataset: Dataset, request: ChurnOptions) -> tuple[WarningRun | None, list[str]]:
    """Save a run unless the caller does; return None and a remark if it cannot be saved."""
    if not request.keep:
        return None, []
    if dataset.workspace is not None and not dataset.workspace.writable:
        return None, [warning("the workspace cannot be written: the warnings were not saved")]
    if not request.defer:
        run.save()
    return run, []


def _chosen(frame: pl.DataFrame, request: ChurnOptions) -> pl.DataFrame:
    """Return the rows to list, highest expected gain first."""
    if request.budget is not None:
        return choose(frame, request.budget)
    return best_first(frame if request.all_customers else frame.filter(pl.col("level").is_not_null()))


def _gains(frame: pl.DataFrame) -> pl.Series:
    """Return the expected gain of customers with a warning within the lead time."""
    return _contacts(frame)["expected_gain"]


def _contacts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(is_warning() & ~pl.col("past_lead_time"))


def _list_remarks(everybody: pl.DataFrame, chosen: pl.DataFrame, request: ChurnOptions) -> list[str]:
    """Return a remark on the share of warnings in a shortened list."""
    if request.budget is None and not request.new_only:
        return []
    warned = everybody.filter(pl.col("level").is_not_null()).height
    return [doubt(f"the list and all totals include {chosen.height:,} of {counted(warned, 'customer')} with a warning")]


def _gain_remarks(chosen: pl.DataFrame, listing: ChurnListing, assumptions: Assumptions) -> list[str]:
    """Return remarks on how the expected gain is computed."""
    remarks: list[str] = [listing.lost.sentence(listing.value)]
    if listing.value == "revenue":
        remarks.append(assumption("the data have no costs: value at risk and expected gain are revenue, not margin"))
    if order_is_of_value_at_risk(_contacts(chosen)):
        remarks.append(
            assumption(
                "every expected gain is positive and in the order of the value at risk: whether a contact pays depends "
                f"on the assumed offer success rate of {assumptions.offer_success_rate:.0%}, not on the data"
            )
        )
    return remarks


def _with_segments(
    frame: pl.DataFrame, dataset: Dataset, tables: Mapping[str, pl.LazyFrame], as_of: date, ledger: Ledger
) -> tuple[pl.DataFrame, list[str]]:
    """Add the segment by the workspace's definition; null without one, or where it does not match the data."""
    without = frame.with_columns(segment=pl.lit(None, pl.String))
    if dataset.workspace is None:
        return without, []
    try:
        saved = Library(dataset.workspace.root / "segments").find(DEFAULT_SEGMENTS)
        if saved is None:
            return without, []
        segments = apply_definition(saved, tables, as_of=as_of, ledger=ledger).kept.select("customer_id", "segment")
    except UsageError as error:
        # An invalid segment definition must not suppress the warnings.
        return without, [doubt(f"no segments: {error}")]
    remark = f"segments by definition '{saved.name}' version {saved.version}"
    return frame.join(segments, on="customer_id", how="left", maintain_order="left"), [remark]


def _past_outcome(store: Store, found: Forecast, as_of: date) -> list[str]:
    """Return precision, recall and lead time of the newest warnings whose horizon has passed."""
    horizon = found.horizon.days
    earlier = closed_warnings(store, horizon, as_of)
    if earlier is None:
        return []
    next_order = found.history.ledger.next_purchases(earlier.as_of)
    return [warning_outcome(earlier, next_order, horizon=horizon).sentence]
