"""Segment, revenue and value at risk of each customer, to join to the comments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.saved_warnings import newest_warnings
from ckm._churn.warning_segments import with_segments
from ckm.customers.features import features_of, needs_of
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.dataset import TRANSACTIONS
from ckm.remark import doubt
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from datetime import date

    from ckm.dataset import Dataset

COLUMNS = {
    "customer_id": pl.String(),
    "segment": pl.String(),
    "revenue": pl.Float64(),
    "value_at_risk": pl.Float64(),
}


@dataclass(frozen=True)
class CustomerValues:
    """Segment, revenue and value at risk of customers.

    Attributes
    ----------
    frame
        One row per customer with a purchase: customer_id, segment (by the default segment definition; null without a
        definition), revenue (net sales of the last 12 months), value_at_risk (of the newest saved churn warnings; null
        for customers without a warning).
    as_of
        As-of date of the transactions; None without transactions.
    currency
        Currency of the amounts; None without amounts.
    remarks
        Notes on the result, as sentences.
    """

    frame: pl.DataFrame
    as_of: date | None = None
    currency: str | None = None
    remarks: tuple[str, ...] = ()


def customer_values(dataset: Dataset, as_of: date | None) -> CustomerValues:
    """Return segment, revenue and value at risk of each customer with a purchase.

    Without transactions the result has no rows. ``revenue`` is null without amounts.

    Parameters
    ----------
    dataset
        The dataset. Segments and warnings are read from its workspace; without a workspace they are null.
    as_of
        As-of date; None means the newest day of the transactions that is not stray (:mod:`ckm.customers.usual_days`).

    Raises
    ------
    UsageError, InputError, NotEnoughDataError
        As for :func:`ckm.customers.ledger_reader.read_ledger`.
    """
    if TRANSACTIONS not in dataset.tables:
        return CustomerValues(
            pl.DataFrame(schema=COLUMNS), remarks=(doubt("no transactions: revenue and value at risk are unknown"),)
        )
    config = dataset.config
    dataset = dataset.known_on(as_of)
    ledger = cached_ledger(
        dataset.tables,
        find_cache(dataset),
        as_of=as_of,
        time_zone=config.time_zone,
        needs=needs_of("all", "net"),
        keep_stray_dates=config.keeps_stray_dates,
    )
    table = features_of(ledger, scope="all")
    day = table.as_of
    frame = table.frame.select(
        "customer_id",
        revenue=pl.lit(None, pl.Float64) if table.currency == NO_CURRENCY else pl.col("spend_12mo").cast(pl.Float64),
    )
    frame, remarks = with_segments(frame, dataset, dataset.tables, day, ledger)
    at_risk = _at_risk(dataset, day)
    if at_risk is None:
        frame = frame.with_columns(value_at_risk=pl.lit(None, pl.Float64))
        remarks = [*remarks, doubt(f"value at risk is unknown: ckm churn-warn has saved no run up to {day}")]
    else:
        frame = frame.join(at_risk, on="customer_id", how="left")
    currency = None if table.currency == NO_CURRENCY else table.currency
    return CustomerValues(frame.select(*COLUMNS), day, currency, tuple(remarks))


def _at_risk(dataset: Dataset, as_of: date) -> pl.DataFrame | None:
    """Return customer_id and value_at_risk of the newest saved warnings; None if no run is saved."""
    if dataset.workspace is None:
        return None
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    saved = newest_warnings(Store(dataset.workspace.store_dir), as_of)
    return None if saved is None else saved.frame.select("customer_id", pl.col("value_at_risk").cast(pl.Float64))
