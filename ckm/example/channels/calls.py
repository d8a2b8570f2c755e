"""Export of the call centre in Dublin: tab-separated text in UTF-16 with a byte order mark, American dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.channels.channel_export import ChannelExport, delimited
from ckm.example.random_stream import RandomStream
from ckm.example.words import words

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.service import Contact
    from ckm.example.simulation import Simulation

HEADER = ("Ticket", "Customer", "Opened", "Closed", "Answer due", "Type", "Topic", "Summary", "Agent", "Notes")
KINDS = {
    "complaint": "Complaint", "question": "Question", "praise": "Praise", "idea": "Suggestion", "event": "Event",
    "visit_note": "Visit",
}  # fmt: skip
DOUBLED = 5
NOTED = 0.05


def write_calls(world: Simulation, incoming: Path) -> ChannelExport:
    """Write the contacts to ``calls.tsv``, some rows twice; the column ``Closed`` is empty for an open contact."""
    stream = RandomStream(world.seed, "export", "calls")
    rows = [_row(contact, stream) for contact in world.contacts]
    for place in sorted(stream.shuffled(range(len(rows)))[:DOUBLED], reverse=True):
        rows.insert(place, rows[place])
    text = delimited([HEADER, *rows], "\t")
    (incoming / "calls.tsv").write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    return ChannelExport("incoming/calls.tsv", "interactions", "utf-16-le", "\t", records=len(rows), doubled=DOUBLED)


def _row(contact: Contact, stream: RandomStream) -> list[str]:
    """Return the cells of a contact, with a random summary, agent and note."""
    said = words("calls")
    note = stream.pick(said["notes"]).format(product=contact.product) if stream.chance(NOTED) else ""
    closed = contact.resolved if contact.resolved is not None and contact.resolved <= days.LAST else None
    return [
        contact.number,
        contact.customer_id,
        _time(contact.day, contact.minute),
        # ten minutes added, so that a contact that is closed on its first day is not closed before it was opened
        _time(closed, contact.minute + 10),
        _time(contact.promised_by, 17 * 60),
        KINDS[contact.kind],
        contact.topic,
        stream.pick(said[contact.topic]).format(product=contact.product),
        stream.pick(said["agents"]),
        f"{note}\n(see also e-mail)" if note and stream.chance(0.3) else note,
    ]


def _time(day: int | None, minute: int) -> str:
    """Return a day number and a minute as American date and time; empty for None."""
    return "" if day is None else f"{days.as_date(day):%m/%d/%Y} {minute // 60:02d}:{minute % 60:02d}"
