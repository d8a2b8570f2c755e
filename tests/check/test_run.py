"""Properties of all checks together (``check_tables``)."""

import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ckm.check import CHECKS, CheckLimits, Severity, check_tables
from ckm.check.checked_table import CheckedTable
from ckm.check.table_statistics import _NULLS, TableCounts
from ckm.errors import NotEnoughDataError

from .conftest import DAYS, FIRST, Shop, make_transactions

ONLINE_RETAIL = Path(os.environ.get("CKM_SHARED", "../shared/data")) / "transactions/online_retail_2009_2010.parquet"


def online_retail() -> pl.LazyFrame:
    if not ONLINE_RETAIL.exists():
        pytest.skip(f"{ONLINE_RETAIL} is absent (CKM_SHARED names the folder)")
    quantity, price = pl.col("Quantity"), pl.col("Price")
    return pl.scan_parquet(ONLINE_RETAIL).select(
        order_id="Invoice",
        line_no=pl.lit(None, pl.String),
        customer_id=pl.col("Customer ID").cast(pl.String),
        ordered_at=pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC"),
        product_id="StockCode",
        quantity=quantity.cast(pl.Float64),
        net=(quantity * price).round(2),
        currency=pl.lit("GBP"),
        channel=pl.col("Country"),
        type=pl.when(quantity < 0).then(pl.lit("return")).otherwise(pl.lit("sale")),
        source_file=pl.lit("online_retail_2009_2010.parquet"),
        source_row=pl.int_range(pl.len()),
        Description="Description",
    )


def test_a_clean_shop_has_nothing_worse_than_an_info(shop: Shop) -> None:
    report = shop.check()
    assert {finding.check for finding in report.findings} == {"completeness"}
    assert not report.reaches(Severity.warning)
    assert report.rows == {"customers": 40, "interactions": 60, "transactions": shop.tables["transactions"].height}


def test_every_check_runs_or_is_skipped_with_a_reason(shop: Shop) -> None:
    report = shop.check()
    assert {check for check, table in report.ran if table == "transactions"} | {
        skipped.check for skipped in report.skipped if skipped.table == "transactions"
    } == set(CHECKS)
    assert {skipped.check: skipped.reason for skipped in report.skipped if skipped.table == "transactions"} == {
        "controls": "no controls.csv",
        "future": "no --as-of",
        "quarantine": "no store",
        "retention": "no maximum age in ckm.yaml: privacy.retention",
        "partial_orders": "no store",
        "payments": "no source is declared in ckm.yaml: payments",
        "same_sales": "no column 'source'",
        "group_size": "no column is declared in ckm.yaml: privacy.quasi_identifiers",
        "linked_customers": "no table with the columns 'customer_id' and 'source'",
    }


@pytest.mark.slow
def test_the_highest_severity_comes_first_and_the_order_is_stable(shop: Shop) -> None:
    shop.change(where=pl.col("order_id") == "O00003", currency="euro")
    shop.change(where=pl.col("order_id") == "O00004", net=-1.0)
    shop.tables["transactions"] = pl.concat([shop.tables["transactions"], shop.tables["transactions"].head(1)])
    report = shop.check()
    ranks = [finding.severity.rank for finding in report.findings]
    assert ranks == sorted(ranks)
    assert [finding.check for finding in report.findings[:3]] == ["contract", "uniqueness", "signs"]
    shuffled = Shop()
    shuffled.tables = {
        name: shop.tables[name].sample(fraction=1, shuffle=True, seed=1) for name in reversed(shop.tables)
    }
    assert shuffled.check().findings == report.findings


@pytest.mark.slow
@pytest.mark.parametrize("cut", [60, 100, DAYS - 1])
def test_as_of_a_day_gives_the_findings_of_data_cut_at_that_day(shop: Shop, cut: int) -> None:
    day = FIRST + timedelta(days=cut)
    shop.change(where=pl.col("ordered_at").dt.date() == day - timedelta(days=20), net=-4.0)
    shop.keep((pl.col("channel") != "web") | (pl.col("ordered_at").dt.date() < FIRST + timedelta(days=50)))
    cut_shop = Shop()
    cut_shop.tables = dict(shop.tables)
    cut_shop.keep(pl.col("ordered_at").dt.date() <= day).keep(pl.col("at").dt.date() <= day, "interactions")
    limits = CheckLimits(freshness={"transactions": 1, "interactions": 1})
    whole, part = (each.check(as_of=day, limits=limits) for each in (shop, cut_shop))
    assert whole.findings == part.findings
    assert whole.rows == part.rows
    assert part.later == {}


def test_without_as_of_the_report_has_the_date_of_the_newest_transaction(shop: Shop) -> None:
    newest = shop.tables["transactions"]["ordered_at"].max()
    assert shop.check().as_of == newest.date()


def test_days_begin_at_midnight_of_the_shops_time_zone(shop: Shop) -> None:
    # 23:30 in UTC on Sunday is Monday in Berlin
    late = (
        shop.tables["transactions"]
        .head(1)
        .with_columns(
            pl.lit("late").alias("order_id"),
            pl.lit("2024-06-30 23:30").str.to_datetime(time_unit="us", time_zone="UTC").alias("ordered_at"),
        )
    )
    shop.tables["transactions"] = pl.concat([shop.tables["transactions"], late])
    assert shop.check().as_of == date(2024, 6, 30)
    assert shop.check(time_zone="Europe/Berlin").as_of == date(2024, 7, 1)


def test_a_check_can_be_switched_off(shop: Shop) -> None:
    shop.change(where=pl.col("order_id") == "O00004", net=-1.0)
    report = shop.check(limits=CheckLimits(skip=("signs",)))
    assert "signs" not in {finding.check for finding in report.findings}
    assert "signs" in {skipped.check for skipped in report.skipped}


def test_checking_without_tables_is_refused_as_not_enough_data() -> None:
    with pytest.raises(NotEnoughDataError, match="no table to check"):
        check_tables({})


def test_an_empty_table_is_a_warning_and_no_crash(shop: Shop) -> None:
    shop.keep(pl.lit(False)).keep(pl.lit(False), "customers").keep(pl.lit(False), "interactions")
    report = shop.check()
    assert [(finding.check, finding.severity, finding.table) for finding in report.findings] == [
        ("completeness", "warning", table) for table in ("customers", "interactions", "transactions")
    ]
    assert report.as_of is None


def test_a_table_without_a_schema_is_checked_for_completeness_and_duplicates() -> None:
    report = check_tables({"campaigns": pl.LazyFrame({"name": ["a", "a"], "cost": [1, 1]})})
    assert [(finding.check, finding.count) for finding in report.findings] == [("duplicates", 1)]


@pytest.mark.parametrize(
    "column", ["net", "type", "currency", "channel", "customer_id", "ordered_at", "quantity", "order_id"]
)
def test_a_column_that_is_missing_or_of_another_type_is_a_finding_and_no_crash(column: str) -> None:
    frame = make_transactions()
    required = column not in {"channel", "customer_id", "quantity"}
    missing = check_tables({"transactions": frame.drop(column).lazy()})
    assert missing.reaches(Severity.error) is required
    wrong = frame.with_columns(
        pl.lit(1).alias(column) if frame[column].dtype == pl.String else pl.lit("x").alias(column)
    )
    report = check_tables({"transactions": wrong.lazy()})
    assert f"{column}|type" in {finding.part for finding in report.findings if finding.severity is Severity.error}


def test_no_finding_contains_an_id_or_a_text_of_a_row(shop: Shop) -> None:
    secret = "Sombat-4711"
    shop.change(where=pl.col("order_id") == "O00003", customer_id=secret, product_id=secret, currency=secret.lower())
    shop.change("interactions", where=pl.col("interaction_id") == "I003", text=secret, scale=secret, kind=secret)
    shop.change("customers", where=pl.col("customer_id") == "C003", party_type=secret, parent_id=secret)
    report = shop.check()
    assert report.count(Severity.error) == 4
    said = " ".join(f"{finding.message} {finding.hint}" for finding in report.findings)
    assert secret.lower() not in said.lower()


@pytest.mark.slow
def test_online_retail_has_its_published_problems() -> None:
    report = check_tables({"transactions": online_retail()}, limits=CheckLimits(no_customer_share=0.3))
    found = {(finding.check, finding.part): finding for finding in report.findings}
    assert report.rows == {"transactions": 525_461}
    assert found["no_customer", None].count == 107_927
    assert found["duplicates", None].count == 6_865
    assert found["calendar", "2009-12-24/2010-01-03"].severity is Severity.warning
    assert found["signs", "sale"].count == 3  # the bad debts A506401, A516228 and A528059
    assert not report.reaches(Severity.error)


@pytest.mark.slow
def test_each_column_among_thousands_is_counted() -> None:
    frame = pl.DataFrame({f"x{place}": [1, None] for place in range(3000)}).lazy()
    months = pl.DataFrame({"month": [date(2025, 1, 1), None], "rows": [2, 1]})
    counts = months.with_columns(pl.lit(1).alias(f"{_NULLS}x{place}") for place in range(3000))
    subject = CheckedTable("wide", frame, frame, dict(frame.collect_schema()), None, None)
    measured = TableCounts(subject, counts, pl.DataFrame(), pl.DataFrame(), None, 0)
    assert all(measured.nulls_by_month(column).rows() == [(date(2025, 1, 1), 2, 1)] for column in subject.own_columns)
