"""A shop whose ids are addresses, and a search for them and for the machine in what ckm wrote."""

from __future__ import annotations

import html
import io
import json
import random
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq

END = date(2025, 12, 31)
SHAPES = (
    "anna.mueller{:03}@example.com",
    "+66 81 234 5{:03}",
    "0049 171 1234{:03}",
    "0812345{:03}",
    "(030) 123 4{:03}",
    "+98-912-345-6{:03}",
    "<kunde{:03}@xn--mller-kva.example>",
    "上海＠{:03}．example.cn",
    "tel:+49 (0)30/1234{:03}",
)
"""Ids that are an e-mail address or a telephone number, in the ways in which customers' files have them."""
CUSTOMERS = 126
NAMES = ("Zofia Quellmann {:03}", "ศรีสุข {:03}", "Sepideh Ārasteh {:03}")
OWNER = "owner.kraft@example.org"


def ids() -> list[str]:
    """Every customer's id."""
    return [SHAPES[number % len(SHAPES)].format(number) for number in range(CUSTOMERS)]


def write_orders(path: Path) -> Path:
    """Two and a half years of customers who order in a rhythm of their own, until some leave."""
    dice, rows = random.Random(0), ["order_id,customer_id,ordered_at,net,cost,currency,channel,category"]
    for number, customer in enumerate(ids()):
        gap, day = dice.randint(15, 90), END - timedelta(dice.randint(200, 900))
        leaves = END - timedelta(dice.choice([0, 0, 0, 200, 400]))
        while day <= leaves:
            net, channel = round(dice.lognormvariate(3, 0.6), 2), ("web", "shop")[number % 2]
            rows.append(f"o{len(rows)},{customer},{day},{net},{net / 2:.2f},EUR,{channel},{dice.choice('ab')}")
            day += timedelta(max(1, round(dice.gauss(gap, gap / 4))))
    return _write(path, rows)


def write_customers(path: Path) -> Path:
    """Their names, addresses and account owners."""
    rows = ["customer_id,display_name,email,phone,country,account_owner"]
    for number, customer in enumerate(ids()):
        name = NAMES[number % len(NAMES)].format(number)
        owner = (OWNER, "Ms Kraft", "+49 171 7654321")[number % 3]
        rows.append(f"{customer},{name},mail{number:03}@example.net,+4917055550{number:03},DE,{owner}")
    return _write(path, rows)


def write_interactions(path: Path) -> Path:
    """What they complained of."""
    rows = ["interaction_id,customer_id,at,kind,channel,text,rating,scale"]
    for number, customer in enumerate(ids()):
        day = END - timedelta(number + 1)
        text = f"call me {customer}"
        rows.append(f"i{number},{customer},{day} 10:00,survey,mail,{text},{number % 11},nps_0_10")
    return _write(path, rows)


def _write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def secrets() -> list[str]:
    """What no report may hold: ids, names and addresses, and the digits of the numbers."""
    texts = [*ids(), OWNER, "+49 171 7654321", "Quellmann", "ศรีสุข", "Sepideh", "@example.net", "call me"]
    digits = [re.sub(r"\D", "", each) for each in texts]
    return texts + [each for each in digits if len(each) > 6]


def found(data: bytes, wanted: list[str]) -> list[str]:
    """Return what stands in a file of any format, packed, escaped, or cut up by separators."""
    hits: set[str] = set()
    for text in _views(data):
        hits |= {each for each in wanted if each in text}
    return sorted(hits)


def _views(data: bytes) -> Iterator[str]:
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield name
                yield from _views(packed.read(name))
        return
    if data[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(data))  # pages are compressed
        yield str(pq.read_metadata(io.BytesIO(data)).metadata)
        yield "\n".join(str(column.to_pylist()) for column in table.columns)
    text = data.decode("utf-8", "replace")
    yield text
    yield html.unescape(text)
    yield re.sub(r"\\(?=[^\w\s])", "", html.unescape(text))  # Markdown's escapes
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text)
    yield _joined(text)


def _joined(text: str) -> str:
    """The text with nothing between digits that are parts of one number."""
    return re.sub(r"(?<=\d)[ ()\-/]+(?=\d)", "", text)


def rows_of(data: bytes, path: Path) -> int:
    """Return how many records a list has, to see that it was not empty."""
    match path.suffix:
        case ".parquet":
            return int(pq.read_table(io.BytesIO(data)).num_rows)
        case ".json":
            return len(json.loads(data))
        case _:
            return data.count(b"\n")
