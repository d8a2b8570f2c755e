"""Generated records of historical persons: one to ten of each, with name variants, errors and gaps in every field.

The properties are those of Splink's set ``historical_50k``, which is not a part of this repository: skewed given names,
nicknames, dates of birth of which the year alone is known, places at two levels, postcodes that change, occupations
with several names, and no contact.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from link_people import typo

NAMES = yaml.safe_load((Path(__file__).parent / "link_names.yaml").read_text(encoding="utf-8"))
GIVEN, NICKNAMES = NAMES["given"]["en"].split(), NAMES["nicknames"]
SURNAMES = NAMES["surname"]["en"].split()
OCCUPATIONS: list[list[str]] = NAMES["occupations"]
SYLLABLES = [
    "ash",
    "bar",
    "brad",
    "col",
    "dun",
    "hart",
    "hol",
    "kil",
    "lang",
    "mar",
    "nor",
    "pen",
    "rad",
    "stan",
    "wal",
]
ENDINGS = ["by", "ford", "ham", "ley", "man", "more", "son", "ton", "well", "worth"]
MOST_RECORDS = 10
MISSING = {"first_name": 0.03, "surname": 0.02, "dob": 0.12, "birth_place": 0.12, "postcode": 0.15, "occupation": 0.2}
NICKNAME, MIDDLE, TYPO, EXCHANGED, OTHER_SURNAME = 0.2, 0.1, 0.12, 0.02, 0.03
DOB_TYPO, YEAR_ONLY, OTHER_DOB = 0.08, 0.08, 0.05
OTHER_PLACE, NEAR_POSTCODE, OTHER_POSTCODE, OTHER_OCCUPATION = 0.25, 0.3, 0.08, 0.35
"""Shares of records."""


def historical_people(persons: int, seed: int = 0) -> pl.DataFrame:
    """Return shuffled records of ``persons`` people, with the true person in ``person``."""
    dice = random.Random(seed)
    towns = [_place(dice) for _ in range(max(50, persons // 25))]
    counties = [f"{_place(dice)}shire" for _ in range(40)]
    weights = [1 / (rank + 1) for rank in range(len(GIVEN))]
    rows: list[dict[str, Any]] = []
    for person in range(persons):
        town = dice.randrange(len(towns))
        facts = {
            "first_name": dice.choices(GIVEN, weights)[0],
            "middle": dice.choices(GIVEN, weights)[0],
            "surname": dice.choice(SURNAMES) if dice.random() < 0.4 else _place(dice),
            "dob": f"{dice.randint(1650, 1900)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
            "town": towns[town],
            "county": counties[town % len(counties)],
            "area": f"{chr(65 + town % 26)}{chr(65 + town // 26 % 26)}{town % 90 + 1}",
            "unit": f"{dice.randint(1, 9)}{chr(dice.randint(65, 90))}{chr(dice.randint(65, 90))}",
            "occupation": dice.choice(OCCUPATIONS),
        }
        rows += [{**_record(dice, facts), "person": str(person)} for _ in range(dice.randint(1, MOST_RECORDS))]
    dice.shuffle(rows)
    numbered = [{"unique_id": f"h{number:07}", **row} for number, row in enumerate(rows)]
    return pl.DataFrame(numbered, infer_schema_length=None)


def _place(dice: random.Random) -> str:
    return f"{dice.choice(SYLLABLES)}{dice.choice([*SYLLABLES, '', ''])}{dice.choice(ENDINGS)}"


def _record(dice: random.Random, facts: dict[str, Any]) -> dict[str, str | None]:
    given, surname, born = facts["first_name"].lower(), facts["surname"].lower(), facts["dob"]
    if dice.random() < NICKNAME:
        given = dice.choice(NICKNAMES.get(given, [given]))
    if dice.random() < MIDDLE:
        given = f"{given} {facts['middle'].lower()}"
    if dice.random() < OTHER_SURNAME:
        surname = _place(dice)
    given, surname = (typo(dice, text) if dice.random() < TYPO else text for text in (given, surname))
    if dice.random() < EXCHANGED:
        given, surname = surname, given
    kind = dice.random()
    if kind < YEAR_ONLY:
        born = f"{born[:4]}-01-01"
    elif kind < YEAR_ONLY + DOB_TYPO:
        place = dice.choice([2, 3, 5, 6, 8, 9])
        born = f"{born[:place]}{dice.randint(0, 9)}{born[place + 1 :]}"
    elif kind < YEAR_ONLY + DOB_TYPO + OTHER_DOB:
        born = f"{dice.randint(1650, 1900)}{born[4:]}"
    unit = facts["unit"]
    if dice.random() < NEAR_POSTCODE:
        unit = f"{unit[0]}{chr(dice.randint(65, 90))}{chr(dice.randint(65, 90))}"
    postcode = f"{facts['area']} {unit}"
    if dice.random() < OTHER_POSTCODE:
        postcode = f"{chr(dice.randint(65, 90))}{chr(dice.randint(65, 90))}{dice.randint(1, 90)} {unit}"
    values = {
        "first_name": given,
        "surname": surname,
        "dob": born,
        "birth_place": facts["county"] if dice.random() < OTHER_PLACE else facts["town"],
        "postcode": postcode,
        "occupation": dice.choice(facts["occupation"]) if dice.random() < OTHER_OCCUPATION else facts["occupation"][0],
    }
    return {name: None if dice.random() < MISSING[name] else value for name, value in values.items()}
