"""``ckm.link`` finds the persons of customer ids in published data sets, a generated shop and real exports."""

from __future__ import annotations

import os
import random
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.link_people import six_script_shop
from ckm.churn import churn
from ckm.errors import NotEnoughDataError
from ckm.identities import DIFFERENT, SAME
from ckm.ingest import ingest
from ckm.link import LinkResult, explain, link, review
from ckm.profile import profile
from ckm.segment import segment
from ckm.workspace import lay_out
from tests.conftest import ROOT

SHARED = Path(os.environ.get("CKM_SHARED") or ROOT.parent / "shared" / "data")
DAY = date(2026, 1, 31)


def scores(persons: pl.DataFrame, truth: pl.Series) -> tuple[float, float]:
    """Return precision and recall of the pairs of records within persons; both frames have the same order."""
    codes = persons["person_id"].rank("dense").to_numpy()

    def pairs(labels: np.ndarray) -> int:
        counts = np.unique(labels, return_counts=True)[1].astype(np.int64)
        return int((counts * (counts - 1) // 2).sum())

    both = pairs(codes.astype(np.int64) * (int(truth.max()) + 1) + truth.to_numpy())
    return both / pairs(codes), both / pairs(truth.to_numpy())


@pytest.mark.slow
def test_fake_1000_is_linked_without_labels_with_a_higher_f1_than_splink() -> None:
    path = SHARED / "link" / "fake_1000.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    found = link(path).persons
    truth = pl.read_csv(path).sort(pl.col("unique_id").cast(pl.String))["cluster"]
    precision, recall = scores(found.sort("customer_id"), truth)
    assert 2 * precision * recall / (precision + recall) > 0.95


@pytest.fixture(scope="module")
def shop() -> pl.DataFrame:
    return six_script_shop(1500, seed=3)


@pytest.fixture(scope="module")
def linked(shop: pl.DataFrame) -> LinkResult:
    return link(shop.drop("person"), on=DAY)


@pytest.mark.slow
def test_a_shop_in_six_scripts_has_under_one_percent_wrong_links(shop: pl.DataFrame, linked: LinkResult) -> None:
    joined = shop.join(linked.persons, on="customer_id")
    precision, recall = scores(joined, joined["person"])
    assert precision > 0.99
    assert recall > 0.9


@pytest.mark.slow
def test_every_link_is_probable_and_pairs_for_review_are_not_linked(linked: LinkResult) -> None:
    assert linked.frame["probability"].min() >= 0.95
    assert linked.expected_wrong == pytest.approx((1 - linked.frame["probability"]).sum())
    assert linked.expected_wrong < 0.02 * linked.frame.height
    person_of = dict(linked.persons.rows())
    assert linked.uncertain.height
    assert all(person_of[left] != person_of[right] for left, right in linked.uncertain.select("left", "right").rows())
    assert linked.uncertain["probability"].min() >= 0.1
    assert dict(linked.summary.rows())["pairs for review"] == linked.uncertain.height


@pytest.mark.slow
def test_the_same_records_in_another_order_are_the_same_persons(shop: pl.DataFrame, linked: LinkResult) -> None:
    again = link(shop.drop("person").sample(fraction=1, shuffle=True, seed=5), on=DAY).persons
    assert again.sort("customer_id").equals(linked.persons.sort("customer_id"))


@pytest.mark.slow
def test_a_result_names_fields_and_shows_no_value(shop: pl.DataFrame, linked: LinkResult) -> None:
    text = linked.identities.text() + linked.uncertain.write_csv() + " ".join(linked.remarks)
    shown = {"first_name", "last_name", "email", "phone", "street"}
    values = {value for name in shown for value in shop[name].drop_nulls() if len(value) > 5}
    assert not [value for value in values if value in text]


def people(**columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame(columns)


def base(count: int = 60) -> dict[str, list[str | None]]:
    """Return ``count`` different customers, each with two equal records under two customer ids."""
    names = [
        f"{a}{b}"
        for a in ("Ada", "Bert", "Cleo", "Dora", "Egon", "Fritzi", "Gustl", "Hedda")
        for b in ("ria", "win", "mund", "lotte")
    ]
    given = [names[(7 * n) % len(names)] for n in range(count)]
    surname = [f"{names[(5 * n + n // 9) % len(names)]}sen" for n in range(count)]
    return {
        "customer_id": [f"a{n}" for n in range(count)] + [f"b{n}" for n in range(count)],
        "first_name": given * 2,
        "last_name": surname * 2,
        "email": [f"{chr(97 + n % 26)}{chr(97 + n // 26)}{n * 37}@mail{n % 3}.example" for n in range(count)] * 2,
        "birth_date": [f"{1950 + n % 50}-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(count)] * 2,
    }


def persons_with(*more: tuple[str, str, str, str | None, str | None]) -> dict[str, str]:
    columns = base()
    for row in more:
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    return dict(link(people(**columns), on=DAY).persons.rows())


def test_a_shared_mailbox_alone_links_nobody() -> None:
    found = persons_with(
        ("x1", "Xaver", "Yllmaz", "family@home.example", "1960-01-01"),
        ("x2", "Zenzi", "Yllmaz", "family@home.example", "1962-02-02"),
        ("x3", "Quirin", "Yllmaz", "family@home.example", None),
    )
    assert len({found["x1"], found["x2"], found["x3"]}) == 3
    assert found["a7"] == found["b7"]


def test_names_in_exchanged_order_are_one_person() -> None:
    found = persons_with(
        ("x1", "Xaver", "Yllmaz", "xy@home.example", "1960-01-01"), ("x2", "Yllmaz", "Xaver", "xy@home.example", None)
    )
    assert found["x1"] == found["x2"]


def test_a_name_in_another_script_does_not_contradict_an_equal_address() -> None:
    found = persons_with(
        ("x1", "Somchai", "Jaidee", "somchai77@home.example", None),
        ("x2", "สมชาย", "ใจดี", "somchai77@home.example", None),
    )
    assert found["x1"] == found["x2"]


def test_an_equal_telephone_does_not_link_records_with_names_in_two_scripts() -> None:
    columns = base()
    columns["phone"] = [f"+4930{n:07}" for n in range(0, 60 * 371, 371)] * 2
    for row in (("x1", "Holger", "Yllmaz", "holger@home.example", "1960-01-01", "+49301234567"),
                ("x2", "สมหญิง", "ใจดี", "somying@home.example", "1971-10-03", "+49301234567")):  # fmt: skip
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    found = dict(link(people(**columns), on=DAY).persons.rows())
    assert found["x1"] != found["x2"]
    assert found["a7"] == found["b7"]


@pytest.mark.parametrize(
    ("one", "other", "mailbox"),
    [
        (("Petra", None), ("Peter", None), "family@home.example"),
        (("Lena", "1990-05-05"), ("Lara", "1990-05-05"), "family@home.example"),
        (("Marie", "1991-05-05"), ("Maria", "1991-05-05"), None),
        (("Karl", "1950-02-03"), ("Karl", "1985-07-09"), "family@home.example"),
        (("Anna", "1955-01-01"), ("Anne", "1980-12-12"), "family@home.example"),
    ],
)
def test_members_of_a_household_are_not_linked_by_its_surname_address_and_mailbox(
    one: tuple[str, str | None], other: tuple[str, str | None], mailbox: str | None
) -> None:
    columns = base()
    columns["street"] = [f"{chr(65 + n % 26)}weg {n}" for n in range(60)] * 2
    home = ("Yllmaz", mailbox)
    for customer, (given, born) in (("x1", one), ("x2", other)):
        for values, value in zip(columns.values(), (customer, given, *home, born, "Lindenallee 5"), strict=True):
            values.append(value)
    table = people(**columns)
    found = link(table, on=DAY)
    persons = dict(found.persons.rows())
    assert persons["x1"] != persons["x2"]
    assert persons["a7"] == persons["b7"]
    assert explain(table, "x1", "x2").probability < 0.95


def test_a_nickname_with_an_equal_mailbox_is_linked_and_with_an_equal_home_alone_is_for_review() -> None:
    columns = base()
    columns["street"] = [f"{chr(65 + n % 26)}weg {n}" for n in range(60)] * 2
    for row in (("x1", "Robert", "Yllmaz", "yll@home.example", None, "Lindenallee 5"),
                ("x2", "Bob", "Yllmaz", "yll@home.example", None, None),
                ("y1", "William", "Quandtner", None, None, "Ahornallee 7"),
                ("y2", "Bill", "Quandtner", None, None, "Ahornallee 7")):  # fmt: skip
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    persons = dict(link(people(**columns), on=DAY).persons.rows())
    assert persons["x1"] == persons["x2"]
    assert persons["y1"] != persons["y2"]


def test_a_contact_of_more_people_than_a_household_or_firm_has_is_no_evidence() -> None:
    columns = base()
    columns["phone"] = [None] * 120
    strangers = [f"{chr(65 + n)}{chr(97 + n)}ric" for n in range(20)]
    junk = ("test@test.example", None, "000000")
    rows = [(f"j{n:02}", given, f"Quandtner{chr(97 + n)}", *junk) for n, given in enumerate(strangers)]
    rows += [("x1", "Aaric", "Yllmaz", *junk), ("x2", "Aaric", "Yllmaz", None, None, None)]
    for row in (*rows, ("x3", "Aaric", "Yllmaz", *junk)):
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    table = people(**columns)
    assert explain(table, "x1", "x3").probability == explain(table, "x1", "x2").probability
    persons = dict(link(table, on=DAY).persons.rows())
    assert len({persons[f"j{n:02}"] for n in range(20)}) == 20
    assert persons["a7"] == persons["b7"]


def test_two_firms_with_one_name_and_mailboxes_of_a_role_at_two_hosts_are_for_review() -> None:
    names = [
        f"{start}{end} Ltd"
        for start in ("Nord", "Alpen", "Rhein", "Elbe", "Ostwald")
        for end in ("bau", "glas", "druck", "holz")
    ]
    firms = pl.DataFrame(
        {
            "customer_id": [f"f{n:02}" for n in range(42)],
            "name": [*names, *names, "Quarzsandwerk Ltd", "Quarzsandwerk Ltd"],
            "email": [*(f"office@{n % 20}.example" for n in range(40)), "office@quarz.example", "office@werk.example"],
            "city": [*(("Ulm", "Kiel", "Bonn", "Linz")[n % 4] for n in range(40)), "Graz", "Graz"],
        }
    )  # fmt: skip
    found = link(firms, on=DAY)
    persons = dict(found.persons.rows())
    assert persons["f40"] != persons["f41"]
    assert explain(firms, "f40", "f41").probability <= 0.9
    assert persons["f00"] == persons["f20"]


def test_junior_and_senior_at_one_address_are_two_persons() -> None:
    columns = base()
    columns["street"] = [f"{chr(65 + n % 26)}weg {n}" for n in range(60)] * 2
    for customer, surname in (("x1", "Yllmaz Jr."), ("x2", "Yllmaz sr"), ("x3", "Quandtner jun."), ("x4", "Quandtner")):
        row = (customer, "Xaver", surname, None, None, "Lindenallee 5")
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    found = dict(link(people(**columns), on=DAY).persons.rows())
    assert found["x1"] != found["x2"]
    assert found["x3"] != found["x4"]


def test_flatmates_with_one_given_name_are_two_persons() -> None:
    columns = base()
    columns["phone"] = [f"+4930{n:07}" for n in range(0, 60 * 371, 371)] * 2
    for customer, surname in (("x1", "Yllmaz"), ("x2", "Quandt")):
        row = (customer, "Xaver", surname, None, None, "+49301234567")
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    found = dict(link(people(**columns), on=DAY).persons.rows())
    assert found["x1"] != found["x2"]


def test_dates_of_birth_of_two_generations_are_different() -> None:
    columns = base()
    for row in (("x1", "Karl", "Yllmaz", None, "1950-02-03"), ("x2", "Karl", "Yllmaz", None, "1985-07-09")):
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    rows = {row["field"]: row for row in explain(people(**columns), "x1", "x2").frame.to_dicts()}
    assert rows["birth_date"]["agreement"] == "different"
    assert rows["birth_date"]["weight"] < 0


def test_namesakes_with_numbered_addresses_are_two_persons() -> None:
    found = persons_with(
        ("x1", "Xaver", "Yllmaz", "xaver.yllmaz1@home.example", "1960-01-01"),
        ("x2", "Xaver", "Yllmaz", "xaver.yllmaz2@home.example", "1983-11-23"),
    )
    assert found["x1"] != found["x2"]


PLATFORMS = ("shopify_orders_export.csv", "stripe_unified_payments.csv", "hubspot_contacts.csv")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = SHARED.parent / "cases" / "platforms"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent; CKM_SHARED names the folder of real data")
    root = tmp_path_factory.mktemp("exports") / "shop"
    lay_out(root)
    ingest(root, *(folder / name for name in PLATFORMS))
    return root


@pytest.mark.slow
def test_orders_payments_and_contacts_of_the_same_people_are_182_customers(exports: Path) -> None:
    before, warned = segment(exports, keep=False).frame, churn(exports, keep=False).frame
    found = link(exports, on=DAY)
    several = found.persons.group_by("person_id").len().filter(pl.col("len") > 1)
    assert (found.persons["person_id"].n_unique(), several.height) == (265, 182)  # 83 contacts have no order
    after = segment(exports, keep=False)
    assert after.frame.height == 182
    assert any("182 persons" in remark for remark in after.remarks)
    assert all("@" in customer for customer in after.frame["customer_id"])  # the ids of the orders
    assert churn(exports, keep=False).frame.equals(warned)  # persons have the ids of the orders, so nothing changes
    lines = (exports / "identities.csv").read_text(encoding="utf-8").splitlines()

    assert link(exports, on=date(2027, 1, 1)).identities == found.identities  # no new link: the lines keep their dates
    (exports / "identities.csv").unlink()
    assert segment(exports, keep=False).frame.equals(before)  # without links the result is as before
    assert link(exports, on=DAY).identities.text().splitlines() == lines


@pytest.mark.slow
def test_a_later_run_keeps_decisions_of_people(exports: Path) -> None:
    found = link(exports, on=DAY)
    left, right = found.frame.select("left", "right").row(0)
    review(exports, {(left, right): DIFFERENT}, by="Ann", on=DAY)
    again = link(exports, on=DAY)
    persons = dict(again.persons.rows())
    assert persons[left] != persons[right]
    assert explain(exports, left, right).verdict == DIFFERENT

    one, other = (
        persons[left],
        next(person for person in persons.values() if person not in {persons[left], persons[right]}),
    )
    review(exports, {(one, other): SAME}, by="Ann", on=DAY)
    persons = dict(link(exports, on=DAY).persons.rows())
    assert persons[one] == persons[other]
    assert persons[left] != persons[right]


@pytest.mark.slow
def test_an_explanation_names_the_agreeing_fields_and_shows_no_value(exports: Path) -> None:
    found = explain(exports, "cus_000595", "finn.probe595@example.com")
    assert found.probability > 0.99
    rows = {row["field"]: row for row in found.frame.to_dicts()}
    assert rows["email"]["agreement"] == "equal"
    assert rows["email"]["weight"] > 10
    assert "finn" not in found.frame.write_csv()


@pytest.mark.slow
def test_a_profile_has_the_contacts_of_the_orders(exports: Path) -> None:
    link(exports, on=DAY)
    found = profile(exports, "ida.probe379@example.com")
    contacts = [found.figure(name) for name in ("display_name", "email", "phone")]
    assert contacts == ["Ida Probe", "ida.probe379@example.com", "+49 30 55500379"]


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_few_records_are_refused(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "few.csv"
    path.write_text("name,email\n" + "Ann Lee,ann@example.com\n" * rows, encoding="utf-8")
    with pytest.raises(NotEnoughDataError):
        link(path)


def test_records_without_names_are_not_linked_if_their_contacts_differ() -> None:
    rows = people(customer_id=[f"{n}" for n in range(100)], email=[f"u{n % 50}@example.com" for n in range(100)])
    found = rows.join(link(rows).persons, on="customer_id")
    assert (found.group_by("person_id").agg(pl.col("email").n_unique())["email"] == 1).all()


def contacts_only(**columns: list[str]) -> int:
    """Return the number of persons in records with these fields only."""
    return (
        link(people(customer_id=[str(n) for n in range(len(next(iter(columns.values()))))], **columns))
        .persons["person_id"]
        .n_unique()
    )


def test_an_equal_personal_email_address_links_records_if_it_is_the_only_field() -> None:
    assert contacts_only(email=[f"{chr(97 + n % 26)}ria.b{chr(97 + n % 7)}n@example.com" for n in range(80)] * 2) == 80


def test_similar_email_addresses_link_nobody_if_they_are_the_only_field() -> None:
    first = ["anna.meier@example.com", "anne.meier@example.com", "annam.eier@example.com"]
    assert contacts_only(email=[*first, *(f"{chr(97 + n % 26)}x{n}@mail.example" for n in range(60))]) == 63


def test_a_telephone_or_the_mailbox_of_a_role_alone_links_nobody() -> None:
    assert contacts_only(phone=[f"+49305550{n % 50:04}" for n in range(100)]) == 100
    personal = [f"{chr(97 + n % 26)}x{n}@mail.example" for n in range(60)]
    assert contacts_only(email=[*personal, "info@firm.example", "info@firm.example"]) == 62


def test_a_value_that_all_records_have_links_nobody() -> None:
    rows = range(200)
    found = link(
        people(
            customer_id=[str(n) for n in rows],
            name=[f"Cust{n % 97} Name{n * 7 % 89}" for n in rows],
            email=["noreply@example.com"] * 200,
        )
    )
    assert found.persons["person_id"].n_unique() == 200


def of_two_countries(n: int) -> pl.DataFrame:
    """Return ``n`` different persons with few names and regions, which depend on the language, and unique contacts."""
    dice = random.Random(1)
    names = {
        "DE": ("Anna Bernd Clara Dieter Eva Franz Gisela Hans Ida Jens", "Bauer Ebert Fuchs Haas Jung Kern Noll Ott"),
        "GB": ("Alice Brian Carol David Emily Frank Grace Harry Irene Jack", "Abbott Burton Clarke Dixon Ellis Firth"),
    }
    regions = {"DE": ("Berlin", "Hamburg", "Bremen"), "GB": ("Kent", "Essex", "Surrey")}
    rows = []
    for number in range(n):
        country = dice.choice([*names])
        given, surname = (dice.choice(each.split()) for each in names[country])
        rows.append(
            {
                "customer_id": f"c{number:04}",
                "name": f"{given} {surname}",
                "email": f"mail{number}@example.org" if dice.random() < 0.6 else None,
                "birth_year": dice.randint(1940, 2005) if dice.random() < 0.5 else None,
                "region": dice.choice(regions[country]),
                "country": country,
            }
        )
    return pl.DataFrame(rows)


def test_a_list_without_duplicates_gets_no_links_even_if_names_depend_on_regions() -> None:
    records = of_two_countries(1500)
    found = link(records, on=DAY)
    assert found.persons["person_id"].n_unique() > 0.99 * records.height


@pytest.fixture(scope="module")
def few_households() -> pl.DataFrame:
    """Return persons of two countries without households; every fifth has a second record with the same contacts."""
    persons = of_two_countries(500).with_columns(
        phone=pl.format("+49 30 {}", pl.int_range(500) * 371 + 5_000_000),
        street=pl.format("Weg {}", pl.int_range(500)),
        birth_date=pl.format(
            "{}-0{}-1{}", pl.int_range(500) % 60 + 1940, pl.int_range(500) % 9 + 1, pl.int_range(500) % 7
        ),
    )
    twice = persons.gather_every(5).with_columns(pl.format("{}b", "customer_id").alias("customer_id"))
    return pl.concat([persons, twice]).drop("birth_year")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Sabine Kramer", "Stefan Kramer", id="a couple"),
        pytest.param("Jürgen Weber", "สมหญิง ใจดี", id="a couple with names in two scripts"),
        pytest.param("陈建国", "陈美丽", id="a couple with one surname"),
    ],
)
def test_a_couple_with_one_telephone_is_two_persons_even_if_households_are_rare(
    few_households: pl.DataFrame, one: str, other: str
) -> None:
    couple = pl.DataFrame(
        {"customer_id": ["one", "other"], "name": [one, other], "phone": "+49 40 5551234", "street": "Ahornweg 5"}
    )
    found = link(pl.concat([few_households, couple], how="diagonal"), on=DAY)
    persons = dict(found.persons.rows())
    assert persons["one"] != persons["other"]
    assert all(persons[f"c{number:04}"] == persons[f"c{number:04}b"] for number in range(0, 500, 5))
