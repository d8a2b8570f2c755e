"""Tables of customers with one record each, in which every link is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import yaml

from tests.conftest import ROOT

Row = dict[str, str | None]
NAMES = yaml.safe_load((ROOT / "bench" / Path("link_names.yaml")).read_text(encoding="utf-8"))
GIVEN = NAMES["given"]["en"].split() + NAMES["given"]["de"].split()
SURNAMES = NAMES["surname"]["en"].split() + NAMES["surname"]["de"].split()
PARTS = ("ba", "ko", "li", "ter", "mon", "dex", "sol", "gra", "fin", "hul")
CITIES = ("Berlin", "Hamburg", "Ulm", "Kiel")


def _word(dice: random.Random, parts: int = 3) -> str:
    return "".join(dice.choices(PARTS, k=parts)).title()


def unrelated(dice: random.Random) -> list[Row]:
    """Return a person with an e-mail address and telephone number that nobody else has."""
    name = f"{dice.choice(GIVEN)} {_word(dice)}"
    email, phone = f"{_word(dice, 5).lower()}@mail.example", f"+4930{dice.randrange(10**7):07}"
    return [{"name": name, "email": email, "phone": phone, "city": dice.choice(CITIES)}]


def with_frequent_names(dice: random.Random) -> list[Row]:
    """Return a person with one of 400 names and one of four towns, sometimes without contacts."""
    contacts = {
        "email": f"{_word(dice, 5).lower()}@mail.example" if dice.random() < 0.7 else None,
        "phone": f"+4930555{dice.randrange(10**4):04}" if dice.random() < 0.7 else None,
    }
    born = str(dice.randint(1940, 2005))
    name = f"{dice.choice(GIVEN[:20])} {dice.choice(SURNAMES[:20])}"
    return [{"name": name, **contacts, "city": dice.choice(CITIES), "birth_year": born}]


def with_telephones_of_one_range(dice: random.Random) -> list[Row]:
    """Return a person with one of 100 fictional telephone numbers and an e-mail address formed from the name."""
    given, surname = dice.choice(GIVEN), dice.choice(SURNAMES)
    email = f"{given}.{surname}{dice.randrange(10**5)}@mail.example".lower()
    phone, born = f"+120255501{dice.randrange(100):02}", str(dice.randint(1940, 2005))
    return [{"name": f"{given} {surname}", "email": email, "phone": phone, "region": dice.choice("ABCDEFGH"),
             "birth_year": born}]  # fmt: skip


def contacts_of_a_firm(dice: random.Random) -> list[Row]:
    """Return one to five colleagues with the same telephone, street and e-mail host."""
    firm = _word(dice, 4)
    common = {"phone": f"+4930{dice.randrange(10**7):07}", "street": f"{_word(dice)} {dice.randint(1, 99)}",
              "postcode": str(dice.randint(10000, 99999))}  # fmt: skip
    people = [(given, dice.choice(SURNAMES)) for given in dice.sample(GIVEN, dice.choice((1, 1, 2, 3, 5)))]
    return [
        {
            "name": f"{given} {surname}",
            "email": f"{dice.choice((f'{given}.{surname}', 'info'))}@{firm}.example".lower(),
            **common,
        }
        for given, surname in people
    ]


def households(dice: random.Random) -> list[Row]:
    """Return a couple, a family, flatmates, twins, or a father and son with the same name, at one address."""
    surname, year = _word(dice), dice.randint(1940, 1975)
    one, other, third = dice.sample(GIVEN, 3)
    kind = dice.choice(("single", "couple", "family", "flatmates", "twins", "namesakes"))
    day = f"{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    people = [(one, surname, f"{year}-{day}")]
    if kind in {"couple", "family"}:
        people.append((other, surname, f"{year + dice.randint(-4, 4)}-{dice.randint(1, 12):02}-17"))
    if kind == "family":
        people.append((third, surname, f"{year + 28}-{dice.randint(1, 12):02}-05"))
    if kind == "flatmates":
        people += [(other, _word(dice), f"{year + 2}-03-07"), (third, _word(dice), f"{year + 1}-09-23")]
    if kind == "twins":
        people.append((other, surname, f"{year}-{day}"))
    if kind == "namesakes":
        people.append((one, surname, f"{year + 30}-{dice.randint(1, 12):02}-11"))
    common = {"phone": f"+4930{dice.randrange(10**7):07}", "street": f"{_word(dice)} {dice.randint(1, 99)}",
              "postcode": str(dice.randint(10000, 99999))}  # fmt: skip
    return [{"name": f"{given} {family}", "birth_date": born, **common} for given, family, born in people]


KINDS: tuple[Callable[[random.Random], list[Row]], ...] = (
    unrelated,
    with_frequent_names,
    with_telephones_of_one_range,
    contacts_of_a_firm,
    households,
)


def customers(kind: Callable[[random.Random], list[Row]], count: int, seed: int) -> pl.DataFrame:
    """Return a table of ``count`` customers that a function such as :func:`unrelated` creates."""
    dice = random.Random(seed)
    rows: list[Row] = []
    while len(rows) < count:
        rows += kind(dice)
    return pl.DataFrame([{"customer_id": f"c{number}", **row} for number, row in enumerate(rows[:count])])
