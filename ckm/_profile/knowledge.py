"""Knowledge entries for the customer: answers to the churn reasons, and entries about open topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._churn.knowledge_answers import answer_entry, current_entries
from ckm._kb.cache_folder import LINT_CACHE, cache_folder
from ckm._kb.entry_cache import read_cached
from ckm._kb.file_listing import files
from ckm._profile.figures import NotKnown, ProfileSection, ProfileTable
from ckm._profile.record import CUSTOMERS
from ckm.dataset import TRANSACTIONS
from ckm.schema import Exposure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from ckm._kb.entry import KnowledgeEntry
    from ckm._profile.record import CustomerRecord

TITLE = "Knowledge entries to use"
MOST_ENTRIES = 8
"""Maximum number of listed entries; those that answer the top reason come first."""


def knowledge(
    record: CustomerRecord, codes: tuple[str, ...], topics: Collection[str], role: str | None, lang: str
) -> ProfileSection:
    """Return the section of knowledge entries, valid on the as-of date, that answer a churn reason or an open topic.

    Entries for other channels or regions than those of the customer are left out.

    Parameters
    ----------
    record
        Rows of the customer.
    codes
        Codes of the churn reasons, top reason first.
    topics
        Topics of open complaints and promises.
    role
        Role of the reader: entries that the role may not read are left out, as in ``ckm kb-search``. None: all entries.
    lang
        Preferred language of the entries' titles.
    """
    folder = record.dataset.workspace.kb_dir if record.dataset.workspace is not None else None
    if folder is None or not folder.is_dir():
        return ProfileSection("knowledge", TITLE, not_known=(NotKnown("entries to use", "no knowledge base"),))
    if not codes and not topics:
        return ProfileSection(
            "knowledge", TITLE, not_known=(NotKnown("entries to use", "no reason and no open topic"),)
        )
    entries = _first_by_id(read_cached(folder, files(folder), cache_folder(folder) / LINT_CACHE).entries, folder)
    current = current_entries((answer_entry(entry, where) for entry, where in entries.values()), record.as_of)
    rows: dict[str, tuple[str, str, str, str]] = {}
    for why, about in [*((f"reason {code}", code) for code in codes), *((f"topic {name}", name) for name in topics)]:
        for each in current:
            entry, _ = entries[each.id]
            matches = about in each.reasons if why.startswith("reason") else about in entry.classify.topics
            if matches and _may_read(entry, role) and _applies_to(entry, record) and each.id not in rows:
                rows[each.id] = (each.id, each.title(lang), why, each.confidence.replace("_", " "))
    if not rows:
        why = "none answers the reasons or has an open topic" + (f" for role '{role}'" if role else "")
        return ProfileSection("knowledge", TITLE, not_known=(NotKnown("entries to use", why),))
    columns = dict.fromkeys(("entry", "title", "because of", "confidence"), Exposure.group)
    listed = tuple(rows.values())[:MOST_ENTRIES]
    table = ProfileTable("knowledge", "Entries", columns, listed, "kb/", record.as_of)
    return ProfileSection("knowledge", TITLE, tables=(table,))


def _first_by_id(entries: Iterable[KnowledgeEntry], folder: Path) -> dict[str, tuple[KnowledgeEntry, str]]:
    found: dict[str, tuple[KnowledgeEntry, str]] = {}
    for entry in entries:
        found.setdefault(entry.id, (entry, f"{folder / entry.path}:{entry.line}"))
    return found


def _applies_to(entry: KnowledgeEntry, record: CustomerRecord) -> bool:
    """Return whether an entry is for a channel and a region of the customer.

    Channels are not compared if those of the customer are unknown or the entry has none; the same applies to regions.
    """
    customers, transactions = record.rows(CUSTOMERS), record.rows(TRANSACTIONS)
    places = {str(customers[name][0]) for name in ("country", "region") if name in customers.columns and len(customers)}
    channels = set(transactions["channel"].drop_nulls()) if "channel" in transactions.columns else set()
    limits = ((entry.applies.regions, places - {"None"}), (entry.applies.channels, channels))
    return all(not allowed or not known or known & set(allowed) for allowed, known in limits)


def _may_read(entry: KnowledgeEntry, role: str | None) -> bool:
    return role is None or not entry.access.read or role in entry.access.read
