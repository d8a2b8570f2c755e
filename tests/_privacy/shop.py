"""A small workspace with one person in every table and file that ckm writes, and a search of all its files."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import ckm
from ckm._privacy.traces import texts_of
from ckm.identities import Identities, Link
from ckm.ingest.options import IngestOptions
from ckm.workspace import lay_out

ANN, ANN_SHOP = "cus_ann77", "ann.lee@example.com"
"""Two linked ids of the person to erase."""
HEADER = "order_id,customer_id,ordered_at,net,currency,Customer Email,Phone,Billing Name\n"
TRACE = re.compile(r"cus_ann77|ann\.lee(\+\w+)?@example\.com|30[\s/]?1234567|Leechester|id-[0-9a-f]{10}", re.IGNORECASE)
"""Every value of the person, and pseudonyms of an id that is an e-mail address."""
OTHERS = 8


def order(number: int, customer: str, day: date, net: float, email: str, phone: str, name: str) -> str:
    return f"{number},{customer},{day},{net},EUR,{email},{phone},{name}\n"


def january() -> str:
    """Return orders of other customers, of both ids of the person, of a guest with her address, and an invalid row."""
    first = date(2025, 1, 1)
    rows = [
        order(
            10 * each + turn, f"cus_{each}", first + timedelta(days=9 * turn + each), 20 + each,
            f"c{each}@example.com", f"+49 89 55512{each}0", f"Customer Number{each}",
        )
        for each in range(OTHERS)
        for turn in range(4)
    ]  # fmt: skip
    rows += [
        order(901, ANN, first, 20, "Ann.Lee@example.com", "+49 30 1234567", "Ann Leechester"),
        order(902, ANN, first + timedelta(days=20), 25, "ann.lee+shop@example.com", "030 1234567", "Ann Leechester"),
        order(903, ANN_SHOP, first + timedelta(days=30), 9, ANN_SHOP, "", "Ann Leechester"),
        order(904, "", first + timedelta(days=31), 9, ANN_SHOP, "", "Ann Leechester"),
        f"905,{ANN},no date,9,EUR,{ANN_SHOP},,Ann Leechester\n",
        f"906,,no date,9,EUR,{ANN_SHOP},,Ann Leechester\n",
    ]
    return HEADER + "".join(rows)


def february() -> str:
    """Return a later export, which changes an order of the person."""
    return HEADER + order(902, ANN, date(2025, 1, 21), 30, ANN_SHOP, "030 1234567", "Ann Leechester")


def march() -> str:
    """Return the orders of January, with a new order under another id and the telephone number of the person."""
    return january() + order(990, "cus_new", date(2025, 3, 1), 5, "", "(030) 123 45 67", "X")


def load(root: Path, name: str, text: str) -> ckm.ingest.IngestResult:
    path = root / "incoming" / name
    path.write_text(text, encoding="utf-8")
    return ckm.ingest.ingest(root, path, options=IngestOptions(table="transactions"), max_rejects=0.9)


def make_shop(root: Path) -> Path:
    lay_out(root)
    load(root, "january.csv", january())
    load(root, "february.csv", february())
    Identities((Link(ANN_SHOP, ANN, person_id=ANN, by="Eve", on="2025-06-01"),)).write(root / "identities.csv")
    lists = ckm.segment.segment(root, by="rfm")
    assert ANN in lists.frame["customer_id"]
    for name in ("segments.csv", "segments.tsv", "segments.parquet", "segments.json", "segments.ndjson"):
        lists.save(root / "out" / name)
    searches = [
        {"at": "2026-06-30T08:15:00+00:00", "hits": 0, "query": text} for text in ("refund", f"where is {ANN_SHOP}")
    ]
    (root / "out" / "kb-queries.ndjson").write_text("".join(f"{json.dumps(each)}\n" for each in searches))
    return root


def files_with_traces(root: Path) -> list[str]:
    """Return the files of a workspace, except in ``incoming/``, with the person in their bytes or decoded text."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_relative_to(root / "incoming"):
            texts = [path.read_bytes().decode("utf-8", "replace"), *texts_of(path)]
            if any(map(TRACE.search, texts)):
                found.append(path.relative_to(root).as_posix())
    return found
