"""docs/reference/check.md matches the code."""

from dataclasses import fields
from pathlib import Path

from ckm.check import CHECKS, CheckLimits

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "check.md").read_text(encoding="utf-8")


def test_every_check_is_documented_in_its_order() -> None:
    rows = [
        line.split("|")[1].strip().strip("`") for line in TEXT.split("## Checks")[1].splitlines() if line[:3] == "| `"
    ]
    assert rows == list(CHECKS)


def test_every_setting_is_documented() -> None:
    assert [each.name for each in fields(CheckLimits) if f"`{each.name}`" not in TEXT and each.name != "skip"] == []
    assert "`skip:" in TEXT
