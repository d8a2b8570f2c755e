"""Comments that are read: no copies, no HTML, up to the newest usual day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from ckm._feedback.comments import Comments, read_comments
from ckm._feedback.markup import without_markup
from ckm._feedback.newest_day import newest_day
from ckm.dataset import Dataset

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEXT = "The parcel came two weeks late, and nobody answered my letters."


def interactions(rows: list[tuple[str | None, datetime, str | None]]) -> pl.LazyFrame:
    return pl.LazyFrame(
        [(f"I{number}", *row) for number, row in enumerate(rows)],
        schema={
            "interaction_id": pl.String,
            "customer_id": pl.String,
            "at": pl.Datetime("us", "UTC"),
            "text": pl.String,
        },
        orient="row",
    )


def read(rows: list[tuple[str | None, datetime, str | None]]) -> Comments:
    return read_comments({"interactions": interactions(rows)}, date(2026, 12, 31), "UTC")


def test_a_text_that_a_customer_repeats_within_four_weeks_is_one_comment() -> None:
    found = read([("A", START + timedelta(days=day), TEXT) for day in (0, 0, 5, 30, 90)])
    assert found.frame["interaction_id"].to_list() == ["I0", "I4"]
    assert found.copies == 3


def test_equal_texts_of_different_or_unknown_customers_and_short_ones_are_no_copies() -> None:
    others = [(name, START, TEXT) for name in ("A", "B")]
    unknown = [(None, START + timedelta(minutes=minute), TEXT) for minute in range(3)]
    short = [("C", START + timedelta(days=day), "Thank you") for day in range(3)]
    assert read([*others, *unknown, *short]).copies == 0


def test_rows_of_an_unknown_customer_with_equal_text_and_time_are_one_comment() -> None:
    assert read([(None, START, TEXT)] * 3).copies == 2


def test_interactions_without_text_are_counted() -> None:
    found = read([("A", START, TEXT), ("B", START, None), ("C", START, "👍"), ("D", START, " ")])
    assert (found.frame.height, found.empty) == (1, 3)


def test_tags_styles_and_entities_are_no_words_of_a_comment() -> None:
    page = (
        "<style>p {color: red}</style><p class='x'>Too late,<br/>Tom &amp; Ann</p><a href='http://x.example'>here</a>"
    )
    assert without_markup(page).split() == ["Too", "late,", "Tom", "&", "Ann", "here"]
    assert read([("A", START, page)]).frame["text"].to_list() == ["Too late, Tom & Ann here"]


def test_comments_dated_far_in_the_future_do_not_move_the_default_day() -> None:
    rows = [("A", START + timedelta(days=day), TEXT) for day in range(60)]
    dataset = Dataset({"interactions": interactions([*rows, ("B", datetime(2099, 1, 1, tzinfo=UTC), TEXT)])}, "x")
    day, remarks = newest_day(dataset, None)
    assert day == date(2026, 3, 1)
    assert "1 interaction after 2026-03-01" in remarks[0]
    assert newest_day(dataset, date(2026, 2, 1))[0] == date(2026, 2, 1)
