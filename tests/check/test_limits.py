"""Settings of ckm.yaml are read as limits of the checks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ckm.check import CheckLimits
from ckm.config import load_config
from ckm.errors import UnknownNameError, UsageError


def test_missing_settings_have_their_defaults() -> None:
    assert CheckLimits.from_config({}) == CheckLimits()
    assert CheckLimits.from_config({"gap_days": None, "skip": None}) == CheckLimits()


def test_an_untouched_workspace_has_the_same_limits_as_a_file_without_one() -> None:
    config = load_config(None)
    assert replace(CheckLimits.from_config(vars(config.check), config.freshness), freshness={}) == CheckLimits()


def test_shares_lists_and_spans_are_read_in_their_usual_notations() -> None:
    limits = CheckLimits.from_config(
        {"null_share": "30%", "outlier_share": 0.5, "gap_days": "5", "outlier_z": "4.5", "skip": "outliers, calendar"},
        {"transactions": "7d", "interactions": "2w", "customers": timedelta(days=90), "consents": 3, "campaigns": None},
    )
    assert (limits.null_share, limits.outlier_share, limits.gap_days, limits.outlier_z) == (0.3, 0.5, 5, 4.5)
    assert limits.skip == ("outliers", "calendar")
    assert limits.freshness == {"transactions": 7, "interactions": 14, "customers": 90, "consents": 3}


@pytest.mark.parametrize(("age", "days"), [("12h", 1), ("24h", 1), ("36h", 2), (timedelta(hours=12), 1), ("0d", 0)])
def test_a_freshness_limit_is_rounded_up_to_whole_days(age: object, days: int) -> None:
    assert CheckLimits.from_config({}, {"transactions": age}).freshness == {"transactions": days}


@pytest.mark.parametrize("level", ["off", False])
def test_off_is_accepted_even_if_yaml_reads_it_as_false(level: object) -> None:
    assert CheckLimits.from_config({"future": level}).future == "off"


@pytest.mark.parametrize(
    ("check", "hint"),
    [
        ({"null_shar": 0.5}, "did you mean 'null_share'?"),
        ({"skip": ["outlier"]}, "did you mean 'outliers'?"),
        ({"control_types": ["sales"]}, "did you mean 'sale'?"),
        ({"future": "warn"}, "did you mean 'warning'?"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(check: dict[str, object], hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        CheckLimits.from_config(check)
    assert caught.value.hint == hint
    assert str(caught.value).startswith("ckm.yaml: check")


@pytest.mark.parametrize(
    ("check", "freshness"),
    [
        ({"null_share": 1.5}, {}),
        ({"null_share": "150%"}, {}),
        ({"null_share": "half"}, {}),
        ({"null_share": True}, {}),
        ({"gap_days": -1}, {}),
        ({"gap_days": 2.5}, {}),
        ({"outlier_z": "nan"}, {}),
        ({"outlier_z": [6]}, {}),
        ({"skip": 3}, {}),
        ({"future": 1}, {}),
        ({}, {"transactions": "soon"}),
        ({}, {"transactions": True}),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_key(
    check: dict[str, object], freshness: dict[str, object]
) -> None:
    with pytest.raises(UsageError) as caught:
        CheckLimits.from_config(check, freshness)
    assert str(caught.value).startswith(("ckm.yaml: check.", "ckm.yaml: freshness.transactions"))
    assert caught.value.hint
