"""Several sources: customers without links cause a warning; else the share of linked customers is reported."""

from __future__ import annotations

from pathlib import Path

import polars as pl

import ckm
from ckm.check.linked_customers import linked_customers
from ckm.dataset.linked_customers import with_persons
from ckm.identities import Identities, Link
from ckm.ingest.options import IngestOptions
from ckm.severity import Severity
from ckm.workspace import lay_out

N = 40


def table(prefix: str, source: str, count: int = N) -> pl.LazyFrame:
    return pl.LazyFrame({"customer_id": [f"{prefix}{n}" for n in range(count)], "source": [source] * count})


def test_customers_of_two_sources_without_links_cause_a_warning() -> None:
    [finding] = linked_customers({"transactions": table("cus_", "stripe"), "customers": table("", "crm")})
    assert (finding.severity, finding.count) == (Severity.warning, 2 * N)
    assert "ckm link" in (finding.hint or "")


def test_the_share_of_linked_customers_is_reported_by_source() -> None:
    tables = {"transactions": table("cus_", "stripe"), "customers": table("", "crm")}
    persons = {**{f"cus_{n}": str(n) for n in range(N // 4)}, **{str(n): str(n) for n in range(N // 4)}}
    found = {each.part: each for each in linked_customers(with_persons(tables, persons))}
    assert {part: (each.severity, each.value) for part, each in found.items()} == {
        "crm": (Severity.info, 0.75),
        "stripe": (Severity.info, 0.75),
    }


def test_one_source_or_a_small_second_source_causes_no_finding() -> None:
    assert not [*linked_customers({"transactions": table("", "shop")})]
    assert not [*linked_customers({"transactions": table("", "shop"), "customers": table("x", "list", 5)})]


def test_ids_of_links_that_no_table_has_are_counted_in_a_warning_without_values(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    lay_out(shop)
    orders = shop / "incoming" / "orders.csv"
    orders.write_text("order_id,customer_id,ordered_at,net,currency\n1,ann,2026-01-02,5,EUR\n2,bo,2026-01-03,5,EUR\n")
    ckm.ingest.ingest(shop, orders, options=IngestOptions(table="transactions"))
    Identities((Link("ann", "bo"),)).write(shop / "identities.csv")
    assert not [each for each in ckm.check.check(shop).findings if each.part == "identities.csv"]
    Identities((Link("ann", "zoe"), Link("bo", "yan", "different"))).write(shop / "identities.csv")
    [finding] = [each for each in ckm.check.check(shop).findings if each.part == "identities.csv"]
    assert (finding.severity, finding.count) == (Severity.warning, 2)
    assert "zoe" not in finding.message
