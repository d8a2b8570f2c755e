"""Goals are reached, missed or undecided; a goal without a metric is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckm.config import load_config
from ckm.errors import UnknownNameError, UsageError
from ckm.metrics.goals import check_goals, goal_metrics
from ckm.metrics.metric import Metric, Metrics, Missing
from ckm.setting_values import Target

METRICS = Metrics(
    [
        Metric("revenue", 1000.0, previous=800.0),
        Metric("retention_rate", 0.42, n=200, lo=0.35, hi=0.49, previous=0.5),
        Metric("median_interpurchase_days", 28.0, n=400),
        Metric("nps", None),
        Metric("lifecycle_stage", 7.0, (("state", "lapsed"),)),
    ]
)


def reached(name: str, wanted: Target) -> bool | None:
    (goal,), _, missing = goal_metrics({name: wanted}, METRICS)
    assert missing == ()
    return goal.on_track


def test_a_number_that_was_counted_is_reached_or_not() -> None:
    assert reached("revenue", Target(1000)) is True
    assert reached("revenue", Target(1000.01)) is False
    assert reached("median_interpurchase_days", Target(30, at_most=True)) is True
    assert reached("median_interpurchase_days", Target(27.5, at_most=True)) is False


def test_a_goal_within_the_interval_of_an_estimate_is_undecided() -> None:
    assert reached("retention_rate", Target(0.4)) is None
    assert reached("retention_rate", Target(0.35)) is True
    assert reached("retention_rate", Target(0.3)) is True
    assert reached("retention_rate", Target(0.5)) is False
    assert reached("retention_rate", Target(0.5, at_most=True)) is True


def test_a_goal_without_a_value_is_unknown() -> None:
    assert reached("nps", Target(30)) is None
    assert reached("clv", Target(30)) is None


def test_goals_are_in_the_order_of_the_catalogue_with_previous_values() -> None:
    goals, metrics, _ = goal_metrics(
        {"median_interpurchase_days": Target(30, at_most=True), "revenue": Target(900)}, METRICS
    )
    assert [(goal.name, goal.wanted, goal.direction) for goal in goals] == [
        ("revenue", 900, ">="),
        ("median_interpurchase_days", 30, "<="),
    ]
    assert metrics[0] == Metric("goal", 1000.0, (("goal", "revenue"),), previous=800.0)


def test_a_report_without_goals_says_so() -> None:
    assert goal_metrics({}, METRICS) == ((), (), (Missing("changed", "no_goals"),))


@pytest.mark.parametrize(
    ("goals", "line", "message", "hint"),
    [
        (
            "goals:\n  revenue: 1\n  retentionrate: 40%\n",
            3,
            "unknown metric 'retentionrate'",
            "did you mean 'retention_rate'?",
        ),
        ("goals: {lifecycle_stage: 4}\n", 1, "comes by state only", "retention_rate"),
        ("goals: {goal: 4}\n", 1, "one number", "retention_rate"),
        ("currency: EUR\ngoals:\n  retention_rate: 40\n", 3, "is a share, and 40 is none", "40% or 0.4"),
    ],
)
def test_a_goal_without_a_metric_is_an_error_with_its_line(
    tmp_path: Path, goals: str, line: int, message: str, hint: str
) -> None:
    (tmp_path / "ckm.yaml").write_text(goals, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        check_goals(load_config(tmp_path).goals, tmp_path)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"{tmp_path / 'ckm.yaml'}:{line}: ")
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_an_unknown_goal_outside_of_a_workspace_is_an_error_too() -> None:
    with pytest.raises(UnknownNameError, match="goals: unknown metric 'profit'"):
        check_goals({"profit": Target(1)})


def test_every_metric_without_slices_can_be_a_goal() -> None:
    check_goals({"revenue": Target(1), "nps": Target(-100), "unanswered_share": Target(0.1, at_most=True)})
