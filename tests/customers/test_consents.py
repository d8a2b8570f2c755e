"""Customers who may be contacted, by the newest record of channel and purpose; unclear records are refusals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm.customers.consents import RECORDS, consent_records, contactable
from ckm.dataset.linked_customers import with_persons
from ckm.ingest.options import IngestOptions
from ckm.store import Store
from ckm.workspace import lay_out

DAY = date(2026, 6, 30)
TABLE = {
    "customer_id": pl.String,
    "purpose": pl.String,
    "channel": pl.String,
    "status": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "valid_until": pl.Date,
}


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def table(*rows: tuple[object, ...]) -> pl.LazyFrame:
    return pl.DataFrame(rows, schema=TABLE, orient="row").lazy()


def reasons(
    consents: pl.LazyFrame | None, *customers: str, channel: str | None = "email", purpose: str = "marketing"
) -> list[str | None]:
    found = contactable(consents, pl.Series(customers or ("c1",)), DAY, channel, purpose)
    assert found["customer_id"].to_list() == [*(customers or ("c1",))]
    assert found["allowed"].to_list() == [each is None for each in found["reason"]]
    return found["reason"].to_list()


GIVEN = ("c1", "marketing", "email", "given", at("2026-01-01"), None)


def test_without_consent_records_everybody_may_be_contacted() -> None:
    assert reasons(None, "c1", "c2") == [None, None]


def test_if_consents_are_recorded_a_customer_without_a_consent_may_not_be_contacted() -> None:
    assert reasons(table(GIVEN), "c1", "c2") == [None, "no_record"]


def test_a_table_of_refusals_is_a_list_of_opt_outs() -> None:
    refused = ("c1", "marketing", "email", "withdrawn", at("2026-01-01"), None)
    assert reasons(table(refused), "c1", "c2") == ["refused", None]


def test_a_consent_is_valid_to_the_end_of_its_last_day() -> None:
    last = (*GIVEN[:-1], DAY)
    ended = ("c2", *GIVEN[1:-1], date(2026, 6, 29))
    assert reasons(table(last, ended), "c1", "c2") == [None, "expired"]


def test_a_consent_for_another_purpose_or_channel_does_not_count() -> None:
    rows = [
        ("profiled", "profiling", "email", "given", None, None),
        ("called", "marketing", "phone", "given", None, None),
        ("asked", "Newsletter", "E-Mail", "Yes", None, None),
        ("general", None, "all", "given", None, None),
    ]
    assert reasons(table(*rows), *(row[0] for row in rows)) == ["no_record", "no_record", None, None]


def test_a_refusal_on_another_known_channel_does_not_count_and_an_unknown_one_does() -> None:
    rows = [
        ("phone", "marketing", "telephone", "no", None, None),
        ("fax", "marketing", "fax", "no", None, None),
        ("purpose", "raffle", "email", "no", None, None),
        ("nothing", None, None, "no", None, None),
    ]
    assert reasons(table(*rows), *(row[0] for row in rows)) == [None, "refused", "refused", "refused"]
    assert reasons(table(*rows), "phone", channel=None) == ["refused"]


@pytest.mark.parametrize("unclear", ["", "?", "pending", "maybe", "non-marketing contact"])
def test_a_status_that_is_not_a_known_word_of_consent_is_a_refusal(unclear: str) -> None:
    assert reasons(table((*GIVEN[:3], unclear, *GIVEN[4:]))) == ["refused"]


def test_a_refusal_without_a_date_counts_as_the_newest_record_and_a_consent_as_the_oldest() -> None:
    undated = ("c1", "marketing", "email", "no", None, None)
    assert reasons(table(GIVEN, undated)) == ["refused"]
    refused = ("c1", "marketing", "email", "no", at("2020-01-01"), None)
    assert reasons(table(refused, (*GIVEN[:4], None, None))) == ["refused"]
    assert reasons(table(refused, GIVEN)) == [None]


def test_if_every_consent_was_withdrawn_a_customer_without_a_consent_may_not_be_contacted() -> None:
    withdrawn = ("c1", "marketing", "email", "withdrawn", at("2026-02-01"), None)
    assert reasons(table(GIVEN, withdrawn), "c1", "c2") == ["refused", "no_record"]


def test_spellings_of_a_channel_or_purpose_are_equal() -> None:
    again = ("c1", "Newsletter", "E-Mail", "yes", at("2026-02-01"), None)
    assert reasons(table(("c1", "Marketing", "email", "no", at("2026-01-01"), None), again)) == [None]
    assert reasons(table(("c1", "Marketing", "email", "no", at("2026-03-01"), None), again)) == ["refused"]


def test_only_a_consent_for_every_channel_withdraws_a_refusal_for_every_channel() -> None:
    refused = ("c1", None, "all", "no", at("2025-01-01"), None)
    assert reasons(table(refused, GIVEN)) == ["refused"]
    assert reasons(table(refused, ("c1", None, None, "yes", at("2026-01-01"), None))) == [None]


def test_records_after_the_day_are_not_used() -> None:
    assert reasons(table(GIVEN, ("c1", "marketing", "email", "no", at("2026-07-01"), None))) == [None]


def test_a_refusal_applies_to_ids_that_differ_in_case_only() -> None:
    refused = (" Ann@Example.com", "marketing", "email", "no", None, None)
    assert reasons(table(refused), "ann@example.com", "ann@example.co", "ann") == ["refused", None, None]


def test_a_refusal_by_email_address_applies_to_the_customers_with_this_address() -> None:
    customers = pl.LazyFrame({"customer_id": ["7", "8"], "email": ["Ann@example.com", "bo@example.com"]})
    refused = table(("ann@example.com", "marketing", "email", "unsubscribed", None, None))
    records = consent_records({"consents": refused, "customers": customers})
    assert reasons(records, "7", "8") == ["refused", None]


def test_consent_columns_of_exports_are_read_as_consents() -> None:
    customers = pl.LazyFrame(
        {
            "customer_id": ["yes", "no", "empty", "out"],
            "Accepts Email Marketing": ["yes", "no", None, "yes"],
            "Email Opt Out": ["false", "FALSE", "", "true"],
        }
    )
    records = consent_records({"customers": customers})
    assert reasons(records, "yes", "no", "empty", "out") == [None, "refused", "no_record", "refused"]


def test_a_consent_in_a_column_of_orders_has_the_date_of_the_order() -> None:
    orders = pl.DataFrame(
        {
            "customer_id": ["c1", "c1", None],
            "ordered_at": [at("2026-01-01"), at("2026-02-01"), at("2026-02-01")],
            "Accepts Marketing": ["no", "yes", "no"],
        }
    ).lazy()
    assert reasons(consent_records({"transactions": orders})) == [None]
    customers = pl.LazyFrame({"customer_id": ["c1"], "Accepts Email Marketing": ["no"]})
    assert reasons(consent_records({"transactions": orders, "customers": customers})) == ["refused"]


def test_a_refusal_of_one_linked_id_applies_to_the_person() -> None:
    customers = pl.LazyFrame({"customer_id": ["a", "b", "c"], "Accepts Email Marketing": ["yes", "no", "yes"]})
    linked = with_persons({"customers": customers}, {"a": "a", "b": "a"})
    assert reasons(consent_records(linked), "a", "c") == ["refused", None]


def test_a_file_of_consents_is_loaded_with_the_headers_that_newsletter_tools_write(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    lay_out(root)
    path = root / "incoming" / "consents.csv"
    path.write_text(
        "Customer ID,Channel,Purpose,Consent,Date,Valid until,Form\n"
        "c1,Email,Newsletter,yes,2025-01-02,2027-01-01,checkout\nc2,Email,Newsletter,withdrawn,2025-03-02,,checkout\n"
    )
    [result] = ckm.ingest.ingest(root, path, options=IngestOptions(table="consents")).files
    assert (result.accepted, result.quarantined) == (2, 0)
    stored = Store(root / "store").scan("consents")
    assert {*RECORDS} - {"granted"} | {"status", "obtained_by"} <= {*stored.collect_schema()}
    assert reasons(consent_records({"consents": stored}), "c1", "c2", "c3") == [None, "refused", "no_record"]


def test_a_load_reports_columns_that_are_consents_and_columns_that_may_be_consents(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    lay_out(root)
    path = root / "incoming" / "customers.csv"
    path.write_text(
        "customer_id,Accepts SMS Marketing,Do Not Call,newsletter_frequency\nc1,yes,,weekly\nc2,no,yes,daily\n"
    )
    [result] = ckm.ingest.ingest(root, path, options=IngestOptions(table="customers")).files
    text = " ".join(result.remarks)
    assert "'Accepts SMS Marketing' is read as consents (sms)" in text
    assert "'Do Not Call' is read as refusals (phone)" in text
    assert "1 column may be a consent" in text
    records = consent_records({"customers": Store(root / "store").scan("customers")})
    assert reasons(records, "c1", "c2", channel="sms") == [None, "refused"]
    assert reasons(records, "c1", "c2", channel="phone") == [None, "refused"]


def test_a_load_warns_of_consents_that_failed_validation(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    lay_out(root)
    path = root / "incoming" / "consents.csv"
    path.write_text("customer_id,status,at\nc1,no,2025-01-01\nc2,no,not a date\n")
    [result] = ckm.ingest.ingest(root, path, options=IngestOptions(table="consents"), max_rejects=0.9).files
    assert any("1 consent failed validation: a refusal among them does not count" in each for each in result.remarks)
