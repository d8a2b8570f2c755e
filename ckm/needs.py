"""Needs of customers, and the next items of each customer; the functions behind ``ckm needs``.

>>> import ckm
>>> ckm.needs.needs("shop").frame       # doctest: +SKIP
>>> ckm.needs.next_items("shop").frame  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._needs.emerging import RECENT_WEEKS, Emerging, emerging
from ckm._needs.implied import FEWEST_PURCHASES, implied
from ckm._needs.need import Need, needs_table
from ckm._needs.searches import searches_without_hits
from ckm._needs.workarounds import workarounds
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.history import NEEDS
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import LEAST
from ckm.customers.required_tables import readable, require_transactions
from ckm.dataset import TRANSACTIONS
from ckm.dataset.source import dataset_of
from ckm.errors import NotEnoughDataError, UsageError
from ckm.forecast import COLUMN, default_item
from ckm.models.count_alarm import FEWEST_WEEKS
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.time_zones import end_of_day
from ckm.wording import counted, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from ckm.customers.ledger import Ledger
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source

    Progress = Callable[[str], None]

INTERACTIONS = "interactions"
FEWEST_REPEAT_CUSTOMERS = 20
"""Fewest customers with two purchase days from which next items are computed."""
LAST_ORDERS = 6
"""Number of newest purchase days in which the reason of an item counts purchases."""
MOST_SMALL = 5
"""Most names of small topics in a remark."""


@dataclass(frozen=True)
class Needs(Result):
    """Result of :func:`needs`: needs of customers with their numbers, tests and evidence.

    Attributes
    ----------
    frame
        One row per need, with the columns of :class:`ckm._needs.need.Need`: emerging topics, new topics (candidates),
        implied categories, and workarounds.
    summary
        One row per kind of need: ``kind``, ``needs`` (their number).
    as_of
        Last day of the data that were used.
    false_alarms_per_year
        Expected number of false alarms per year of emerging topics, for which the thresholds were set.
    simulated
        False alarms per year in a simulation independent of the one that set the thresholds; None if topics were not
        tested.
    remarks
        Notes on the result, as sentences.
    """

    frame: pl.DataFrame
    summary: pl.DataFrame
    as_of: date
    false_alarms_per_year: float
    simulated: float | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class NextItems(Result):
    """Result of :func:`next_items`: items that each customer will probably buy next.

    Attributes
    ----------
    frame
        One row per customer and rank: ``customer_id``, ``rank`` (from 1), ``item`` (product or category), ``score``
        (larger is likelier; comparable only between items of the same customer), ``reason``.
    summary
        One row with the numbers of ``customers``, distinct ``items`` and ``rows`` in ``frame``.
    as_of
        Last day of the purchases that were used.
    by
        Kind of the items: ``product`` or ``category``.
    remarks
        Notes on the result, as sentences.
    """

    frame: pl.DataFrame
    summary: pl.DataFrame
    as_of: date
    by: str
    remarks: tuple[str, ...] = ()


def needs(
    source: Source = None,
    *,
    as_of: date | None = None,
    false_alarms_per_year: float = 1.0,
    min_group_size: int = 5,
    seed: int = 0,
    progress: Progress = lambda stage: None,
) -> Needs:
    """Find needs of customers: topics with rising comments, categories bought after another one, and workarounds.

    Parameters
    ----------
    source
        A workspace, a file or a folder of transactions, a table, or a dataset. Topics need the table ``interactions``.
    as_of
        Last day of the data that are used; None means the newest day of the transactions that is not stray
        (:mod:`ckm.customers.usual_days`).
    false_alarms_per_year
        Expected number of false alarms of emerging topics per year, over all topics and segments.
    min_group_size
        Fewest customers of a need in the result; for searches without a hit, fewest searches.
    seed
        Random seed of the simulation that sets the thresholds of alarms.
    progress
        Called with the name of each stage.

    Raises
    ------
    NotEnoughDataError
        The data are too few to test topics and categories, and contain no returns, events or searches.
    UsageError
        ``false_alarms_per_year`` is not above zero.
    """
    if not false_alarms_per_year > 0:
        raise UsageError(f"{false_alarms_per_year:g} false alarms a year", hint="give a number above 0, such as 1")
    progress("reading")
    dataset = dataset_of(source, by_customer=True).known_on(as_of)
    ledger = _ledger(dataset, as_of)
    day = ledger.as_of
    progress("topics")
    rising = _emerging(dataset, day, false_alarms_per_year, min_group_size, seed)
    progress("categories")
    next_categories, tests = implied(ledger, min_group_size=min_group_size)
    progress("workarounds")
    around, looked_at = _workarounds(dataset, day, min_group_size)
    untested = list(_untested(rising, tests))
    if not looked_at and len(untested) == len(("emerging", "implied")):
        raise NotEnoughDataError(
            "nothing can be tested: " + "; ".join(untested),
            hint="load comments, categories and returns: ckm ingest FILE",
        )
    found = [*rising.needs, *next_categories, *around]
    frame = needs_table(found)
    return Needs(
        frame=frame,
        summary=frame.group_by("kind", maintain_order=True).agg(needs=pl.len()),
        as_of=day,
        false_alarms_per_year=false_alarms_per_year,
        simulated=None if rising.false_alarms is None else rising.false_alarms.simulated,
        remarks=(
            *dataset.remarks,
            basis(f"as of {day}: {counted(rising.weeks, 'week')} of comments, {counted(tests, 'pair')} of categories"),
            *_alarm_remarks(rising),
            *(doubt(f"not tested: {each}") for each in untested),
        ),
    )


def next_items(
    source: Source = None, *, as_of: date | None = None, most: int = 10, progress: Progress = lambda stage: None
) -> NextItems:
    """Rank the items that each customer will probably buy next: products, or categories if no line has a product.

    Parameters
    ----------
    source
        A workspace, a file or a folder of transactions, a table, or a dataset.
    as_of
        Last day of the purchases that are used; None means the newest day that is not stray
        (:mod:`ckm.customers.usual_days`).
    most
        Largest number of items per customer.
    progress
        Called with the name of each stage.

    Raises
    ------
    NotEnoughDataError
        Fewer than 20 customers have two purchase days, or no line has a product or category.
    UsageError
        ``most`` is below one.
    """
    from ckm.models.next_items import next_items as rank_items

    if most < 1:
        raise UsageError(f"{most} items per customer", hint="give a number from 1")
    progress("reading")
    dataset = dataset_of(source, by_customer=True).known_on(as_of)
    ledger = _ledger(dataset, as_of, baskets=False)
    transactions = require_transactions({TRANSACTIONS: dataset.transactions}, dataset.config.time_zone)
    by = default_item(transactions)
    baskets = _baskets(transactions, COLUMN[by], ledger.as_of, dataset.config.time_zone)
    if baskets.is_empty():
        raise NotEnoughDataError(f"no purchase line has a {by}", hint=f"map the column {COLUMN[by]}: ckm help mapping")
    repeat = baskets.filter(pl.col("orders") > 1)["customer_id"].n_unique()
    if repeat < FEWEST_REPEAT_CUSTOMERS:
        raise NotEnoughDataError(
            f"{counted(repeat, 'customer')} with two purchase days, {FEWEST_REPEAT_CUSTOMERS} are needed",
            hint="load earlier exports",
        )
    progress("ranking items")
    customers, items = (baskets[name].unique().sort() for name in ("customer_id", "item"))
    codes = baskets.select(
        pl.col("customer_id").cast(pl.Enum(customers)).to_physical().cast(pl.Int64),
        pl.col("basket"),
        pl.col("item").cast(pl.Enum(items)).to_physical().cast(pl.Int64),
    )
    who, basket, item = (codes[name].to_numpy() for name in ("customer_id", "basket", "item"))
    made = rank_items(who, basket, item, most)
    frame = _with_reasons(
        pl.DataFrame(
            {
                "customer_id": customers.gather(made.customers),
                "item": items.gather(made.items),
                "score": made.scores.round(4),
                "partner": items.gather(pl.Series(made.partners).replace(-1, None)),
                "partner_orders": made.partner_baskets,
                "shared_orders": made.shared_baskets,
            }
        ),
        baskets,
    )
    return NextItems(
        frame=frame,
        summary=frame.select(
            customers=pl.col("customer_id").n_unique(), items=pl.col("item").n_unique(), rows=pl.len()
        ),
        as_of=ledger.as_of,
        by=by,
        remarks=(
            *dataset.remarks,
            basis(f"purchases up to {ledger.as_of} by {by}; purchases of one day are one order"),
        ),
    )


def _ledger(dataset: Dataset, as_of: date | None, *, baskets: bool = True) -> Ledger:
    return cached_ledger(
        {**dataset.tables, TRANSACTIONS: dataset.transactions},
        find_cache(dataset),
        as_of=as_of,
        time_zone=dataset.config.time_zone,
        needs=NEEDS if baskets else LEAST,
        keep_stray_dates=dataset.config.keeps_stray_dates,
    )


def _emerging(dataset: Dataset, day: date, per_year: float, min_group_size: int, seed: int) -> Emerging:
    from ckm.feedback import comment_topics

    if INTERACTIONS not in dataset.tables:
        return Emerging()
    try:
        comments = comment_topics(dataset, as_of=day)
    except NotEnoughDataError:  # too few comments to learn topics
        return Emerging()
    return emerging(comments, day, per_year=per_year, min_group_size=min_group_size, seed=seed)


def _workarounds(dataset: Dataset, day: date, min_group_size: int) -> tuple[list[Need], bool]:
    """Return the workarounds, and whether the data contain any return, event or search."""
    zone = dataset.config.time_zone
    transactions = dataset.transactions
    found, returns = workarounds(
        {**dataset.tables, TRANSACTIONS: transactions},
        day,
        zone,
        column=COLUMN[default_item(transactions)],
        min_group_size=min_group_size,
    )
    if dataset.workspace is None:
        return found, returns
    from ckm._kb.search_log import FILE, read

    log = read(dataset.workspace.root / "out" / FILE)
    texts = dataset.config.kb.log_query_text
    found += searches_without_hits(log, end_of_day(day, zone), texts=texts, min_group_size=min_group_size)
    return found, returns or bool(log.searches)


def _untested(rising: Emerging, tests: int) -> Iterator[str]:
    if rising.false_alarms is None and rising.weeks >= FEWEST_WEEKS:
        yield "emerging topics, comments on two topics are needed to compare them, and all are on one"
    elif rising.false_alarms is None:
        yield f"emerging topics, {FEWEST_WEEKS} weeks of comments on topics are needed, there are {rising.weeks}"
    if not tests:
        yield f"implied categories, {FEWEST_PURCHASES} later purchases of customers of one and of others are needed"


def _alarm_remarks(rising: Emerging) -> Iterator[str]:
    if (rate := rising.false_alarms) is not None:
        yield (
            f"emerging: alarms of the last {RECENT_WEEKS} weeks; false alarms a year over topics and segments: "
            f"{rate.stated:g} stated, {rate.simulated:.2f} in a simulation with the data's dispersion of "
            f"{rate.dispersion:.2f}"
        )
    if rising.silent_weeks:
        yield doubt(
            f"the newest comment is {counted(rising.silent_weeks, 'week')} or more before the as-of date; a rise since "
            "then cannot be seen"
        )
    if rising.small:
        yield doubt(f"too small to notice a rise to three times the rate soon: {some(rising.small, MOST_SMALL)}")


def _baskets(transactions: pl.LazyFrame, column: str, as_of: date, time_zone: str) -> pl.DataFrame:
    """Return one row per customer, purchase day and item.

    The columns are customer_id, item, basket (number of the purchase day, 0 is the customer's oldest) and orders
    (purchase days of the customer).
    """
    if column not in transactions.collect_schema():
        return pl.DataFrame(
            schema={"customer_id": pl.String, "item": pl.String, "basket": pl.Int64, "orders": pl.Int64}
        )
    with readable():
        return (
            transactions.filter(
                is_purchase(),
                pl.col("customer_id").is_not_null(),
                pl.col(column).is_not_null(),
                pl.col("ordered_at") < end_of_day(as_of, time_zone),
            )
            .select(
                customer_id=pl.col("customer_id").cast(pl.String),
                item=pl.col(column).cast(pl.String),
                day=local_day("ordered_at", time_zone),
            )
            .unique()
            .collect(engine="streaming")
            .with_columns(
                basket=pl.col("day").rank("dense").over("customer_id").cast(pl.Int64) - 1,
                orders=pl.col("day").n_unique().over("customer_id").cast(pl.Int64),
            )
            .sort("customer_id", "basket", "item")
        )


def _with_reasons(ranked: pl.DataFrame, baskets: pl.DataFrame) -> pl.DataFrame:
    """Add rank (from 1 per customer) and reason to items that are sorted by customer and score.

    The reason is the larger summand of the score: the co-purchases with the partner, else the customer's own frequency.
    """
    own = baskets.group_by("customer_id", "item").agg(
        all=pl.len(), recent=(pl.col("basket") >= pl.col("orders") - LAST_ORDERS).sum()
    )
    orders = baskets.group_by("customer_id").agg(orders=pl.col("orders").first())
    last = pl.min_horizontal(pl.col("orders"), LAST_ORDERS)
    return (
        ranked.join(own, on=["customer_id", "item"], how="left", maintain_order="left")
        .join(orders, on="customer_id", how="left", maintain_order="left")
        .with_columns(
            reason=pl.when(pl.col("partner").is_not_null())
            .then(
                pl.format(
                    "bought in {} of all {} orders with {}, which the customer bought",
                    pl.col("shared_orders"),
                    pl.col("partner_orders"),
                    pl.col("partner"),
                )
            )
            .when(pl.col("orders") == 1)
            .then(pl.lit("bought in the only order"))
            .when(pl.col("recent") > 0)
            .then(pl.format("bought in {} of the last {} orders", pl.col("recent"), last))
            .otherwise(pl.format("bought in {} of {} orders", pl.col("all"), pl.col("orders"))),
            rank=pl.int_range(1, pl.len() + 1).over("customer_id"),
        )
        .select("customer_id", "rank", "item", "score", "reason")
    )
