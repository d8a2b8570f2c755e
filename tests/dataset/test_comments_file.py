"""A file of comments is read without a workspace, with or without ids."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import ckm
from ckm.dataset.comments_file import comments_of_file
from ckm.errors import UsageError
from tests.conftest import Run

TEXTS = {
    "delivery": [
        "The parcel arrived a week late",
        "Late delivery again, the courier never came",
        "Delivery took three weeks",
    ],
    "taste": ["The coffee tastes wonderful", "Wonderful coffee, rich taste", "I love the taste of this coffee"],
    "machine": ["The machine leaks water", "My machine stopped working", "Water leaks from the machine"],
}


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    with (tmp_path / "reviews.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Date", "Review", "Stars"])
        for number in range(240):
            topic = list(TEXTS)[number % 3]
            text = f"{TEXTS[topic][number % 9 // 3]}, order of week {number % 50 + 1}."
            rows.writerow([f"2024-0{1 + number % 6}-1{number % 9}", text, 5 if topic == "taste" else 1])
    return tmp_path / "reviews.csv"


def test_rows_without_ids_are_numbered(reviews: Path) -> None:
    dataset = comments_of_file(reviews)
    rows = dataset.tables["interactions"].collect()
    assert rows["interaction_id"].to_list()[:3] == ["1", "2", "3"]
    assert set(rows["scale"]) == {"csat_1_5"}
    assert any("number of its row" in remark for remark in dataset.remarks)


def test_ids_of_the_file_are_kept(reviews: Path) -> None:
    lines = reviews.read_text().splitlines()
    numbered = [f"Review ID,{lines[0]}", *(f"R-{number},{line}" for number, line in enumerate(lines[1:]))]
    reviews.write_text("\n".join(numbered))
    assert comments_of_file(reviews).tables["interactions"].collect()["interaction_id"][0] == "R-0"


def test_a_file_without_dates_is_refused_with_its_columns(reviews: Path) -> None:
    reviews.write_text("Review,Stars\nGood,5\n")
    with pytest.raises(UsageError, match="no column for at") as refused:
        comments_of_file(reviews)
    assert "Review" in (refused.value.hint or "")


def test_topics_of_a_file_have_the_polarity_of_its_ratings(reviews: Path) -> None:
    found = ckm.open(reviews).feedback(topics=3, encoder="none")
    titled = found.frame.filter(found.frame["topic"] != "")
    assert titled.height >= 2
    assert {round(value) for value in titled["polarity"].drop_nulls()} == {-1, 1}


def test_the_command_takes_a_file_and_no_options_that_write_to_a_workspace(reviews: Path, run: Run) -> None:
    result = run("feedback-mine", reviews, "--encoder", "none", "-f", "csv")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("topic,title")
    assert run("feedback-mine", reviews, "--learn").exit_code == 2
