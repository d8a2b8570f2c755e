"""``ckm segment``: only the result on stdout, everything else on stderr."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.conftest import ROOT, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from typer.testing import Result

SUMMARY_HEADER = (
    "segment,customers,share,revenue,revenue_share,median_recency_days,orders_per_customer,average_order_value,"
    "currency,advice"
)
CUSTOMER_HEADER = (
    "customer_id,segment,r_score,f_score,m_score,named_by,recency_days,frequency,monetary,currency,gaps,"
    "orders,purchase_interval_days,previous_segment,cause"
)
ORDERS_HEADER = "order_id,customer_id,ordered_at,net,currency,type"
CUSTOMERS = ["007", "[VIP] 王", "สมชาย", "مریم", "Jörg", ""]
ORDERS = [
    f"A{day},{customer},2025-01-0{day}T12:00:00Z,{10 * day},EUR,sale" for day, customer in enumerate(CUSTOMERS, 1)
]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, so that a file in it goes by its name alone."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def segment(desk: Path, run: Run) -> Callable[..., Result]:
    """Run the command on a file with ``orders``: ``segment("--customers").stdout``."""

    def invoke(*words: object, orders: Sequence[str] = ORDERS) -> Result:
        return run("segment", write(desk, orders), *words)

    return invoke


def write(folder: Path, orders: Sequence[str]) -> str:
    """Write the file ``orders.csv`` and return its name."""
    path = folder / "orders.csv"
    path.write_text("\n".join([ORDERS_HEADER, *orders]) + "\n", encoding="utf-8")
    return path.name


def test_a_pipe_gets_the_summary_as_csv_and_the_remarks_go_to_stderr(segment: Callable[..., Result]) -> None:
    result = segment("-v")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == SUMMARY_HEADER
    assert len(lines) == 12
    assert lines[1].startswith("Champions,")
    names = ORDERS_HEADER.split(",")
    assert result.stderr.splitlines() == [
        "fewer than 5 score classes: customers are few or alike (recency 1, frequency 1, monetary 1); where there is "
        "one class, names follow each customer's own purchases",
        "as of 2025-01-06: 5 customers with a purchase, money in EUR",
        "orders.csv: matched by name: " + ", ".join(f"{name} = {name}" for name in names),
        "left out: 1 of 6 rows (16.7%) without a customer",
        "scores in use, of 5: recency 1, frequency 1, monetary 1 (equal values have equal scores)",
        "5 customers named by their own purchases, because the name of their scores would be false (column named_by)",
    ]


def test_quiet_says_nothing(segment: Callable[..., Result]) -> None:
    result = segment("--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(SUMMARY_HEADER)


def test_customers_are_one_row_each_with_their_ids_as_they_are(segment: Callable[..., Result]) -> None:
    result = segment("--customers", "-f", "csv")
    table = pl.read_csv(io.StringIO(result.stdout), schema_overrides={"customer_id": pl.String})
    assert ",".join(table.columns) == CUSTOMER_HEADER
    assert table["customer_id"].to_list() == sorted(filter(None, CUSTOMERS))


def test_json_is_data_only(segment: Callable[..., Result]) -> None:
    rows = json.loads(segment("-f", "json").stdout)
    assert sum(row["customers"] for row in rows) == 5
    assert {row["median_recency_days"] for row in rows if not row["customers"]} == {None}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_output_writes_the_customers_beside_the_summary_on_stdout(
    segment: Callable[..., Result], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"customers{suffix}"
    result = segment("-o", path)
    assert result.exit_code == 0
    assert result.stdout.startswith(SUMMARY_HEADER)
    written = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".json": pl.read_json}[suffix](path)
    assert ",".join(written.columns) == CUSTOMER_HEADER
    assert written.height == 5


def test_the_format_is_of_stdout_and_the_suffix_of_the_file(segment: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    result = segment("-f", "json", "-o", path)
    assert len(json.loads(result.stdout)) == 11
    assert path.read_text("utf-8").startswith(CUSTOMER_HEADER)


def test_output_to_a_dash_prints_the_customers_and_nothing_else(segment: Callable[..., Result]) -> None:
    result = segment("-o", "-")
    assert result.stdout.splitlines()[0] == CUSTOMER_HEADER
    assert len(result.stdout.splitlines()) == 6


def test_the_screen_shows_bars_and_says_what_to_do(segment: Callable[..., Result]) -> None:
    result = segment("-f", "table")
    assert "orders.csv as of 2025-01-06, money in EUR" in result.stdout
    assert "100.0%" in result.stdout
    assert "█" in result.stdout
    assert "Can't Lose Them" in result.stdout
    assert "what to do" in result.stdout


def test_two_runs_print_the_same_bytes(segment: Callable[..., Result]) -> None:
    first = segment("--customers")
    assert first.exit_code == 0
    assert first.stdout_bytes == segment("--customers").stdout_bytes


def test_as_of_leaves_out_what_came_later(segment: Callable[..., Result]) -> None:
    result = segment("--as-of", "2025-01-05", "-v")
    assert "as of 2025-01-05: 5 customers" in result.stderr
    assert "left out: 1 of 6 rows (16.7%) after the as-of date" in result.stderr


@pytest.mark.slow
def test_days_are_those_of_the_workspace_s_time_zone(desk: Path, run: Run) -> None:
    assert run("init", "shop", "--time-zone", "Pacific/Auckland").exit_code == 0
    assert run("ingest", "-C", "shop", write(desk, ORDERS), "--as", "transactions").exit_code == 0
    assert "as of 2025-01-07" in run("segment", "shop").stderr


def test_days_of_a_file_are_those_of_the_environment_s_time_zone(
    segment: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKM_TIME_ZONE", "Pacific/Auckland")
    assert "as of 2025-01-07" in segment().stderr


def test_too_early_an_as_of_date_exits_4_and_says_what_is_there(segment: Callable[..., Result]) -> None:
    result = segment("--as-of", "2020-01-01")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "6 rows in all (6 after the as-of date)" in result.stderr
    assert "from 2025-01-01 to 2025-01-06" in result.stderr


def test_several_currencies_exit_2_and_are_named(segment: Callable[..., Result]) -> None:
    result = segment("-f", "json", orders=[ORDERS[0].replace("EUR", "THB"), *ORDERS[1:]])
    assert (result.exit_code, result.stdout) == (2, "")
    assert json.loads(result.stderr)["error"]["currencies"] == ["EUR", "THB"]


def test_one_customer_exits_4(segment: Callable[..., Result]) -> None:
    result = segment(orders=ORDERS[:1])
    assert (result.exit_code, result.stdout) == (4, "")
    assert "1 customer with a purchase, 5 needed" in result.stderr


def test_an_impossible_date_exits_2(segment: Callable[..., Result]) -> None:
    result = segment("--as-of", "2025-02-30")
    assert result.exit_code == 2
    assert "2025-02-30" in result.stderr


def test_a_result_that_failed_leaves_no_file(segment: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert segment("-o", out / "customers.csv", orders=[]).exit_code == 4
    assert list(out.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("width", "bars", "hidden"), [(60, False, True), (80, False, True), (160, True, False)])
def test_a_narrow_screen_shows_fewer_columns_and_says_so(desk: Path, width: int, bars: bool, hidden: bool) -> None:
    screen, _ = on_a_terminal(["segment", write(desk, ORDERS)], width)
    assert ("█" in screen) is bars
    assert ("average" not in screen) is hidden
    assert ("-f csv or a wider window" in screen) is hidden
    assert "customers" in screen


def on_a_terminal(words: Sequence[str], width: int) -> tuple[str, str]:
    """Run ckm on a terminal of ``width`` characters; return what the screen got and what stderr, a pipe, got."""
    termios = pytest.importorskip("termios", reason="Windows has no pseudo-terminals")
    screen, inner = os.openpty()
    termios.tcsetwinsize(inner, (40, width))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-m", "ckm", *words],
        stdin=subprocess.DEVNULL,
        stdout=inner,
        stderr=subprocess.PIPE,
        env={**environment, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
    ) as process:
        os.close(inner)
        shown = bytearray()
        with suppress(OSError):  # The way in which Linux tells that the program has left the terminal.
            while block := os.read(screen, 65536):
                shown += block
        os.close(screen)
        _, said = process.communicate()
    assert process.returncode == 0, said
    return shown.decode("utf-8"), said.decode("utf-8")


def test_features_are_listed_with_unit_meaning_and_formula(run: Run) -> None:
    result = run("segment", "--features", "-f", "json")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["recency_days"]["unit"] == "days"
    assert all(row["meaning"] and row["formula"] for row in rows.values())
    assert {"frequency", "gap_p80_days", "spend_12mo", "discount_share", "channel_share_*", "weekend_share"} <= set(
        rows
    )


@pytest.mark.slow
def test_the_printed_names_are_a_file_that_can_be_given_back(
    segment: Callable[..., Result], run: Run, desk: Path
) -> None:
    printed = run("segment", "--show-rules").stdout
    (desk / "names.yaml").write_text(printed.replace("Champions", "ลูกค้าชั้นดี"), encoding="utf-8")
    usual, renamed = segment("-f", "csv").stdout, segment("--rules", "names.yaml", "-f", "csv").stdout
    assert renamed == usual.replace("Champions", "ลูกค้าชั้นดี")
    assert segment("--rules", "names.yaml", "--save", "thai").exit_code == 0
    shown = run("segment", "--show-rules", "--use", "thai").stdout
    assert "ลูกค้าชั้นดี" in shown
    (desk / "again.yaml").write_text(shown, encoding="utf-8")
    assert segment("--rules", "again.yaml", "-f", "csv").stdout == renamed


def test_a_name_table_with_a_gap_is_refused_with_the_codes(
    segment: Callable[..., Result], run: Run, desk: Path
) -> None:
    broken = run("segment", "--show-rules").stdout.replace('"51[1-5]"', '"51[1-4]"')
    (desk / "names.yaml").write_text(broken, encoding="utf-8")
    result = segment("--rules", "names.yaml")
    assert result.exit_code == 2
    assert "codes without a name: 515" in result.stderr


@pytest.mark.slow
def test_money_and_window_change_what_is_scored_and_not_the_revenue(segment: Callable[..., Result]) -> None:
    orders = [*ORDERS, *(f"B{day},007,2023-01-0{day}T12:00:00Z,100,EUR,sale" for day in (1, 2, 3))]

    def of(*words: str) -> dict[str, object]:
        rows = json.loads(segment("--customers", "-f", "json", *words, orders=orders).stdout)
        return next(row for row in rows if row["customer_id"] == "007")

    assert (of()["frequency"], of()["monetary"]) == (4, 310)
    assert (of("--window", "12mo")["frequency"], of("--window", "12mo")["monetary"]) == (1, 10)
    assert of("--monetary", "mean")["monetary"] == 77.5
    for words in ((), ("--window", "12mo"), ("--monetary", "mean")):
        summary = json.loads(segment("-f", "json", *words, orders=orders).stdout)
        assert sum(row["revenue"] for row in summary) == 450
