"""Remarks on a load: changes of known rows, flagged rows, and renamed columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.io.mapping.consent_columns import CONSENT_TABLES, consent_columns, resembles_consent
from ckm.io.mapping.shown_columns import shown_columns
from ckm.remark import doubt
from ckm.wording import counted

CONSENTS = "consents"

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckm.store import LoadFacts

MOST_RENAMED = 3
"""Up to this many renamed columns are listed one by one."""


def remarks_on_known_rows(facts: LoadFacts) -> list[str]:
    """Return remarks on dropped rows, and on known rows that the load removed, merged, kept or did not replace."""
    remarks = []
    if facts.erased:
        remarks.append(f"{counted(facts.erased, 'row')} of erased persons dropped (ckm privacy)")
    if facts.superseded:
        removed = counted(facts.superseded, "row")
        remarks.append(f"{removed} of an earlier load of this file removed: the mapping changed")
    if facts.merged:
        merged = counted(facts.merged, "order", "was", "were")
        remarks.append(f"{merged} merged: the store has lines that this file does not contain")
    if facts.kept_amounts:
        kept = counted(facts.kept_amounts, "order", "keeps", "keep")
        remarks.append(f"{kept} known discounts or refunds: this file has no column for them")
    if facts.older:
        older = counted(facts.older, "order", "is", "are")
        remarks.append(
            f"{older} not replaced: the store has a later state. This older export counts for analyses "
            "as of earlier days (--exported DATE sets its export date)"
        )
    return remarks


def remarks_on_flags(flags: Mapping[str, int]) -> list[str]:
    """Return a remark for each rule of the mapping that flagged rows; ``flags`` counts rows by rule."""
    return [f"{counted(count, 'row')} flagged by the rule '{name}'" for name, count in sorted(flags.items())]


def remarks_on_consents(table: str, columns: Sequence[str], *, named: bool, quarantined: int) -> list[str]:
    """Return remarks on columns that are read as consents or may be consents, and on consents in quarantine."""
    if table == CONSENTS and quarantined:
        failed = counted(quarantined, "consent")
        return [doubt(f"{failed} failed validation: a refusal among them does not count until it is corrected")]
    if table not in CONSENT_TABLES:
        return []
    read = consent_columns(columns)
    unread = [column for column in columns if column not in read and resembles_consent(column)]
    remarks = []
    for column, entry in read.items():  # a name of the catalogue is no value, even if the header is uncertain
        kind = "refusals" if entry.get("refuses") else "consents"
        remarks.append(f"column '{column}' is read as {kind} ({entry.get('channel', 'every channel')})")
    if unread:
        names = shown_columns(unread, named=named)
        which = f"column {', '.join(map(repr, names))}" if names else counted(len(unread), "column")
        remarks.append(f"{which} may be a consent and is not read as one: see 'ckm help privacy'")
    return remarks


def remarks_on_names(names: Mapping[str, str], *, named: bool) -> list[str]:
    """Return remarks on columns that the store names differently.

    ``names`` has the stored name of each column; columns are shown only if the file has a header (``named``).
    """
    changed = {old: new for old, new in names.items() if old != new}
    if len(shown_columns(list(changed), named=named)) < len(changed):
        return [f"{counted(len(changed), 'column', 'is', 'are')} renamed for the store"]
    if len(changed) > MOST_RENAMED:
        return [f"{len(changed)} columns are renamed: characters that the store does not allow become _"]
    return [f"column '{old}' is stored as '{new}'" for old, new in changed.items()]
