"""Comparison of two exports: every row of each file counts once, and another format is no change."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckm.diff import FileDiff, diff_files
from ckm.errors import UnknownNameError, UsageError
from tests.conftest import Run

HEADER = ["order_id", "customer_id", "date", "net", "status"]
Row = tuple[str, str, str, str, str]


def write(path: Path, rows: list[Row] | list[list[str]], header: list[str] = HEADER, delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return path


def order(number: int, net: float = 5.5, status: str = "paid") -> Row:
    return (f"A{number:03}", f"C{number % 5}", str(date(2025, 1, 14) + timedelta(number)), f"{net:.2f}", status)


orders = st.lists(
    st.builds(order, st.integers(0, 6), st.sampled_from([1.5, 2.25]), st.sampled_from(["paid", "open"])),
    min_size=4,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders, orders)
def test_counts_are_those_of_multisets_by_key(tmp_path: Path, old: list[Row], new: list[Row]) -> None:
    found = diff_files(write(tmp_path / "old.csv", old), write(tmp_path / "new.csv", new), key=["order_id"]).rows
    before, after = Counter(old), Counter(new)
    unchanged = (before & after).total()
    left, right = (Counter(row[0] for row in rest.elements()) for rest in (before - after, after - before))
    changed = (left & right).total()
    assert (found.old, found.new) == (len(old), len(new))
    assert (found.unchanged, found.changed) == (unchanged, changed)
    assert (found.missing, found.added) == (len(old) - unchanged - changed, len(new) - unchanged - changed)


@pytest.fixture
def week(tmp_path: Path) -> tuple[Path, Path]:
    """Return two exports: one of thirty orders is refunded, two are missing, three are new; one column is replaced."""
    old = [[*order(number), "x"] for number in range(30)]
    new = [[*order(number, status="refunded" if number == 7 else "paid"), str(number)] for number in range(2, 33)]
    return (
        write(tmp_path / "monday.csv", old, [*HEADER, "note"]),
        write(tmp_path / "tuesday.csv", new, [*HEADER, "clerk"]),
    )


def test_rows_columns_and_totals_are_named(week: tuple[Path, Path]) -> None:
    found = diff_files(*week)
    assert found.key == ("order_id",)
    rows = found.rows
    assert (rows.unchanged, rows.changed, rows.added, rows.missing) == (27, 1, 3, 2)
    assert {each.name: each.status for each in found.columns} == {"status": "values", "note": "missing", "clerk": "new"}
    assert [(each.name, each.old, each.new) for each in found.totals] == [("net", 165.0, 170.5)]
    changed = found.changes.filter(pl.col("status") == "changed")
    assert changed.rows() == [("changed", "A007", 9, 7, ["status"])]
    assert found.changes["status"].value_counts().sort("status").rows() == [("changed", 1), ("missing", 2), ("new", 3)]


def test_another_format_is_no_change_but_is_reported(tmp_path: Path) -> None:
    rows = [order(number, 1000 + number / 4) for number in range(20)]
    german = [
        [
            who,
            customer,
            date.fromisoformat(day).strftime("%d.%m.%Y"),
            f"{float(net):,.2f}".translate({44: ".", 46: ","}),
            " paid",
        ]
        for who, customer, day, net, _ in rows
    ]
    old, new = write(tmp_path / "a.csv", rows), write(tmp_path / "b.csv", german, delimiter=";")
    found = diff_files(old, new)
    assert (found.rows.unchanged, found.rows.changed) == (20, 0)
    assert {each.name: each.status for each in found.columns} == {"date": "type", "net": "type"}
    assert {each.rows for each in found.columns} == {0}
    assert all(each.old == each.new for each in found.totals)


def test_a_parquet_file_is_compared_with_the_csv_file_that_it_came_from(tmp_path: Path) -> None:
    old = write(tmp_path / "a.csv", [order(number, number / 4) for number in range(20)])
    pl.read_csv(old, try_parse_dates=True).write_parquet(tmp_path / "b.parquet")
    assert diff_files(old, tmp_path / "b.parquet").rows.unchanged == 20


def test_leading_zeros_and_missing_values_are_differences(tmp_path: Path) -> None:
    old = write(tmp_path / "a.csv", [["1", "007", "x"], ["2", "", "y"], ["3", "0", "z"]], ["order_id", "code", "note"])
    new = write(tmp_path / "b.csv", [["1", "7", "x"], ["2", "0", "y"], ["3", "0", "z"]], ["order_id", "code", "note"])
    assert diff_files(old, new, key=["order_id"]).rows.changed == 2


def test_what_cannot_be_compared_is_refused(tmp_path: Path, week: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="no column in common"):
        diff_files(week[0], write(tmp_path / "c.csv", [["1", "2"], ["3", "4"]], ["alpha", "beta"]))
    with pytest.raises(UnknownNameError, match="order_idd"):
        diff_files(*week, key=["order_idd"])


def test_without_a_known_key_whole_rows_are_matched_with_a_remark(tmp_path: Path) -> None:
    old, new = ([[f"k{number}", word] for number in range(5)] for word in ("red", "blue"))
    paths = [write(tmp_path / f"{at}.csv", rows, ["thing", "hue"]) for at, rows in enumerate((old, new))]
    found = diff_files(*paths)
    assert (found.rows.changed, found.rows.missing, found.rows.added) == (0, 5, 5)
    assert any("--key" in remark for remark in found.remarks)
    assert diff_files(*paths, key=["thing"]).rows.changed == 5


def test_a_composed_key_is_matched_by_all_of_its_columns_or_not_at_all(tmp_path: Path) -> None:
    header = ["customer_id", "date", "amount"]
    old = write(tmp_path / "a.csv", [["c1", "2025-01-14", "1.50"], ["c2", "2025-01-14", "2.50"]], header)
    new = write(tmp_path / "b.csv", [["c2", "2025-01-14", "2.50"], ["c1", "2025-01-14", "9.50"]], header)
    found = diff_files(old, new)
    assert found.key == ("customer_id", "date")
    assert (found.rows.unchanged, found.rows.changed, found.rows.added, found.rows.missing) == (1, 1, 0, 0)


@pytest.mark.parametrize("amount", [["amount"], []])
def test_a_renamed_column_is_matched_by_its_target(tmp_path: Path, amount: list[str]) -> None:
    values = [["c1", "2025-01-14", "1.50"], ["c2", "2025-01-15", "2.50"]]
    rows = [row[: 2 + len(amount)] for row in values]
    old = write(tmp_path / "a.csv", rows, ["customer_id", "date", *amount])
    new = write(tmp_path / "b.csv", rows, ["customer", "date", *amount])
    found = diff_files(old, new)
    assert found.rows.unchanged == 2
    assert not found.columns
    assert "column 'customer_id' of the old file matches 'customer' of the new file" in found.remarks


def test_the_platform_of_the_exports_is_named(tmp_path: Path) -> None:
    header = ["Name", "Email", "Financial Status", "Paid at", "Currency", "Subtotal", "Total", "Created at"]
    header += ["Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku", "Id", "Payment Method"]
    row = ["#1", "a@x.org", "paid", "2025-01-14 10:00:00 +0100", "EUR", "5.00", "5.00", "2025-01-14 10:00:00 +0100"]
    row += ["1", "Mug", "5.00", "MUG", "77", "card"]
    old, new = (write(tmp_path / name, [row], header) for name in ("a.csv", "b.csv"))
    assert "both files are recognised as Shopify: orders (shopify-orders)" in diff_files(old, new).remarks


def test_the_command_prints_findings_or_rows_in_every_form(run: Run, week: tuple[Path, Path], tmp_path: Path) -> None:
    result = run("diff", *week, "-f", "json")
    assert result.exit_code == 0, result.output
    rows = {each["name"]: each for each in json.loads(result.stdout) if each["part"] == "rows"}
    assert (rows["new"]["new"], rows["missing"]["old"]) == (3, 2)
    listed = list(csv.DictReader(io.StringIO(run("diff", *week, "--rows", "-f", "csv").stdout)))
    assert [each["new_line"] for each in listed if each["status"] == "changed"] == ["7"]
    assert run("diff", *week, "-o", tmp_path / "found.parquet").exit_code == 0
    assert pl.read_parquet(tmp_path / "found.parquet").height == len(json.loads(result.stdout))
    screen = run("diff", *week, "-f", "table").stdout
    assert "missing" in screen
    assert "refunded" not in screen
    assert run("diff", week[0], tmp_path / "absent.csv").exit_code == 2


def test_a_file_compared_with_itself_has_no_difference(week: tuple[Path, Path]) -> None:
    found: FileDiff = diff_files(week[0], week[0])
    assert found.rows.unchanged == found.rows.old == found.rows.new
    assert not found.columns
    assert found.changes.is_empty()
