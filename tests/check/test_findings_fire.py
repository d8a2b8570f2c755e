"""Each check finds the problem that it is for, with its severity, count, place and hint."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from ckm.check import CheckLimits, Severity
from ckm.schema import TABLES

from .conftest import Shop

ORDER = pl.col("order_id")
DAY = pl.col("ordered_at").dt.date()


def test_a_null_in_a_required_column_is_an_error(shop: Shop) -> None:
    finding = shop.change(where=ORDER.is_in(["O00001", "O00002"]), net=None).findings("completeness")[0]
    assert (finding.severity, finding.column, finding.count) == (Severity.error, "net", 2)
    assert finding.message == "required column 'net' is empty in 2 rows"


def test_all_empty_columns_are_one_finding(shop: Shop) -> None:
    [finding] = [each for each in shop.findings("completeness") if each.table == "transactions"]
    assert finding.severity is Severity.info
    assert finding.message.startswith("8 of 18 columns are empty: category, discount")


@pytest.mark.slow
def test_a_mostly_empty_column_is_an_info_above_its_limit(shop: Shop) -> None:
    shop.change(where=ORDER > "O00100", product_id=None)
    limits = CheckLimits(null_share=0.7)
    assert [each.column for each in shop.findings("completeness", limits=limits) if each.column] == ["product_id"]
    limits = CheckLimits(null_share=0.9)
    assert [each.column for each in shop.findings("completeness", limits=limits) if each.column] == []


def test_a_column_that_is_emptier_in_the_last_month_is_a_warning(shop: Shop) -> None:
    finding = shop.change(where=date(2024, 6, 10) <= DAY, product_id=None).finding("emptied")
    assert (finding.severity, finding.column, finding.part) == (Severity.warning, "product_id", "2024-06")


def test_a_column_that_was_always_half_empty_is_no_finding(shop: Shop) -> None:
    assert shop.change(where=ORDER.str.ends_with("1"), product_id=None).findings("emptied") == []


def test_a_column_that_is_filled_again_is_no_finding(shop: Shop) -> None:
    assert shop.change(where=DAY.dt.month() == 3, product_id=None).findings("emptied") == []


def test_a_broken_rule_is_an_error_named_as_in_the_quarantine(shop: Shop) -> None:
    shop.change(where=ORDER == "O00001", type="gift").change("interactions", where=pl.col("rating") > 0, rating=11.0)
    findings = shop.findings("contract")
    assert {(each.table, each.column, each.part, each.count) for each in findings} == {
        ("transactions", "type", "type|vocabulary", 1),
        ("interactions", None, "row|rating_within_scale", 60),
    }
    assert {each.severity for each in findings} == {Severity.error}


@pytest.mark.parametrize("table", ["transactions", "customers", "interactions"])
def test_a_key_that_occurs_twice_is_an_error(shop: Shop, table: str) -> None:
    shop.tables[table] = pl.concat([shop.tables[table], shop.tables[table].head(3)])
    [finding] = shop.findings("uniqueness")
    assert (finding.severity, finding.table, finding.count) == (Severity.error, table, 3)
    assert finding.column == "+".join(TABLES[table].key)


def test_a_row_with_an_incomplete_key_is_no_duplicate_key(shop: Shop) -> None:
    assert shop.change(order_id="one", line_no=None).findings("uniqueness") == []


@pytest.mark.slow
def test_rows_equal_in_all_but_lineage_are_duplicates(shop: Shop) -> None:
    frame = shop.change(line_no=None).tables["transactions"]
    parts = [(frame, "a.csv", 0), (frame.head(4), "b.csv", 1)]
    shop.tables["transactions"] = pl.concat(
        part.with_columns(
            source=pl.lit("till"), source_file=pl.lit(file), repeat_no=number, source_row=pl.int_range(pl.len())
        )
        for part, file, number in parts
    )
    finding = shop.finding("duplicates", duplicate_share=0.5)
    assert (finding.severity, finding.count) == (Severity.info, 4)
    assert shop.finding("duplicates", duplicate_share=0.001).severity is Severity.warning


def test_the_same_row_from_two_sources_is_no_duplicate(shop: Shop) -> None:
    frame = shop.change(line_no=None).tables["transactions"]
    shop.tables["transactions"] = pl.concat(frame.with_columns(source=pl.lit(name)) for name in ("till", "web"))
    assert shop.findings("duplicates") == []


def test_an_unknown_customer_id_is_found_in_every_table(shop: Shop) -> None:
    shop.change(where=ORDER.is_in(["O00001", "O00002"]), customer_id="X")
    shop.change("interactions", customer_id="X").change(
        "customers", where=pl.col("customer_id") == "C001", parent_id="X"
    )
    findings = {each.table: each for each in shop.findings("references")}
    assert {table: each.count for table, each in findings.items()} == {
        "transactions": 2,
        "interactions": 60,
        "customers": 1,
    }
    assert {each.severity for each in findings.values()} == {Severity.warning}
    assert {each.severity for each in shop.findings("references", limits=CheckLimits(unknown_customer_share=1))} == {
        Severity.info
    }
    assert "refer to 1 customer missing from the table customers" in findings["interactions"].message


def test_sales_without_a_customer_are_counted(shop: Shop) -> None:
    shop.change(where=pl.col("channel") == "till", customer_id=None)
    finding = shop.finding("no_customer")
    assert finding.severity is Severity.warning
    assert finding.value == pytest.approx(1 / 3)
    assert shop.finding("no_customer", no_customer_share=0.5).severity is Severity.info


@pytest.mark.parametrize(("type_", "net"), [("sale", -5.0), ("return", 5.0)])
def test_an_amount_on_the_wrong_side_of_zero_is_a_warning(shop: Shop, type_: str, net: float) -> None:
    finding = shop.change(where=ORDER == "O00001", type=type_, net=net).finding("signs")
    assert (finding.severity, finding.part, finding.count) == (Severity.warning, type_, 1)


def test_a_negative_return_is_no_finding(shop: Shop) -> None:
    assert shop.change(where=ORDER == "O00001", type="return", net=-5.0).findings("signs") == []


def test_a_second_currency_is_an_info(shop: Shop) -> None:
    finding = shop.change(where=ORDER == "O00001", currency="THB").finding("currencies")
    assert finding.severity is Severity.info
    assert finding.message == "2 currencies, in rows: EUR 464, THB 1"


@pytest.mark.slow
def test_a_lost_decimal_point_is_an_outlier(shop: Shop) -> None:
    finding = shop.change(where=ORDER == "O00001", net=1_500_000.0).finding("outliers")
    assert (finding.severity, finding.column, finding.part, finding.count) == (Severity.warning, "net", "EUR above", 1)
    assert finding.value == pytest.approx(100_000, rel=0.05)
    assert shop.finding("outliers", outlier_share=0.01).severity is Severity.info


def test_amounts_of_two_currencies_are_not_compared(shop: Shop) -> None:
    shop.change(where=ORDER < "O00100", currency="IDR").change(where=pl.col("currency") == "IDR", net=200_000.0)
    assert shop.findings("outliers") == []


def test_the_usual_spread_of_prices_is_no_outlier() -> None:
    shop = Shop()
    shop.tables["transactions"] = shop.tables["transactions"].with_columns(
        net=pl.int_range(pl.len()).cast(pl.Float64) + 1
    )
    assert shop.findings("outliers") == []


def test_a_missing_week_is_a_warning_that_names_it(shop: Shop) -> None:
    finding = shop.keep(~DAY.is_between(date(2024, 3, 4), date(2024, 3, 10))).finding("calendar")
    assert (finding.severity, finding.part, finding.count) == (Severity.warning, "2024-03-04/2024-03-09", 6)
    assert "no sales from 2024-03-04 to 2024-03-09" in finding.message


def test_a_gap_longer_than_the_rest_of_the_data_is_found(shop: Shop) -> None:
    shop.keep(~DAY.is_between(date(2024, 2, 5), date(2024, 6, 2)))
    assert shop.finding("calendar", min_weeks=4).count == 17 * 6


def test_single_days_without_sales_are_one_info(shop: Shop) -> None:
    finding = shop.keep(~DAY.is_in([date(2024, 5, 1), date(2024, 5, 9)])).finding("calendar")
    assert (finding.severity, finding.count) == (Severity.info, 2)
    assert finding.message == "2 days without sales that usually have some, the last on 2024-05-09"


def test_a_day_of_returns_only_is_a_day_without_sales(shop: Shop) -> None:
    assert shop.change(where=date(2024, 5, 1) == DAY, type="return", net=-1.0).finding("calendar").count == 1


def test_a_channel_without_recent_sales_is_a_warning(shop: Shop) -> None:
    shop.keep((pl.col("channel") != "web") | (date(2024, 6, 1) > DAY))
    finding = shop.finding("channels")
    assert (finding.severity, finding.part, finding.count) == (Severity.warning, "web", 24)
    assert "has no sales after 2024-05-31 until the end of the data" in finding.message


def test_a_channel_that_paused_is_a_warning_with_both_ends(shop: Shop) -> None:
    shop.keep((pl.col("channel") != "web") | ~DAY.is_between(date(2024, 4, 1), date(2024, 4, 20)))
    assert "has no sales after 2024-03-30 to 2024-04-22" in shop.finding("channels").message


def test_a_channel_that_always_sold_rarely_is_not_silent(shop: Shop) -> None:
    assert shop.keep((pl.col("channel") != "web") | (DAY.dt.weekday() == 2)).findings("channels") == []


def test_no_channel_is_silent_while_the_shop_is_closed(shop: Shop) -> None:
    assert shop.keep(~DAY.is_between(date(2024, 3, 4), date(2024, 4, 10))).findings("channels") == []


@pytest.mark.slow
def test_an_old_table_is_a_warning(shop: Shop) -> None:
    limits = CheckLimits(freshness={"transactions": 7, "interactions": 7})
    assert shop.findings("freshness", limits=limits) == []
    [finding] = shop.keep(date(2024, 6, 1) > DAY).findings("freshness", limits=limits)
    assert (finding.severity, finding.table, finding.count) == (Severity.warning, "transactions", 26)
    assert {each.table for each in shop.findings("freshness", limits=limits, as_of=date(2024, 9, 1))} == {
        "transactions",
        "interactions",
    }


def test_a_table_exactly_as_old_as_allowed_is_fresh(shop: Shop) -> None:
    limits = CheckLimits(freshness={"transactions": 2})
    assert shop.findings("freshness", limits=limits, as_of=date(2024, 6, 30)) == []
    assert len(shop.findings("freshness", limits=limits, as_of=date(2024, 7, 1))) == 1


@pytest.mark.slow
def test_rows_after_the_as_of_date_are_excluded_counted_and_reported_if_configured(shop: Shop) -> None:
    shop.change(where=ORDER == "O00001", ordered_at=datetime(2042, 1, 1, tzinfo=UTC))
    report = shop.check(as_of=date(2024, 6, 30))
    assert report.later == {"transactions": 1}
    assert "future" not in {each.check for each in report.findings}
    [finding] = shop.findings("future", as_of=date(2024, 6, 30), limits=CheckLimits(future="error"))
    assert (finding.severity, finding.count) == (Severity.error, 1)


def test_quarantined_rows_are_counted_by_table_and_reason(shop: Shop) -> None:
    refused = pl.LazyFrame(
        {
            "table": ["transactions", "transactions", "relationships"],
            "reasons": [["net|type", "order_id|nullability"], ["net|type"], ["row|both_ends"]],
        }
    )
    findings = {(each.table, each.part): each for each in shop.findings("quarantine", quarantine=refused)}
    assert {place: each.count for place, each in findings.items()} == {
        ("transactions", "net|type"): 2,
        ("transactions", "order_id|nullability"): 1,
        ("relationships", "row|both_ends"): 1,
    }
    assert findings["transactions", "net|type"].severity is Severity.info
    assert findings["relationships", "row|both_ends"].severity is Severity.warning
    assert shop.findings("quarantine") == []
