"""Streaming a Parquet file gives the same rows, counts and errors as reading its records into memory."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm.dataset import Dataset, open_dataset
from ckm.errors import InputError
from tests.conftest import examples

SCHEMA = {
    "order_id": pl.String,
    "line_no": pl.Int64,
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("ms"),
    "quantity": pl.Float64,
    "net": pl.Float64,
    "discount": pl.Float32,
    "currency": pl.String,
    "type": pl.String,
    "delivered_on": pl.Date,
    "remark": pl.String,
}
NOON = datetime(2025, 1, 5, 12)
GOOD: dict[str, Any] = {
    "order_id": "A1",
    "line_no": 1,
    "customer_id": "c1",
    "ordered_at": NOON,
    "quantity": 2.0,
    "net": 10.5,
    "discount": 0.5,
    "currency": "EUR",
    "type": "sale",
    "delivered_on": date(2025, 1, 7),
    "remark": "none",
}
ODD: dict[str, list[Any]] = {
    "order_id": [" A1 ", "", "  ", "\u3000", None],
    "line_no": [None],
    "customer_id": [" c1\t", "", "\u00a0", "王", None],
    "ordered_at": [datetime(1899, 12, 31), datetime(9999, 12, 31), datetime(1900, 1, 1), datetime(2199, 12, 31), None],
    "quantity": [float("nan"), float("inf"), None, -1.0],
    "net": [float("nan"), float("inf"), float("-inf"), None, -10.5, 0.0],
    "discount": [float("nan"), float("inf"), None],
    "currency": ["eur", "€", " USD ", "EURO", "", None],
    "type": ["Subscription", "storno", "lost", "", None],
    "delivered_on": [date(1899, 12, 31), date(2200, 1, 1), None],
}
FEW = 60


def write(path: Path, frame: pl.DataFrame, **options: Any) -> Path:
    pq.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), path, **options)
    return path


def frame(*changes: dict[str, Any]) -> pl.DataFrame:
    """Return enough rows that the changed ones stay below the largest share of rejects."""
    rows = [GOOD | change for change in changes] + [GOOD] * (FEW * len(changes))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def in_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    with monkeypatch.context() as patch:
        patch.setattr("ckm.dataset.parquet_rows.scan_valid_rows", lambda *_: None)
        return open_dataset(path)


def is_streamed(found: Dataset) -> bool:
    return "Parquet SCAN" in found.transactions.explain()


def assert_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    streamed, read = open_dataset(path), in_memory(path, monkeypatch)
    assert is_streamed(streamed)
    assert not is_streamed(read)
    assert streamed.remarks == read.remarks
    assert_frame_equal(streamed.transactions.collect(), read.transactions.collect())
    return streamed


@pytest.mark.slow
@pytest.mark.parametrize(("column", "value"), [(column, value) for column, values in ODD.items() for value in values])
@pytest.mark.parametrize("statistics", [True, False])
def test_an_odd_value_is_accepted_or_rejected_as_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, value: Any, statistics: bool
) -> None:
    path = write(tmp_path / "a.parquet", frame({column: value}), write_statistics=statistics)
    assert_alike(path, monkeypatch)


odd_rows = st.lists(
    st.fixed_dictionaries({}, optional={column: st.sampled_from(values) for column, values in ODD.items()}), max_size=4
)


@pytest.mark.slow
@settings(max_examples=examples(15))
@given(odd_rows, st.booleans(), st.sampled_from([None, 7]))
def test_any_mixture_of_odd_values_is_rejected_as_in_memory(
    tmp_path_factory: pytest.TempPathFactory, changes: list[dict[str, Any]], statistics: bool, group: int | None
) -> None:
    path = tmp_path_factory.mktemp("odd") / "a.parquet"
    write(path, frame({}, *changes), write_statistics=statistics, row_group_size=group)
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert_alike(path, monkeypatch)


@pytest.mark.parametrize(
    "drop", [["type"], ["currency"], ["type", "currency", "customer_id"], ["quantity", "discount", "delivered_on"]]
)
def test_missing_columns_are_assumed_as_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drop: list[str]
) -> None:
    path = write(tmp_path / "a.parquet", frame({"net": -1.0}, {"net": float("nan")}).drop(drop))
    assert_alike(path, monkeypatch)


def test_net_is_computed_from_quantity_and_price_as_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = frame({"quantity": None}, {"quantity": float("inf")}, {"quantity": -2.0}).drop("net", "type")
    path = write(tmp_path / "a.parquet", odd.with_columns(unit_price=pl.lit(3.5)))
    found = assert_alike(path, monkeypatch).transactions.collect()
    assert sorted(found["net"].unique()) == [-7.0, 7.0]


@pytest.mark.parametrize(
    "types",
    [
        {"customer_id": pl.Int64, "order_id": pl.UInt32, "line_no": pl.Float64},
        {"net": pl.Decimal(18, 2), "quantity": pl.Int32},
        {"ordered_at": pl.Datetime("us", "Europe/Berlin")},
        {"ordered_at": pl.Datetime("ns")},
        {"ordered_at": pl.Date, "delivered_on": pl.Datetime("us")},
        {"currency": pl.Categorical, "customer_id": pl.Categorical},
    ],
)
def test_columns_may_have_any_type_that_converts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, types: dict[str, Any]
) -> None:
    numbers = pl.Series(range(1, FEW + 2)).cast(pl.String)
    data = frame({}).with_columns(order_id=numbers, customer_id=numbers).cast(types)
    path = tmp_path / "a.parquet"
    data.write_parquet(path)
    assert_alike(path, monkeypatch)


@pytest.mark.slow
def test_csv_texts_in_parquet_and_typed_parquet_give_the_same_rows(tmp_path: Path) -> None:
    data = frame({"net": None}, {"type": "Return", "net": -10.5}, {"order_id": ""}, {"currency": "eur"}).drop("remark")
    data.write_csv(tmp_path / "a.csv")
    write(tmp_path / "text.parquet", pl.read_csv(tmp_path / "a.csv", infer_schema=False))
    write(tmp_path / "typed.parquet", data)
    found = [open_dataset(tmp_path / name) for name in ("a.csv", "text.parquet", "typed.parquet")]
    assert [is_streamed(each) for each in found] == [False, False, True]
    remarks = [
        [re.sub(r"^[a-z]+\.[a-z]+: ", "", text) for text in each.remarks if "excluded" in text] for each in found
    ]
    assert remarks == [["2 of 244 records failed validation and were excluded"]] * 3
    first, *others = (each.transactions.collect() for each in found)
    for other in others:
        assert_frame_equal(other, first)


def test_too_many_invalid_rows_refuse_the_file_with_the_same_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pl.DataFrame([GOOD | {"net": float("nan")}] * 3 + [GOOD] * 7, schema=SCHEMA, orient="row")
    path = write(tmp_path / "a.parquet", data)
    errors = []
    for attempt in (lambda: open_dataset(path), lambda: in_memory(path, monkeypatch)):
        with pytest.raises(InputError, match="3 of 10 rows failed validation") as refused:
            attempt()
        errors.append((str(refused.value), refused.value.hint))
    assert errors[0] == errors[1]


def test_only_the_columns_that_a_query_needs_are_read(tmp_path: Path) -> None:
    found = open_dataset(write(tmp_path / "a.parquet", frame({"net": float("nan")})))
    plan = found.transactions.select("customer_id", "net", "currency").explain()
    assert "PROJECT 2/11 COLUMNS" in plan  # the footer shows that there is only one currency


@pytest.mark.slow
def test_a_column_with_many_distinct_values_is_read_in_memory(tmp_path: Path) -> None:
    words = pl.Series([f"X{number}" for number in range(2_000)])
    data = frame({}).head(1).select(pl.all().repeat_by(60_000).explode())
    sale = pl.Series(["sale"])  # one of the first values, or the column would not be recognised as a type
    data = data.with_columns(type=pl.concat([sale, words, sale.new_from_index(0, 57_999)]))
    found = open_dataset(write(tmp_path / "a.parquet", data))
    assert not is_streamed(found)
    assert found.transactions.collect().height == 58_000


def test_a_folder_of_files_is_streamed_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", frame({"net": None}))
    found = open_dataset(tmp_path)
    assert is_streamed(found)
    assert found.transactions.collect().height == 2 * FEW


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", frame({}), compression="none", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[4:2000] = b"\xff" * 1996
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.parquet"):
        open_dataset(path)


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", frame({}).clear())
    assert open_dataset(path).transactions.collect().is_empty()


def test_bounds_of_times_are_known_without_pandas(tmp_path: Path) -> None:
    from ckm.dataset.footer import read_footer

    path = tmp_path / "a.parquet"
    pl.DataFrame({"at": [datetime(2025, 1, 1, tzinfo=UTC), None], "word": ["a", "b"]}).write_parquet(path)
    footer = read_footer(path)
    assert footer.bounds("at").low == int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
    assert footer.bounds("at").nulls == 1
    assert footer.bounds("word").only is None
    write(path, pl.DataFrame({"word": ["a", "a"]}), write_statistics=False)
    assert read_footer(path).bounds("word").low is None


def test_positive_returns_of_a_typed_file_become_negative_as_those_of_a_text_file(tmp_path: Path) -> None:
    data = frame({"type": "Return"}).drop("remark")
    data.write_csv(tmp_path / "a.csv")
    found = [open_dataset(tmp_path / "a.csv"), open_dataset(write(tmp_path / "typed.parquet", data))]
    sums = [
        each.transactions.select(pl.col("net").filter(pl.col("type") == "return").sum()).collect() for each in found
    ]
    assert [each.item() for each in sums] == [-10.5, -10.5]
