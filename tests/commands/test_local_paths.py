"""A URL is refused where a command reads or writes files of this machine, before the command does any work."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ckm.errors import UsageError
from ckm.files import path_of, replacing, url_of
from ckm.segment import segment
from tests.conftest import Run


@pytest.mark.parametrize(
    "command",
    [
        ("segment", "orders.csv", "-o", "s3://bucket/out.csv"),
        ("segment", "orders.csv", "--meta", "s3://bucket/out.json"),
        ("segment", "s3://bucket/orders.parquet"),
        ("churn-warn", "orders.csv", "--engine", "spark", "-o", "s3://bucket/out.parquet"),
        ("loyalty-report", "orders.csv", "-o", "hdfs:///out.html"),
        ("loyalty-report", "orders.csv", "--export", "gs://bucket/out"),
        ("ingest", "https://example.org/orders.csv"),
        ("inspect", "orders.csv", "--save-map", "s3://bucket/map.yaml"),
        ("kb-lint", "-o", "abfss://container@account/out.json"),
        ("init", "s3://bucket/shop"),
    ],
    ids=" ".join,
)
def test_a_url_is_refused_and_nothing_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    pl.DataFrame({"customer_id": ["a"], "ordered_at": ["2024-01-01"], "net": [1.0]}).write_csv("orders.csv")
    found = run(*command)
    assert found.exit_code == 2
    assert next(word for word in command if "://" in word) in found.stderr  # with both slashes
    assert [path.name for path in tmp_path.iterdir()] == ["orders.csv"]


def test_a_result_is_not_saved_to_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    orders = pl.DataFrame(
        {"customer_id": [*"abcdefgh"], "ordered_at": ["2024-01-01"] * 8, "net": [*map(float, range(8))]}
    )
    found = segment(orders.with_columns(pl.col("ordered_at").str.to_datetime(time_zone="UTC")))
    with pytest.raises(UsageError, match=r"s3://bucket/out\.csv is a URL"):
        found.save("s3://bucket/out.csv")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_this_machine_whose_name_ends_with_a_colon_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data:").mkdir()
    with replacing(Path("data:/out.txt")) as draft:
        draft.write_text("here")
    assert Path("data:/out.txt").read_text() == "here"


@pytest.mark.parametrize("text", ["hdfs:///out/x", "hdfs://host:8020/out/x", "s3a://bucket/x", "file:///x/y"])
def test_the_slashes_of_a_url_are_kept(text: str) -> None:
    assert url_of(path_of(text)) == text


@pytest.mark.parametrize("text", ["out/x.csv", "/out/x.csv", "C:/out/x.csv", "a:b.csv", "./s3", "x"])
def test_a_path_of_this_machine_is_no_url(text: str) -> None:
    assert url_of(path_of(text)) is None
