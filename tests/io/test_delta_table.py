"""Of a folder with a Delta table, the rows of the newest version are read."""

from __future__ import annotations

import json
import struct
from base64 import b85encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from ckm.errors import InputError, UsageError
from ckm.io.delta_table import delta_files, is_delta
from tests.conftest import Run

B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
"""The digits of base 85 in Python, and in the protocol of Delta."""


def vector() -> dict[str, object]:
    """Return a deletion vector of the rows 0 and 1: a magic number, and a bitmap in Roaring's portable format."""
    bitmap = struct.pack("<IIHHIHH", 12346, 1, 0, 1, 16, 0, 1)
    content = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    text = b85encode(content).decode().translate(str.maketrans(B85, Z85))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(content), "cardinality": 2}


def orders(customers: int, each: int = 3) -> pl.DataFrame:
    number = pl.int_range(customers * each, eager=True)
    return pl.DataFrame(
        {
            "order_id": "o" + number.cast(pl.String),
            "customer_id": "c" + (number % customers).cast(pl.String),
            "ordered_at": [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in number],
            "net": [10.0 + day % 7 for day in number],
            "currency": ["EUR"] * len(number),
            "channel": ["web" if day % 2 else "till" for day in number],
        }
    )


@pytest.fixture
def overwritten(tmp_path: Path) -> Path:
    """Return a table whose rows of 60 customers were replaced by rows of 40; its folder has the files of both."""
    folder = tmp_path / "my orders"
    for customers in (60, 40):
        write_deltalake(str(folder), orders(customers).to_arrow(), mode="overwrite")
    return folder


def test_files_of_an_earlier_version_are_not_read(overwritten: Path) -> None:
    [file] = delta_files(overwritten)
    assert len(list(overwritten.glob("*.parquet"))) == 2
    assert pl.read_parquet(file).height == 40 * 3


@pytest.mark.parametrize("partitions", [(), ("--partitions", "3")], ids=["in memory", "partitions"])
def test_an_analysis_of_a_delta_table_has_the_customers_of_its_newest_version(
    run: Run, overwritten: Path, partitions: tuple[str, ...]
) -> None:
    found = run("segment", overwritten, "--customers", "-f", "json", *partitions)
    assert found.exit_code == 0, found.stderr
    assert len(json.loads(found.stdout)) == 40


def test_columns_of_partition_folders_are_read(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    write_deltalake(str(folder), orders(40).to_arrow(), partition_by=["channel"])
    assert {file.parent.name for file in delta_files(folder)} == {"channel=web", "channel=till"}
    found = run("segment", folder, "--customers", "-f", "json")
    assert len(json.loads(found.stdout)) == 40


def test_a_load_into_a_workspace_has_the_rows_of_the_newest_version(
    run: Run, overwritten: Path, tmp_path: Path
) -> None:
    assert run("init", tmp_path / "shop").exit_code == 0
    found = run("ingest", overwritten, "--as", "transactions", "-C", tmp_path / "shop", "-f", "json")
    assert sum(each["accepted"] for each in json.loads(found.stdout)) == 40 * 3


def test_a_table_with_deletion_vectors_is_refused(tmp_path: Path) -> None:
    folder = _changed(tmp_path, {"deletionVector": vector()}, features=["deletionVectors"])
    with pytest.raises(UsageError, match="uses deletion vectors"):
        delta_files(folder)


def test_a_table_with_column_mapping_is_refused(tmp_path: Path) -> None:
    folder = _changed(tmp_path, {}, features=["columnMapping"], settings={"delta.columnMapping.mode": "name"})
    with pytest.raises(UsageError, match="uses column mapping"):
        delta_files(folder)


def test_a_damaged_log_raises_an_input_error(overwritten: Path) -> None:
    for entry in (overwritten / "_delta_log").glob("*.json"):
        entry.write_text("{")
    assert is_delta(overwritten)
    with pytest.raises(InputError, match="log of the Delta table cannot be read"):
        delta_files(overwritten)


def _changed(
    tmp_path: Path, added: dict[str, object], *, features: list[str], settings: dict[str, str] | None = None
) -> Path:
    """Return a Delta table with protocol, settings and data file changed as deltalake cannot write them."""
    folder = tmp_path / "orders"
    write_deltalake(str(folder), orders(40).to_arrow())
    [entry] = (folder / "_delta_log").glob("*.json")
    lines = []
    for action in map(json.loads, entry.read_text().splitlines()):
        if "protocol" in action:
            action["protocol"] = {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": features,
                "writerFeatures": features,
            }
        if "metaData" in action:
            action["metaData"]["configuration"] |= settings or {}
            schema = json.loads(action["metaData"]["schemaString"])
            for number, field in enumerate(schema["fields"], start=1):
                physical = {"id": number, "physicalName": f"col-{number}"}
                field["metadata"] = {f"delta.columnMapping.{key}": each for key, each in physical.items()}
            action["metaData"]["schemaString"] = json.dumps(schema)
        if "add" in action:
            action["add"] |= added
        lines.append(json.dumps(action))
    entry.write_text("\n".join(lines) + "\n")
    return folder
