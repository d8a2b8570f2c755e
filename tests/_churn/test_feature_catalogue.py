"""The catalogue of churn features is complete, and a file of another kind is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckm._churn.feature_catalogue import CATALOGUE, GROUPS, load_catalogue, read_catalogue
from ckm.customers.contacts import invoice_topics
from ckm.errors import UsageError
from ckm.schema import TABLES


def test_every_group_has_features_and_they_are_consecutive() -> None:
    groups = [feature.group for feature in load_catalogue().features]
    assert list(dict.fromkeys(groups)) == list(GROUPS)
    assert groups == sorted(groups, key=GROUPS.index)
    assert [each.name for each in load_catalogue().of_group("billing")] == ["rejected_invoices_90d"]


def test_features_need_only_columns_of_the_schema() -> None:
    for feature in load_catalogue().features:
        for need in feature.needs:
            table, _, column = need.rpartition(".")
            assert column in TABLES[table or "transactions"].dtypes, f"{feature.name}: {need}"


def test_topics_are_written_in_lower_case_as_they_are_compared() -> None:
    assert all(topic == topic.lower() for topic in invoice_topics())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: ckm.churn_features/1", "schema: ckm.features/1", "not a catalogue of churn features"),
        ("- name: tenure_days", "- name: days_silent", "features defined twice: days_silent"),
        ("group: recency", "group: recensy", "unknown group 'recensy'"),
        ("higher_is_worse: unclear", "higher_is_worse: maybe", "unknown direction 'maybe'"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "churn_features.yaml"
    path.write_text(CATALOGUE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_catalogue(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "churn_features.yaml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="'schema' is missing"):
        read_catalogue(path)


def test_the_page_holds_the_catalogue() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "churn-features.md").read_text(encoding="utf-8")
    table = page.partition("<!-- churn-features -->\n")[2].partition("<!-- /churn-features -->")[0]
    rows = [
        f"| `{each.name}` | {each.group}, {each.unit} | {each.meaning} | {each.formula} | {each.higher_is_worse} |"
        for each in load_catalogue().features
    ]
    assert table.splitlines()[2:] == rows
