"""Generated records of historical persons: one to twenty of each, the later ones with more errors and gaps.

The errors are those that the documentation of ``splink_synthetic_data`` describes for Splink's set ``historical_50k``
(which is not a part of this repository): each further record of a person has a higher probability of another full name
(nickname, form of another language, peerage, typing error, missing part), of which the first and last words become the
name columns; of a typing error, an unknown day or a shift in the date of birth; of a birthplace at another level; of a
postcode nearby; of another occupation; and of a missing value in each column. There is no contact.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import yaml

NAMES = yaml.safe_load((Path(__file__).parent / "link_names.yaml").read_text(encoding="utf-8"))
GIVEN = {gender: names.split() for gender, names in NAMES["historical_given"].items()}
FORMS: dict[str, list[str]] = NAMES["forms"]
SURNAMES = [forms.split("/") for forms in NAMES["historical_surname"].split()]
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
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
KEYPAD = dict(zip("0123456789", ("12", "24", "135", "26", "157", "2468", "359", "48", "579", "68"), strict=True))
"""Digits beside each digit on a keypad."""
MOST_RECORDS = 20
WOMEN, PEERS, YEAR_ONLY, MAIDEN = 0.15, 0.06, 0.12, 0.4
"""Shares of persons: women, peers, persons with a known year of birth only; and of women with a maiden name."""
NAME_ERROR, OCCUPATION_ERROR, BIRTH_ERROR, PLACE_ERROR = (0.1, 0.6), (0.1, 0.7), (0.05, 0.35), (0.1, 0.5)
POSTCODE_ERROR, GAP, GENDER_GAP = (0.1, 0.7), (0.0, 0.4), (0.1, 0.5)
"""Probabilities of an error, or of a missing value, in the first and in the last record of a person."""


@dataclass(frozen=True)
class Person:
    """Facts about a person, and all forms of its full name, places of birth and occupations."""

    names: list[str]
    gender: str
    born: date
    places: list[str]
    area: str
    unit: str
    occupations: list[str]


def historical_people(persons: int, seed: int = 0) -> pl.DataFrame:
    """Return shuffled records of ``persons`` people, with the true person in ``person``."""
    dice = random.Random(seed)
    counties = [f"{_place(dice)}shire" for _ in range(60)]
    towns = [(_place(dice), dice.choice(counties), _area(dice)) for _ in range(max(50, persons // 8))]
    rows: list[dict[str, Any]] = []
    for person in range(persons):
        one = _person(dice, towns)
        records = dice.randint(1, MOST_RECORDS)
        rows += [
            {**_record(dice, one, record / max(1, records - 1)), "person": str(person)} for record in range(records)
        ]
    dice.shuffle(rows)
    numbered = [{"unique_id": f"h{number:07}", **row} for number, row in enumerate(rows)]
    return pl.DataFrame(numbered, infer_schema_length=None)


def _place(dice: random.Random) -> str:
    return f"{dice.choice(SYLLABLES)}{dice.choice([*SYLLABLES, '', ''])}{dice.choice(ENDINGS)}"


def _area(dice: random.Random) -> str:
    return f"{chr(dice.randint(97, 122))}{chr(dice.randint(97, 122))}{dice.randint(1, 40)}"


def _skewed(dice: random.Random, values: list[Any]) -> Any:
    """Return a value whose probability falls with its position: the first has about 6 %."""
    return dice.choices(values, [1 / (position + 4) for position in range(len(values))])[0]


def _person(dice: random.Random, towns: list[tuple[str, str, str]]) -> Person:
    gender = "female" if dice.random() < WOMEN else "male"
    given = _skewed(dice, GIVEN[gender])
    middle = [_skewed(dice, GIVEN[gender]) for _ in range(dice.choice((0, 0, 0, 1, 1, 2)))]
    surname = dice.choice(SURNAMES)[0] if dice.random() < 0.7 else _place(dice)
    if dice.random() < 0.04:
        surname = f"{surname}-{dice.choice(SURNAMES)[0]}"
    label = " ".join([given, *(middle if dice.random() < 0.5 else []), surname])
    names = [label, label, " ".join([given, *middle, surname]), f"{given} {surname}"]
    if middle:
        names += [" ".join([given[0], *(each[0] for each in middle), surname]), f"{middle[-1]} {surname}"]
    if dice.random() < PEERS:
        seat = _place(dice)
        names = [f"{label}, {dice.randint(1, 9)}th baron {seat}", f"lord {seat}", *names[2:]]
    elif dice.random() < 0.15:
        names.append(f"sir {given} {surname}")
    if gender == "female" and dice.random() < MAIDEN:
        names.append(f"{given} {dice.choice(SURNAMES)[0]}")
    born = date(1600, 1, 1) + timedelta(days=int(dice.betavariate(4, 1.2) * 335 * 365))
    if dice.random() < YEAR_ONLY:
        born = born.replace(month=1, day=1)
    town, county, area = dice.choice(towns)
    unit = f"{dice.randint(1, 9)}{chr(dice.randint(97, 122))}{chr(dice.randint(97, 122))}"
    work = [*_skewed(dice, OCCUPATIONS)]
    dice.shuffle(work)
    if dice.random() < 0.4:
        work.append(dice.choice(dice.choice(OCCUPATIONS)))
    return Person(names, gender, born, [town, county], area, unit, work)


def _record(dice: random.Random, person: Person, age: float) -> dict[str, str | None]:
    """Return one record of a person; ``age`` is its position among the person's records, from 0 to 1."""

    def happens(share: tuple[float, float]) -> bool:
        return dice.random() < share[0] + age * (share[1] - share[0])

    words = _full_name(dice, person, erroneous=happens(NAME_ERROR))
    if happens(GAP):
        words = _shortened(dice, words)
    born: str | None = _date(dice, person.born) if happens(BIRTH_ERROR) else person.born.isoformat()
    unit, area = person.unit, person.area
    if happens(POSTCODE_ERROR):
        unit = f"{dice.randint(1, 9)}{chr(dice.randint(97, 122))}{chr(dice.randint(97, 122))}"
        area = area if dice.random() < 0.75 else f"{area[:2]}{dice.randint(1, 40)}"
    values: dict[str, str | None] = {
        "dob": born,
        "birth_place": dice.choice(person.places) if happens(PLACE_ERROR) else person.places[0],
        "postcode_fake": f"{area} {unit}",
        "occupation": dice.choice(person.occupations) if happens(OCCUPATION_ERROR) else person.occupations[0],
    }
    return {
        "first_name": words[0] if words else None,
        "surname": words[-1] if len(words) > 1 else None,
        **{name: None if happens(GAP) else value for name, value in values.items()},
        "gender": None if happens(GENDER_GAP) else person.gender,
    }


def _full_name(dice: random.Random, person: Person, *, erroneous: bool) -> list[str]:
    words = person.names[0].replace(",", "").split()
    if not erroneous:
        return words
    kind = dice.random()
    if kind < 0.5:
        return dice.choice(person.names).replace(",", "").split()
    if kind < 0.9:
        return [dice.choice(_forms(word)) for word in words]
    place = dice.randrange(len(words))
    words[place] = _mistyped(dice, words[place])
    return words


def _forms(name: str) -> list[str]:
    surname = next((forms for forms in SURNAMES if name == forms[0]), [name])
    return [*FORMS.get(name, []), name] if name in FORMS else surname


def _shortened(dice: random.Random, words: list[str]) -> list[str]:
    """Return a name without each middle word in half of the cases, and sometimes without the first or last word."""
    middle = [word for word in words[1:-1] if dice.random() < 0.5]
    left = [*words[:1], *middle, *words[1:][-1:]]
    if len(left) > 1 and dice.random() < 0.15:
        left = left[1:]
    if len(left) > 1 and dice.random() < 0.15:
        left = left[:-1]
    return left


def _mistyped(dice: random.Random, word: str) -> str:
    """Return a word with one letter replaced by a letter beside it on the keyboard."""
    place = dice.randrange(len(word))
    row = next((row for row in KEYS if word[place] in row), KEYS[0])
    beside = max(0, min(len(row) - 1, row.find(word[place]) + dice.choice((-1, 1))))
    return word[:place] + row[beside] + word[place + 1 :]


def _date(dice: random.Random, born: date) -> str:
    """Return a date of birth with an error: a wrong digit, an unknown day, a shift, or day and month exchanged."""
    text, kind = born.isoformat(), dice.random()
    if kind < 0.4:
        place = dice.choice([2, 3, 5, 6, 8, 9])
        return text[:place] + dice.choice(KEYPAD[text[place]]) + text[place + 1 :]
    if kind < 0.65:
        return f"{text[:4]}-01-01"
    if kind < 0.9:
        days = dice.choices([5, 61, 366], [0.7, 0.2, 0.1])[0]
        return (born + timedelta(days=dice.randint(-days, days))).isoformat()
    return f"{text[:4]}-{text[8:]}-{text[5:7]}" if int(text[8:]) <= 12 else text
