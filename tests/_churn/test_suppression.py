"""Suppressions: consent has priority, the newest record applies, and later records are not read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._churn.suppression import SUPPRESSIONS, suppress
from ckm.settings import ChurnSettings

TODAY = date(2026, 6, 30)
SETTINGS = ChurnSettings()


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def asked(*names: str, complaint: bool = False, seasonal: bool = False) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": names or ("c1",),
            "open_complaint": [complaint] * max(1, len(names)),
            "seasonal": [seasonal] * max(1, len(names)),
        }
    )


def consents(*records: tuple[object, ...], columns: tuple[str, ...] = ("customer_id", "at", "granted")) -> pl.LazyFrame:
    return pl.DataFrame(records, schema=columns, orient="row").lazy()


def visit(day: date, kind: str = "visit_note", topic: str | None = None) -> pl.LazyFrame:
    return pl.DataFrame(
        [("c1", at(day), kind, topic)],
        schema={
            "customer_id": pl.String,
            "at": pl.Datetime("us", "UTC"),
            "kind": pl.String,
            "topic": pl.String,
        },
        orient="row",
    ).lazy()


def why(tables: dict[str, pl.LazyFrame], customers: pl.DataFrame | None = None, **options: object) -> list[str | None]:
    found = suppress(asked() if customers is None else customers, tables, as_of=TODAY, settings=SETTINGS, **options)  # type: ignore[arg-type]
    return found.frame["suppressed"].to_list()


def test_without_tables_and_flags_nobody_is_suppressed() -> None:
    found = suppress(pl.DataFrame({"customer_id": ["b", "a"]}), {}, as_of=TODAY, settings=SETTINGS)
    assert found.frame.rows() == [("b", None), ("a", None)]
    assert found.frame.schema["suppressed"] == pl.String
    assert found.remarks == ()


@pytest.mark.slow
@given(st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_the_first_reason_that_applies_is_named(
    refused: bool, complaint: bool, contacted: bool, seasonal: bool
) -> None:
    tables = {"consents": consents(("c1", at(TODAY), not refused))} | (
        {"interactions": visit(TODAY)} if contacted else {}
    )
    applies = dict(zip(SUPPRESSIONS, (refused, complaint, contacted, seasonal), strict=True))
    first = next((name for name in SUPPRESSIONS if applies[name]), None)
    assert why(tables, asked(complaint=complaint, seasonal=seasonal)) == [first]


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(-400, 60), st.booleans()), max_size=8), st.randoms())
def test_the_newest_consent_record_applies_in_any_order_of_rows(
    records: list[tuple[int, bool]], random: object
) -> None:
    random.shuffle(records)  # type: ignore[attr-defined]
    rows = [("c1", at(TODAY + timedelta(days=days)), granted) for days, granted in records]
    table = pl.DataFrame(
        rows,
        schema={"customer_id": pl.String, "at": pl.Datetime("us", "UTC"), "granted": pl.Boolean},
        orient="row",
    )
    known = [(days, not granted) for days, granted in records if days <= 0]
    refuses = bool(known) and max(known)[1]
    assert why({"consents": table.lazy()}) == ["no_consent" if refuses else None]


@pytest.mark.parametrize(
    ("status", "suppressed"),
    [
        ("granted", None),
        (" Opt-In ", None),
        ("TRUE", None),
        ("withdrawn", "no_consent"),
        ("no", "no_consent"),
        ("?", "no_consent"),
    ],
)
def test_a_status_that_is_not_a_known_consent_is_a_refusal(status: str, suppressed: str | None) -> None:
    table = consents(("c1", TODAY, status), columns=("customer_id", "at", "status"))
    assert why({"consents": table}) == [suppressed]


def test_one_refused_channel_is_enough_and_each_has_its_own_newest_record() -> None:
    columns = ("customer_id", "at", "channel", "granted")
    mail_again = (("c1", date(2026, 1, 1), "mail", False), ("c1", date(2026, 2, 1), "mail", True))
    phone = ("c1", date(2025, 1, 1), "phone", False)
    assert why({"consents": consents(*mail_again, columns=columns)}) == [None]
    assert why({"consents": consents(*mail_again, phone, columns=columns)}) == ["no_consent"]


def test_consent_records_may_have_dates_as_text() -> None:
    rows = (("c1", "2026-06-30T08:00:00Z", "granted"), ("c1", "2026-07-01", "withdrawn"))
    assert why({"consents": consents(*rows, columns=("customer_id", "at", "status"))}) == [None]
    assert why({"consents": consents(("c1", "2026-06-30", "withdrawn"), columns=("customer_id", "at", "status"))}) == [
        "no_consent"
    ]


def test_customers_of_a_table_of_consents_that_cannot_be_read_are_suppressed_and_this_is_reported() -> None:
    found = suppress(
        asked(), {"consents": consents(("c1", "x"), columns=("customer_id", "note"))}, as_of=TODAY, settings=SETTINGS
    )
    assert found.frame["suppressed"].to_list() == ["no_consent"]
    assert "lacks customer_id, at" in found.remarks[0]


@pytest.mark.parametrize(("ago", "suppressed"), [(-1, None), (0, "contacted"), (29, "contacted"), (30, None)])
def test_a_contact_suppresses_for_the_days_of_the_setting(ago: int, suppressed: str | None) -> None:
    assert why({"interactions": visit(TODAY - timedelta(days=ago))}) == [suppressed]


@pytest.mark.parametrize(
    ("kind", "topic", "suppressed"),
    [
        ("event", "Campaign", "contacted"),
        ("event", "contact", "contacted"),
        ("event", "invoice", None),
        ("event", None, None),
        ("complaint", "contact", None),
    ],
)
def test_only_visits_and_contact_events_count_as_contacts(kind: str, topic: str | None, suppressed: str | None) -> None:
    assert why({"interactions": visit(TODAY, kind, topic)}) == [suppressed]


def test_a_campaign_counts_from_the_day_of_its_contact() -> None:
    table = pl.DataFrame({"customer_id": ["c1", "c2"], "contacted_on": [TODAY - timedelta(days=3), None]}).lazy()
    assert why({"assignments": table}, asked("c1", "c2")) == ["contacted", None]


def test_days_are_in_the_time_zone_of_the_shop() -> None:
    evening = pl.DataFrame(
        {"customer_id": ["c1"], "at": [at(TODAY, 23)], "kind": ["visit_note"]},
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    ).lazy()
    assert why({"interactions": evening}) == ["contacted"]
    assert why({"interactions": evening}, time_zone="Asia/Bangkok") == [None]


def test_zero_contacted_days_suppress_no_customer() -> None:
    found = suppress(asked(), {"interactions": visit(TODAY)}, as_of=TODAY, settings=ChurnSettings(contacted_days=0))
    assert found.frame["suppressed"].to_list() == [None]
