"""``ckm.outcome``: intention to treat with a known effect, refusals, and evidence that changes the rank of entries."""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ckm._churn.expected_gain import Assumptions
from ckm._churn.knowledge_answers import answers_for
from ckm._churn.measured_offer import with_measured_offer
from ckm._outcome.outcome_file import read_outcome
from ckm.assignments import MEMBERS, OUTCOME, TREATED
from ckm.audience import Audience, new
from ckm.config import open_workspace
from ckm.errors import InputError, NotEnoughDataError, UsageError, VerificationError
from ckm.identities import FILE as IDENTITIES
from ckm.kb import lint, search
from ckm.models.experiments.newcombe import newcombe
from ckm.outcome import publish, record
from ckm.settings import ChurnSettings
from tests._outcome.shop import STARTED, make_shop
from tests.conftest import Run

DAY, LATER = date.fromisoformat(STARTED), date(2026, 5, 31)
pytestmark = pytest.mark.slow


def draw(root: Path, **wanted: object) -> Audience:
    """Create the audience ``may``; orders in its window have no influence on its members."""
    return new(root, "may", origin=str(root / "list.csv"), as_of=DAY, holdout=0.4, **wanted)  # type: ignore[arg-type]


def ordering(members: pl.DataFrame, treated: float, holdout: float) -> set[str]:
    """Return the ids of persons who order in the window: the given shares of the treated arm and of the holdout."""
    chosen = set[str]()
    for arm, share in ((TREATED, treated), ("holdout", holdout)):
        ids = members.filter(pl.col("arm") == arm)["customer_id"].to_list()
        chosen.update(ids[: math.floor(share * len(ids))])
    return chosen


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return draw(make_shop(tmp_path_factory.mktemp("members") / "shop")).members


@pytest.fixture
def shop(tmp_path: Path, members: pl.DataFrame) -> Path:
    """A shop in which 40 % of the treated arm order in the window, and 20 % of the holdout."""
    return make_shop(tmp_path / "shop", ordering(members, 0.4, 0.2))


def test_the_effect_is_the_difference_of_the_arms_with_newcombes_interval(shop: Path) -> None:
    found = draw(shop, entry="call-back")
    result = record(shop, "may").record
    treated, holdout = found.assignment.treated, found.assignment.holdout
    expected = newcombe((math.floor(0.4 * treated), treated), (math.floor(0.2 * holdout), holdout))
    assert (result.primary.estimate, result.primary.low, result.primary.high) == pytest.approx(
        (expected.estimate, expected.low, expected.high)
    )
    assert (result.status, result.first_day, result.last_day) == ("final", date(2026, 4, 1), date(2026, 4, 30))
    assert {each.metric for each in result.secondary} == {"net", "margin"}
    assert result.primary.total[0] == pytest.approx(treated * expected.estimate)


def test_the_file_has_the_recorded_outcome_and_a_second_record_writes_equal_bytes(shop: Path) -> None:
    draw(shop)
    found = record(shop, "may")
    path = shop / "audiences" / "may" / OUTCOME
    first = path.read_bytes()
    record(shop, "may")
    assert path.read_bytes() == first
    assert read_outcome(path).primary.estimate == pytest.approx(found.record.primary.estimate, abs=1e-6)
    path.write_text("{}")
    with pytest.raises(InputError, match="cannot be read as an outcome"):
        read_outcome(path)


def test_the_outcome_as_of_a_day_ignores_later_orders(shop: Path) -> None:
    draw(shop)
    with pytest.raises(NotEnoughDataError, match="0 persons with an order in the window in expectation"):
        record(shop, "may", as_of=date(2026, 4, 9))
    with pytest.raises(NotEnoughDataError, match="the window begins on 2026-04-01"):
        record(shop, "may", as_of=DAY)


def test_before_the_end_of_the_window_the_interval_is_wider_and_publish_is_refused(shop: Path) -> None:
    draw(shop, entry="call-back")
    running = record(shop, "may", as_of=date(2026, 4, 20))
    final = record(shop, "may", dry_run=True).record.primary
    assert running.record.status == "running"
    assert running.record.primary.method == "confidence sequence"
    assert running.record.primary.high - running.record.primary.low > final.high - final.low
    assert running.groups.is_empty()
    with pytest.raises(UsageError, match="until then there is no evidence"):
        publish(shop, "may")


def test_an_outcome_is_refused_if_a_member_was_changed(shop: Path) -> None:
    draw(shop)
    path = shop / "audiences" / "may" / MEMBERS
    path.write_text(path.read_text().replace(",holdout,", ",treated,", 1))
    with pytest.raises(VerificationError):
        record(shop, "may")


def test_persons_with_linked_ids_in_both_arms_are_left_out(shop: Path, members: pl.DataFrame) -> None:
    draw(shop)
    by_arm = {arm: members.filter(pl.col("arm") == arm)["customer_id"][0] for arm in (TREATED, "holdout")}
    left, right = sorted(by_arm.values())
    (shop / IDENTITIES).write_text(f"left,right,verdict,person_id\n{left},{right},same,{left}\n")
    found = record(shop, "may")
    assert found.record.primary.treated + found.record.primary.holdout == members.height - 2
    assert any("both arms left out" in each for each in found.remarks)


def test_the_declared_adjustment_is_reported_and_an_undeclared_one_is_not(shop: Path) -> None:
    draw(shop, adjust=True)
    found = record(shop, "may").frame
    assert found["role"].to_list() == ["primary", "adjusted", "secondary", "secondary"]
    new(shop, "plain", origin=str(shop / "list.csv"), as_of=date(2026, 3, 1), salt="x")
    assert "adjusted" not in record(shop, "plain").frame["role"]


def test_groups_by_value_and_risk_are_significant_by_their_corrected_p_value(shop: Path) -> None:
    draw(shop)
    groups = record(shop, "may").groups
    assert set(groups["dimension"]) == {"value", "risk"}
    tested = groups.drop_nulls("effect")
    assert tested.height
    assert tested["significant"].to_list() == [p <= 0.05 for p in tested["p_holm"]]
    assert groups["treated"].sum() == 2 * record(shop, "may", dry_run=True).record.primary.treated


def test_the_outcome_has_the_halves_of_the_rules_response_and_uplift(shop: Path) -> None:
    draw(shop)
    rules = record(shop, "may").rules
    assert set(rules["rule"]) == {"response", "uplift"}
    assert rules.group_by("rule").agg(pl.col("treated").sum())["treated"].n_unique() == 1


def test_the_effect_on_churn_is_minus_the_effect_on_orders_and_has_a_relative_reduction(shop: Path) -> None:
    draw(shop, metric="churn")
    found = record(shop, "may").record
    assert found.primary.verdict == "helps"
    assert found.primary.estimate < 0
    assert found.reduction is not None
    rate, low, high = found.reduction
    assert rate == pytest.approx(1 - found.primary.treated_mean / found.primary.holdout_mean)
    assert 0 < low < rate < high


def test_complaints_in_the_window_are_counted_per_person(shop: Path) -> None:
    draw(shop, metric="complaint")
    with pytest.raises(NotEnoughDataError, match="0 persons with a complaint"):
        record(shop, "may")
    with pytest.raises(NotEnoughDataError, match="kind event with topic visit"):
        new(shop, "visits", origin=str(shop / "list.csv"), as_of=date(2026, 2, 1), metric="visit")


def test_evidence_is_written_to_the_entry_and_changes_its_rank(shop: Path) -> None:
    other = (shop / "kb" / "call.yaml").read_text().replace("call-back", "a-letter")
    (shop / "kb" / "letter.yaml").write_text(other)
    draw(shop, entry="call-back")
    record(shop, "may")
    before = [hit.id for hit in search(shop / "kb", "call the customer back", as_of=LATER).hits]
    answers = answers_for(["no_recent_purchase"], shop / "kb", LATER).by_reason["no_recent_purchase"]
    assert before == ["a-letter", "call-back"] == list(answers)
    found = publish(shop, "may").frame
    assert found.select("entry", "verdict", "file").rows() == [("call-back", "helps", "kb/call.yaml")]
    assert [hit.id for hit in search(shop / "kb", "call the customer back", as_of=LATER).hits] == before[::-1]
    answers = answers_for(["no_recent_purchase"], shop / "kb", LATER).by_reason["no_recent_purchase"]
    assert list(answers) == ["call-back", "a-letter"]
    # as of a day before the outcome was known, nothing has changed
    assert [hit.id for hit in search(shop / "kb", "call the customer back", as_of=DAY).hits] == before


def test_an_entry_with_a_measured_harm_is_a_finding_and_ranks_last(tmp_path: Path, members: pl.DataFrame) -> None:
    shop = make_shop(tmp_path / "shop", ordering(members, 0.2, 0.4))
    (shop / "kb" / "z.yaml").write_text((shop / "kb" / "call.yaml").read_text().replace("call-back", "z-letter"))
    draw(shop, entry="call-back")
    record(shop, "may")
    publish(shop, "may")
    findings = [each for each in lint(shop / "kb", LATER).findings if each.rule == "measured-harm"]
    assert [each.entry for each in findings] == ["call-back"]
    assert not [each for each in lint(shop / "kb", DAY).findings if each.rule == "measured-harm"]
    assert next(hit.id for hit in search(shop / "kb", "call the customer back", as_of=LATER).hits) == "z-letter"


def test_evidence_whose_interval_includes_zero_does_not_change_the_rank(tmp_path: Path, members: pl.DataFrame) -> None:
    shop = make_shop(tmp_path / "shop", ordering(members, 0.3, 0.3))
    (shop / "kb" / "a.yaml").write_text((shop / "kb" / "call.yaml").read_text().replace("call-back", "a-letter"))
    draw(shop, entry="call-back")
    record(shop, "may")
    assert publish(shop, "may").frame["verdict"].to_list() == ["unclear"]
    assert [hit.id for hit in search(shop / "kb", "call the customer back", as_of=LATER).hits] == [
        "a-letter",
        "call-back",
    ]


def test_publishing_an_audience_without_an_entry_is_refused(shop: Path) -> None:
    draw(shop)
    with pytest.raises(UsageError, match="has no outcome"):
        publish(shop, "may")
    record(shop, "may")
    with pytest.raises(UsageError, match="the audience has no entry"):
        publish(shop, "may")


def outcome_of_warnings(shop: Path, reduction: tuple[float, float, float]) -> None:
    """Change the recorded outcome to that of an audience of churn warnings with this relative reduction."""
    path = shop / "audiences" / "may" / OUTCOME
    plain = json.loads(path.read_text()) | {"origin": "churn-warn", "reduction": reduction}
    path.write_text(json.dumps(plain))


def test_a_measured_offer_success_rate_replaces_an_assumed_rate_outside_of_its_interval(shop: Path) -> None:
    draw(shop)
    record(shop, "may")
    assumed, workspace = Assumptions.of(ChurnSettings()), open_workspace(shop)
    assert with_measured_offer(assumed, workspace, LATER) == (assumed, ())  # of a list, not of warnings
    outcome_of_warnings(shop, (0.12, 0.05, 0.19))
    used, remarks = with_measured_offer(assumed, workspace, LATER)
    assert used.offer_success_rate == 0.12
    assert "12 % of churning customers (measured, 5 to 19 %, in audience may" in used.sentence("EUR")
    assert remarks
    assert with_measured_offer(assumed, workspace, DAY) == (assumed, ())


def test_a_measured_offer_success_rate_that_agrees_with_zero_and_the_assumption_is_only_a_remark(shop: Path) -> None:
    draw(shop)
    record(shop, "may")
    outcome_of_warnings(shop, (0.1, -0.3, 0.5))
    assumed = Assumptions.of(ChurnSettings())
    used, remarks = with_measured_offer(assumed, open_workspace(shop), LATER)
    assert used == assumed
    assert "excludes neither zero nor the assumption" in remarks[0]
    (shop / "audiences" / "may" / OUTCOME).write_text("{}")
    assert "not used" in with_measured_offer(assumed, open_workspace(shop), LATER)[1][0]


@pytest.mark.parametrize("words", [("audience", "list"), ("outcome", "record", "spring"), ("evaluate",)])
def test_a_folder_that_is_not_a_workspace_is_refused_and_not_read_as_data(
    words: tuple[str, ...], tmp_path: Path, run: Run
) -> None:
    (tmp_path / "orders.csv").write_text("order_id,customer_id,ordered_at,net,currency\n1,a,2025-01-01,5,EUR\n")
    done = run(*words, "-C", tmp_path)
    assert done.exit_code == 2
    assert "is not a workspace" in done.stderr
    assert "ckm init" in done.stderr
