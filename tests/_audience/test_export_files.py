"""Contact files: headers and normalisation as documented by each platform, and hashes equal to published examples."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ckm._audience.export_files import TARGETS, contact_list, hashed
from ckm.assignments import RULE, Assignment, Stratum
from ckm.dataset import Dataset
from ckm.errors import RefusedError
from ckm.settings import PrivacySettings

# https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters
JOHN = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
"""John_Smith@gmail.com."""
PHONE = "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"
"""(650)555-1212 in the United States, as 16505551212."""
MARY = "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"
US = "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"

PEOPLE = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "email": ["John_Smith@gmail.com ", "p@example.org", None, None],
        "phone": ["(650)555-1212", "030 1234567", "12", None],
        "country": ["US", "DE", "Germany", "DE"],
        "First Name": ["Mary", "Jürgen", None, "Ann"],
        "Last Name": ["Smith", "Groß", None, "Lee"],
    }
)
ASSIGNMENT = Assignment(
    "may", "list.csv", date(2026, 3, 31), "order", 30, 0.2, "may", RULE, (Stratum("all", 5, 1, "0"),), offer="10 %"
)
TREATED = pl.DataFrame({"customer_id": ["a", "b", "c", "d"], "why": ["x", "", "", ""], "entry": ["call-back"] * 4})


def contacts(to: str, people: pl.DataFrame = PEOPLE) -> pl.DataFrame:
    return contact_list(to, ASSIGNMENT, TREATED, Dataset({"customers": people.lazy()}, "shop")).frame


HEADERS = {
    "csv": ["customer_id", "email", "phone", "given_name", "surname", "why", "entry", "offer"],
    "klaviyo": ["Email", "Phone Number", "First Name", "Last Name", "External ID", "ckm_audience", "ckm_entry"],
    "hubspot": ["Email", "First Name", "Last Name", "Phone Number", "ckm audience", "ckm entry"],
    "mailchimp": ["Email Address", "First Name", "Last Name", "Phone Number", "Tags"],
    "google": ["Email", "Phone"],
    "meta": ["email", "phone", "fn", "ln", "country"],
}


@pytest.mark.parametrize("to", TARGETS)
def test_the_header_of_each_target_is_the_documented_one(to: str) -> None:
    assert contacts(to).columns == HEADERS[to]


def test_the_export_for_meta_has_the_hashes_that_meta_publishes() -> None:
    row = contacts("meta").row(0, named=True)
    assert (row["email"], row["phone"], row["fn"], row["country"]) == (JOHN, PHONE, MARY, US)


def test_google_hashes_the_number_in_e164_and_not_the_country() -> None:
    row = contacts("google").row(0, named=True)
    assert row["Email"] == JOHN
    assert row["Phone"] == hashed("+16505551212")
    with_address = contacts("google", PEOPLE.with_columns(pl.lit("94016").alias("Zip Code")))
    assert with_address.columns == ["Email", "Phone", "First Name", "Last Name", "Country", "Zip"]
    assert with_address.row(0)[2:] == (MARY, hashed("smith"), "US", "94016")


def test_a_national_number_gets_the_code_of_its_country_and_a_short_one_is_left_out() -> None:
    numbers = contacts("csv")["phone"].to_list()
    assert numbers == ["+16505551212", "+49301234567", None, None]


def test_persons_without_a_field_that_the_target_needs_are_left_out_and_counted() -> None:
    found = contact_list("mailchimp", ASSIGNMENT, TREATED, Dataset({"customers": PEOPLE.lazy()}, "shop"))
    assert found.frame.height == 2
    assert any("2 persons of the treated arm left out: no email" in each for each in found.remarks)


def test_a_full_name_is_split_for_matching_only() -> None:
    people = PEOPLE.drop("First Name", "Last Name").with_columns(
        display_name=pl.Series(["Mary Smith", "Jürgen Groß", None, "Ann Lee"])
    )
    assert contacts("meta", people)["fn"][0] == MARY
    assert "First Name" not in contacts("klaviyo", people).columns


def test_of_two_records_of_a_person_the_first_known_value_is_used() -> None:
    twice = pl.concat([PEOPLE, PEOPLE.filter(pl.col("customer_id") == "d").with_columns(email=pl.lit("d@example.org"))])
    assert contacts("csv", twice)["email"].to_list() == ["john_smith@gmail.com", "p@example.org", None, "d@example.org"]


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    found = contact_list("csv", ASSIGNMENT, TREATED, Dataset({"customers": PEOPLE.lazy()}, "shop"))
    path = found.save(tmp_path / "list.csv")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().splitlines()[0] == ",".join(HEADERS["csv"])


def test_without_the_table_customers_the_export_has_ids_only() -> None:
    found = contact_list("csv", ASSIGNMENT, TREATED, Dataset({}, "shop"))
    assert found.frame.columns == ["customer_id", "why", "entry", "offer"]


def test_names_are_hashed_without_punctuation_and_with_single_blanks() -> None:
    # Meta: "Lowercase only with no punctuation"; Google, OfflineUserAddressInfo: the surname "no punctuation".
    people = PEOPLE.with_columns(
        pl.Series("First Name", [" Mary  Ann", "J.-P.", None, "Ann"]),
        pl.Series("Last Name", ["O'Brien", "van der Berg", None, "Lee"]),
        postcode=pl.Series(["94016", "10115", None, "1"]),
    )
    meta, google = contacts("meta", people), contacts("google", people)
    assert meta["fn"].to_list()[:2] == [hashed("mary ann"), hashed("jp")]
    assert meta["ln"].to_list()[:2] == [hashed("obrien"), hashed("van der berg")]
    assert google["First Name"].to_list()[0] == hashed("mary ann")
    assert google["Last Name"].to_list()[0] == hashed("obrien")


def test_the_export_for_google_has_a_complete_address_or_none() -> None:
    people = PEOPLE.with_columns(postcode=pl.Series(["94016", None, None, None]))
    found = contacts("google", people)
    address = found.select("First Name", "Last Name", "Country", "Zip").rows()
    assert [sum(each is not None for each in row) for row in address] == [4, 0]


def test_persons_whose_consent_was_withdrawn_are_left_out_and_counted() -> None:
    consents = pl.DataFrame(
        {
            "customer_id": ["a"],
            "channel": ["email"],
            "purpose": ["marketing"],
            "granted": [False],
            "at": [datetime(2026, 4, 2, tzinfo=UTC)],
        }
    )
    found = contact_list(
        "csv", ASSIGNMENT, TREATED, Dataset({"customers": PEOPLE.lazy(), "consents": consents.lazy()}, "shop")
    )
    assert found.frame["customer_id"].to_list() == ["b", "c", "d"]
    assert any("1 person of the treated arm left out: no consent now" in each for each in found.remarks)


def test_a_file_with_a_small_group_of_equal_quasi_identifiers_is_refused() -> None:
    privacy = PrivacySettings(quasi_identifiers=("country",), min_group_size=2)
    dataset = Dataset({"customers": PEOPLE.lazy()}, "shop", config=replace(Dataset({}, "shop").config, privacy=privacy))
    with pytest.raises(RefusedError, match="fewer than 2 with equal country"):
        contact_list("meta", ASSIGNMENT, TREATED, dataset)
    assert contact_list("klaviyo", ASSIGNMENT, TREATED, dataset).frame.height  # its file has no country
