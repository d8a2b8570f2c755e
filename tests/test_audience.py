"""``ckm.audience``: the holdout is drawn before the list, by hash, and every later change is found."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ckm.assignments import ASSIGNMENT, HOLDOUT, MEMBERS, TREATED, document_digest, person_hash
from ckm.audience import export, list_audiences, new, show
from ckm.errors import NotEnoughDataError, UnknownNameError, UsageError, VerificationError
from ckm.identities import FILE as IDENTITIES
from ckm.privacy import erase
from tests._outcome.shop import CUSTOMERS, STARTED, customer, make_shop

DAY = date.fromisoformat(STARTED)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shop(tmp_path_factory.mktemp("audience") / "shop")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "shop")


def listed(shop: Path, name: str, **wanted: object) -> pl.DataFrame:
    return new(shop, name, origin=str(shop / "list.csv"), as_of=DAY, dry_run=True, **wanted).members  # type: ignore[arg-type]


def test_the_arms_follow_from_salt_id_and_cut_alone(shop: Path) -> None:
    found = new(shop, "rule", origin=str(shop / "list.csv"), as_of=DAY, dry_run=True)
    cuts = {each.name: each.cut for each in found.assignment.strata}
    for person, arm, stratum in found.members.select("customer_id", "arm", "stratum").rows():
        held = person_hash(found.assignment.salt, person) <= cuts[stratum]
        assert arm == (HOLDOUT if held else TREATED)


def test_another_machine_and_another_order_of_the_rows_give_the_same_arms(shop: Path, tmp_path: Path) -> None:
    ids = [line for line in (shop / "list.csv").read_text().splitlines() if line != "customer_id"]
    exported = tmp_path / "again.csv"
    exported.write_text("\n".join(["customer_id", *reversed(ids)]) + "\n")
    other = make_shop(tmp_path / "other")
    again = new(other, "rule", origin=str(exported), as_of=DAY, dry_run=True).members
    assert again.equals(listed(shop, "rule"))


def test_another_salt_gives_other_arms(shop: Path) -> None:
    one, other = listed(shop, "rule", salt="a")["arm"], listed(shop, "rule", salt="b")["arm"]
    assert (one != other).any()


def test_the_holdout_is_stratified_by_value_and_risk(shop: Path) -> None:
    found = new(shop, "strata", origin=str(shop / "list.csv"), as_of=DAY, holdout=0.25, dry_run=True)
    assert len(found.assignment.strata) > 4
    for each in found.assignment.strata:
        assert abs(each.holdout - 0.25 * each.customers) <= 1
    assert found.assignment.holdout == round(0.25 * found.assignment.customers)


def test_persons_with_an_open_complaint_are_left_out_and_counted(shop: Path) -> None:
    found = new(shop, "left", origin=str(shop / "list.csv"), as_of=DAY, dry_run=True)
    assert found.assignment.suppressed == {"open_complaint": 1}
    assert customer(9) not in set(found.members["customer_id"])
    assert found.members.height == CUSTOMERS - 1


def test_the_assignment_is_on_the_disk_before_the_members(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ckm import assignments

    written: list[str] = []
    replacing = assignments.replacing

    def watched(path: Path, **wanted: bool):
        written.append(path.name)
        if path.name == MEMBERS:
            assert (path.parent / ASSIGNMENT).exists()
        return replacing(path, **wanted)

    monkeypatch.setattr(assignments, "replacing", watched)
    new(own, "order", origin=str(own / "list.csv"), as_of=DAY)
    assert written == [ASSIGNMENT, MEMBERS]


def test_the_assignment_has_no_id_of_a_customer(own: Path) -> None:
    new(own, "ids", origin=str(own / "list.csv"), as_of=DAY)
    text = (own / "audiences" / "ids" / ASSIGNMENT).read_text()
    assert "c0" not in text.replace(document_digest(json.loads(text)), "").split('"cut"')[0]
    assert MEMBERS in (own / "audiences" / ".gitignore").read_text()


def test_an_audience_is_frozen(own: Path) -> None:
    new(own, "once", origin=str(own / "list.csv"), as_of=DAY)
    with pytest.raises(UsageError, match="frozen"):
        new(own, "once", origin=str(own / "list.csv"), as_of=DAY)


@pytest.mark.parametrize(
    ("file", "old", "changed"),
    [
        (ASSIGNMENT, '"metric": "order"', '"metric": "net"'),
        (ASSIGNMENT, '"window_days": 30', '"window_days": 60'),
        (ASSIGNMENT, '"salt": "change', '"salt": "other'),
        (MEMBERS, ",treated,", ",holdout,"),
        (MEMBERS, "c0001,", "c9999,"),
        (MEMBERS, ",holdout,", ",treated,"),
    ],
)
def test_a_later_change_is_found(own: Path, file: str, old: str, changed: str) -> None:
    new(own, "change", origin=str(own / "list.csv"), as_of=DAY)
    path = own / "audiences" / "change" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, changed, 1))
    with pytest.raises(VerificationError, match="changed after the assignment"):
        show(own, "change")


def test_a_removed_row_is_found_but_an_erased_person_is_no_change(own: Path) -> None:
    found = new(own, "erased", origin=str(own / "list.csv"), as_of=DAY)
    path = own / "audiences" / "erased" / MEMBERS
    kept = path.read_text()
    path.write_text("\n".join(line for line in kept.splitlines() if not line.startswith("c0002,")) + "\n")
    with pytest.raises(VerificationError):
        show(own, "erased")
    path.write_text(kept)
    erase(own, "c0002")
    again = show(own, "erased")
    assert again.members.height == found.members.height - 1
    assert any("1 person erased" in each for each in again.remarks)


def test_members_of_a_running_audience_and_lately_treated_persons_are_left_out(own: Path) -> None:
    first = new(own, "first", origin=str(own / "list.csv"), as_of=DAY, budget=80)
    second = new(own, "second", origin=str(own / "list.csv"), as_of=DAY)
    assert not set(first.members["customer_id"]) & set(second.members["customer_id"])
    counts = second.assignment.suppressed
    assert counts["contacted"] == first.assignment.treated == 80
    assert counts["running"] == first.assignment.holdout


def test_the_share_is_computed_from_the_smallest_effect(shop: Path) -> None:
    found = new(shop, "effect", origin=str(shop / "list.csv"), as_of=DAY, smallest_effect=0.14, dry_run=True)
    assert found.assignment.detectable is not None
    assert found.assignment.detectable <= 0.14
    with pytest.raises(NotEnoughDataError, match="in equal arms detect effects of"):
        new(shop, "effect", origin=str(shop / "list.csv"), as_of=DAY, smallest_effect=0.01, dry_run=True)


def test_the_power_is_stated(shop: Path) -> None:
    found = new(shop, "power", origin=str(shop / "list.csv"), as_of=DAY, dry_run=True)
    assert "only effects of at least" in found.power
    assert "points" in found.power


def test_linked_ids_are_one_person(own: Path) -> None:
    (own / IDENTITIES).write_text("left,right,verdict,person_id\nc0001,c0002,same,c0001\n")
    found = new(own, "linked", origin=str(own / "list.csv"), as_of=DAY, dry_run=True)
    ids = set(found.members["customer_id"])
    assert "c0001" in ids
    assert "c0002" not in ids


def test_answered_complaints_are_an_audience_with_their_entry(shop: Path) -> None:
    found = new(shop, "answered", origin="you-said-we-did", as_of=DAY, holdout=0.5, dry_run=True)
    assert found.members["customer_id"].to_list() == [customer(number) for number in range(1, 5)]
    assert set(found.members["entry"]) == {"call-back"}
    assert all("delivery" in each for each in found.members["why"])


def test_a_segment_is_an_audience(shop: Path) -> None:
    found = new(shop, "segment", origin="segment=lifecycle:active", as_of=DAY, dry_run=True)
    assert set(found.members["segment"]) == {"active"}
    with pytest.raises(UnknownNameError, match="segment"):
        new(shop, "segment", origin="segment=lifecycle:activ", as_of=DAY, dry_run=True)


def test_the_arms_of_a_file_are_used_and_doubted(own: Path) -> None:
    rows = [f"{customer(n)},{'control' if n % 4 == 0 else 'test'},{STARTED}" for n in range(200)]
    (own / "campaign.csv").write_text("\n".join(["customer_id,arm,assigned_at", *rows]) + "\n")
    found = new(own, "campaign", origin=str(own / "campaign.csv"))
    assert (found.assignment.assigned_on, found.assignment.holdout) == (DAY, 50)
    assert any("cannot show that the holdout was drawn before" in each for each in found.remarks)
    mismatch = new(own, "mismatch", origin=str(own / "campaign.csv"), holdout=0.5, dry_run=True)
    assert any("sample ratio mismatch" in each for each in mismatch.remarks)


def test_an_unknown_arm_is_named_by_its_row(own: Path) -> None:
    (own / "campaign.csv").write_text("customer_id,arm\nc0001,treated\nc0002,blue\n")
    with pytest.raises(Exception, match="row 2: unknown arm"):
        new(own, "bad", origin=str(own / "campaign.csv"), as_of=DAY)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"metric": "clicks"}, "unknown metric"),
        ({"window": 0}, "window"),
        ({"holdout": 1.0}, "share of the holdout"),
        ({"holdout": 0.2, "smallest_effect": 0.1}, "contradict"),
        ({"entry": "nobody"}, "knowledge entry"),
    ],
)
def test_an_invalid_option_is_refused(shop: Path, wanted: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        listed(shop, "invalid", **wanted)
    with pytest.raises(UsageError, match="invalid name"):
        listed(shop, "../out")


def test_the_audiences_of_a_workspace_are_listed(own: Path) -> None:
    new(own, "one", origin=str(own / "list.csv"), as_of=DAY, entry="call-back")
    frame = list_audiences(own).frame
    assert frame.select("audience", "metric", "entry").rows() == [("one", "order", "call-back")]
    with pytest.raises(UnknownNameError, match="audience"):
        show(own, "two")


def test_an_export_has_the_treated_arm_only(own: Path) -> None:
    found = new(own, "sent", origin=str(own / "list.csv"), as_of=DAY)
    contacts = export(own, "sent", to="csv").frame
    treated = found.members.filter(pl.col("arm") == TREATED)["customer_id"]
    assert contacts["customer_id"].to_list() == treated.to_list()
