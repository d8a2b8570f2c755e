"""Several sources: customers without links cause a warning; else the share of linked customers is reported."""

from __future__ import annotations

import polars as pl

from ckm.check.linked_customers import linked_customers
from ckm.dataset.linked_customers import with_persons
from ckm.severity import Severity

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
