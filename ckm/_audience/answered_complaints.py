"""The audience ``you-said-we-did``: customers whose complaint is now answered by a validated knowledge entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._kb.entry_files import read_folder
from ckm.customers.definitions import local_day
from ckm.errors import NotEnoughDataError
from ckm.remark import basis
from ckm.time_zones import end_of_day
from ckm.wording import counted

if TYPE_CHECKING:
    from datetime import date

    from ckm._kb.entry import KnowledgeEntry
    from ckm._outcome.metric_values import ShopRecord

NEW_FOR_DAYS = 90
"""Days after its verification for which an entry is new."""
REMEMBERED_DAYS = 365
"""Maximum age of a complaint, in days."""


@dataclass(frozen=True)
class AnsweredComplaints:
    """Customers with an answered complaint.

    Attributes
    ----------
    frame
        One row per customer: customer_id, entry (id of the answering entry), why (a sentence); all are texts.
    remarks
        Remarks for the user.
    """

    frame: pl.DataFrame
    remarks: tuple[str, ...]


def validated_on(entry: KnowledgeEntry) -> date | None:
    """Return the day on which an entry was verified (``authentic.at``).

    Without it, the day of the last review; without a review, the day of collection; None if all three are missing.
    """
    return entry.authentic.at or entry.review.last or entry.provenance.collected_at


def answered_complaints(shop: ShopRecord) -> AnsweredComplaints:
    """Return the customers with a complaint on a topic that a validated knowledge entry has answered since.

    The entry was verified after the complaint, in the last :data:`NEW_FOR_DAYS` days, and is valid on the as-of date.
    The complaint is at most :data:`REMEMBERED_DAYS` days old. Of several entries on a topic the newest is used, of
    several complaints of a customer the last one.

    Parameters
    ----------
    shop
        Ledger and tables as of a day; ``interactions`` has the complaints.

    Raises
    ------
    NotEnoughDataError
        There is no workspace, the table ``interactions`` is missing or has no topics, or no entry with a topic was
        verified in the last :data:`NEW_FOR_DAYS` days.
    """
    workspace, interactions = shop.dataset.workspace, shop.dataset.tables.get("interactions")
    if workspace is None or interactions is None or "topic" not in interactions.collect_schema():
        raise NotEnoughDataError(
            "'you said, we did' needs a workspace with complaints that have a topic", hint="ckm ingest FILE"
        )
    since = shop.as_of - timedelta(days=NEW_FOR_DAYS)
    new = sorted(
        (day, entry.id, topic.casefold())
        for entry in read_folder(workspace.kb_dir).entries
        if entry.state.confidence == "validated" and entry.valid_on(shop.as_of)
        if (day := validated_on(entry)) is not None and since < day <= shop.as_of
        for topic in entry.classify.topics
    )
    if not new:
        raise NotEnoughDataError(
            f"no entry with a topic was verified in the {NEW_FOR_DAYS} days until {shop.as_of}",
            hint="write classify.topics and authentic.at on the entry",
        )
    entries = pl.DataFrame(
        new, schema={"verified": pl.Date, "entry": pl.String, "subject": pl.String}, orient="row"
    ).unique("subject", keep="last", maintain_order=True)
    zone = shop.ledger.time_zone
    complaints = (
        interactions.filter(
            pl.col("kind") == "complaint",
            pl.col("customer_id").is_not_null(),
            pl.col("at") < end_of_day(shop.as_of, zone),
        )
        .select("customer_id", "at", day=local_day("at", zone), subject=pl.col("topic").str.to_lowercase())
        .filter(pl.col("day") > shop.as_of - timedelta(days=REMEMBERED_DAYS))
        .collect()
    )
    found = (
        complaints.join(entries, on="subject")
        .filter(pl.col("day") < pl.col("verified"))
        .sort("customer_id", "at", "entry")
        .unique("customer_id", keep="last", maintain_order=True)
        .select("customer_id", "entry", why=pl.format("complained of {} on {}, answered since", "subject", "day"))
    )
    topics = counted(entries.height, "topic")
    return AnsweredComplaints(found, (basis(f"{topics} with an entry that was verified since {since}"),))
