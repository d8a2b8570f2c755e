"""Parquet columns of every type that Arrow writes are loaded, inspected and analysed without a crash."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ckm.errors import InputError, UsageError
from ckm.io.mapping.planning import plan_conversion
from ckm.io.mapping.proposal import propose_mapping
from ckm.io.readers import parquet
from ckm.io.readers.parquet_columns import NOT_UTF8, TOO_FAR
from ckm.io.readers.read import open_source
from ckm.schema import TABLES
from tests.conftest import Run
from tests.ingest.workspace import Desk

ROWS = 40
ID = uuid.UUID("07a7692a-5a56-4700-a972-93242d49d102")


def _dictionary(values: list[Any]) -> pa.Array:
    return pa.array(values).dictionary_encode()


def _not_utf8() -> pa.Array:
    return pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xfe", b"a"]).buffers())


ODD: dict[str, tuple[pa.Array, list[Any]]] = {
    "null": (pa.nulls(2), [None, None]),
    "float16": (pa.array([1.5, 2.5], pa.float16()), [1.5, 2.5]),
    "uuid": (pa.array([ID.bytes, None], pa.uuid()), [str(ID), None]),
    "bytes": (pa.array([b"\xff\xfe", b"a"]), ["fffe", "61"]),
    "bytes that are text": (pa.array(["Zoë".encode(), None]), ["Zoë", None]),
    "bytes of a length": (pa.array([b"\xff\xfe", b"ab"], pa.binary(2)), ["fffe", "6162"]),
    "large bytes": (pa.array([b"\x00", b"a"], pa.large_binary()), ["00", "61"]),
    "a view of bytes": (pa.array([b"\x01", b"a"], pa.binary_view()), ["01", "61"]),
    "a view of text": (pa.array(["x", None], pa.string_view()), ["x", None]),
    "large text": (pa.array(["x", "y"], pa.large_string()), ["x", "y"]),
    "invalid UTF-8": (_not_utf8(), ["\ufffd\ufffd", "a"]),
    "list": (pa.array([[1, None], None]), ["[1, null]", None]),
    "large list": (pa.array([[1], []], pa.large_list(pa.int64())), ["[1]", "[]"]),
    "array": (pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)), ["[1, 2]", "[3, 4]"]),
    "view of a list": (pa.array([[1], [2]], pa.list_view(pa.int64())), ["[1]", "[2]"]),
    "map": (pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())), ['{"a": 1}', "[]"]),
    "map of numbers": (pa.array([[(1, 2)], None], pa.map_(pa.int64(), pa.int64())), ["[[1, 2]]", None]),
    "struct": (pa.array([{"a": {"b": 1.5}}, None]), ['{"a": {"b": 1.5}}', None]),
    "bytes in a list": (pa.array([[b"\xff"], [b"a"]]), ['["ff"]', '["a"]']),
    "nan in a list": (pa.array([[float("nan")], [1.5]]), ["[null]", "[1.5]"]),
    "a date in a list": (pa.array([[datetime(2025, 1, 2)], []]), ['["2025-01-02 00:00:00"]', "[]"]),
    "json": (pa.array(['{"a":1}', "{}"], pa.json_()), ['{"a":1}', "{}"]),
    "duration": (pa.array([timedelta(minutes=90), None]), ["PT1H30M", None]),
    "time": (pa.array([1, 2], pa.time32("s")), ["00:00:01", "00:00:02"]),
    "half an hour of offset": (pa.array([0, 1], pa.timestamp("us", "+03:30")), ["1970-01-01 00:00:00.000000+00:00"]),
    "an unknown zone": (pa.array([0, 1], pa.timestamp("ns", "Mars/Olympus")), ["1970-01-01 00:00:00.000000+00:00"]),
    "decimal of 32 bits": (pa.array([Decimal("1.25")] * 2, pa.decimal32(5, 2)), ["1.25"]),
    "decimal of 256 bits": (pa.array([Decimal("1.25")] * 2, pa.decimal256(50, 2)), [1.25]),
    "short decimal of 256 bits": (pa.array([Decimal("1.25")] * 2, pa.decimal256(9, 2)), ["1.25"]),
    "long whole decimal": (pa.array([Decimal(10) ** 45] * 2, pa.decimal256(76, 0)), [str(10**45)]),
    "dictionary": (_dictionary(["a", None]), ["a", None]),
    "dictionary of bytes": (_dictionary([b"\xff", b"b"]), ["ff", "62"]),
    "bool of 8 bits": (pa.array([1, 0], pa.bool8()), ["true", "false"]),
    "a foreign extension": (
        pa.ExtensionArray.from_storage(pa.opaque(pa.int32(), "t", "v"), pa.array([1, 2], pa.int32())), ["1", "2"],
    ),
    "a tensor": (
        pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.int32(), [2]), pa.array([[1, 2], [3, 4]], pa.list_(pa.int32(), 2))
        ), ["[1, 2]", "[3, 4]"],
    ),
    "huge whole numbers": (pa.array([2**63 + 1, 2], pa.uint64()), [str(2**63 + 1), "2"]),
}  # fmt: skip


def orders(path: Path, **columns: pa.Array) -> Path:
    """Write orders of nine customers, with ``columns`` added or replaced."""
    table: dict[str, Any] = {
        "order_id": [f"A{n}" for n in range(ROWS)],
        "customer_id": [f"C{n % 9}" for n in range(ROWS)],
        "ordered_at": [datetime(2025, 1, 1 + n % 28) for n in range(ROWS)],
        "net": [1.5 + n for n in range(ROWS)],
    }
    repeated = {name: pa.concat_arrays([column] * (ROWS // len(column))) for name, column in columns.items()}
    pq.write_table(pa.table(table | repeated), path)
    return path


@pytest.mark.slow
def test_unmapped_columns_of_every_type_are_stored_as_text(desk: Desk) -> None:
    path = orders(desk.root / "a.parquet", **{f"odd {kind}": column for kind, (column, _) in ODD.items()})
    result = desk.one(path, "--as", "transactions")
    assert (result["accepted"], result["quarantined"]) == (ROWS, 0)
    stored = desk.table().sort("source_row")
    for kind, (_, expected) in ODD.items():
        found = stored[f"odd_{kind}".replace(" ", "_")].to_list()[: len(expected)]
        assert found == [None if value is None else str(value) for value in expected], kind


PANICS = ["view of a list", "half an hour of offset", "an unknown zone", "decimal of 256 bits"]
"""Column types on which the Parquet reader of polars panics or fails, even if the column is not needed."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*PANICS, "all", "invalid UTF-8"])
def test_an_analysis_ignores_columns_that_it_does_not_need(tmp_path: Path, run: Run, kind: str) -> None:
    plain = run("segment", orders(tmp_path / "plain.parquet"), "-f", "csv")
    odd = ODD if kind == "all" else {kind: ODD[kind]}
    path = orders(tmp_path / "a.parquet", **{each: column for each, (column, _) in odd.items()})
    found = run("segment", path, "-f", "csv")
    assert (found.exit_code, found.stdout) == (0, plain.stdout), found.output
    [seen] = json.loads(run("inspect", path, "-f", "json").stdout)
    assert (seen["rows"], len(seen["columns"])) == (ROWS, 4 + len(odd))


@pytest.mark.parametrize("role", ["order_id", "customer_id", "ordered_at", "net"])
@pytest.mark.parametrize("kind", ODD)
def test_a_column_of_any_type_is_mapped_or_refused_with_its_reason(tmp_path: Path, kind: str, role: str) -> None:
    with open_source(orders(tmp_path / "a.parquet", **{role: ODD[kind][0]})) as source:
        found = source.format
        mapping = propose_mapping(found.columns, "transactions").mapping
        try:
            conversion = plan_conversion(
                mapping, found, source.sample, lambda: (batch.records for batch in source.batches())
            )
        except UsageError:  # lists or records, and nothing else
            assert found.nested == (role,)
            return
        converted = conversion.apply(next(source.batches()).records)
        assert converted.frame.height == ROWS
        assert converted.frame.schema[role] == TABLES["transactions"].dtypes[role]


@pytest.mark.parametrize("role", ["customer_id", "net"])
@pytest.mark.parametrize("kind", [*PANICS, "uuid", "invalid UTF-8", "dictionary"])
def test_an_analysis_by_a_column_of_an_odd_type_never_calls_the_file_damaged(
    tmp_path: Path, run: Run, kind: str, role: str
) -> None:
    found = run("segment", orders(tmp_path / "a.parquet", **{role: ODD[kind][0]}))
    assert found.exit_code in (0, 2, 3, 4), found.output
    assert "damaged" not in found.stderr


def test_a_uuid_is_accepted_as_an_id_and_a_list_is_not(desk: Desk) -> None:
    assert desk.one(orders(desk.root / "a.parquet", customer_id=ODD["uuid"][0]), "--as", "transactions")["accepted"]
    assert desk.table()["customer_id"].drop_nulls().unique().to_list() == [str(ID)]
    found = desk.call(orders(desk.root / "b.parquet", customer_id=ODD["struct"][0]), "--as", "transactions")
    assert found.exit_code == 2
    assert "'customer_id' contains lists or records, not single values" in found.stderr


def test_a_decimal_of_256_bits_is_money(desk: Desk) -> None:
    desk.one(orders(desk.root / "a.parquet", net=ODD["decimal of 256 bits"][0]), "--as", "transactions")
    assert desk.table()["net"].unique().to_list() == [1.25]


def test_columns_with_one_name_or_none_are_distinguished(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([b"a"]), pa.array([[3]])], ["a", "a", ""]), path)
    with open_source(path) as source:
        [batch] = source.batches()
        assert batch.records.to_dicts() == [{"a": 1, "a_2": "a", "column_3": "[3]"}]
        assert source.format.nested == ("column_3",)


def test_a_column_name_with_dots_is_a_plain_name(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a.b": pa.array([b"x"]), "a": pa.array([{"b": 1}])}), path)
    with open_source(path) as source:
        assert next(source.batches()).records.to_dicts() == [{"a.b": "x", "a": '{"b": 1}'}]


@pytest.mark.parametrize("table", [pa.table({"order_id": pa.array([], pa.uuid())}), pa.table({})])
def test_a_file_without_rows_or_columns_is_empty(tmp_path: Path, run: Run, table: pa.Table) -> None:
    pq.write_table(table, tmp_path / "a.parquet")
    assert json.loads(run("inspect", tmp_path / "a.parquet", "-f", "json").stdout)[0]["rows"] == 0
    assert run("segment", tmp_path / "a.parquet").exit_code == 2


def test_changes_of_column_names_are_reported(tmp_path: Path) -> None:
    columns = {kind: ODD[kind][0] for kind in ("bytes", "list", "decimal of 256 bits", "invalid UTF-8")}
    with open_source(orders(tmp_path / "a.parquet", **columns)) as source:
        list(source.batches())
        told = "\n".join(text for _, text in source.problems)
    for said in ("hexadecimal", "JSON text", "50 digits", "U+FFFD"):
        assert said in told


FAR = {
    "a day": pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
    "a negative day": pa.array([-(2**31)], pa.int32()).cast(pa.date32()),
    "milliseconds": pa.array([2**63 - 1], pa.timestamp("ms")),
    "microseconds": pa.array([-(2**63) + 1], pa.timestamp("us")),
    "microseconds of a zone": pa.array([2**63 - 1], pa.timestamp("us", "Europe/Berlin")),
    "seconds": pa.array([2**40], pa.timestamp("s")),
}


@pytest.mark.slow
@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize("kind", FAR)
def test_a_date_out_of_range_affects_only_its_own_row(tmp_path: Path, run: Run, kind: str, *, statistics: bool) -> None:
    near = pa.array([datetime(2025, 1, 2)] * (ROWS - 1), pa.timestamp("ms")).cast(FAR[kind].type)
    names = pa.array([f"o{place}" for place in range(ROWS)])
    net = pa.array([1.5] * ROWS)
    table = pa.table({"order_id": names, "customer_id": names, "ordered_at": pa.concat_arrays([near, FAR[kind]])})
    path = tmp_path / "far.parquet"
    pq.write_table(table.append_column("net", net), path, write_statistics=statistics)
    run("init", tmp_path / "shop")
    options = ["--as", "transactions", "--dry-run", "--max-rejects", "1", "-f", "csv"]
    told = run("ingest", path, *options, "-C", tmp_path / "shop")
    assert told.exit_code == 0, told.output
    assert "ordered_at|plausible" in told.output
    assert run("check", path).exit_code in (0, 1)


def test_a_column_of_arrays_of_length_0_is_skipped_with_a_remark(tmp_path: Path) -> None:
    empty = pa.array([[], []], pa.list_(pa.int8(), 0))
    pq.write_table(pa.table({"a": [1, 2], "e": empty, "b": [b"x", b"y"]}), tmp_path / "a.parquet")
    with open_source(tmp_path / "a.parquet") as source:
        assert next(source.batches()).records.to_dicts() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
        assert [text for _, text in source.problems if "'e'" in text and "fixed_size_list" in text]


def test_a_required_column_of_arrays_of_length_0_is_named(tmp_path: Path) -> None:
    empty = pa.array([[]], pa.list_(pa.int8(), 0))
    pq.write_table(pa.table({"a.b": [1], "e": empty}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"column 'e' cannot be read: its type is fixed_size_list"):
        open_source(tmp_path / "a.parquet")


def plain_columns(rows: int) -> pa.Table:
    """Return columns of the types that polars decodes as pyarrow does, with nulls and dates far away."""
    moments = pa.array([None if at % 7 == 0 else at * 1_000_000 for at in range(rows)])
    return pa.table(
        {
            "text": pa.array([None if at % 5 == 0 else f"Zoë {at % 3}" for at in range(rows)]),
            "large text": pa.array(["", *(str(at) for at in range(1, rows))], pa.large_string()),
            "number": pa.array([float("nan"), *(at / 4 for at in range(1, rows))]),
            "whole": pa.array(range(rows), pa.uint64()),
            "flag": pa.array([at % 2 == 0 for at in range(rows)]),
            "day": pa.array([2**31 - 1, *range(1, rows)], pa.date32()),
            "local": moments.cast(pa.timestamp("us")),
            "zoned": moments.cast(pa.timestamp("ms", "Europe/Berlin")),
        }
    )


def read_all(path: Path) -> tuple[pl.DataFrame, list[int], list[tuple[int | None, str]]]:
    """Return all records of a file, their row numbers and the remarks."""
    with open_source(path) as source:
        batches = list(source.batches())
        lines = [line for batch in batches for line in batch.lines]
        return pl.concat([batch.records for batch in batches]), lines, source.problems


def test_polars_and_pyarrow_decode_a_file_to_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 300)
    path = tmp_path / "a.parquet"
    pq.write_table(plain_columns(1_000), path, row_group_size=400)
    by_polars = read_all(path)
    monkeypatch.setattr(parquet, "LARGEST_GROUP", 0)
    by_pyarrow = read_all(path)
    assert by_polars[0].equals(by_pyarrow[0])
    assert by_polars[0].schema == by_pyarrow[0].schema
    assert by_polars[1:] == by_pyarrow[1:] == (list(range(1, 1_001)), [(None, TOO_FAR)])


def test_rows_after_invalid_utf8_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 300)
    path = tmp_path / "a.parquet"
    texts = [b"\xff" if at == 700 else b"%d" % at for at in range(1_000)]
    column = pa.Array.from_buffers(pa.string(), 1_000, pa.array(texts).buffers())
    pq.write_table(pa.table({"text": column}), path, row_group_size=100)
    records, lines, problems = read_all(path)
    assert records["text"].to_list() == [text.decode(errors="replace") for text in texts]
    assert lines == list(range(1, 1_001))
    assert problems == [(None, NOT_UTF8)]
