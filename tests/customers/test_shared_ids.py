"""Ids that may be shared by many customers are reported; declared guest ids are no customers."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.check import Severity, check_tables
from ckm.config import load_config
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.shared_ids import SharedId, is_guest_word
from ckm.dataset import open_dataset
from ckm.dataset.declared_guests import without_guest_ids
from ckm.loyalty import LoyaltyOptions, loyalty_report
from tests.conftest import Run
from tests.customers.test_ledger_cache import fingerprint

BEGIN = date(2024, 1, 1)
DAYS = 400
WORDS = [
    "0",
    "000",
    "guest",
    "GUEST",
    "Walk-in",
    "n/a",
    "unknown",
    "99999",
    "-1",
    "Laufkunde",
    "散客",
    "ลูกค้าทั่วไป",
    "مهمان",
]


def sales(customers: int = 120, seed: int = 0) -> list[tuple[str, int]]:
    """Return customer and day of a dozen orders per customer."""
    dice = Random(seed)
    return [(f"P{who:03}", dice.randrange(DAYS)) for who in range(customers) for _ in range(12)]


def many(name: str, a_day: int = 3) -> list[tuple[str, int]]:
    return [(name, day) for day in range(DAYS) for _ in range(a_day)]


def tables(lines: list[tuple[str, int]]) -> dict[str, pl.LazyFrame]:
    frame = pl.DataFrame(lines, schema=["customer_id", "day"], orient="row")
    return {
        "transactions": frame.select(
            "customer_id",
            order_id=pl.int_range(pl.len()).cast(pl.String),
            ordered_at=pl.lit(BEGIN).cast(pl.Datetime("us", "UTC")) + pl.duration(days="day"),
            net=pl.lit(10.0),
            currency=pl.lit("EUR"),
            type=pl.lit("sale"),
        ).lazy()
    }


def reported(lines: list[tuple[str, int]]) -> tuple[SharedId, ...]:
    """Return the shared ids of the ledger, after comparing them with the findings of ``check``."""
    of_ledger = read_ledger(tables(lines)).left_out.shared_ids
    findings = [each for each in check_tables(tables(lines)).findings if each.check == "guest_ids"]
    assert sorted(each.message for each in findings) == sorted(each.finding for each in of_ledger)
    assert all((each.severity is Severity.warning) == ("customer id '" in each.message) for each in findings)
    return of_ledger


@pytest.mark.parametrize("name", WORDS)
def test_a_word_for_guests_on_most_days_is_reported(name: str) -> None:
    [found] = reported(sales() + many(name))
    assert found.word == name
    assert (found.rows, found.days, found.all_days) == (3 * DAYS, DAYS, DAYS)
    assert f"'{name}' has 45% of the rows, on 400 of 400 days" in found.finding


def test_another_id_is_reported_without_its_value() -> None:
    [found] = reported(sales() + many("K-77120"))
    assert found.word is None
    assert "K-77120" not in found.finding + found.hint
    assert "ckm segment --customers" in found.hint


def test_several_ids_are_reported() -> None:
    assert {each.word for each in reported(sales() + many("0") + many("guest", 1))} == {"0", "guest"}


def test_a_rarer_id_is_reported_if_it_is_a_word_for_guests() -> None:
    lines = sales(300) + [("cash", day) for day in range(0, DAYS, 5)]
    assert [each.word for each in reported(lines)] == ["cash"]
    assert reported(sales(300) + [("K-77120", day) for day in range(0, DAYS, 5)]) == ()


def test_with_few_customers_no_id_is_reported() -> None:
    assert reported(sales(40) + many("0")) == ()


def test_a_company_among_companies_that_order_every_week_is_not_reported() -> None:
    weekly = [(f"F{who:02}", day) for who in range(60) for day in range(who % 3, DAYS, 3)]
    assert reported(weekly + many("F-large", 10)) == ()


@given(st.integers(0, 5), st.integers(60, 150))
def test_an_ordinary_customer_with_the_id_0_is_not_reported(seed: int, customers: int) -> None:
    assert reported([*sales(customers, seed), ("0", 3)]) == (), "an id 0 that is one customer among others"


def test_ids_that_only_contain_a_word_for_guests_are_customers() -> None:
    assert [name for name in ("guest-17", "Barbara", "cash.n", "17", "100", "9", "P0", "") if is_guest_word(name)] == []


@given(st.sampled_from(["0", "guest"]), st.integers(0, 3))
def test_rows_of_declared_ids_count_as_rows_without_a_customer(name: str, seed: int) -> None:
    mixed = tables(sales(seed=seed) + many(name))
    declared = read_ledger(without_guest_ids(mixed, [name]), needs=EVERYTHING)
    blank = mixed["transactions"].with_columns(pl.when(pl.col("customer_id") != name).then("customer_id"))
    assert fingerprint(declared) == fingerprint(read_ledger({"transactions": blank}, needs=EVERYTHING))
    assert declared.left_out.rows_without_customer == 3 * DAYS
    assert declared.left_out.shared_ids == ()


def test_integer_ids_are_declared_as_texts() -> None:
    rows = pl.LazyFrame({"customer_id": [0, 1, None]})
    assert without_guest_ids({"transactions": rows}, ["0"])["transactions"].collect()["customer_id"].to_list() == [
        None,
        1,
        None,
    ]
    people = {"customers": pl.LazyFrame({"customer_id": ["0", "ann", None]})}
    assert without_guest_ids(people, ["0"])["customers"].collect()["customer_id"].to_list() == ["ann", None]


def write(path: Path, lines: list[tuple[str, int]]) -> Path:
    rows = [f"S{number},{who},{BEGIN + timedelta(day)},10.00,EUR" for number, (who, day) in enumerate(lines)]
    path.write_text("\n".join(["order_id,customer_id,ordered_at,net,currency", *rows, ""]), encoding="utf-8")
    return path


def test_a_declared_id_is_no_customer_in_any_analysis_nor_in_the_cached_ledger(tmp_path: Path, run: Run) -> None:
    root, path = tmp_path / "shop", write(tmp_path / "orders.csv", sales() + many("0"))
    assert run("init", root).exit_code == 0
    assert run("ingest", path, "--as", "transactions", "-C", root).exit_code == 0
    before = run("segment", "-C", root, "--customers", "--dry-run", "-f", "csv")
    cached_ledger(open_dataset(workspace=root).tables, find_cache(open_dataset(workspace=root)), needs=EVERYTHING)
    assert (root / "store" / "ledger" / "ledger.npz").is_file()
    assert before.stdout.count("\n") == 1 + 121
    assert "customer id '0' has 45% of the rows" in before.stderr
    assert "customer id '0' has 45% of the rows" in run("churn-warn", "-C", root, "-f", "csv").stderr
    assert "customer id '0' has 45% of the rows" in run("check", "-C", root, "-f", "csv").stdout

    config = root / "ckm.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("guest_ids: []", 'guest_ids: ["0"]'), encoding="utf-8")
    after = run("segment", "-C", root, "--customers", "--dry-run", "-f", "csv", "-v")
    assert after.stdout.count("\n") == 1 + 120, "the kept ledger was of other guest ids"
    assert "without a customer" in after.stderr
    assert "customer id" not in after.stderr
    assert not any(line.startswith("0,") for line in run("churn-warn", "-C", root, "-f", "csv").stdout.splitlines())
    checked = run("check", "-C", root, "-f", "csv").stdout
    assert "guest_ids" not in checked
    assert "1,200 rows (45.5 %) have no customer" in checked
    found = loyalty_report(open_dataset(workspace=root), LoyaltyOptions(months=12), load_config(root)).report.metrics
    guests = [each.value for each in found if each.name == "revenue_without_customer" and not each.slice]
    assert guests == [366 * 30], "the twelve months to 2025-02-03"


def test_guest_ids_of_a_file_are_set_by_an_environment_variable(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "orders.csv", sales() + many("guest"))
    monkeypatch.setenv("CKM_GUEST_IDS", "0,guest")
    result = run("segment", path, "--customers", "-f", "csv")
    assert result.stdout.count("\n") == 1 + 120
