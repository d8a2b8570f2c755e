"""A time zone that a file states is used for its timestamps, and a remark says if days are in another one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from ckm.io.mapping.planning import plan_conversion
from ckm.io.mapping.proposal import propose_mapping
from ckm.io.mapping.source_zones import name_without_zone, zone_in_name
from ckm.remark import Importance, importance_of
from tests.io.mapping.formats import format_of

SETTING = "time_zone in ckm.yaml"


def converted(column: str, times: list[Any], **options: Any) -> tuple[list[datetime], list[str]]:
    """Return the times of orders with this column of times, and the remarks on days in UTC."""
    at = range(len(times))
    ids = {"order_id": [f"A{n}" for n in at], "customer_id": ["C1" for _ in at], "net": ["1.50" for _ in at]}
    records = pl.DataFrame({**ids, column: times})
    mapping = propose_mapping(records.columns, "transactions").mapping
    options = {"zone_setting": SETTING, **options}
    conversion = plan_conversion(mapping, format_of(records), records, lambda: iter([records]), **options)
    said = [text for text in conversion.remarks if text.startswith("days are in UTC")]
    assert all(importance_of(text) is Importance.doubt for text in said)
    return conversion.apply(records).frame["ordered_at"].to_list(), said


@pytest.mark.parametrize(
    "pattern", ["2025-01-{:02} 10:00:00 +0700", "2025-01-{:02}T10:00:00+07:00", "{} Jan 2025 10:00 GMT+7"]
)
def test_an_offset_other_than_zero_is_named_with_the_setting_of_the_days(pattern: str) -> None:
    times, said = converted("created_at", [pattern.format(day) for day in range(1, 21)])
    assert times[0] == datetime(2025, 1, 1, 3, tzinfo=UTC)
    assert said == [f"days are in UTC, but the timestamps have the offset +07:00: set {SETTING}"]


def test_of_several_offsets_the_most_frequent_is_named() -> None:
    winter = [f"2025-01-{day:02} 10:00:00 +0100" for day in range(1, 6)]
    summer = [f"2025-07-{day:02} 10:00:00 +0200" for day in range(1, 16)]
    _, [text] = converted("created_at", winter + summer)
    assert "75% of the timestamps have the offset +02:00" in text


@pytest.mark.parametrize("suffix", ["Z", "+00:00", "", " UTC"])
def test_timestamps_in_utc_or_without_an_offset_need_no_remark(suffix: str) -> None:
    assert converted("created_at", [f"2025-01-{day:02}T10:00:00{suffix}" for day in range(1, 9)])[1] == []


def test_a_time_zone_that_is_set_needs_no_remark() -> None:
    times = [f"2025-01-{day:02} 10:00:00 +0700" for day in range(1, 9)]
    assert converted("created_at", times, default_zone="Asia/Bangkok")[1] == []
    assert converted("created_at", times, zone_setting=None)[1] == []


def test_the_zone_in_a_column_name_is_that_of_its_timestamps() -> None:
    times = [f"2025-01-{day:02} 10:00:00" for day in range(1, 9)]
    found, [text] = converted("Order date (Asia/Bangkok)", times)
    assert found[0] == datetime(2025, 1, 1, 3, tzinfo=UTC)
    assert text.endswith(f"the timestamps are in Asia/Bangkok: set {SETTING} to Asia/Bangkok")
    found, said = converted("Order date (UTC)", times, default_zone="Asia/Bangkok")
    assert found[0] == datetime(2025, 1, 1, 10, tzinfo=UTC)
    assert said == []
    _, [text] = converted("Order date (UTC+7)", times)
    assert text.endswith(f"the timestamps are in UTC+7: set {SETTING}")


def test_the_zone_of_a_typed_column_is_named() -> None:
    times = pl.Series([datetime(2025, 1, 1, 3, tzinfo=UTC)] * 3).dt.convert_time_zone("Asia/Bangkok")
    _, [text] = converted("created_at", times.to_list())
    assert "are in Asia/Bangkok" in text


@pytest.mark.parametrize(
    ("column", "zone", "name"),
    [
        ("Created (UTC+7)", "Etc/GMT-7", "Created"),
        ("Datum [MEZ]", "Europe/Berlin", "Datum"),
        ("created_at_utc", "UTC", "created_at"),
        ("Price (EUR)", None, "Price (EUR)"),
        ("Order date (local)", None, "Order date (local)"),
        ("Date (dd/mm)", None, "Date (dd/mm)"),
        ("UTC", None, "UTC"),
    ],
)
def test_only_a_time_zone_at_the_end_of_a_column_name_is_one(column: str, zone: str | None, name: str) -> None:
    assert (zone_in_name(column), name_without_zone(column)) == (zone, name)


def test_a_column_is_matched_without_its_zone_unless_another_has_that_name() -> None:
    columns = ["order_id", "customer_id", "net", "Order date (UTC)"]
    assert propose_mapping(columns, "transactions").mapping.columns["ordered_at"].source == "Order date (UTC)"
    both = propose_mapping([*columns, "Order date"], "transactions").mapping
    assert both.columns["ordered_at"].source == "Order date"
