"""``ckm.audience``: the holdout is drawn by hash before the list is written, and later changes are detected."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ckm._audience.remarks import gain_remarks
from ckm.assignments import ASSIGNMENT, HOLDOUT, MEMBERS, TREATED, document_digest, person_hash
from ckm.audience import export, list_audiences, new, show
from ckm.errors import InputError, NotEnoughDataError, UnknownNameError, UsageError, VerificationError
from ckm.identities import FILE as IDENTITIES
from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.outcome import record
from ckm.privacy import erase
from ckm.privacy import export as personal_data
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


def test_the_arm_of_each_person_follows_from_salt_id_and_cut(shop: Path) -> None:
    found = new(shop, "rule", origin=str(shop / "list.csv"), as_of=DAY, dry_run=True)
    cuts = {each.name: each.cut for each in found.assignment.strata}
    for person, arm, stratum in found.members.select("customer_id", "arm", "stratum").rows():
        held = person_hash(found.assignment.salt, person) <= cuts[stratum]
        assert arm == (HOLDOUT if held else TREATED)


def test_a_copy_of_the_shop_and_another_order_of_the_ids_give_the_same_arms(shop: Path, tmp_path: Path) -> None:
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


def test_the_assignment_is_flushed_to_the_disk_before_the_members_are_written(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_the_assignment_contains_no_customer_id(own: Path) -> None:
    new(own, "ids", origin=str(own / "list.csv"), as_of=DAY)
    text = (own / "audiences" / "ids" / ASSIGNMENT).read_text()
    assert "c0" not in text.replace(document_digest(json.loads(text)), "").split('"cut"')[0]
    assert MEMBERS in (own / "audiences" / ".gitignore").read_text()


def test_a_call_with_other_options_for_an_existing_audience_is_refused(own: Path) -> None:
    new(own, "once", origin=str(own / "list.csv"), as_of=DAY)
    files = {path: path.read_bytes() for path in (own / "audiences" / "once").iterdir()}
    for wanted in ({"window": 60}, {"budget": 50}, {"salt": "other"}):
        with pytest.raises(UsageError, match="frozen"):
            new(own, "once", origin=str(own / "list.csv"), as_of=DAY, **wanted)  # type: ignore[arg-type]
    new(own, "once", origin=str(own / "list.csv"), as_of=DAY)  # the same call changes nothing
    assert {path: path.read_bytes() for path in (own / "audiences" / "once").iterdir()} == files


def test_a_repeated_call_completes_an_audience_whose_first_call_was_killed(own: Path) -> None:
    found = new(own, "killed", origin=str(own / "list.csv"), as_of=DAY)
    path = own / "audiences" / "killed" / MEMBERS
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(VerificationError, match="the call that writes it was killed"):
        export(own, "killed")
    again = new(own, "killed", origin=str(own / "list.csv"), as_of=DAY)
    assert path.read_bytes() == content
    assert again.members.equals(found.members)


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
def test_a_change_of_a_file_after_the_assignment_is_detected(own: Path, file: str, old: str, changed: str) -> None:
    new(own, "change", origin=str(own / "list.csv"), as_of=DAY)
    path = own / "audiences" / "change" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, changed, 1))
    with pytest.raises(VerificationError, match="changed after the assignment"):
        show(own, "change")


def test_a_removed_row_is_detected_but_the_erasure_of_a_person_is_accepted(own: Path) -> None:
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
    left = path.read_text()
    path.write_text(left.replace(",,,", ",,call-back,", 1) if ",,," in left else left.replace("0.0", "9.0", 1))
    with pytest.raises(VerificationError, match="changed after the assignment"):
        show(own, "erased")
    path.write_text(left)
    erase(own, "c0003")
    assert show(own, "erased").members.height == found.members.height - 2


def test_a_missing_members_file_is_an_error_with_a_hint(own: Path) -> None:
    new(own, "elsewhere", origin=str(own / "list.csv"), as_of=DAY)
    (own / "audiences" / "elsewhere" / MEMBERS).unlink()
    with pytest.raises(VerificationError, match="is missing: it is not in git") as failed:
        new(own, "next", origin=str(own / "list.csv"), as_of=DAY)
    assert "ckm audience new elsewhere" in str(failed.value.hint)
    new(own, "elsewhere", origin=str(own / "list.csv"), as_of=DAY)
    assert show(own, "elsewhere").members.height


def test_the_rows_of_a_person_in_audiences_are_exported_as_personal_data(own: Path) -> None:
    new(own, "known", origin=str(own / "list.csv"), as_of=DAY)
    places = {place.name: place for place in personal_data(own, "c0003").data.places}
    place = places["audiences/known/members.csv"]
    assert place.rows["customer_id"].to_list() == ["c0003"]
    assert "holdout" in place.purpose


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


def test_a_sentence_states_the_smallest_detectable_effect(shop: Path) -> None:
    found = new(shop, "power", origin=str(shop / "list.csv"), as_of=DAY, dry_run=True)
    assert "only effects of at least" in found.power
    assert "points" in found.power


def test_the_power_for_amounts_is_unknown_if_nobody_bought_before(own: Path) -> None:
    later = date(2026, 12, 31)
    source = str(own / "list.csv")
    found = new(own, "later", origin=source, as_of=later, metric="net", dry_run=True)
    assert found.assignment.baseline == (0.0, 0.0)
    assert found.assignment.detectable is None
    assert "the effect that can be detected is unknown" in found.power
    with pytest.raises(NotEnoughDataError, match="effect that can be detected is unknown"):
        new(own, "later", origin=source, as_of=later, metric="net", smallest_effect=5.0, dry_run=True)


def test_the_detectable_effect_on_churn_is_a_decrease(shop: Path) -> None:
    source = str(shop / "list.csv")
    order, churn = (new(shop, "power", origin=source, as_of=DAY, metric=each, dry_run=True).assignment
                    for each in ("order", "churn"))  # fmt: skip
    assert churn.baseline[0] == pytest.approx(1 - order.baseline[0])
    assert churn.detectable == pytest.approx(order.detectable)


def test_linked_customer_ids_are_one_member(own: Path) -> None:
    (own / IDENTITIES).write_text("left,right,verdict,person_id\nc0001,c0002,same,c0001\n")
    found = new(own, "linked", origin=str(own / "list.csv"), as_of=DAY, dry_run=True)
    ids = set(found.members["customer_id"])
    assert "c0001" in ids
    assert "c0002" not in ids


def test_customers_with_an_answered_complaint_are_an_audience_with_the_entry(shop: Path) -> None:
    found = new(shop, "answered", origin="you-said-we-did", as_of=DAY, holdout=0.5, dry_run=True)
    assert found.members["customer_id"].to_list() == [customer(number) for number in range(1, 5)]
    assert set(found.members["entry"]) == {"call-back"}
    assert all("delivery" in each for each in found.members["why"])


def test_the_customers_of_a_segment_are_an_audience(shop: Path) -> None:
    found = new(shop, "segment", origin="segment=lifecycle:active", as_of=DAY, dry_run=True)
    assert set(found.members["segment"]) == {"active"}
    with pytest.raises(UnknownNameError, match="segment"):
        new(shop, "segment", origin="segment=lifecycle:activ", as_of=DAY, dry_run=True)


def test_the_first_segment_of_a_file_of_rules_is_an_audience(shop: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "schema: ckm.segment_rules/1\nsegments:\n  - {name: often, when: frequency >= 3}\n"
        "  - {name: rare, when: frequency < 3}\n"
    )
    found = new(shop, "rules", origin=str(rules), as_of=DAY, dry_run=True)
    assert set(found.members["segment"]) == {"often"}
    assert found.assignment.origin == "rules.yaml"


def test_customers_who_are_due_for_a_second_order_are_an_audience(shop: Path) -> None:
    found = new(shop, "second", origin="second-order", as_of=DAY, dry_run=True)
    assert all(each.startswith("second order due until") for each in found.members["why"])


def test_customers_with_a_churn_warning_are_an_audience_with_reason_risk_and_gain(shop: Path, coarse: None) -> None:
    found = new(shop, "warned", origin="churn-warn", as_of=DAY, metric="churn", dry_run=True)
    assert found.members["why"].str.len_chars().min() > 0
    assert found.members["risk"].is_between(0, 1).all()
    assert not found.members["expected_gain"].null_count()


def test_the_arms_of_a_file_are_used_and_a_remark_doubts_them(own: Path) -> None:
    rows = [f"{customer(n)},{'control' if n % 4 == 0 else 'test'},{STARTED}" for n in range(200)]
    (own / "campaign.csv").write_text("\n".join(["customer_id,arm,assigned_at", *rows]) + "\n")
    found = new(own, "campaign", origin=str(own / "campaign.csv"))
    assert (found.assignment.assigned_on, found.assignment.holdout) == (DAY, 50)
    assert any("cannot show that the holdout was drawn before" in each for each in found.remarks)
    mismatch = new(own, "mismatch", origin=str(own / "campaign.csv"), holdout=0.5, dry_run=True)
    assert any("sample ratio mismatch" in each for each in mismatch.remarks)


def test_an_error_names_the_row_with_an_unknown_arm(own: Path) -> None:
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


def test_an_export_has_the_contacts_of_linked_persons_and_no_person_of_the_holdout(own: Path) -> None:
    found = new(own, "sent", origin=str(own / "list.csv"), as_of=DAY)
    of_arm = {arm: found.members.filter(pl.col("arm") == arm)["customer_id"].to_list() for arm in (TREATED, HOLDOUT)}
    one, two, three, moved = of_arm[TREATED][:4]
    lines = [
        f"{one},{two},same,{one}",
        f"{of_arm[HOLDOUT][0]},{three},same,{of_arm[HOLDOUT][0]}",
        f"other,{moved},same,other",
    ]
    (own / IDENTITIES).write_text("\n".join(["left,right,verdict,person_id", *lines]) + "\n")
    made = export(own, "sent", to="csv")
    ids = made.frame["customer_id"].to_list()
    assert ids.count(one) == 1
    assert not {two, three, of_arm[HOLDOUT][0]} & set(ids)
    assert made.frame.filter(pl.col("customer_id") == "other")["email"].to_list() == [f"p{int(moved[1:])}@example.org"]
    assert any("1 person with linked ids in both arms left out" in each for each in made.remarks)


def campaign(own: Path, *rows: str, header: str = "customer_id,arm,assigned_at") -> str:
    (own / "campaign.csv").write_text("\n".join([header, *rows]) + "\n")
    return str(own / "campaign.csv")


def test_an_error_names_the_row_without_an_arm(own: Path) -> None:
    origin = campaign(own, f",treated,{STARTED}", f"c0001,treated,{STARTED}", f"c0002,,{STARTED}")
    with pytest.raises(InputError, match="row 3: unknown arm"):
        new(own, "bad", origin=origin)


def test_an_id_in_both_arms_is_refused_but_a_linked_person_is_left_out(own: Path) -> None:
    rows = [f"{customer(n)},{'control' if n % 4 == 0 else 'test'},{STARTED}" for n in range(200)]
    with pytest.raises(InputError, match="1 customer id is in both arms"):
        new(own, "bad", origin=campaign(own, *rows, f"c0001,control,{STARTED}"))
    (own / IDENTITIES).write_text("left,right,verdict,person_id\nc0001,c0004,same,c0001\n")
    found = new(own, "linked", origin=campaign(own, *rows), dry_run=True)
    assert found.members.height == 198
    assert any("1 person with linked ids in both arms left out" in each for each in found.remarks)


def test_an_as_of_date_that_differs_from_the_day_of_the_file_is_refused(own: Path) -> None:
    rows = [f"c0001,treated,{STARTED}", f"c0002,control,{STARTED}"]
    with pytest.raises(UsageError, match="was assigned on 2026-03-31, and --as-of is 2026-04-05"):
        new(own, "day", origin=campaign(own, *rows), as_of=date(2026, 4, 5), dry_run=True)
    late = new(own, "late", origin=campaign(own, "c0001,treated,2026-06-03", "c0002,control,2026-06-03"), dry_run=True)
    assert any("3 days after the end of the data" in each for each in late.remarks)


def test_persons_of_a_file_who_are_in_no_table_are_counted_by_arm(own: Path) -> None:
    rows = [f"c0001,treated,{STARTED}", f"c0002,control,{STARTED}", f"nobody,treated,{STARTED}"]
    found = new(own, "unknown", origin=campaign(own, *rows), dry_run=True)
    assert any("1 person of the file (1 treated, 0 holdout) in no table" in each for each in found.remarks)
    with pytest.raises(InputError, match="none of 2 persons"):
        new(own, "unknown", origin=campaign(own, "x", "y", header="customer_id"), as_of=DAY, dry_run=True)


def test_a_file_with_an_unknown_knowledge_entry_is_refused(own: Path) -> None:
    with pytest.raises(UnknownNameError, match="knowledge entry"):
        new(own, "e", origin=campaign(own, "c0001,call-bakc", "c0002,", header="customer_id,entry"), as_of=DAY)


def test_the_risk_of_a_person_without_a_purchase_is_null(tmp_path: Path) -> None:
    own = make_shop(tmp_path / "shop", {customer(number) for number in range(100, 300, 3)})
    (own / "incoming" / "more.csv").write_text("customer_id,email\nprospect,a@example.org\n")
    ingest(own, own / "incoming" / "more.csv", options=IngestOptions(table="customers"))
    rows = [*(f"c{n:04d}" for n in range(100, 300)), "prospect"]
    found = new(own, "cold", origin=campaign(own, *rows, header="customer_id"), as_of=DAY, adjust=True)
    assert found.members.filter(pl.col("customer_id") == "prospect")["risk"].to_list() == [None]
    assert found.members["risk"].max() < 100
    record(own, "cold", dry_run=True)


def test_an_error_counts_suppressed_persons_by_reason_if_nobody_may_be_contacted(own: Path) -> None:
    new(own, "first", origin=str(own / "list.csv"), as_of=DAY, holdout=0.5)
    with pytest.raises(
        NotEnoughDataError,
        match=r"0 persons of 600 may be contacted \(left out: contacted 299, open_complaint 1, running 300\)",
    ):
        new(own, "second", origin=str(own / "list.csv"), as_of=DAY)


def test_a_remark_counts_treated_persons_with_a_negative_expected_gain() -> None:
    members = pl.DataFrame({"arm": [TREATED, TREATED, HOLDOUT], "expected_gain": [-1.0, 2.0, -3.0]})
    assert [each.startswith("1 treated person has an expected gain below zero") for each in gain_remarks(members)] == [
        True
    ]
