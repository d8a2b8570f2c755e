"""What a warning can say: the book that comes with ckm, and what is wrong with another."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckm.churning.feature_catalogue import GROUPS, load_catalogue
from ckm.churning.reason_book import BOOK, load_reasons, read_reasons
from ckm.errors import UsageError


def test_every_group_has_a_code_and_every_code_speaks_of_features_of_its_group() -> None:
    book = load_reasons()
    assert {reason.group for reason in book.reasons} == set(GROUPS)
    for reason in book.reasons:
        of_group = {feature.name for feature in load_catalogue().of_group(reason.group)}
        assert set(reason.features) <= of_group, reason.code


def test_a_value_counts_on_the_side_on_which_the_catalogue_says_it_is_worse() -> None:
    directions = {feature.name: feature.higher_is_worse for feature in load_catalogue().features}
    for reason in load_reasons().reasons:
        assert directions[reason.features[0]] in ("unclear", "yes" if reason.above else "no"), reason.code


@pytest.mark.parametrize(
    ("code", "value", "typical", "sentence"),
    [
        ("silent", 94.0, 21.4, "silent for 94 days; usually orders every 21"),
        ("open_complaint", 1.0, 0.0, "a complaint is not settled; usual is none"),
        ("open_complaint", 2.0, 0.0, "2 complaints are not settled; usual is none"),
        ("late_delivery", 12.0, 0.0, "a delivery of the last 90 days was 12 days late; usual is none"),
        ("low_spend", 1234.4, 2219.0, "spent 1,234 EUR in 12 months; usual is 2,219 EUR"),
        ("discounts", 0.003, 0.0, "less than 1 % of the price was taken off; usual is nothing"),
        (
            "falling_spend",
            -0.5,
            0.0,
            "spending changed by \N{MINUS SIGN}67 % from the half-year before to the last; usual is +0 %",
        ),
    ],
)
def test_a_sentence_has_the_number_of_the_customer_and_the_usual_one(
    code: str, value: float, typical: float, sentence: str
) -> None:
    assert load_reasons()[code].sentence(value, typical, "EUR") == sentence


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ("group: silence", "group: silense", "no group 'silense'", "group: silence"),
        (
            "features: [days_silent]",
            "features: [days_silnt]",
            "no feature 'days_silnt'",
            "features: [days_silent]",
        ),
        ("features: [days_silent]", "features: [spend_12mo]", "of the group spend", "features: [days_silent]"),
        ("features: [days_silent]", "features: []", "at least one feature", "features: [days_silent]"),
        ("usual: gap_median_days", "usual: gap_median", "no feature 'gap_median'", "usual: gap_median_days"),
        ("code: bought_once", "code: silent", "the code 'silent' is there already", "code: bought_once"),
        ("every {typical}\n", "every {usual}\n", "only {value} and {typical}", "every {typical}"),
        ("every {typical}\n", "every {typical\n", "brace", "every {typical}"),
        (
            "title: Silent for long\n",
            "title: Silent for long\n    weight: 3\n",
            "no key 'weight'",
            "features: [days_silent]",
        ),
    ],
)
def test_a_mistake_in_the_book_is_shown_with_its_line(
    tmp_path: Path, old: str, new: str, message: str, line: str
) -> None:
    text = BOOK.read_text(encoding="utf-8")
    number = next(at for at, each in enumerate(text.splitlines(), 1) if line in each)
    path = tmp_path / "reasons.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        read_reasons(path)
    assert message in str(raised.value)
    assert f"reasons.yaml:{number}" in str(raised.value)


def test_a_group_of_which_nothing_can_be_said_is_a_mistake(tmp_path: Path) -> None:
    text = BOOK.read_text(encoding="utf-8")
    path = tmp_path / "reasons.yaml"
    path.write_text(text[: text.index("  # age")], encoding="utf-8")
    with pytest.raises(UsageError, match="no reason speaks for age"):
        read_reasons(path)


@pytest.mark.parametrize("text", ["", "# nothing\n", "schema: ckm.other/1\nreasons: []\n"])
def test_another_file_is_no_book_of_reasons(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reasons.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        read_reasons(path)
