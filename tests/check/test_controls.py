"""Reconciliation of monthly totals with the control totals of finance."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.check import CheckLimits, Finding, Severity, check_tables, read_controls
from ckm.errors import InputError
from tests.conftest import examples

from .conftest import Shop, make_transactions

HEADER = "month,currency,net\n"


def totals(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the control totals of ``frame``."""
    month = pl.col("ordered_at").dt.strftime("%Y-%m").alias("month")
    return frame.group_by(month, "currency").agg(pl.col("net").sum().round(2), rows=pl.len()).sort("month", "currency")


def controls(tmp_path: Path, text: str) -> pl.DataFrame:
    path = tmp_path / "controls.csv"
    path.write_text(text, encoding="utf-8")
    return read_controls(path)


def found(frame: pl.DataFrame, wanted: pl.DataFrame, **options: object) -> list[Finding]:
    report = check_tables({"transactions": frame.lazy()}, controls=wanted, **options)
    return [finding for finding in report.findings if finding.check == "controls"]


def test_equal_totals_give_no_finding(shop: Shop, tmp_path: Path) -> None:
    frame = shop.tables["transactions"]
    assert found(frame, controls(tmp_path, totals(frame).write_csv())) == []


@pytest.mark.slow
@settings(max_examples=examples(30))
@given(
    cents=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40),
    data=st.data(),
)
def test_any_changed_cent_is_found(cents: list[int], data: st.DataObject) -> None:
    months = data.draw(st.lists(st.integers(1, 12), min_size=len(cents), max_size=len(cents)))
    frame = pl.DataFrame(
        {
            "ordered_at": [datetime(2025, month, 15, tzinfo=UTC) for month in months],
            "net": [cent / 100 for cent in cents],
            "currency": "EUR",
        }
    )
    by_month = pl.DataFrame({"month": [date(2025, month, 1) for month in months], "cents": cents})
    expected = by_month.group_by("month").agg(pl.col("cents").sum()).sort("month")
    wanted = expected.select(
        "month",
        table=pl.lit("transactions"),
        source=pl.lit(None, pl.String),
        currency=pl.lit("EUR"),
        net=pl.col("cents") / 100,
        rows=pl.lit(None, pl.Int64),
    )
    assert found(frame, wanted) == []
    wrong = data.draw(st.integers(0, wanted.height - 1))
    by = data.draw(st.integers(-(10**6), 10**6).filter(bool))
    changed = wanted.with_columns(
        pl.when(pl.int_range(pl.len()) == wrong).then(pl.col("net") - by / 100).otherwise("net").alias("net")
    )
    [finding] = found(frame, changed)
    assert finding.part == f"{wanted['month'][wrong]:%Y-%m} EUR"
    assert finding.value == pytest.approx(by / 100)
    assert finding.severity is Severity.error


def test_a_mismatch_names_month_currency_both_amounts_and_the_difference(shop: Shop, tmp_path: Path) -> None:
    frame = shop.tables["transactions"]
    text = totals(frame).with_columns(
        net=pl.when(pl.col("month") == "2024-03").then(pl.col("net") + 129.9).otherwise("net")
    )
    [finding] = found(frame, controls(tmp_path, text.write_csv()))
    has = totals(frame).filter(month="2024-03")["net"].item()
    assert finding.message == (f"2024-03 EUR: net is {has:,.2f}, finance has {has + 129.9:,.2f}: difference -129.90")


def test_rows_are_compared_too(shop: Shop, tmp_path: Path) -> None:
    text = totals(shop.tables["transactions"]).with_columns(
        rows=pl.when(pl.col("month") == "2024-03").then(1).otherwise("rows")
    )
    [finding] = found(shop.tables["transactions"], controls(tmp_path, text.write_csv()))
    assert (finding.column, finding.part, finding.value) == ("rows", "2024-03 EUR", 77.0)


def test_a_control_total_of_a_month_without_rows_is_an_error(shop: Shop, tmp_path: Path) -> None:
    frame = shop.tables["transactions"]
    [finding] = found(
        frame.filter(pl.col("ordered_at").dt.month() != 4), controls(tmp_path, totals(frame).drop("rows").write_csv())
    )
    assert (finding.severity, finding.part, finding.count) == (Severity.error, "2024-04 EUR", 0)


def test_a_month_without_a_control_total_is_a_warning_between_others_and_an_info_after_them(
    shop: Shop, tmp_path: Path
) -> None:
    frame = shop.tables["transactions"]
    text = totals(frame).filter(~pl.col("month").is_in(["2024-03", "2024-06"]))
    findings = found(frame, controls(tmp_path, text.write_csv()))
    assert [(each.severity, each.part) for each in findings] == [
        (Severity.warning, "2024-03/2024-03 EUR"),
        (Severity.info, "2024-06/2024-06 EUR"),
    ]


def test_the_incomplete_month_is_a_warning_and_later_control_totals_are_ignored(shop: Shop, tmp_path: Path) -> None:
    frame = shop.tables["transactions"]
    wanted = controls(tmp_path, totals(frame).drop("rows").write_csv())
    [finding] = found(frame, wanted, as_of=date(2024, 4, 10))
    assert (finding.severity, finding.part) == (Severity.warning, "2024-04 EUR")


def test_cancelled_orders_are_not_in_the_totals_and_the_hint_says_if_finance_counts_them(
    shop: Shop, tmp_path: Path
) -> None:
    wanted = controls(tmp_path, totals(shop.tables["transactions"]).write_csv())
    frame = shop.change(where=pl.col("order_id") == "O00001", type="cancel").tables["transactions"]
    [finding] = found(frame, wanted)
    assert finding.message.endswith("; 80 rows, finance has 81: difference -1")
    assert "check.control_types" in finding.hint
    assert found(frame, wanted, limits=CheckLimits(control_types=("sale", "return", "cancel"))) == []


def test_a_control_total_can_be_of_one_source(shop: Shop, tmp_path: Path) -> None:
    frame = shop.tables["transactions"].with_columns(source="channel")
    by_source = frame.group_by("source", month=pl.col("ordered_at").dt.strftime("%Y-%m")).agg(
        pl.col("net").sum().round(2)
    )
    text = by_source.with_columns(
        currency=pl.lit("EUR"),
        net=pl.when((pl.col("source") == "web") & (pl.col("month") == "2024-02")).then(0.0).otherwise("net"),
    )
    [finding] = found(frame, controls(tmp_path, text.write_csv()))
    assert finding.part == "2024-02 EUR web"


def test_a_control_total_can_be_of_any_table_even_a_missing_one(shop: Shop, tmp_path: Path) -> None:
    text = "month,table,currency,net,rows\n2024-01,interactions,,,11\n2024-02,interactions,,,8\n2024-01,consents,,,5\n"
    findings = shop.findings("controls", controls=controls(tmp_path, text))
    assert {(each.table, each.part, each.severity) for each in findings} == {
        ("interactions", "2024-02", Severity.error),
        ("interactions", "2024-03/2024-06", Severity.info),
        ("consents", "2024-01", Severity.error),
    }


def test_months_are_in_the_time_zone_of_the_shop(tmp_path: Path) -> None:
    frame = (
        make_transactions()
        .head(1)
        .with_columns(ordered_at=pl.datetime(2024, 1, 31, 23, 30, time_zone="UTC", time_unit="us"))
    )
    wanted = controls(tmp_path, HEADER + "2024-02,EUR,10.00\n")
    assert found(frame, wanted, time_zone="Europe/Berlin") == []
    assert [(each.severity, each.part) for each in found(frame, wanted)] == [
        (Severity.error, "2024-02 EUR"),
        (Severity.info, "2024-01/2024-01 EUR"),
    ]


def test_semicolons_a_byte_order_mark_and_blank_lines_are_read(tmp_path: Path) -> None:
    wanted = controls(tmp_path, "﻿Month;Currency;Net\n2024-01;EUR;1234.5\n\n;;\n2024-02;EUR;-3\n")
    assert wanted.select("month", "table", "net").rows() == [
        (date(2024, 1, 1), "transactions", 1234.5),
        (date(2024, 2, 1), "transactions", -3.0),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "no column 'month'"),
        ("month,net\n2024-01,5\n", 1, "no column 'currency'"),
        ("month,currency,net,nett\n", 1, "column 4 is unknown"),
        ("month,currency,net,net\n", 1, "duplicate column"),
        (HEADER + "2024-01,EUR,5\n2024-13,EUR,5\n", 3, "month is not YYYY-MM"),
        (HEADER + "01/2024,EUR,5\n", 2, "month is not YYYY-MM"),
        (HEADER + "2024-01,EUR,1.234.56\n", 2, "net is not a number"),
        (HEADER + "2024-01,EUR,nan\n", 2, "net is not a number"),
        (HEADER + '2024-01,EUR,"1234,56"\n', 2, "net is not a number"),
        (HEADER + "2024-01,euro,5\n", 2, "currency is not three capital letters"),
        (HEADER + "2024-01,,5\n", 2, "currency is empty"),
        (HEADER + "2024-01,EUR,\n", 2, "net is empty"),
        (HEADER + "2024-01,EUR\n", 2, "2 fields, the header has 3"),
        (HEADER + "2024-01,EUR,5\n2024-02,EUR,5\n2024-01,EUR,6\n", 4, "duplicate of the total in line 2"),
        ("month,currency,net,rows\n2024-01,EUR,5,-1\n", 2, "rows is not a whole number"),
        (HEADER + '2024-01,EUR,"5\n', 2, "unexpected end of data"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        controls(tmp_path, text)
    assert f"controls.csv:{line}: {message}" in str(caught.value)
    assert caught.value.details["line"] == line


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "controls.csv"
    path.write_bytes(HEADER.encode() + b"2024-01,EUR,5 \x80\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_controls(path)
