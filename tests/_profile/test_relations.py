"""Related parties of a customer by ``relationships``, and numbers that the customer wants on invoices."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ckm.errors import UsageError
from ckm.profile import CustomerProfile, profile
from tests._network.shop import AS_OF, workspace

DAY = date.fromisoformat(AS_OF)
CUSTOMERS = "acme,Acme GmbH,company,DE,food,,\nann,Ann Arbor,person,DE,,,\nnorth,Nordhandel,distributor,DE,,,\n"
RELATIONSHIPS = """
ann,works at,acme,2024-01-01,
bob,works at,acme,2024-01-01,2025-12-31
acme,buys through,north,2024-01-01,
best,buys through,north,2024-01-01,
acme,supplied by,mill,,
ann,refers,cara,,
ann,referred by,dan,,
"""
SALES = f"""
o1,acme,2026-05-01T10:00:00Z,100,EUR,R-1
o2,acme,2026-06-01T10:00:00Z,100,EUR,R-2
o3,ann,{AS_OF}T10:00:00Z,10,EUR,
"""
BILLING = """
acme,project,0077,,2025-01-01,,,
acme,matter,,,2025-01-01,,,
acme,project,,R-2,,,2026-06-03,
acme,project,,R-1,,,2026-05-03,2026-05-20
acme,cost center,K1,,2024-01-01,2025-12-31,,
ann,customer,K-9,,,,,
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("relations") / "shop"
    return workspace(root, customers=CUSTOMERS, relationships=RELATIONSHIPS, sales=SALES, billing=BILLING)


def rows(found: CustomerProfile, table: str) -> list[dict[str, Any]]:
    sections = json.loads(found.to_json())["sections"]
    return [row for section in sections for each in section["tables"] if each["name"] == table for row in each["rows"]]


def test_relations_valid_on_the_day_list_the_parties_related_to_a_company(shop: Path) -> None:
    found = [(each["relation"], each["customer_id"]) for each in rows(profile(shop, "acme", as_of=DAY), "relatives")]
    assert found == [("contact", "ann"), ("distributor", "north"), ("sibling", "best"), ("supplier", "mill")]


def test_relations_of_a_person_list_the_account_and_the_referrals(shop: Path) -> None:
    found = [(each["relation"], each["customer_id"]) for each in rows(profile(shop, "ann", as_of=DAY), "relatives")]
    assert found == [("account", "acme"), ("referred", "cara"), ("referrer", "dan")]


def test_an_invoice_requirement_is_met_unless_an_uncorrected_invoice_lacked_the_number(shop: Path) -> None:
    found = profile(shop, "acme", as_of=DAY)
    assert [(each["field"], each["status"], each["number"], each["lacked on"]) for each in rows(found, "billing")] == [
        ("matter", "met", None, None),
        ("project", "not met", "0077", "R-2"),
    ]
    assert (found.figure("billing_fields"), found.figure("billing_fields_unmet")) == (2, 1)
    # on 4 May invoice R-1 is not corrected yet, and R-2 is recorded later
    earlier = rows(profile(shop, "acme", as_of=date(2026, 5, 4)), "billing")
    assert [each["lacked on"] for each in earlier if each["field"] == "project"] == ["R-1"]


def test_an_invoice_requirement_of_a_customer_without_invoices_is_open(shop: Path) -> None:
    assert [each["status"] for each in rows(profile(shop, "ann", as_of=DAY), "billing")] == ["no invoice yet"]


def test_a_role_without_the_exposure_identity_sees_no_number_and_no_invoice(shop: Path) -> None:
    found = profile(shop, "acme", as_of=DAY, role="visitor")
    assert set(rows(found, "billing")[0]) == {"field", "status"}


def test_the_error_for_a_pseudonym_explains_it_and_names_the_lists_with_ids(shop: Path) -> None:
    with pytest.raises(UsageError, match="pseudonym") as caught:
        profile(shop, "id-0123456789", as_of=DAY)
    assert caught.value.hint is not None
    assert "churn-warn -o FILE" in caught.value.hint


def test_each_missing_fact_is_reported_once(shop: Path, tmp_path: Path) -> None:
    bare = workspace(tmp_path / "shop", sales=SALES)
    for each in (shop, bare):
        missing = [row["what"] for row in json.loads(profile(each, "acme", as_of=DAY).to_json())["not_known"]]
        assert len(missing) == len(set(missing))
    assert missing.count("invoice requirements") == 1
