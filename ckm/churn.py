"""Churn warnings: the functions of ``ckm churn-warn``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import polars as pl

from ckm._churn.card_of_model import card_of_backtest, card_of_labels, transaction_data
from ckm._churn.churn_forecast import AUTO, Forecast, forecast, forecast_default
from ckm._churn.expected_gain import Assumptions, ProfitCurve, by_gain, choose, profit_curve
from ckm._churn.forecast_remarks import forecast_remarks
from ckm._churn.horizon import Horizon, parse_horizon
from ckm._churn.list_remarks import gain_remarks, length_remarks
from ckm._churn.measured_offer import with_measured_offer
from ckm._churn.run_comparison import compare_runs
from ckm._churn.warning_levels import is_contact, level_remarks
from ckm._churn.warning_list import COLUMNS, list_customers, summarise, without_amounts
from ckm._churn.warning_segments import with_segments
from ckm.customers.calendar import calendar_day
from ckm.customers.history import NEEDS, read_history
from ckm.customers.ledger_cache import find_cache
from ckm.errors import UsageError
from ckm.partitions.engine import IN_MEMORY, Engine, EngineName
from ckm.partitions.partitioned_ledger import Reading
from ckm.remark import warning
from ckm.result import Result
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from ckm._churn.label_scores import LabelledList
    from ckm._churn.model_card import ModelCard
    from ckm._churn.saved_warnings import WarningRun
    from ckm.config import Config
    from ckm.customers.history import History
    from ckm.customers.ledger import Ledger
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source
    from ckm.settings import PrivacySettings
    from ckm.store import Store


@dataclass(frozen=True)
class ChurnOptions:
    """Options of a churn warning run.

    Attributes
    ----------
    as_of
        As-of date; None means the newest usual day.
    horizon
        Days that the prediction looks ahead; None means the longest default horizon that the data can test.
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
        Where the analysis runs.
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
    privacy
        Quasi-identifiers and minimum group size, for :meth:`save`.
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
    privacy: PrivacySettings | None = field(default=None, repr=False, compare=False)

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
    engine: EngineName = "polars",
    partitions: int | Literal["auto"] | None = None,
    master: str | None = None,
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
        Days to look ahead, or a span such as ``90d``. Default: by the purchase intervals, shorter if the data cannot
        test it (:func:`ckm._churn.churn_forecast.forecast_default`).
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
        As :func:`warn`.

    Examples
    --------
    >>> churn("orders.csv", horizon="90d").frame  # doctest: +SKIP
    """
    runs_on = Engine.of(engine, partitions, master)
    dataset = runs_on.dataset(source)
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
        engine=runs_on,
    )
    found = warn(dataset, request, dataset.config, progress=progress or (lambda _: None))
    return replace(found, remarks=(*dataset.remarks, *found.remarks))


def warn(
    dataset: Dataset,
    request: ChurnOptions,
    config: Config,
    *,
    progress: Callable[[str], None] = lambda _: None,
    ledger: Ledger | None = None,
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
    ledger
        Ledger of the transactions as of the day, if it was read already with :data:`ckm.customers.history.NEEDS`.

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
    _check(request, store)
    progress("reading")
    history = read_history(
        tables,
        as_of=request.as_of,
        time_zone=config.time_zone,
        cache=find_cache(dataset, enabled=request.cache, keep=request.keep),
        keep_stray_dates=config.keeps_stray_dates,
        full_ledger=ledger
        or request.engine.divided(dataset, Reading(request.as_of, config.time_zone, NEEDS, config.keeps_stray_dates)),
    )
    found = _forecast(history, request, progress)
    lead_time = settings.lead_time if request.lead_time is None else request.lead_time
    progress("explaining")
    kb = dataset.workspace.kb_dir if dataset.workspace else None
    as_of, currency = calendar_day(history.as_of), history.ledger.currency
    assumptions, offer_remarks = with_measured_offer(Assumptions.of(settings), dataset.workspace, as_of)
    listing = list_customers(
        found,
        tables,
        settings,
        lead_time=lead_time,
        kb=kb,
        all_customers=request.all_customers,
        assumptions=assumptions,
    )
    frame, segment_remarks = with_segments(listing.frame, dataset, tables, as_of, history.full_ledger)
    compared = compare_runs(
        frame, found, store, margin=settings.change_margin, new_only=request.new_only, repeat=request.repeat
    )
    run, save_remarks = _saved(compared.run, dataset, request)
    chosen = _chosen(compared.to_list, request)
    money_known = currency != NO_CURRENCY
    table, summary = chosen.select(COLUMNS), summarise(chosen, currency)
    shortened = request.budget is not None or request.new_only
    return ChurnWarnings(
        frame=table if money_known else without_amounts(table),
        summary=summary if money_known else without_amounts(summary),
        curve=profit_curve(chosen.filter(is_contact())["expected_gain"]),
        forecast=found,
        titles={name: entry.title() for name, entry in listing.answers.entries.items()},
        value=listing.value,
        levels=listing.thresholds.sentence,
        assumptions=assumptions.sentence(currency, listing.value) if money_known else WITHOUT_AMOUNTS,
        remarks=(
            *forecast_remarks(found),
            *listing.remarks,
            *offer_remarks,
            *segment_remarks,
            *compared.remarks,
            *save_remarks,
            *level_remarks(compared.customers, chosen, listing.thresholds, lead_time=lead_time),
            *(length_remarks(compared.customers, chosen) if shortened else ()),
            *(gain_remarks(chosen, listing, assumptions) if money_known else ()),
        ),
        run=run,
        privacy=config.privacy,
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
    return card_of_backtest(
        found.backtest,
        transaction_data(found.history, len(found.today)),
        as_of=result.as_of,
        horizon=found.horizon,
        features=tuple(found.today.features),
        model=found.model.name,
        assumptions=(("offer", result.assumptions), ("levels", result.levels)),
    )


def labelled_card(found: LabelledList, *, label: str, positive: str) -> ModelCard:
    """Return the model card of a labelled table.

    Parameters
    ----------
    found
        Result of :func:`ckm._churn.label_scores.score_table`.
    label, positive
        The column of the outcome, and its value for churned customers.
    """
    return card_of_labels(found.fit, label=label, positive=positive)


def _forecast(history: History, request: ChurnOptions, progress: Callable[[str], None]) -> Forecast:
    """Return the forecast with the user's horizon, which is never changed, or else with a default horizon."""
    model, compare, seed = request.model, request.backtest, request.seed
    if request.horizon is None:
        return forecast_default(history, model=model, compare=compare, seed=seed, progress=progress)
    horizon = Horizon(request.horizon, f"{request.horizon} days, as given")
    return forecast(history, horizon, model=model, compare=compare, seed=seed, progress=progress)


def _store(dataset: Dataset, wait: float | None) -> Store | None:
    if dataset.workspace is None:
        return None
    from ckm.store import Store  # imports deltalake, which a single file does not need

    return Store(dataset.workspace.store_dir, wait=wait)


def _check(request: ChurnOptions, store: Store | None) -> None:
    if request.horizon is not None and request.horizon < 1:
        raise UsageError(f"invalid horizon: {request.horizon} days", hint="use at least 1")
    if request.new_only and store is None:
        raise UsageError(
            "--new-only compares with the saved warnings of a workspace, and there is no workspace",
            hint="create one: ckm init DIR",
        )


def _saved(run: WarningRun | None, dataset: Dataset, request: ChurnOptions) -> tuple[WarningRun | None, list[str]]:
    """Save a run unless the caller does; return None and a remark if the run cannot be saved."""
    if run is None or not request.keep:
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
    return by_gain(frame if request.all_customers else frame.filter(pl.col("level").is_not_null()))
