"""Findings and roll-ups of ``ckm.network`` on small shops whose numbers are computed by hand."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm.errors import NotEnoughDataError
from ckm.network import Network, network
from ckm.store import Store
from tests._network.shop import AS_OF, sales, workspace

DAY = date.fromisoformat(AS_OF)
CUSTOMERS = """
north,Nordhandel,distributor,DE,trade,,
south,Südhandel,distributor,AT,trade,,
acme,Acme GmbH,company,DE,food,hold,
best,Best GmbH,company,DE,food,,
hold,Holding AG,company,DE,,,
ann,Ann Arbor,person,DE,,,
bob,Bob Birch,person,DE,,,
cara@example.org,Cara Cole,person,DE,,,
mill,Mill Ltd,supplier,GB,,,
"""
RELATIONSHIPS = """
acme,buys through,north,2024-01-01,
best,buys through,north,2024-01-01,
best,buys through,south,2024-01-01,
north,supplied by,mill,2024-01-01,
south,supplied by,mill,2024-01-01,
ann,works at,acme,2024-01-01,
bob,works at,best,2024-01-01,2025-12-31
cara@example.org,works at,best,2027-01-01,
hold,owns,best,2024-01-01,
"""
AMOUNTS = {"north": 100, "south": 50, "acme": 1000, "best": 600, "ann": 20, "hold": 0}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("network") / "shop"
    return workspace(root, relationships=RELATIONSHIPS, customers=CUSTOMERS, sales=sales(**AMOUNTS))


@pytest.fixture(scope="module")
def found(shop: Path) -> Network:
    return network(shop, as_of=DAY)


def row(frame: pl.DataFrame, party: str, **more: object) -> dict[str, object]:
    chosen = frame.filter(pl.col("party_id") == party, **more)
    assert chosen.height == 1
    return chosen.row(0, named=True)


def test_revenue_lost_counts_customers_without_another_supply_path(found: Network) -> None:
    partners = found.tables["partners"]
    # best also buys through south, and both distributors are supplied by mill alone
    assert row(partners, "north")["revenue_lost"] == 100 + 1000
    assert row(partners, "south")["revenue_lost"] == 50
    assert row(partners, "mill")["revenue_lost"] == 100 + 50 + 1000 + 600
    assert row(partners, "mill")["dependent_customers"] == 4


def test_groups_roll_up_the_parties_that_a_parent_owns_and_their_employees(found: Network) -> None:
    hold = row(found.tables["groups"], "hold", kind="parent")
    assert (hold["customers"], hold["revenue"], hold["previous_revenue"]) == (4, 1000 + 600 + 20, 810)
    assert (hold["warned"], hold["value_at_risk"]) == (None, None)
    north = row(found.tables["groups"], "north", kind="distributor")
    assert (north["customers"], north["revenue"]) == (3, 1700)


def test_single_contacts_count_only_relations_valid_on_the_as_of_date(shop: Path, found: Network) -> None:
    accounts = found.tables["single_contacts"]
    assert accounts["party_id"].to_list() == ["acme"]  # bob left best, and cara begins later
    assert (accounts["contact_id"][0], accounts["contact"][0], accounts["revenue"][0]) == ("ann", None, 1020)
    earlier = network(shop, as_of=date(2025, 12, 31)).tables["single_contacts"]
    assert sorted(earlier["party_id"]) == ["acme", "best"]


def test_reach_counts_direct_and_indirect_customers_and_their_countries(found: Network) -> None:
    north = row(found.tables["distributors"], "north")
    assert (north["direct_customers"], north["customers"], north["countries"], north["industries"]) == (2, 2, 1, 1)
    assert north["reached_revenue"] == 1600


def test_findings_are_sorted_by_amount_and_have_computation_and_evidence(found: Network) -> None:
    money = found.frame["money"].to_list()
    assert money == sorted(money, reverse=True)
    first = found.frame.row(0, named=True)
    assert (first["finding"], first["party_id"], first["money"]) == ("partner_dependency", "mill", 1750)
    assert first["evidence"] == "relationships.csv row 5, relationships.csv row 6"
    assert found.frame["computation"].str.len_chars().min() > 0
    assert found.frame["evidence"].str.len_chars().min() > 0


def test_names_of_persons_and_ids_that_are_addresses_are_shown_only_on_request(shop: Path, found: Network) -> None:
    texts = [found.to_html(), found.to_markdown(), found.to_json()]
    assert not any(name in text for text in texts for name in ("Ann Arbor", "Bob Birch", "Cara", "example.org"))
    assert "Ann Arbor" in network(shop, as_of=DAY, names=True).to_json()


def test_value_at_risk_of_a_group_comes_from_the_newest_saved_run_by_the_as_of_date(tmp_path: Path) -> None:
    root = workspace(tmp_path / "shop", relationships=RELATIONSHIPS, customers=CUSTOMERS, sales=sales(**AMOUNTS))
    for day, risk in ((date(2026, 5, 31), 77.0), (date(2026, 7, 31), 99.0)):
        rows = pl.DataFrame({"customer_id": ["acme", "ann"], "level": ["warn", "watch"], "value_at_risk": [risk, 3.0]})
        store = Store(root / "store")
        with store.held():
            store.save_run("warnings", "90d", 1, day, rows, {})
    found = network(root, as_of=DAY)
    hold = row(found.tables["groups"], "hold", kind="parent")
    assert (hold["warned"], hold["value_at_risk"], found.churn_as_of) == (2, 80.0, date(2026, 5, 31))
    assert any("2026-05-31" in remark for remark in found.remarks)
    assert "group_at_risk" in set(found.frame["finding"])


def test_cycles_and_relations_of_a_party_to_itself_are_reported_and_the_analysis_ends(tmp_path: Path) -> None:
    links = "a,owns,b,,\nb,owns,c,,\nc,owns,a,,\nd,owns,d,,\nc,owns,e,,\n"
    root = workspace(tmp_path / "shop", relationships=links, sales=sales(a=10, b=20, c=30, e=5))
    found = network(root, as_of=DAY)
    assert found.tables["cycles"].rows() == [("owns", 3, ["a", "b", "c"], 60.0)]
    group = row(found.tables["groups"], "a", kind="parent")
    assert (group["customers"], group["revenue"]) == (4, 65.0)
    assert any("a party to itself" in remark for remark in found.remarks)
    cycle = found.frame.filter(pl.col("finding") == "cycle").row(0, named=True)
    assert "a, b, c" in cycle["text"]


def test_a_parent_of_itself_and_an_unknown_parent_are_reported_in_remarks(tmp_path: Path) -> None:
    customers = "a,A,company,DE,,a,\nb,B,company,DE,,ghost,\n"
    found = network(workspace(tmp_path / "shop", customers=customers, sales=sales(a=10, b=20)), as_of=DAY)
    ghost = row(found.tables["groups"], "ghost")
    assert (ghost["customers"], ghost["revenue"], ghost["name"]) == (1, 20.0, None)
    assert any("1 relation of a party to itself" in each for each in found.remarks)
    assert any("1 id is in relations only" in each for each in found.remarks)


def test_a_party_with_two_parents_counts_once_in_each_group_and_in_the_group_above(tmp_path: Path) -> None:
    links = "p,owns,x,,\nq,owns,x,,\ntop,owns,p,,\ntop,owns,q,,\nother,owns,q,,\n"
    found = network(workspace(tmp_path / "shop", relationships=links, sales=sales(x=100, p=1, q=2)), as_of=DAY)
    assert row(found.tables["groups"], "top")["revenue"] == 103
    assert row(found.tables["groups"], "other")["revenue"] == 102
    assert any("2 ids below several others" in each for each in found.remarks)


def test_referral_trees_of_persons_need_the_minimum_group_size(tmp_path: Path) -> None:
    links = "\n".join(f"p0,refers,p{each},," for each in range(1, 5)) + "\np4,refers,p5,,\nx,refers,y,,\n"
    customers = "\n".join(f"{who},Name {who},person,DE,," for who in (*(f"p{each}" for each in range(6)), "x", "y"))
    amounts = {f"p{each}": 10.0 for each in range(6)} | {"x": 1.0, "y": 500.0}
    root = workspace(tmp_path / "shop", relationships=links, customers=customers, sales=sales(**amounts))
    trees = network(root, as_of=DAY).tables["referrals"]
    assert trees.select("party_id", "referred_directly", "referred_customers", "levels", "referred_revenue").rows() == [
        ("p0", 4, 5, 2, 50.0)
    ]
    assert network(root, as_of=DAY, min_group_size=1).tables["referrals"]["party_id"].to_list() == ["x", "p0"]


def test_a_small_group_with_a_person_has_no_picture_and_a_group_of_firms_has_one(tmp_path: Path) -> None:
    relationships = "\nann,buys through,north,2024-01-01,\nacme,buys through,south,2024-01-01,\n"
    shop = workspace(tmp_path, relationships=relationships, customers=CUSTOMERS, sales=sales(**AMOUNTS))
    assert {each.title for each in network(shop, as_of=DAY).pictures} == {"Südhandel", "Holding AG"}
    whole = network(shop, as_of=DAY, min_group_size=0).pictures
    assert {each.title for each in whole} == {"Südhandel", "Nordhandel", "Holding AG"}


def test_small_industries_are_combined_with_the_next_smallest_industry(tmp_path: Path) -> None:
    sizes = {"food": 8, "law": 6, "art": 2}
    names = [(f"{industry}{each}", industry) for industry, count in sizes.items() for each in range(count)]
    customers = "\n".join(f"{who},,company,DE,{industry},," for who, industry in names)
    root = workspace(tmp_path / "shop", customers=customers, sales=sales(**{who: 10.0 for who, _ in names}))
    shown = network(root, as_of=DAY).tables["industries"]
    # art alone could be computed by subtraction, so law is combined with art
    assert dict(shown.select("industry", "customers").iter_rows()) == {"food": 8, "(smaller industries)": 8}
    assert shown["revenue"].sum() == 160.0


def test_a_later_export_with_an_end_date_ends_a_relation_without_a_start_date(tmp_path: Path) -> None:
    root = workspace(tmp_path / "shop", relationships="a,owns,b,,\n", sales=sales(a=1, b=2))
    (root / "later.csv").write_text("customer_id,relation,related_id,valid_until\na,owns,b,2026-01-31\nc,owns,a,\n")
    ckm.open(root).ingest(root / "later.csv", table="relationships")
    assert network(root, as_of=date(2026, 1, 31)).relations["owns"] == 2
    assert network(root, as_of=DAY).relations["owns"] == 1


def test_a_shop_without_relations_and_industries_is_refused_as_not_enough_data(tmp_path: Path) -> None:
    root = workspace(tmp_path / "shop", customers="a,A,person,DE,,,\n", sales=sales(a=1))
    with pytest.raises(NotEnoughDataError, match="no relations"):
        network(root, as_of=DAY)


def test_linked_ids_count_as_one_party_at_both_ends(tmp_path: Path) -> None:
    root = workspace(tmp_path / "shop", relationships="a1,buys through,d1,,\n", sales=sales(a=10, d=5))
    header = "left,right,rule,weight,fields,by,on,verdict\n"
    (root / "identities.csv").write_text(
        f"{header}a,a1,manual,,,Ann,2026-01-01,same\nd,d1,manual,,,Ann,2026-01-01,same\n"
    )
    found = network(root, as_of=DAY)
    assert found.tables["partners"].select("party_id", "dependent_revenue").rows() == [("d", 10.0)]


def test_the_same_data_give_identical_output(shop: Path, found: Network) -> None:
    again = ckm.open(shop).network(as_of=DAY)
    assert (again.to_json(), again.to_html()) == (found.to_json(), found.to_html())
    assert json.loads(again.to_json())["schema"] == "ckm.network/1"


@pytest.mark.slow
def test_100_000_companies_are_rolled_up(tmp_path: Path) -> None:
    count = 100_000
    ids = [f"c{each:06d}" for each in range(count)]
    parents = ["" if each < 100 else ids[(each * 7) % (each // 3 + 1)] for each in range(count)]
    rows = pl.DataFrame({"customer_id": ids, "party_type": "company", "parent_id": parents})
    orders = pl.DataFrame({"order_id": ids, "customer_id": ids, "ordered_at": f"{AS_OF}T00:00:00Z", "net": 1.0})
    root = workspace(tmp_path / "shop")
    for table, frame in (("customers", rows), ("transactions", orders)):
        frame.write_csv(root / f"{table}.csv")
        ckm.open(root).ingest(root / f"{table}.csv", table=table)
    groups = network(root, as_of=DAY).tables["groups"].filter(kind="parent")
    # every company without a parent is a root, and trees do not overlap
    assert groups["revenue"].sum() + (100 - groups.height) == count
