"""Workspace for tests, with orders, consents, complaints and a knowledge base, and a known effect of a campaign."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.workspace import lay_out

CUSTOMERS = 600
STARTED = "2026-03-31"
"""Day of the assignment; the window begins on the next day."""
ENTRY = """\
# Checked by the team.
schema: ckm.kb/1
id: call-back
kind: for
title: Call the customer back   # the title of the talk
issue: The customer has not ordered for a while.
resolution: Call, and ask.
state: {confidence: validated}
classify: {topics: [delivery]}
answers: {reasons: [no_recent_purchase]}
provenance: {origin: experience, collected_by: Ann, collected_at: 2026-03-01}
authentic: {status: verified, by: Bo, at: 2026-03-20}
# Reviews are in spring.
review: {owner: Ann, due: 2027-03-01}
"""
PHONES = ("+1 (650) 555-1212", "030 1234567", "")


def customer(number: int) -> str:
    return f"c{number:04d}"


def make_shop(root: Path, ordering: set[str] = frozenset(), *, until: str = "2026-05-31") -> Path:
    """Create a workspace. All customers have orders before April; those in ``ordering`` have one more on 10 April."""
    lay_out(root)
    random = np.random.default_rng(5)
    lines = ["order_id,customer_id,ordered_at,net,cost,currency"]
    for number in range(CUSTOMERS):
        days = random.choice(np.arange(1, 90), size=random.integers(1, 5), replace=False)
        for order, day in enumerate(sorted(days.tolist())):
            at = np.datetime64("2026-01-01") + day - 1
            net = round(float(np.exp(random.normal(3.5, 0.7))), 2)
            lines.append(f"o{number}-{order},{customer(number)},{at}T10:00:00,{net},{round(net * 0.6, 2)},EUR")
    for each in sorted(ordering):
        net = round(float(np.exp(random.normal(3.5, 0.7))), 2)
        lines.append(f"late-{each},{each},2026-04-10T10:00:00,{net},{round(net * 0.6, 2)},EUR")
    every_day = np.arange(np.datetime64("2026-01-01"), np.datetime64(until) + 1)
    lines += [f"other-{day},other,{day}T12:00:00,10,6,EUR" for day in every_day]
    people = ["customer_id,display_name,email,phone,country,party_type"]
    for number in range(CUSTOMERS):
        name = "John Smith" if number == 0 else f"Person {number}"
        email = "John_Smith@gmail.com" if number == 0 else f"P{number}@example.org"
        people.append(f"{customer(number)},{name},{email},{PHONES[number % 3]},{'US' if number == 0 else 'DE'},person")
    said = ["interaction_id,customer_id,at,kind,topic,resolved_at"]
    said += [
        f"i{n},{customer(n)},2026-03-0{1 + n}T09:00:00,complaint,delivery,2026-03-12T09:00:00" for n in range(1, 5)
    ]
    said.append(f"open,{customer(9)},2026-03-25T09:00:00,complaint,price,")
    for name, table, rows in (
        ("orders.csv", "transactions", lines), ("people.csv", "customers", people), ("said.csv", "interactions", said),
    ):  # fmt: skip
        path = root / "incoming" / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        ingest(root, path, options=IngestOptions(table=table))
    (root / "kb" / "call.yaml").write_text(ENTRY, encoding="utf-8")
    (root / "list.csv").write_text(
        "\n".join(["customer_id", *(customer(number) for number in range(CUSTOMERS))]) + "\n", encoding="utf-8"
    )
    return root
