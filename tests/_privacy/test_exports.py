"""Exported lists of customers respect consents and the minimum group size."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ckm
from ckm.errors import RefusedError
from ckm.ingest.options import IngestOptions
from ckm.workspace import lay_out
from tests.commands.test_loyalty_report import orders, write
from tests.conftest import Run

CUSTOMERS = 119


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    lay_out(root)
    consents = [f"c{each:03},email,{'yes' if each % 3 else 'no'},2025-01-01\n" for each in range(CUSTOMERS)]
    (root / "incoming" / "consents.csv").write_text("customer_id,channel,status,at\n" + "".join(consents))
    write(root / "incoming" / "orders.csv", orders(customers=CUSTOMERS + 1))
    for name, table in (("orders", "transactions"), ("consents", "consents")):
        ckm.ingest.ingest(root, root / "incoming" / f"{name}.csv", options=IngestOptions(table=table))
    return root


def declare(root: Path, columns: str, size: int) -> None:
    text = (root / "ckm.yaml").read_text()
    text = text.replace("quasi_identifiers: []", f"quasi_identifiers: [{columns}]")
    (root / "ckm.yaml").write_text(text.replace("min_group_size: 5", f"min_group_size: {size}"))


def ids(path: Path) -> list[str]:
    with path.open() as file:
        return [row["customer_id"] for row in csv.DictReader(file)]


def test_a_list_of_segments_leaves_out_customers_who_may_not_be_contacted(shop: Path, run: Run) -> None:
    assert run("segment", shop, "-q", "-o", shop / "out" / "all.csv").exit_code == 0
    assert run("segment", shop, "-q", "--contactable", "-o", shop / "out" / "mailing.csv").exit_code == 0
    bought = ids(shop / "out" / "all.csv")
    allowed = [each for each in bought if int(each[1:]) % 3 and int(each[1:]) < CUSTOMERS]
    assert ids(shop / "out" / "mailing.csv") == allowed
    done = run("segment", shop, "--contactable", "--customers", "-f", "csv")
    assert f"{len(bought) - len(allowed)} customers left out, whom consents do not allow to contact" in done.stderr
    assert [row["customer_id"] for row in csv.DictReader(done.stdout.splitlines())] == allowed


def test_an_export_with_a_small_group_is_refused_and_not_written(shop: Path, run: Run) -> None:
    declare(shop, "segment, frequency", 2)
    done = run("segment", shop, "-o", shop / "out" / "segments.csv")
    assert done.exit_code == 5
    assert "with equal segment, frequency; the smallest has 1" in done.stderr
    assert not any(f"c{each:03}" in done.stderr for each in range(CUSTOMERS))
    assert not (shop / "out" / "segments.csv").exists()
    assert run("segment", shop, "--customers", "-f", "json").exit_code == 5
    assert run("segment", shop, "-f", "json").exit_code == 0  # rows per segment, not per customer
    assert run("segment", shop, "--customers", "-f", "table").exit_code == 0


def test_a_result_of_the_python_interface_with_a_small_group_is_not_saved(shop: Path) -> None:
    declare(shop, "segment, frequency", 2)
    found = ckm.segment.segment(shop)
    with pytest.raises(RefusedError):
        found.save(shop / "out" / "segments.parquet")
    assert not (shop / "out" / "segments.parquet").exists()


def test_an_export_without_small_groups_is_written(shop: Path, run: Run) -> None:
    declare(shop, "currency", CUSTOMERS - 5)
    assert run("segment", shop, "-o", shop / "out" / "segments.csv").exit_code == 0
    assert len(ids(shop / "out" / "segments.csv")) > CUSTOMERS - 5


def test_a_refused_export_by_partitions_does_not_change_an_earlier_file(shop: Path, run: Run) -> None:
    rows = shop / "out" / "segments.parquet"
    assert run("segment", shop, "-q", "--partitions", "2", "-o", rows).exit_code == 0
    earlier = rows.read_bytes()
    declare(shop, "segment, frequency", 2)
    done = run("segment", shop, "--partitions", "2", "-o", rows)
    assert done.exit_code == 5
    assert rows.read_bytes() == earlier


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_export_by_partitions_leaves_out_customers_who_may_not_be_contacted(
    shop: Path, run: Run, suffix: str
) -> None:
    whole, divided = (shop / "out" / f"{name}.{suffix}" for name in ("whole", "divided"))
    assert run("segment", shop, "--contactable", "-o", whole).exit_code == 0
    assert run("segment", shop, "--contactable", "--partitions", "3", "-o", divided).exit_code == 0
    read = pl.read_csv if suffix == "csv" else pl.read_parquet
    assert 0 < read(divided).height < CUSTOMERS
    assert_frame_equal(read(divided), read(whole))


@pytest.mark.slow
@pytest.mark.usefixtures("coarse")
def test_lists_of_the_report_and_of_churn_warn_with_small_groups_are_refused(shop: Path, run: Run) -> None:
    declare(shop, "frequency, level", 5)
    assert run("churn-warn", shop, "-o", shop / "out" / "warnings.csv").exit_code == 5
    assert run("loyalty-report", shop, "--export", shop / "out" / "lists").exit_code == 5
    assert not (shop / "out" / "warnings.csv").exists()
    assert not (shop / "out" / "lists").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("coarse")
def test_lists_of_the_report_leave_out_customers_who_refused_and_state_their_number(shop: Path, run: Run) -> None:
    done = run("loyalty-report", shop, "--export", shop / "out" / "lists", "-f", "json", "-v")
    assert done.exit_code == 0
    refused = {f"c{each:03}" for each in range(CUSTOMERS) if each % 3 == 0} | {f"c{CUSTOMERS:03}"}
    for path in (shop / "out" / "lists").glob("*.csv"):
        assert refused.isdisjoint(ids(path))
    assert "in no list (" in done.stderr
    warned = run("churn-warn", shop, "-f", "json", "-v")
    assert "may not be contacted by their consents" in warned.stderr
