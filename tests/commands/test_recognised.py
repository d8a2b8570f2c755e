"""Every analysis of a file says what the file was taken for, also where it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Run

HEADER = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Fee,Status,Customer ID"
STRIPE = "recognised as Stripe: payments (stripe-payments)"


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    path = tmp_path / "payments.csv"
    rows = [f"ch_{n},2025-01-0{n} 10:00:00,10.00,0.00,eur,true,10.00,0,Paid,C{n}" for n in range(1, 4)]
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("command", ["segment", "churn-warn", "check", "diff", "inspect"])
def test_the_platform_is_named(run: Run, payments: Path, command: str) -> None:
    result = run(command, *([payments] * (2 if command == "diff" else 1)), "-f", "csv", "-v")
    assert STRIPE in result.stderr


def test_under_json_an_error_stands_alone(run: Run, payments: Path) -> None:
    result = run("segment", payments, "-f", "json")
    assert result.exit_code == 4
    assert json.loads(result.stderr)["error"]["customers"] == 3
