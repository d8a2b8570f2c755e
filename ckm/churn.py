"""Warn of customers who are likely to churn; the functions behind ``ckm churn-warn``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import polars as pl

from ckm import __version__
from ckm.churning.card import CardData, ModelCard
from ckm.churning.card_of_models import CardContext, card_of_backtest, card_of_labels
from ckm.churning.contact import Assumptions, ProfitCurve, choose, order_is_of_value_at_risk, profit_curve
from ckm.churning.forecast import AUTO, Forecast, forecast
from ckm.churning.horizon import Horizon, parse_horizon, usual_horizon
from ckm.churning.keeping import compare, judge, keep, last_warnings, warnings_to_judge
from ckm.churning.levels import is_warning, level_remarks
from ckm.churning.listing import COLUMNS, best_first, list_customers, summarise, without_amounts
from ckm.churning.remarks import forecast_remarks
from ckm.customers.calendar import calendar_day
from ckm.customers.history import read_history
from ckm.customers.ledger_cache import find_cache
from ckm.dataset.given import dataset_of
from ckm.errors import UsageError
from ckm.result import Result
from ckm.schema import NO_CURRENCY
from ckm.segmentation.apply import apply_definition
from ckm.segmentation.library import Library
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from ckm.churning.labelled import LabelledList
    from ckm.churning.listing import ChurnListing
    from ckm.config import Config
    from ckm.customers.ledger import Ledger
    from ckm.dataset import Dataset
    from ckm.dataset.given import Source
    from ckm.store import Store

MADE_WITH = ("numpy", "polars", "scikit-learn", "scipy")
"""What a model card names the versions of."""
DEFAULT_SEGMENTS = "default"
"""The definition whose segments stand beside a warning."""


@dataclass(frozen=True)
class ChurnOptions:
    """What to warn of, and what to keep.

    Attributes
    ----------
    as_of
        The day; None means the newest usual day.
    horizon
        Days to look ahead; None means the horizon that suits the rhythm of the customers.
    model
        One of :data:`ckm.churning.forecast.CHOICES`.
    backtest
        Compare the models on the past also where one is named.
    lead_time
        Days that an action needs; None means the setting's.
    budget
        Contacts that can be made; None means no limit.
    all_customers
        List everybody, not only customers with a warning.
    new_only
        List only what is new or worse since the last run.
    seed
        Of everything random.
    keep
        Whether a workspace keeps the warnings.
    wait
        Seconds to wait for another writer of the store; null for as long as it takes.
    cache
        Whether to use, and keep, the workspace's ledger; without it the transactions are read.
    """

    as_of: date | None = None
    horizon: int | None = None
    model: str = AUTO
    backtest: bool = False
    lead_time: int | None = None
    budget: int | None = None
    all_customers: bool = False
    new_only: bool = False
    seed: int = 0
    keep: bool = True
    wait: float | None = None
    cache: bool = True


WITHOUT_AMOUNTS = (
    "no amounts are known: the list is in the order of the purchases at risk, and says nothing of value or gain"
)


@dataclass(frozen=True)
class ChurnWarnings(Result):
    """Customers who are likely to churn, why, and what to do.

    Attributes
    ----------
    frame
        The customers who were asked for, best first; the columns of :data:`ckm.churning.listing.COLUMNS`.
    summary
        One row per level, of the customers in ``frame``; see :func:`ckm.churning.listing.summarise`.
    curve
        What the first of them are expected to gain, by the length of the list.
    forecast
        Model, horizon, and how right the models were on the past.
    titles
        Title of each knowledge entry that answers something, by id.
    value
        What a customer is worth: ``margin``, or ``revenue`` where no costs are known.
    levels
        Where the levels begin, as a sentence.
    assumptions
        What the expected gain rests on, as a sentence.
    remarks
        What a reader should know, as sentences.
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

    @property
    def as_of(self) -> date:
        """The day the analysis stands on; it saw nothing after it."""
        return calendar_day(self.forecast.today.day)

    @property
    def warned(self) -> int:
        """Customers in the list with a warning: all of them, unless everybody is listed."""
        return self.frame.height - self.frame["level"].null_count()

    @property
    def currency(self) -> str:
        """Currency of every amount."""
        return self.forecast.history.ledger.currency

    @property
    def money_known(self) -> bool:
        """Whether the transactions have amounts; without them the curve is of purchases, and not to be shown."""
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
    """Say of every customer how likely they are to order nothing within the horizon, why, and what to do.

    Parameters
    ----------
    source
        As for :func:`ckm.dataset.given.dataset_of`.
    as_of
        The last day that counts. Default: the newest usual day.
    horizon
        Days to look ahead, or a span as ``90d``. Default: what suits the customers' purchase intervals.
    model
        ``auto``, or a model of :data:`ckm.models.churn.learn.MODELS`.
    backtest
        Compare the models on the past also where one is named.
    lead_time
        Days that an action needs. Default: the setting's.
    budget
        Contacts that can be made. Default: no limit.
    all_customers
        List everybody, not only customers with a warning.
    new_only
        List only what is new or worse since the last run.
    seed
        Of everything random.
    keep
        Whether a workspace keeps the warnings and the ledger.
    progress
        Is told each stage.

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
    found = warn(dataset, request, dataset.config, tell=progress or (lambda _: None))
    return replace(found, remarks=(*dataset.remarks, *found.remarks))


def warn(
    dataset: Dataset, request: ChurnOptions, config: Config, *, tell: Callable[[str], None] = lambda _: None
) -> ChurnWarnings:
    """Say of every customer how likely they are to order nothing within the horizon, why, and what to do.

    Parameters
    ----------
    dataset
        A workspace or a file of transactions.
    request
        What to warn of.
    config
        Settings.
    tell
        Is told what is being done.

    Raises
    ------
    UsageError
        The request contradicts itself or the data.
    InputError
        See :func:`ckm.customers.features.feature_table`.
    NotEnoughDataError
        Too little history; the message says what is there and what is needed.
    """
    settings = config.churn
    dataset = dataset.known_on(request.as_of)
    tables = {**dataset.tables, "transactions": dataset.transactions}
    store = _store(dataset, request.wait)
    if request.new_only and store is None:
        raise UsageError(
            "--new-only compares with warnings that a workspace has kept, and this is no workspace",
            hint="make one: ckm init DIR",
        )
    tell("reading")
    history = read_history(
        tables,
        as_of=request.as_of,
        time_zone=config.time_zone,
        cache=find_cache(dataset, enabled=request.cache, keep=request.keep),
        keep_stray_dates=config.keeps_stray_dates,
    )
    horizon = usual_horizon(history) if request.horizon is None else _asked(request.horizon)
    found = forecast(history, horizon, model=request.model, compare=request.backtest, seed=request.seed, tell=tell)
    lead_time = settings.lead_time if request.lead_time is None else request.lead_time
    tell("explaining")
    kb = dataset.workspace.kb_dir if dataset.workspace else None
    listing = list_customers(found, tables, settings, lead_time=lead_time, kb=kb, all_customers=request.all_customers)
    as_of = calendar_day(history.as_of)
    frame, segment_remarks = _with_segments(listing.frame, dataset, tables, as_of, history.everybody)
    earlier = last_warnings(store, horizon.days, as_of) if store else None
    compared = compare(frame, earlier, as_of=as_of, margin=settings.change_margin)
    remarks = [
        *forecast_remarks(found),
        *listing.remarks,
        *segment_remarks,
    ]
    if store is not None:
        remarks += [compared.sentence, *_turned_out(store, found, as_of)]
        if request.keep and dataset.workspace is not None and not dataset.workspace.writable:
            remarks.append("the workspace cannot be written: the warnings were not saved")
        elif request.keep:
            keep(store, compared.frame, as_of=as_of, horizon=horizon.days, facts={"model": found.model.name})
    chosen = _chosen(compared.new if request.new_only else compared.frame, request)
    assumptions = Assumptions.of(settings)
    money_known = history.ledger.currency != NO_CURRENCY
    remarks += [
        *level_remarks(compared.frame, chosen, listing.thresholds, lead_time=lead_time),
        *_shortened(compared.frame, chosen, request),
        *(_priced(chosen, listing, assumptions) if money_known else ()),
    ]
    listed, summary = chosen.select(COLUMNS), summarise(chosen, history.ledger.currency)
    return ChurnWarnings(
        frame=listed if money_known else without_amounts(listed),
        summary=summary if money_known else without_amounts(summary),
        curve=profit_curve(_gains(chosen)),
        forecast=found,
        titles={name: entry.title() for name, entry in listing.answers.entries.items()},
        value=listing.value,
        levels=listing.thresholds.sentence,
        assumptions=assumptions.sentence(history.ledger.currency, listing.value) if money_known else WITHOUT_AMOUNTS,
        remarks=tuple(remarks),
    )


def model_card(result: ChurnWarnings) -> ModelCard:
    """Return what is known of the model that warned: for a page, a mail, or numbers.

    Raises
    ------
    UsageError
        The models were not compared on the past.
    """
    found = result.forecast
    if found.backtest is None:
        raise UsageError("a model card needs a backtest", hint="ask for it: ChurnOptions(backtest=True), or --backtest")
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
    """Return what is known of the model that scored a table with a label."""
    labelled, blank = len(found.fit.ids), len(found.fit.blank.ids)
    data = CardData(customers=labelled + blank, rows_used=labelled, blank_labels=blank)
    context = CardContext(data, (), _versions())
    return card_of_labels(found.fit, context, label=label, positive=positive)


def _versions() -> tuple[tuple[str, str], ...]:
    return (("ckm", __version__), *((name, version(name)) for name in MADE_WITH))


def _asked(days: int) -> Horizon:
    if days < 1:
        raise UsageError(f"a horizon of {days} days is none", hint="name at least 1")
    return Horizon(days, f"{days} days, as asked for")


def _store(dataset: Dataset, wait: float | None) -> Store | None:
    if dataset.workspace is None:
        return None
    from ckm.store import Store  # deltalake, which a file has no use for

    return Store(dataset.workspace.store_dir, wait=wait)


def _chosen(frame: pl.DataFrame, request: ChurnOptions) -> pl.DataFrame:
    """Return the rows to list, best first."""
    if request.budget is not None:
        return choose(frame, request.budget)
    return best_first(frame if request.all_customers else frame.filter(pl.col("level").is_not_null()))


def _gains(frame: pl.DataFrame) -> pl.Series:
    """Return what contacts are expected to gain of all with a warning and can be contacted in time."""
    return _contacts(frame)["expected_gain"]


def _contacts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(is_warning() & ~pl.col("past_lead_time"))


def _shortened(everybody: pl.DataFrame, chosen: pl.DataFrame, request: ChurnOptions) -> list[str]:
    """Say of what a shortened list is a part."""
    if request.budget is None and not request.new_only:
        return []
    warned = everybody.filter(pl.col("level").is_not_null()).height
    return [f"the list, and all totals, are of {chosen.height:,} of {counted(warned, 'customer')} with a warning"]


def _priced(chosen: pl.DataFrame, listing: ChurnListing, assumptions: Assumptions) -> list[str]:
    """Return remarks on how the expected gain is computed."""
    remarks = [listing.lost.sentence(listing.value)]
    if listing.value == "revenue":
        remarks.append("no costs are known: values at risk and gains are revenue, not margin")
    if order_is_of_value_at_risk(_contacts(chosen)):
        remarks.append(
            "every expected gain is positive and in the order of the value at risk: whether a contact pays follows "
            f"from the assumed offer success rate of {assumptions.offer_success_rate:.0%}, not from data"
        )
    return remarks


def _with_segments(
    frame: pl.DataFrame, dataset: Dataset, tables: Mapping[str, pl.LazyFrame], as_of: date, ledger: Ledger
) -> tuple[pl.DataFrame, list[str]]:
    """Add the segment that the workspace's definition says; null without one, or where it does not fit the data."""
    without = frame.with_columns(segment=pl.lit(None, pl.String))
    if dataset.workspace is None:
        return without, []
    try:
        saved = Library(dataset.workspace.root / "segments").find(DEFAULT_SEGMENTS)
        if saved is None:
            return without, []
        segments = apply_definition(saved, tables, as_of=as_of, ledger=ledger).kept.select("customer_id", "segment")
    except UsageError as error:
        # What is wrong with the segments must not silence the warnings.
        return without, [f"no segments: {error}"]
    remark = f"segments by definition '{saved.name}' version {saved.version}"
    return frame.join(segments, on="customer_id", how="left", maintain_order="left"), [remark]


def _turned_out(store: Store, found: Forecast, as_of: date) -> list[str]:
    """Say how the newest warnings whose horizon has passed turned out."""
    horizon = found.horizon.days
    earlier = warnings_to_judge(store, horizon, as_of)
    if earlier is None:
        return []
    next_order = found.history.ledger.next_purchases(earlier.as_of)
    return [judge(earlier, next_order, horizon=horizon).sentence]
