"""Analyses by partitions out of core give the same results as in memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ckm
from ckm.config import Config
from ckm.customers import learning_sample
from ckm.errors import UsageError
from ckm.identities import FILE, Identities, Link
from ckm.metrics.customer_table import customer_table
from ckm.partitions import divided_ledger, partitioned_ledger
from ckm.partitions.engine import Engine
from ckm.segment import SegmentOptions, segment_dataset
from tests.conftest import Run
from tests.metrics.stores import example_frames
from tests.partitions.shops import AS_OF, METHODS, assert_same_segments, example_dataset, in_memory


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit definitions to a sample of 700 of the 3,000 customers."""
    for module in (learning_sample, partitioned_ledger, divided_ledger):
        monkeypatch.setattr(module, "SAMPLE_CUSTOMERS", 700)


@pytest.mark.slow
@pytest.mark.parametrize("by", METHODS, ids=str)
def test_segments_by_partitions_equal_those_in_memory(by: str | Path) -> None:
    assert_same_segments(example_dataset(), Engine(partitions=5), in_memory(by), by)


@pytest.mark.slow
@pytest.mark.parametrize("by", METHODS, ids=str)
def test_above_the_sample_size_segments_by_partitions_equal_those_in_memory(by: str | Path, small_sample: None) -> None:
    options = SegmentOptions(by=by, as_of=AS_OF, keep=False)
    expected = segment_dataset(example_dataset(), options, Config())
    assert expected.definition.customers < expected.customers.height
    assert_same_segments(example_dataset(), Engine(partitions=3), expected, by, as_of=AS_OF)


@pytest.mark.slow
def test_segment_changes_by_partitions_equal_those_in_memory() -> None:
    options = {"moves": True, "since": AS_OF}
    expected = in_memory("rfm", **options)
    found = segment_dataset(
        example_dataset(), SegmentOptions(by="rfm", keep=False, engine=Engine(partitions=4), **options), Config()
    )
    assert_frame_equal(found.customers, expected.customers, rel_tol=1e-9)
    assert expected.moves is not None
    assert found.moves is not None
    assert_frame_equal(found.moves.matrix, expected.moves.matrix)


@pytest.mark.slow
def test_rows_are_written_by_partition(tmp_path: Path) -> None:
    rows = tmp_path / "new" / "customers.parquet"
    assert_same_segments(example_dataset(), Engine(partitions=7), in_memory("rfm"), "rfm", rows=rows)
    assert [each.name for each in rows.parent.iterdir()] == [rows.name]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("orders") / "orders.parquet"
    lines = example_frames()["transactions"].with_columns(order_id=pl.format("o{}", pl.int_range(pl.len())))
    lines.write_parquet(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("segment", "--by", "value", "-f", "json"),
        ("churn-warn", "--model", "btyd", "--horizon", "90d", "--all", "-f", "json"),
        ("loyalty-report", "-f", "json"),
    ],
    ids=lambda words: words[0],
)
def test_a_command_prints_the_same_with_and_without_partitions(
    run: Run, orders: Path, command: tuple[str, ...]
) -> None:
    name, *options = command
    whole, divided = run(name, orders, *options), run(name, orders, *options, "--partitions", 3)
    assert whole.exit_code == divided.exit_code == 0
    assert divided.stdout == whole.stdout


@pytest.mark.slow
def test_a_report_by_partitions_equals_one_in_memory_with_its_customers(orders: Path, small_sample: None) -> None:
    whole, divided = (ckm.open(orders).loyalty(keep=False, **options) for options in ({}, {"partitions": 3}))
    assert_frame_equal(divided.frame, whole.frame, rel_tol=1e-9)
    assert divided.remarks == whole.remarks
    assert_frame_equal(divided.report.loyal, whole.report.loyal)
    assert_frame_equal(divided.report.at_risk, whole.report.at_risk)
    tables = [customer_table(each.context, each.known).frame for each in (divided, whole)]
    assert tables[0].height > 2_000
    assert_frame_equal(*tables, rel_tol=1e-9)


@pytest.mark.slow
def test_churn_warnings_by_partitions_equal_those_in_memory_in_every_column(orders: Path, small_sample: None) -> None:
    options = {"horizon": "90d", "model": "btyd", "all_customers": True, "keep": False}
    whole, divided = (ckm.open(orders).churn(**options, **more) for more in ({}, {"partitions": 3}))
    assert_frame_equal(divided.frame, whole.frame, rel_tol=1e-9)
    assert_frame_equal(divided.summary, whole.summary, rel_tol=1e-9)
    assert divided.remarks == whole.remarks


@pytest.mark.slow
def test_segments_in_partitions_from_python_are_written(orders: Path, tmp_path: Path) -> None:
    shop, rows = ckm.open(orders), tmp_path / "rows.parquet"
    whole = shop.segment(by="rfm", keep=False)
    divided = shop.segment(by="rfm", keep=False, partitions="auto", rows=rows)
    assert_frame_equal(pl.read_parquet(rows).sort("customer_id"), whole.customers, rel_tol=1e-9)
    assert_frame_equal(divided.summary, whole.summary, rel_tol=1e-9)


@pytest.mark.parametrize("wrong", [{"partitions": 0}, {"partitions": "many"}, {"master": "local[2]"}], ids=str)
def test_wrong_arguments_of_the_engine_are_refused(orders: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ckm.open(orders).segment(**wrong)


@pytest.mark.slow
def test_linked_customer_ids_of_several_partitions_are_one_person(run: Run, orders: Path, tmp_path: Path) -> None:
    for words in (("init", tmp_path), ("ingest", orders, "--as", "transactions", "-C", tmp_path)):
        assert run(*words).exit_code == 0
    command = ("segment", tmp_path, "--by", "value", "--customers", "-f", "json", "--dry-run")
    unlinked = pl.read_json(run(*command).stdout.encode())
    ids = unlinked["customer_id"].head(20).to_list()
    Identities(tuple(Link(ids[0], each) for each in ids[1:])).write(tmp_path / FILE)
    whole, divided = run(*command), run(*command, "--partitions", 3)
    assert whole.exit_code == divided.exit_code == 0, divided.stderr
    assert pl.read_json(divided.stdout.encode()).height == unlinked.height - 19
    assert divided.stdout == whole.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--partitions", "many"), "invalid number"),
        (("--partitions", "0"), "invalid number"),
        (("--master", "local[2]"), "--engine spark"),
        (("--partitions", "2", "--by", "lifecycle", "--details"), "do not support --details"),
    ],
    ids=" ".join,
)
def test_options_that_partitions_do_not_support_are_refused(
    run: Run, orders: Path, options: tuple[str, ...], message: str
) -> None:
    found = run("segment", orders, *options)
    assert found.exit_code == 2
    assert message in found.stderr


def test_partitions_refuse_a_breakdown_by_a_column_of_the_transactions(run: Run, orders: Path) -> None:
    found = run("loyalty-report", orders, "--by", "channel", "--partitions", "2")
    assert found.exit_code == 2
    assert "do not support --by" in found.stderr


def test_spark_without_its_extra_is_refused_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckm.partitions.engine.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed") as found:
        Engine("spark")
    assert 'pip install ".[spark]"' in str(found.value.hint)


def _with_few_open_files(limit: int, highest: int, *words: object) -> subprocess.CompletedProcess[str]:
    """Run ckm in a process with the soft limit ``limit`` and the hard limit ``highest`` of open files."""
    return subprocess.run(
        ["prlimit", f"--nofile={limit}:{highest}", sys.executable, "-m", "ckm", *map(str, words)],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is a program of Linux")
def test_more_partitions_than_open_files_raise_the_limit_or_are_refused_with_the_allowed_number(orders: Path) -> None:
    command = ("segment", orders, "-q", "-f", "csv", "--partitions")
    allowed = _with_few_open_files(256, 2_000, *command, 300)
    assert allowed.returncode == 0, allowed.stderr
    assert allowed.stdout == _with_few_open_files(256, 2_000, *command, 2).stdout
    refused = _with_few_open_files(256, 400, *command, 300)
    assert refused.returncode == 2
    assert "300 partitions need 500 open files" in refused.stderr
    assert "--partitions 200 or fewer" in refused.stderr


def test_the_default_number_of_partitions_gives_at_most_two_million_rows_each() -> None:
    assert Engine(partitions=0).number(1) == 1
    assert Engine(partitions=0).number(20_000_001) == 11
    assert Engine(partitions=4).number(20_000_001) == 4
