"""A generated shop in six scripts: customers with several records, households, typos, moves and shared mailboxes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import polars as pl
import yaml

NAMES = yaml.safe_load((Path(__file__).parent / "link_names.yaml").read_text(encoding="utf-8"))
GIVEN, SURNAME = ({script: names.split() for script, names in NAMES[part].items()} for part in ("given", "surname"))
COUNTRY = {
    "en": ("GB", "+44"),
    "de": ("DE", "+49"),
    "th": ("TH", "+66"),
    "zh": ("CN", "+86"),
    "zht": ("TW", "+886"),
    "fa": ("IR", "+98"),
}
MAIL = ("gmail.com", "outlook.com", "web.de", "qq.com", "yahoo.com", "icloud.com")
SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstv" for vowel in "aeio"]
SHARED_MAILBOX, MOVED, TYPO, EXCHANGED = 0.4, 0.15, 0.15, 0.03
"""Shares: of households with one mailbox; of records with an earlier address, a typing error, exchanged names."""


def six_script_shop(persons: int, seed: int = 0) -> pl.DataFrame:
    """Return records of ``persons`` people, shuffled, with the true person in ``person``.

    A third of the people live in households of two to four with one surname, address and telephone. Each person has one
    to four records, as of a shop, a payment provider, a till and a newsletter, with some fields each.
    """
    dice = random.Random(seed)
    rows: list[dict[str, Any]] = []
    person = 0
    while person < persons:
        script = dice.choice(list(GIVEN))
        members = dice.choice((2, 2, 3, 4)) if dice.random() < 0.15 else 1
        home = _home(dice, script)
        for given in dice.sample(GIVEN[script], members):
            rows += _records(dice, script, {**home, "given": given}, person, members)
            person += 1
    dice.shuffle(rows)
    for number, row in enumerate(rows):
        row["customer_id"] = f"c{number:07}"
    return pl.DataFrame(rows, infer_schema_length=None).select("customer_id", pl.exclude("customer_id"))


def _home(dice: random.Random, script: str) -> dict[str, Any]:
    surname = dice.choice(SURNAME[script])
    if script in {"en", "de"} and dice.random() < 0.6:  # a long tail of rare names
        surname = "".join(dice.choices(SYLLABLES, k=3)).title()
    number = "".join(dice.choices("0123456789", k=9))
    return {
        "surname": surname,
        "street": f"{''.join(dice.choices(SYLLABLES, k=3)).title()} {dice.randint(1, 150)}",
        "postcode": f"{dice.randint(0, 2000) * 13 + 10000}",
        "city": "".join(dice.choices(SYLLABLES[: dice.randint(5, 40)], k=2)).title(),
        "country": COUNTRY[script][0],
        "phone": (COUNTRY[script][1], number),
        "email": f"{''.join(dice.choices(SYLLABLES, k=4))}@{dice.choice(MAIL)}"
        if dice.random() < SHARED_MAILBOX
        else None,
    }


def _records(dice: random.Random, script: str, home: dict[str, Any], person: int, members: int) -> list[dict[str, Any]]:
    mailbox = f"{''.join(dice.choices(SYLLABLES, k=4))}{dice.randint(1, 99)}@{dice.choice(MAIL)}"
    email = home["email"] if members > 1 and home["email"] else mailbox
    own_phone = (home["phone"][0], "".join(dice.choices("0123456789", k=9)))
    phone = home["phone"] if members > 1 and dice.random() < 0.6 else own_phone
    born = f"{dice.randint(1940, 2006)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    return [
        _record(dice, script, {**home, "email": email, "phone": phone, "born": born}, person)
        for _ in range(dice.choice((1, 1, 2, 2, 3, 4)))
    ]


def _record(dice: random.Random, script: str, facts: dict[str, Any], person: int) -> dict[str, Any]:
    given, surname = facts["given"], facts["surname"]
    address = {name: facts[name] for name in ("street", "postcode", "city")}
    if dice.random() < MOVED:
        address = {name: _home(dice, script)[name] for name in address}
    if dice.random() < TYPO:
        given = typo(dice, given)
    if dice.random() < TYPO:
        surname = typo(dice, surname)
    if dice.random() < EXCHANGED:
        given, surname = surname, given
    has_mail, has_phone = dice.random() < 0.75, dice.random() < 0.6
    if not has_mail and not has_phone:
        has_mail = True
    return {
        "first_name": given,
        "last_name": surname,
        "email": typo(dice, facts["email"])
        if has_mail and dice.random() < TYPO / 3
        else facts["email"]
        if has_mail
        else None,
        "phone": _dialled(dice, *facts["phone"]) if has_phone else None,
        **(address if dice.random() < 0.7 else dict.fromkeys(address)),
        "country": facts["country"],
        "birth_date": facts["born"] if dice.random() < 0.35 else None,
        "person": person,
    }


def _dialled(dice: random.Random, country: str, number: str) -> str:
    number = "1" + number[1:]
    written = (
        f"{country}{number}",
        f"{country} {number[:3]} {number[3:]}",
        f"00{country[1:]}{number}",
        f"{country} (0){number}",
    )
    return dice.choice(written)


def typo(dice: random.Random, text: str) -> str:
    """Return a text with one typing error: a character dropped, doubled, or exchanged with the next one."""
    place = dice.randrange(len(text))
    kind = dice.choice(("drop", "double", "exchange"))
    if kind == "exchange" and place + 1 < len(text):
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if kind == "drop" and len(text) > 2:  # something must be left
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place] + text[place:]
