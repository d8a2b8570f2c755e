"""Reasons are true: every number of every sentence equals a recount of the customer's own rows."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ckm._churn.churn_forecast import forecast
from ckm._churn.horizon import Horizon
from ckm._churn.warning_list import NO_REASON, ChurnListing, list_customers
from ckm.customers.history import read_history
from ckm.example import days
from ckm.settings import ChurnSettings
from tests._churn.recount import Recount
from tests._churn.shops import START, TRANSACTIONS, example_tables
from tests.conftest import coarse as _coarse  # noqa: F401 - a fixture

SHARED = Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[3] / "shared" / "data") / "transactions"


def judged(
    tables: dict[str, pl.LazyFrame], as_of: date, horizon: int, time_zone: str, model: str = "scorecard"
) -> tuple[ChurnListing, Recount]:
    """Return the reasons of all customers, and the recounted facts."""
    history = read_history(tables, as_of=as_of, time_zone=time_zone)
    found = forecast(history, Horizon(horizon, ""), model=model)
    listing = list_customers(found, tables, ChurnSettings(), lead_time=14, kb=None, all_customers=True)
    interactions = tables["interactions"].collect() if "interactions" in tables else None
    return listing, Recount(tables["transactions"].collect(), as_of, horizon, time_zone, interactions)


def mistakes(listing: ChurnListing, truth: Recount) -> list[str]:
    """Return every statement of the reasons, and of the columns beside them, that the recount contradicts."""
    wrong = []
    for row in listing.frame.iter_rows(named=True):
        mine = truth.now[row["customer_id"]]
        for reason in row["reasons"]:
            wrong += truth.mistakes(row["customer_id"], reason["code"], reason["text"])
        codes = [reason["code"] for reason in row["reasons"]]
        wrong += [f"not said first: {codes}"] if mine["purchase_days"] == 1 and not _once_is_first(row) else []
        wrong += [] if ("bought_once" in codes) == (mine["purchase_days"] == 1) else [f"bought once: {codes}"]
        wrong += [] if row["why"] == (row["reasons"][0]["text"] if codes else NO_REASON) else ["why"]
        beside = {
            "days_silent": "days_silent",
            "purchase_days": "purchase_days",
            "median_interpurchase_days": "median_interpurchase_days",
        }
        wrong += [
            f"{name} is {row[name]}, not {mine[fact]}"
            for name, fact in beside.items()
            if not _same(row[name], mine[fact])
        ]
        if not _same(row["last_order_value"], mine["last_day_value"], 0.011):
            wrong.append(f"last_order_value is {row['last_order_value']}, not {mine['last_day_value']}")
    return wrong


def _once_is_first(row: dict[str, object]) -> bool:
    reasons: list[dict[str, object]] = row["reasons"]  # type: ignore[assignment]
    signs = [reason["code"] for reason in reasons if not reason["cause"]]
    return bool(signs) and signs[0] == "bought_once"


def _same(shown: float | None, true: float | None, by: float = 0.051) -> bool:
    return shown is None if true is None else shown is not None and abs(shown - true) <= by


def said(listing: ChurnListing) -> set[str]:
    return set(listing.frame["reasons"].explode().struct.field("code").drop_nulls())


@pytest.mark.slow
def test_every_sentence_about_the_example_shop_is_true() -> None:
    listing, truth = judged(example_tables(), days.LAST_DATE, 90, "Europe/Berlin")
    assert mistakes(listing, truth) == []
    assert len(said(listing)) > 15
    assert {"bought_once", "silent", "late_delivery", "open_complaint", "longer_gap", "slow_rhythm"} <= said(listing)


def cdnow() -> tuple[dict[str, pl.LazyFrame], date]:
    path = SHARED / "CDNOW_sample.txt"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    fields = [line.split() for line in path.read_text("ascii").splitlines() if line.strip()]
    rows = pl.DataFrame([(f[1], f[2], float(f[4])) for f in fields], schema=["customer_id", "day", "net"], orient="row")
    day = pl.col("day").str.to_datetime("%Y%m%d", time_unit="us", time_zone="UTC")
    frame = rows.select("customer_id", "net", ordered_at=day, type=pl.lit("sale"), currency=pl.lit("USD"))
    return {"transactions": frame.lazy()}, date(1998, 1, 31)


def online_retail() -> tuple[dict[str, pl.LazyFrame], date]:
    """Return every third customer: enough for every reason that occurs in the whole file."""
    path = SHARED / "online_retail_2009_2010.parquet"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    rows = pl.scan_parquet(path).filter(pl.col("Customer ID") % 3 == 0)
    frame = rows.select(
        customer_id=pl.col("Customer ID").cast(pl.String),
        order_id="Invoice",
        product_id="StockCode",
        ordered_at=pl.col("InvoiceDate").str.to_datetime(time_unit="us", time_zone="UTC"),
        net=pl.col("Quantity") * pl.col("Price"),
        currency=pl.lit("GBP"),
    ).with_columns(type=pl.when(pl.col("net") < 0).then(pl.lit("return")).otherwise(pl.lit("sale")))
    return {"transactions": frame}, date(2010, 12, 9)


@pytest.mark.slow
@pytest.mark.parametrize("shop", [cdnow, online_retail])
def test_every_sentence_about_real_shops_is_true(shop: object) -> None:
    tables, as_of = shop()  # type: ignore[operator]
    listing, truth = judged(tables, as_of, 90, "UTC")
    assert mistakes(listing, truth) == []
    assert {"bought_once", "silent", "no_recent_purchase"} <= said(listing)


@pytest.mark.slow
def test_the_top_product_and_category_were_bought_on_most_days() -> None:
    tables, as_of = online_retail()
    listing, _ = judged(tables, as_of, 90, "UTC")
    rows = tables["transactions"].filter(pl.col("type") == "sale", pl.col("net") >= 0).collect()
    by_product = rows.group_by("customer_id", "product_id").agg(
        days=pl.col("ordered_at").dt.date().n_unique(), net=pl.col("net").sum()
    )
    most = by_product.with_columns(most=pl.col("days").max().over("customer_id")).filter(
        pl.col("days") == pl.col("most")
    )
    dearest = dict(most.group_by("customer_id").agg(pl.col("net").max().round(2)).iter_rows())
    net = {(who, product): round(value, 2) for who, product, _, value, _ in most.iter_rows()}
    for who, product in listing.frame.select("customer_id", "top_product").iter_rows():
        assert net[who, product] == pytest.approx(dearest[who], abs=0.011)


def orders(*gaps_of: tuple[str, list[int]]) -> dict[str, pl.LazyFrame]:
    """Return a shop whose customers order on given days, for 10 EUR each."""
    rows = [
        (who, START + timedelta(days=day, hours=12), 10.0, "sale", None, None, None, None, None, None, "EUR")
        for who, on in gaps_of
        for day in on
    ]
    return {"transactions": pl.LazyFrame(rows, schema=TRANSACTIONS, orient="row")}
