"""``ckm kb-gaps``: queries without hits, and churn reasons without an entry."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ckm._churn.saved_warnings import WarningRun
from ckm._kb.search_log import LoggedSearch, append
from ckm.store import Store
from tests._kb.kb_files import small_base, write_entry
from tests.conftest import Run

AS_OF = ("--as-of", "2026-06-30")


@pytest.fixture
def shop(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CKM_CACHE", str(tmp_path / "cache"))
    run("init", tmp_path / "shop")
    small_base(tmp_path / "shop" / "kb")
    return tmp_path / "shop"


def sought(shop: Path, query: str | None, hits: int = 0, day: int = 1, roles: tuple[str, ...] = ()) -> None:
    search = LoggedSearch(datetime(2026, 6, day, tzinfo=UTC), roles, hits, query)
    append(shop / "out" / "kb-queries.ndjson", search)


def gaps(run: Run, shop: Path) -> tuple[list[dict[str, Any]], str]:
    done = run("kb-gaps", "-C", shop, *AS_OF, "-f", "json", "-v")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_queries_without_hits_are_counted_across_spellings(run: Run, shop: Path) -> None:
    for day, query in ((1, "Giraffe"), (3, "giraffe "), (2, "giraffe "), (5, "zebra"), (6, "late parcel")):
        sought(shop, query, hits=query == "late parcel", day=day)
    rows, _ = gaps(run, shop)
    assert [(row["gap"], row["name"], row["searches"], row["last"]) for row in rows] == [
        ("query", "giraffe ", 3, "2026-06-03"),
        ("query", "zebra", 1, "2026-06-05"),
    ]


def test_a_query_with_hits_now_is_no_longer_a_gap(run: Run, shop: Path) -> None:
    sought(shop, "giraffe")
    write_entry(shop / "kb", "giraffe", "The giraffe cup")
    rows, told = gaps(run, shop)
    assert rows == []
    assert "1 query without hits then has hits now" in told


def test_a_query_whose_hits_have_little_in_common_with_it_is_a_gap(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKM_KB_LOG_QUERIES", "true")
    monkeypatch.setenv("CKM_KB_LOG_QUERY_TEXT", "true")
    query = "parachute jumping above the parcel clouds of Jupiter"
    for asked in (query, "late parcel"):
        assert json.loads(run("kb-search", asked, "-C", shop, *AS_OF, "-f", "json").stdout)
    rows, _ = gaps(run, shop)
    assert [(row["gap"], row["name"]) for row in rows] == [("query", query)]
    shown = (shop / "out" / "kb-shown.ndjson").read_text("utf-8").splitlines()
    assert len(shown) == 1


def test_a_query_whose_hits_a_role_may_not_read_is_a_gap(run: Run, shop: Path) -> None:
    write_entry(shop / "kb", "giraffe", "The giraffe cup", "access: {read: [manager]}")
    sought(shop, "giraffe", roles=("service",))
    sought(shop, "giraffe", roles=("manager",))
    rows, _ = gaps(run, shop)
    assert [(row["name"], row["searches"]) for row in rows] == [("giraffe", 1)]


def test_searches_without_a_logged_query_are_counted(run: Run, shop: Path) -> None:
    sought(shop, None)
    assert "1 searches without hits have no text in the log" in gaps(run, shop)[1]


def test_reasons_without_an_entry_are_sorted_by_value_at_risk(run: Run, shop: Path) -> None:
    customers = [("a", 100.0, ["late_delivery", "silent"]), ("b", 50.0, ["silent"]), ("c", 500.0, ["price"])]
    frame = pl.DataFrame(
        {
            "customer_id": [name for name, _, _ in customers],
            "p_churn": 0.9,
            "p_reported": 0.9,
            "level": "urgent",
            "suppressed": pl.Series([None] * 3, dtype=pl.String),
            "first_warned_on": date(2026, 6, 1),
            "value_at_risk": [value for _, value, _ in customers],
            "reasons": [[{"code": code, "contribution": 1.0} for code in codes] for _, _, codes in customers],
        }
    )
    WarningRun(Store(shop / "store"), frame, date(2026, 6, 1), 90, {}).save()
    rows, told = gaps(run, shop)
    assert [(row["gap"], row["name"], row["customers"], row["value_at_risk"]) for row in rows] == [
        ("reason", "price", 1, 500.0),
        ("reason", "silent", 2, 150.0),
    ]
    assert "warnings of 2026-06-01" in told


def test_a_workspace_without_saved_warnings_has_a_remark(run: Run, shop: Path) -> None:
    rows, told = gaps(run, shop)
    assert rows == []
    assert "no saved warnings" in told


@pytest.mark.parametrize("fmt", ["table", "csv", "json", "ndjson", "md"])
def test_every_format_is_written(run: Run, shop: Path, fmt: str) -> None:
    sought(shop, "giraffe \x1b[31m")
    done = run("kb-gaps", "-C", shop, *AS_OF, "-f", fmt)
    assert (done.exit_code, "giraffe" in done.stdout) == (0, True)
