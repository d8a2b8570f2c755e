"""The profile of one customer of a small workspace: every section, roles, linked ids and the as-of date."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm._profile.figures import ProfileTable
from ckm._profile.result import CustomerProfile
from ckm.errors import UsageError
from ckm.identities import Identities, Link
from ckm.store import Store
from tests._profile.conftest import AS_OF, CONTACTS, CUSTOMERS, SALES, invoke

DAY = date.fromisoformat(AS_OF)


@pytest.fixture
def shop(small: Path, tmp_path: Path) -> Path:
    """Return a copy of the small workspace, which a test may change."""
    return Path(shutil.copytree(small, tmp_path / "shop"))


def of(root: Path, customer: str = "ann", **wanted: object) -> CustomerProfile:
    return ckm.open(root).profile(customer, **{"as_of": DAY, **wanted})


def table(found: CustomerProfile, name: str) -> ProfileTable:
    return next(each for section in found.sections for each in section.tables if each.name == name)


def rows(found: CustomerProfile, name: str) -> list[dict[str, object]]:
    wanted = table(found, name)
    return [dict(zip(wanted.columns, row, strict=True)) for row in wanted.rows]


def test_orders_and_net_sales_count_the_lines_of_the_customer_up_to_the_as_of_date(small: Path) -> None:
    found = of(small)
    assert {
        name: found.figure(name) for name in ("orders", "frequency", "net_total", "spend_12mo", "recency_days")
    } == {
        "orders": 3,
        "frequency": 3,
        "net_total": 40.0,
        "spend_12mo": 40.0,
        "recency_days": 11,
    }


def test_last_orders_have_their_items_newest_first(small: Path) -> None:
    listed = rows(of(small), "last_orders")
    assert [(each["order"], each["net"]) for each in listed] == [("o4", 10.0), ("o2", 10.0), ("o1", 55.5)]
    assert listed[-1]["items"] == "TEA-1 (tea) × 2, POT-1 (teaware) × 1"


def test_every_figure_names_its_source_and_date(small: Path) -> None:
    found = of(small).frame
    assert found.height > 15
    assert found.select(pl.col("source", "date").is_null().any()).row(0) == (False, False)
    assert found.filter(pl.col("figure") == "orders").row(0)[-2:] == ("transactions", DAY)


def test_a_complaint_is_open_for_180_days_unless_it_is_resolved(small: Path) -> None:
    found = of(small)
    assert found.figure("open_complaints") == 1
    assert [(each["matter"], each["topic"], each["late"]) for each in rows(found, "open")] == [
        ("complaint", "quality", "overdue")
    ]


def test_a_promised_delivery_without_a_recorded_delivery_is_listed_with_its_promised_day(small: Path) -> None:
    assert rows(of(small), "deliveries") == [{"order_id": "o4", "promised_on": date(2026, 1, 25), "late": "overdue"}]


def test_returned_and_criticised_products_are_not_to_be_offered(small: Path) -> None:
    assert {(each["what"], each["why"]) for each in rows(of(small), "not_to_offer")} == {
        ("POT-1", "returned"),
        ("TEA-1", "complained about"),
    }


def test_consents_and_membership_come_from_columns_of_the_source(small: Path) -> None:
    found = of(small)
    assert found.figure("consent:Newsletter_opt-in") == "yes"
    assert found.figure("membership:Points") == "120"
    assert "consents" not in found.not_known


def test_an_open_complaint_suppresses_offers_by_the_rule_of_churn_warn(small: Path) -> None:
    assert of(small).figure("suppressed") == "open complaint"


def test_a_customer_without_a_consent_may_not_be_contacted_if_other_customers_gave_consents(small: Path) -> None:
    assert of(small, "bob").figure("suppressed") == "no consent"


def test_account_distributor_and_siblings_are_listed_as_related_parties(small: Path) -> None:
    assert [(each["relation"], each["customer_id"]) for each in rows(of(small), "relatives")] == [
        ("account", "acme"),
        ("sibling", "bob"),
    ]
    assert [(each["relation"], each["customer_id"]) for each in rows(of(small, "acme"), "relatives")] == [
        ("distributor", "north"),
        ("member", "ann"),
        ("member", "bob"),
    ]


def test_listed_entries_fit_an_open_topic_the_day_the_region_and_the_role(small: Path) -> None:
    assert [each["entry"] for each in rows(of(small), "knowledge")] == ["secret", "stale"]
    assert [each["entry"] for each in rows(of(small, role="service"), "knowledge")] == ["stale"]


def test_a_customer_without_a_purchase_has_a_profile(small: Path) -> None:
    found = of(small, "north")
    assert found.figure("party_type") == "distributor"
    assert "orders (no purchase)" in found.not_known


@pytest.mark.parametrize("unknown", ["anna", "Ann", " ann", "eve", "", "ann@example.org"])
def test_an_unknown_id_is_refused_and_no_id_is_in_the_message(small: Path, unknown: str) -> None:
    with pytest.raises(UsageError) as caught:
        of(small, unknown)
    text = f"{caught.value} {caught.value.hint} {caught.value.to_dict()}"
    assert not any(customer in text for customer in ("ann", "bob", "acme", "north", "cus_1", "eve"))


def test_rows_after_the_as_of_date_are_not_used(small: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    invoke("init", cut)
    for name, text, at in (("customers", CUSTOMERS, 8), ("transactions", SALES, 3), ("interactions", CONTACTS, 2)):
        head, *lines = text.splitlines()
        kept = [line for line in lines if (line.split(",")[at] or "0")[:10] <= AS_OF]
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
        invoke("ingest", tmp_path / f"{name}.csv", "--as", name, "-C", cut)
    shutil.copytree(small / "kb", cut / "kb", dirs_exist_ok=True)
    for customer in ("ann", "cus_1", "bob", "acme", "north"):
        assert json.loads(of(small, customer).to_json()) == json.loads(of(cut, customer).to_json())


def test_every_linked_id_gives_the_profile_of_the_person(shop: Path) -> None:
    link = Link("ann", "cus_1", person_id="ann", rule="model", fields="name", by="ckm link", on="2026-01-30")
    Identities((link,)).write(shop / "identities.csv")
    found = of(shop)
    assert found.to_json() == of(shop, "cus_1").to_json()
    assert (found.customer_id, found.figure("orders"), found.figure("net_total")) == ("ann", 4, 52.0)
    assert rows(found, "linked_ids")[0]["linked to"] == "cus_1"
    assert [each["matter"] for each in rows(found, "open")] == ["promise", "complaint"]
    assert found.remarks == ("2 linked ids count as one person",)


def test_a_role_that_sees_no_ids_does_not_see_the_ids_linked_to_the_given_id(shop: Path) -> None:
    Identities((Link("ann", "cus_1", person_id="ann", fields="name", by="Nina", on="2026-01-30"),)).write(
        shop / "identities.csv"
    )
    found = of(shop, "cus_1", role="visitor")
    assert found.customer_id == "cus_1"
    assert '"ann"' not in found.to_json()
    assert "Customer ann" not in found.to_html()


def test_the_churn_probability_comes_from_the_newest_saved_run_by_the_as_of_date(shop: Path) -> None:
    store = Store(shop / "store")
    for day, probability in ((date(2025, 12, 31), 0.25), (date(2026, 1, 31), 0.5), (date(2026, 3, 31), 0.75)):
        warned = {
            "customer_id": ["ann"],
            "p_churn": [probability],
            "level": ["warn"],
            "reasons": ["complaint late_delivery"],
        }
        store.save_run("warnings", "90d", 1, day, pl.DataFrame(warned), {"model": "rule"})
    found = of(shop)
    assert (found.figure("p_churn"), found.figure("warning_level")) == (0.5, "warn")
    assert table(found, "reasons").source == "churn-warn, saved run of 2026-01-31"
    assert [each["code"] for each in rows(found, "reasons")] == ["complaint", "late_delivery"]
    assert [each["because of"] for each in rows(found, "knowledge")] == [
        "reason complaint",
        "reason late_delivery",
        "topic quality",
    ]
    assert of(shop, as_of=date(2026, 1, 30)).figure("p_churn") == 0.25
    assert "churn probability (no warning in the saved run" in of(shop, "bob").not_known


def test_changes_of_the_segment_in_saved_runs_are_listed(shop: Path) -> None:
    store = Store(shop / "store")
    for day, segment in enumerate(["new", "new", "loyal"], start=1):
        kept = pl.DataFrame({"customer_id": ["ann"], "segment": [segment], "rows": [1], "net_total": [1.0]})
        store.save_run("segments", "default", 1, date(2026, 1, 8 * day), kept, {"definition": "x"})
    assert [(each["since run"], each["segment"]) for each in rows(of(shop), "segment_history")] == [
        (date(2026, 1, 8), "new"),
        (date(2026, 1, 24), "loyal"),
    ]


def test_a_role_sees_only_values_of_the_exposures_in_its_settings(shop: Path) -> None:
    text = (shop / "ckm.yaml").read_text(encoding="utf-8").replace("roles: {}", "roles: {service: 'group, amount'}")
    (shop / "ckm.yaml").write_text(text, encoding="utf-8")
    found = of(shop, role="service")
    shown = found.to_json() + found.to_html() + found.to_markdown()
    assert found.figure("net_total") == 40.0
    hidden = ("Arbor", "example.org", "5550101", "Nina", "acme", "bob", "stale tea", "o4", "120")
    assert not [value for value in hidden if value in shown]
    assert "columns of exposure personal, identity" in found.hidden
    visitor = of(shop, role="visitor")
    assert (visitor.figure("net_total"), visitor.figure("country")) == (None, "DE")
    assert " × " in found.to_markdown()
    assert " × " not in visitor.to_markdown()  # quantities of orders are amounts


def test_the_default_role_is_the_setting_kb_role(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKM_KB_ROLE", "visitor")
    assert (of(shop).role, of(shop).figure("email")) == ("visitor", None)


def test_a_page_escapes_html_in_a_name(small: Path) -> None:
    page = of(small).to_html()
    assert "Ann &lt;b&gt;Arbor&lt;/b&gt;" in page
    assert "<b>Arbor" not in page
    assert page.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("suffix", [".html", ".md", ".json", ".csv"])
def test_a_saved_profile_is_readable_by_its_owner_only(small: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ann{suffix}"
    path.touch(0o644)
    assert of(small).save(path) == path
    assert path.stat().st_mode & 0o777 == 0o600
    assert "ann@example.org" in path.read_text(encoding="utf-8")


def test_a_file_of_transactions_without_a_workspace_gives_profiles(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(SALES, encoding="utf-8")
    found = ckm.profile.profile(path, "ann", as_of=DAY)
    assert (found.figure("orders"), found.figure("net_total")) == (3, 40.0)
    assert found.frame.filter(pl.col("figure") == "orders")["source"].to_list() == ["transactions (sales.csv)"]


def test_missing_facts_are_one_line_instead_of_sections(small: Path) -> None:
    found = of(small, "north")
    page = found.to_markdown()
    assert "## Churn" not in page
    assert page.count("Not known:") == 1
