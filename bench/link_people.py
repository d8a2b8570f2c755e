"""A generated shop in six scripts: customers with several records, households, typos, moves and shared mailboxes."""

from __future__ import annotations

import random
from typing import Any

import polars as pl

GIVEN = {
    "en": "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica "
    "Thomas Sarah Charles Karen Chris Nancy Daniel Lisa Matthew Betty Anthony Margaret Mark Sandra Donald Ashley",
    "de": "Jürgen Käthe Wolfgang Ursula Günter Renate Bernd Sabine Jörg Petra Uwe Monika Lukas Lena Finn Mia Björn Anke "
    "Stefan Claudia Heiko Birgit Rainer Ulrike Götz Änne Matthias Silke Holger Anja Dirk Heike",
    "th": "สมชาย สมหญิง ประเสริฐ วิไล สุชาติ มาลี อนันต์ พรทิพย์ วิชัย รัตนา ธนา กมล นิรันดร์ สุดา ชัยวัฒน์ อรุณ ปิยะ ศิริ วรรณา มานะ "
    "บุญมี จันทร์ สายฝน กิตติ นภา ปรีชา",
    "zh": "伟 芳 娜 秀英 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀兰 霞 平 刚 桂英 建华 文 辉 玲 建国 志强 晓明 雪梅 海燕",
    "zht": "志明 春嬌 淑芬 建宏 雅婷 俊傑 怡君 家豪 美玲 宗翰 詩涵 冠宇 欣怡 承恩 佳穎 柏翰 筱涵 彥廷 麗華 國強 寶珠 慶祥 鳳英 龍生",
    "fa": "علی فاطمه محمد زهرا حسین مریم رضا سارا مهدی نرگس امیر لیلا حسن پریسا کاوه شیرین بهرام نسرین فرهاد ژاله کیان یاسمین",
}
SURNAME = {
    "en": "Smith Johnson Williams Brown Jones Garcia Miller Davis Wilson Anderson Taylor Thomas Moore Jackson Martin Lee "
    "Thompson White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker Nelson Carter",
    "de": "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf "
    "Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Lehmann Köhler Groß",
    "th": "ใจดี ศรีสุข ทองดี แสงทอง วงศ์ไทย บุญเรือง สุขใจ พงษ์พันธ์ รุ่งเรือง จันทร์เพ็ญ มีสุข แก้วมณี ชัยชนะ ศรีวิไล อินทร์แก้ว คงมั่น",
    "zh": "王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 高 林 罗 郑 梁",
    "zht": "陳 林 黃 張 李 王 吳 劉 蔡 楊 許 鄭 謝 郭 洪 邱 曾 廖 賴 徐 葉 蘇",
    "fa": "محمدی حسینی احمدی رضایی موسوی جعفری کریمی رحیمی هاشمی مرادی قاسمی یزدانی کیانی فراهانی شیرازی تهرانی",
}
COUNTRY = {"en": ("GB", "+44"), "de": ("DE", "+49"), "th": ("TH", "+66"), "zh": ("CN", "+86"), "zht": ("TW", "+886"), "fa": ("IR", "+98")}
MAIL = ("gmail.com", "outlook.com", "web.de", "qq.com", "yahoo.com", "icloud.com")
SYLLABLES = "ba be bi bo da do fa fe ga go ha he ka ki ko la le li lo ma me mi mo na ne no pa pe ra re ri ro sa se so ta te ti to va vi".split()
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
        for given in dice.sample(GIVEN[script].split(), members):
            rows += _records(dice, script, {**home, "given": given}, person, members)
            person += 1
    dice.shuffle(rows)
    for number, row in enumerate(rows):
        row["customer_id"] = f"c{number:07}"
    return pl.DataFrame(rows, infer_schema_length=None).select("customer_id", pl.exclude("customer_id"))


def _home(dice: random.Random, script: str) -> dict[str, Any]:
    surname = dice.choice(SURNAME[script].split())
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
        "email": f"{''.join(dice.choices(SYLLABLES, k=4))}@{dice.choice(MAIL)}" if dice.random() < SHARED_MAILBOX else None,
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
        given = _typo(dice, given)
    if dice.random() < TYPO:
        surname = _typo(dice, surname)
    if dice.random() < EXCHANGED:
        given, surname = surname, given
    has_mail, has_phone = dice.random() < 0.75, dice.random() < 0.6
    if not has_mail and not has_phone:
        has_mail = True
    return {
        "first_name": given,
        "last_name": surname,
        "email": _typo(dice, facts["email"]) if has_mail and dice.random() < TYPO / 3 else facts["email"] if has_mail else None,
        "phone": _dialled(dice, *facts["phone"]) if has_phone else None,
        **(address if dice.random() < 0.7 else dict.fromkeys(address)),
        "country": facts["country"],
        "birth_date": facts["born"] if dice.random() < 0.35 else None,
        "person": person,
    }


def _dialled(dice: random.Random, country: str, number: str) -> str:
    number = "1" + number[1:]
    written = (f"{country}{number}", f"{country} {number[:3]} {number[3:]}", f"00{country[1:]}{number}", f"{country} (0){number}")
    return dice.choice(written)


def _typo(dice: random.Random, text: str) -> str:
    place = dice.randrange(len(text))
    kind = dice.choice(("drop", "double", "exchange"))
    if kind == "exchange" and place + 1 < len(text):
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if kind == "drop" and len(text) > 2:  # noqa: PLR2004  # something must be left
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place] + text[place:]
