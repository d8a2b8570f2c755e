"""One fact in different spellings has one normalised value."""

from __future__ import annotations

import polars as pl
import pytest

from ckm._link.fields import columns_by_field
from ckm._link.normalise import normalised, with_generations, with_split_names


def one(value: str, field: str, country: str | None = None) -> str | None:
    return normalised(pl.Series([value]), field, pl.Series([country], dtype=pl.String))[0]


@pytest.mark.parametrize(
    ("field", "spellings"),
    [
        ("surname", ["Müller", "MÜLLER", "mueller", " Müller "]),
        ("surname", ["O'Brien", "O’Brien", "o brien"]),
        ("surname", ["کریمی", "كريمي"]),
        ("surname", ["Weiß", "WEISS"]),
        ("given_name", ["José", "JOSE", "josé"]),
        (
            "email",
            ["Ann.Lee@Example.com", "ann.lee@example.com ", "ann.lee+news@example.com", "mailto:ann.lee@example.com"],
        ),
        ("birth_date", ["1971-06-24", "1971/06/24", "19710624"]),
        ("postcode", ["SW1A 1AA", "sw1a1aa"]),
        ("street", ["Musterweg 1", "musterweg  1", "Musterweg, 1"]),
    ],
)
def test_spellings_of_one_value_are_equal(field: str, spellings: list[str]) -> None:
    assert len({one(each, field) for each in spellings}) == 1
    assert one(spellings[0], field)


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("+49 30 55500595", None), ("0049 30 55500595", None), ("+49 (0)30 55500595", None),
        ("(+49) 30/555 005 95", None),
        ("030 55500595", "DE"), ("030-55500595", "de"), ("+۴۹۳۰۵۵۵۰۰۵۹۵", None),
    ],
)  # fmt: skip
def test_telephone_numbers_become_e164(written: str, country: str | None) -> None:
    assert one(written, "phone", country) == "+493055500595"


@pytest.mark.parametrize(
    ("cell", "field", "first"),
    [
        ("ann@mail.example; lee@mail.example", "email", "ann@mail.example"),
        ("n/a, Ann Lee <ann@mail.example>", "email", "ann@mail.example"),
        ("+49 30 55500595 / +49 171 5550059", "phone", "+493055500595"),
        ("+49 30 55500595 ext. 12", "phone", "+493055500595"),
        ("+49 30 55500595 x12", "phone", "+493055500595"),
    ],
)
def test_of_several_contacts_in_one_cell_the_first_is_compared_without_its_extension(
    cell: str, field: str, first: str
) -> None:
    assert one(cell, field) == first


def test_of_several_contacts_in_one_cell_the_contact_of_another_record_is_compared() -> None:
    cells = pl.Series(["ann@mail.example; lee@mail.example", "lee@mail.example", "bo@mail.example"])
    assert normalised(cells, "email").to_list() == ["lee@mail.example", "lee@mail.example", "bo@mail.example"]


def test_a_number_without_a_country_is_the_only_number_with_a_country_and_these_digits() -> None:
    numbers = pl.Series(["030 5550059", "+49 30 5550059", "0171 5550042", "+49 171 5550042", "+43 171 5550042"])
    found = normalised(numbers, "phone").to_list()
    assert found[0] == found[1] == "+49305550059"
    assert found[2] == "1715550042"


def test_a_telephone_number_without_a_country_keeps_its_digits() -> None:
    assert one("030 55500595", "phone") == "3055500595"
    assert one("12", "phone") is None


@pytest.mark.parametrize("empty", ["", " ", "-", "n/a@", "@"])
def test_a_value_without_letters_or_an_address_is_missing(empty: str) -> None:
    assert one(empty, "email") is None


@pytest.mark.parametrize(
    ("full", "given", "surname"),
    [
        ("Ann Mary Lee", "ann mary", "lee"), ("Lee, Ann", " ann", "lee"), ("Dr. Ann Lee", "ann", "lee"),
        ("王小明", "小明", "王"),
        ("نسرین کریمی", "نسرین", "کریمی"), ("Ann", "ann", None),
    ],
)  # fmt: skip
def test_full_names_are_split_in_their_order(full: str, given: str, surname: str | None) -> None:
    found = with_split_names({"full_name": pl.Series([full])})
    assert (found["given_name"][0], found["surname"][0]) == (given, surname)


@pytest.mark.parametrize(
    ("full", "given", "surname", "generation"),
    [
        ("John Smith Jr.", "john", "smith", "junior"), ("Smith, John Jr", " john", "smith", "junior"),
        ("John Smith senior", "john", "smith", "senior"), ("John Smith III", "john", "smith", "iii"),
        ("John Smith", "john", "smith", None), ("Ivy Iversen", "ivy", "iversen", None),
    ],
)  # fmt: skip
def test_the_generation_after_a_name_becomes_a_separate_field(
    full: str, given: str, surname: str, generation: str | None
) -> None:
    found = with_split_names(with_generations({"full_name": pl.Series([full])}))
    assert (found["given_name"][0], found["surname"][0], found["generation"][0]) == (given, surname, generation)


def test_a_record_with_given_name_or_surname_keeps_them() -> None:
    found = with_split_names(
        {"full_name": pl.Series(["Shop GmbH"]), "given_name": pl.Series(["Ann"]), "surname": pl.Series([None])}
    )
    assert (found["given_name"][0], found["surname"][0]) == ("Ann", None)


def test_fields_are_found_by_the_names_of_columns() -> None:
    columns = [
        "Billing Name",
        "Billing Phone",
        "Email__Billing_",
        "Vorname",
        "出生日期",
        "کد ملی",
        "Notes",
        "cluster",
        "Address 1&2 (Billing)",
    ]
    assert columns_by_field(columns) == {
        "full_name": ["Billing Name"], "phone": ["Billing Phone"], "email": ["Email__Billing_"],
        "given_name": ["Vorname"],
        "birth_date": ["出生日期"], "national_id": ["کد ملی"], "street": ["Address 1&2 (Billing)"],
    }  # fmt: skip
