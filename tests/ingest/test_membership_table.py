"""The table ``memberships``, loaded from exports with the headers of loyalty systems."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from ckm.store import Store

if TYPE_CHECKING:
    from tests.ingest.workspace import Desk

SMILE = """email,state,points_balance,vip_tier,created_at,updated_at
ann@example.org,member,300,Gold,2024-04-04T15:10:42Z,2026-06-30T08:00:00Z
bo@example.org,member,0,,2025-01-02T09:00:00Z,2026-06-30T08:00:00Z
"""
LOYALTYLION = """Customer ID,Email,Enrolled at,Loyalty tier,Points approved,Points spent,Points expired,Date
ann@example.org,x@example.org,2024-04-04,Gold,1000,600,100,2026-06-30
bo@example.org,y@example.org,2025-01-02,,50,50,0,2026-06-30
"""
TALON = """loyaltyProgramID,profileIntegrationID,customer_id,currentBalance,expiredBalance,spentBalance,currentTier,on
1,m1,ann@example.org,300,100,600,Gold,2026-06-30
1,m2,bo@example.org,0,0,50,,2026-06-30
"""
DEUTSCH = """Kundennummer;Mitgliedsnummer;Stufe;Mitglied seit;Punktestand;gesammelte Punkte;eingelöste Punkte;Stichtag
ann@example.org;m1;Gold;04.04.2024;300;1.000,5;600;30.06.2026
bo@example.org;m2;;02.01.2025;0;50;50;30.06.2026
"""


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (SMILE, {"points_balance": 300.0, "joined_on": date(2024, 4, 4)}),
        (LOYALTYLION, {"points_earned": 1000.0, "points_redeemed": 600.0, "points_expired": 100.0}),
        (TALON, {"points_balance": 300.0, "points_redeemed": 600.0, "points_expired": 100.0, "member_id": "m1"}),
        (DEUTSCH, {"points_balance": 300.0, "points_earned": 1000.5, "joined_on": date(2024, 4, 4), "member_id": "m1"}),
    ],
    ids=["smile", "loyaltylion", "talon.one", "de"],
)
def test_exports_of_loyalty_systems_are_loaded_by_their_headers(
    desk: Desk, text: str, known: dict[str, object]
) -> None:
    found = desk.one(desk.write("members.csv", text), "--as", "memberships")
    assert (found["accepted"], found["quarantined"]) == (2, 0)
    rows = Store(desk.root / "store").scan("memberships").collect().sort("customer_id").to_dicts()
    expected = {"customer_id": "ann@example.org", "tier": "Gold", "on": date(2026, 6, 30)}
    assert {name: rows[0][name] for name in expected | known} == expected | known


def test_a_member_number_is_the_customer_if_the_export_names_no_other_id(desk: Desk) -> None:
    desk.one(desk.write("m.csv", "Member ID,Tier,Points\nA1,Gold,300\n"), "--as", "memberships")
    rows = Store(desk.root / "store").scan("memberships").collect()
    assert rows["customer_id"].to_list() == ["A1"]


def test_a_later_snapshot_is_a_row_and_the_same_one_is_not(desk: Desk) -> None:
    header = "customer_id,tier,points_balance,on\n"
    desk.one(desk.write("a.csv", f"{header}A1,Gold,300,2026-05-31\n"), "--as", "memberships")
    again = desk.one(desk.write("b.csv", f"{header}A1,Gold,310,2026-05-31\n"), "--as", "memberships")
    later = desk.one(desk.write("c.csv", f"{header}A1,Gold,200,2026-06-30\n"), "--as", "memberships")
    assert (again["updated"], later["accepted"]) == (1, 1)
    rows = Store(desk.root / "store").scan("memberships").collect().sort("on")
    assert rows["points_balance"].to_list() == [310.0, 200.0]
