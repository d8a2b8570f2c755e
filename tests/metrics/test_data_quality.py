"""Data quality: every row is counted once, and every month is reconciled with its control total to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ckm.check import check_tables, read_controls
from ckm.config import Config, Workspace
from ckm.customers.period import Period
from ckm.errors import InputError
from ckm.metrics.data_quality import data_quality_metrics, months_within
from ckm.metrics.metric import Metrics, Missing
from ckm.settings import CheckSettings
from ckm.workspace import lay_out
from tests.metrics.shop import LINES, shop_context, shop_tables

# by hand from the shop: months of 2025 and their totals, with the till and returns, without what was cancelled
TOTALS = {
    "2025-01": 600 + 90,
    "2025-02": -12 + 100,
    "2025-03": 25,
    "2025-04": 30,
    "2025-05": 45 + 20 + 30 + 25,
    "2025-06": 900 - 5 + 80 - 30,
    "2025-07": 400,
    "2025-10": 300,
    "2025-11": 120,
    "2025-12": 1100 - 100 + 60,
}


def measured(folder: Path, controls: str | None = None, **options: object) -> tuple[Metrics, tuple[Missing, ...]]:
    workspace: Workspace = lay_out(folder / "shop").workspace
    if controls is not None:
        (workspace.root / "controls.csv").write_text(controls, encoding="utf-8")
    metrics, missing = data_quality_metrics(shop_context(workspace=workspace, **options))
    return Metrics(metrics), missing


def finance(**totals: float) -> str:
    return "month,currency,net\n" + "".join(f"{month},EUR,{net}\n" for month, net in totals.items())


def differences(metrics: Metrics) -> dict[str | None, float | None]:
    return {each.of("month"): each.value for each in metrics.all("reconciliation_difference", "month")}


def test_every_row_is_counted_once(tmp_path: Path) -> None:
    metrics, _ = measured(tmp_path)
    # 37 lines: one after the as-of date, one cancelled, three of the till
    assert (metrics.value("rows_used"), metrics.get("rows_used").n) == (len(LINES) - 5, len(LINES))
    left_out = {each.of("reason"): each.value for each in metrics.all("rows_left_out", "reason")}
    assert left_out == {"stray_date": 0, "after_as_of": 1, "cancelled": 1, "without_customer": 3}


def test_months_that_match_their_control_total_and_one_that_does_not(tmp_path: Path) -> None:
    metrics, missing = measured(tmp_path, finance(**{**TOTALS, "2025-11": 249.90, "2026-01": 70}))
    assert missing == ()
    assert differences(metrics) == {**dict.fromkeys(TOTALS, 0), "2025-11": pytest.approx(-129.90)}
    assert (metrics.value("controls_equal"), metrics.get("controls_equal").n) == (9, 10)


def test_a_month_with_a_control_total_and_no_rows_differs_by_the_whole_total(tmp_path: Path) -> None:
    metrics, _ = measured(tmp_path, finance(**{"2025-08": 10.5}))
    assert differences(metrics) == {"2025-08": -10.5}


def test_an_allowed_difference_counts_as_a_match(tmp_path: Path) -> None:
    config = replace(Config(), check=replace(CheckSettings(), reconciliation_difference=0.5))
    metrics, _ = measured(tmp_path, finance(**{"2025-03": 25.4, "2025-04": 30.6}), config=config)
    assert metrics.value("controls_equal") == 1


def test_only_the_types_of_the_control_totals_are_summed(tmp_path: Path) -> None:
    config = replace(Config(), check=replace(CheckSettings(), control_types=("sale",)))
    metrics, _ = measured(tmp_path, finance(**{"2025-06": 980, "2025-07": 0}), config=config)
    assert differences(metrics) == {"2025-06": 0, "2025-07": 0}
    config = replace(Config(), check=replace(CheckSettings(), control_types=("sale", "cancel")))
    metrics, _ = measured(tmp_path / "again", finance(**{"2025-11": 120 + 999}), config=config)
    assert differences(metrics) == {"2025-11": 0}


def test_a_month_by_source_is_equal_if_each_source_is(tmp_path: Path) -> None:
    tables = shop_tables()
    tables["transactions"] = tables["transactions"].with_columns(source=pl.col("channel") + "-export")
    # the sources are wrong by 5 each way
    lines = ("2025-06,EUR,55,web-export", "2025-06,EUR,-10,till-export", "2025-10,EUR,300,web-export")
    metrics, _ = measured(tmp_path, "\n".join(("month,currency,net,source", *lines)), tables=tables)
    assert differences(metrics) == {"2025-06": 0, "2025-10": 0}
    assert (metrics.value("controls_equal"), metrics.get("controls_equal").n) == (1, 2)


def test_ckm_check_finds_the_same_months(tmp_path: Path) -> None:
    controls = finance(**{**TOTALS, "2025-11": 249.90, "2025-05": 119.99})
    metrics, _ = measured(tmp_path, controls)
    report = check_tables(
        shop_tables(), controls=read_controls(tmp_path / "shop" / "controls.csv"), as_of=date(2025, 12, 31)
    )
    found = {
        each.part.split()[0]: each.value
        for each in report.findings
        if each.check == "controls" and each.severity == "error"
    }
    off = {month: difference for month, difference in differences(metrics).items() if difference}
    assert off == pytest.approx(found)
    assert len(off) == 2


def test_without_controls_or_a_month_of_the_period_nothing_is_compared(tmp_path: Path) -> None:
    assert data_quality_metrics(shop_context())[1] == (Missing("data_quality", "no_controls"),)
    assert measured(tmp_path)[1] == (Missing("data_quality", "no_controls"),)
    assert measured(tmp_path / "two", finance(**{"2024-01": 500}))[1] == (Missing("data_quality", "no_control_months"),)


def test_a_mistake_in_controls_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"controls\.csv:2: "):
        measured(tmp_path, "month,currency,net\nMay,EUR,1\n")


def test_quarantined_rows_are_counted_by_table(tmp_path: Path) -> None:
    workspace = lay_out(tmp_path / "shop").workspace
    assert {each.name for each in data_quality_metrics(shop_context(workspace=workspace))[0]} >= {"rows_quarantined"}
    tables = ["transactions", "transactions", "interactions"]
    refused = pl.DataFrame({"table": tables, "reasons": [["net|min"]] * 3, "load_id": ["0123456789ab"] * 3})
    refused.write_delta(workspace.store_dir / "quarantine")
    metrics = Metrics(data_quality_metrics(shop_context(workspace=workspace))[0])
    counts = {each.of("table"): each.value for each in metrics.all("rows_quarantined", "table")}
    assert counts == {"customers": 0, "interactions": 1, "transactions": 2}


def test_only_whole_months_of_the_period_are_compared() -> None:
    assert months_within(Period(date(2025, 1, 15), date(2025, 4, 15))) == [date(2025, 2, 1), date(2025, 3, 1)]
    assert months_within(Period(date(2025, 2, 1), date(2025, 2, 28))) == [date(2025, 2, 1)]
    assert months_within(Period(date(2025, 2, 2), date(2025, 2, 28))) == []
