"""What ``ckm segment`` promises at the command line: the result alone on stdout, everything else on stderr."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from typer.testing import CliRunner

from ckm.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

SUMMARY_HEADER = (
    "segment,customers,share,revenue,revenue_share,median_recency_days,orders_per_customer,average_order_value,"
    "currency,advice"
)
CUSTOMER_HEADER = "customer_id,segment,r_score,f_score,m_score,recency_days,frequency,monetary,currency"


@dataclass
class Dataset:
    """What a command gets of a dataset."""

    transactions: pl.LazyFrame
    label: str = "orders.csv"
    remarks: tuple[str, ...] = ("2 columns matched by name",)
    workspace: Any = None


@pytest.fixture
def dataset() -> Dataset:
    customers = ["007", "[VIP] 王", "สมชาย", "مریم", "Jörg", None]
    start = datetime(2025, 1, 1, 12, tzinfo=UTC)
    return Dataset(
        pl.LazyFrame(
            {
                "customer_id": customers,
                "ordered_at": [start + timedelta(days=day) for day in range(len(customers))],
                "net": [10.0 * day for day in range(len(customers))],
            },
            schema_overrides={"ordered_at": pl.Datetime("us", "UTC")},
        ).with_columns(currency=pl.lit("EUR"), type=pl.lit("sale"))
    )


@pytest.fixture
def run(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command on ``dataset``; what ckm makes of files is tested where files are read."""
    module = ModuleType("ckm.dataset")
    module.open_dataset = lambda data, workspace, hints: dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ckm.dataset", module)
    for name in ("CKM_FORMAT", "CKM_TIME_ZONE"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words: CliRunner().invoke(app, ["segment", *words])


def test_a_pipe_gets_the_summary_as_csv_and_the_remarks_go_to_stderr(run: Callable[..., Result]) -> None:
    result = run("orders.csv")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == SUMMARY_HEADER
    assert len(lines) == 12
    assert lines[1].startswith("Champions,")
    assert result.stderr.splitlines() == [
        "2 columns matched by name",
        "as of 2025-01-06: 5 customers with a purchase, money in EUR",
        "left out: 1 of 6 rows (16.7%) without a customer",
        "scores in use, of 5: recency 5, frequency 1, monetary 5 (equal values always score the same)",
    ]


def test_quiet_says_nothing(run: Callable[..., Result]) -> None:
    result = run("--quiet")
    assert (result.exit_code, result.stderr) == (0, "")


def test_customers_are_one_row_each_with_their_ids_as_they_are(run: Callable[..., Result]) -> None:
    result = run("--customers", "-f", "csv")
    table = pl.read_csv(io.StringIO(result.stdout), schema_overrides={"customer_id": pl.String})
    assert ",".join(table.columns) == CUSTOMER_HEADER
    assert table["customer_id"].to_list() == sorted(["007", "[VIP] 王", "สมชาย", "مریم", "Jörg"])


def test_json_is_data_only(run: Callable[..., Result]) -> None:
    rows = json.loads(run("-f", "json").stdout)
    assert sum(row["customers"] for row in rows) == 5
    assert {row["median_recency_days"] for row in rows if not row["customers"]} == {None}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_output_writes_the_customers_beside_the_summary_on_stdout(
    run: Callable[..., Result], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"customers{suffix}"
    result = run("-o", str(path))
    assert result.exit_code == 0
    assert result.stdout.startswith(SUMMARY_HEADER)
    written = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".json": pl.read_json}[suffix](path)
    assert ",".join(written.columns) == CUSTOMER_HEADER
    assert written.height == 5


def test_the_format_is_of_stdout_and_the_suffix_of_the_file(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    result = run("-f", "json", "-o", str(path))
    assert len(json.loads(result.stdout)) == 11
    assert path.read_text("utf-8").startswith(CUSTOMER_HEADER)


def test_output_to_a_dash_prints_the_customers_and_nothing_else(run: Callable[..., Result]) -> None:
    result = run("-o", "-")
    assert result.stdout.splitlines()[0] == CUSTOMER_HEADER
    assert len(result.stdout.splitlines()) == 6


def test_the_screen_shows_bars_and_says_what_to_do(run: Callable[..., Result]) -> None:
    result = run("-f", "table")
    assert "orders.csv as of 2025-01-06, money in EUR" in result.stdout
    assert "20.0%" in result.stdout
    assert "█" in result.stdout
    assert "Can't Lose Them" in result.stdout
    assert "what to do" in result.stdout


def test_two_runs_print_the_same_bytes(run: Callable[..., Result]) -> None:
    assert run("--customers").stdout_bytes == run("--customers").stdout_bytes


def test_as_of_leaves_out_what_came_later(run: Callable[..., Result]) -> None:
    result = run("--as-of", "2025-01-05")
    assert "as of 2025-01-05: 5 customers" in result.stderr
    assert "left out: 1 of 6 rows (16.7%) after the as-of date" in result.stderr


def test_days_are_those_of_the_workspace_s_time_zone(run: Callable[..., Result], dataset: Dataset) -> None:
    dataset.workspace = SimpleNamespace(config=SimpleNamespace(time_zone="Pacific/Auckland"))
    assert "as of 2025-01-07" in run().stderr


def test_days_of_a_file_are_those_of_the_environment_s_time_zone(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKM_TIME_ZONE", "Pacific/Auckland")
    assert "as of 2025-01-07" in run().stderr


def test_too_early_an_as_of_date_exits_4_and_says_what_is_there(run: Callable[..., Result]) -> None:
    result = run("--as-of", "2020-01-01")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "6 rows in all (6 after the as-of date)" in result.stderr
    assert "from 2025-01-01 to 2025-01-06" in result.stderr


def test_several_currencies_exit_2_and_are_named(run: Callable[..., Result], dataset: Dataset) -> None:
    baht = pl.when(pl.col("customer_id") == "007").then(pl.lit("THB")).otherwise(pl.lit("EUR"))
    dataset.transactions = dataset.transactions.with_columns(currency=baht)
    result = run("-f", "json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert json.loads(result.stderr)["error"]["currencies"] == ["EUR", "THB"]


def test_one_customer_exits_4(run: Callable[..., Result], dataset: Dataset) -> None:
    dataset.transactions = dataset.transactions.filter(pl.col("customer_id") == "007")
    result = run()
    assert (result.exit_code, result.stdout) == (4, "")
    assert "1 customer with a purchase, 5 needed" in result.stderr


def test_an_impossible_date_exits_2(run: Callable[..., Result]) -> None:
    assert run("--as-of", "2025-02-30").exit_code == 2


def test_a_result_that_failed_leaves_no_file(run: Callable[..., Result], dataset: Dataset, tmp_path: Path) -> None:
    dataset.transactions = dataset.transactions.clear()
    assert run("-o", str(tmp_path / "customers.csv")).exit_code == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("width", "columns"), [(80, 4), (115, 4), (116, 8)])
def test_a_narrow_screen_shows_fewer_columns_and_says_so(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, width: int, columns: int
) -> None:
    monkeypatch.setattr("ckm.commands.segment.sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setenv("COLUMNS", str(width))
    result = run("-f", "table")
    assert ("per order" in result.stdout) is (columns == 8)
    assert ("or -f csv, shows recency" in result.stderr) is (columns == 4)
