"""Knowledge entries that answer churn reasons.

An entry answers a reason if four conditions hold: it lists the reason's code; it is complete (*validated* or *not
validated*); it is valid on the as-of date; and no other entry that meets these conditions supersedes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._kb.entry import IN_USE
from ckm._kb.entry_files import read_folder
from ckm._kb.evidence import VERDICTS, read_evidence, verdict_of
from ckm._kb.multilingual_text import MultilingualText
from ckm.remark import assumption, doubt
from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from ckm._kb import entry as knowledge
    from ckm._kb.evidence import Evidence

MOST_SHOWN = 5
"""Largest number of invalid entries that are listed."""


@dataclass(frozen=True)
class AnswerEntry:
    """Knowledge entry with the fields that churn warnings use.

    Attributes
    ----------
    id
        Id in the knowledge base.
    titles
        Title by language (BCP 47); a title without a language has the key ``""``.
    confidence
        ``wip``, ``not_validated``, ``validated`` or ``archived`` (Knowledge-Centered Service v6).
    valid_from, valid_until
        First and last day of validity; None means no limit.
    reasons
        Codes of the answered reasons.
    supersedes
        Ids of the superseded entries.
    where
        File and line.
    evidence
        Effects that were measured against a holdout.
    """

    id: str
    titles: Mapping[str, str]
    confidence: str
    valid_from: date | None
    valid_until: date | None
    reasons: tuple[str, ...]
    supersedes: tuple[str, ...]
    where: str
    evidence: tuple[Evidence, ...] = ()

    def title(self, lang: str = "en") -> str:
        """Return the title in ``lang``, else in a language with the same first subtag, else in any language."""
        return MultilingualText(self.titles).in_language(lang)[1] or self.id

    def in_force(self, day: date) -> bool:
        """Return whether the entry is complete, and valid on ``day``."""
        begun = self.valid_from is None or self.valid_from <= day
        return self.confidence in IN_USE and begun and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True)
class FoundAnswers:
    """Knowledge entries by the reasons that they answer on a day.

    Attributes
    ----------
    by_reason
        Ids of the entries that answer a reason, by code of the reason, in the order of :func:`current_entries`. A code
        without an answer is not a key.
    entries
        The entries of ``by_reason``, by id.
    remarks
        Notes for the reader: invalid entries by file and line; a missing knowledge base.
    """

    by_reason: Mapping[str, tuple[str, ...]]
    entries: Mapping[str, AnswerEntry]
    remarks: tuple[str, ...]


def read_entries(folder: Path) -> tuple[list[AnswerEntry], list[str]]:
    """Return the valid entries below a folder, and the errors of invalid entries.

    Invalid entries are skipped and reported, so that one file does not stop the warnings. ``ckm kb-lint`` reports
    errors in other fields. Symbolic links are not followed.

    Parameters
    ----------
    folder
        Folder of the knowledge base; it may be missing.
    """
    base = read_folder(folder)
    entries: dict[str, AnswerEntry] = {}
    losing = [each for each in base.mistakes if each.left_out and each.severity is Severity.error]
    # One error per skipped entry, even if it has several.
    first = {(each.path, each.document): each for each in reversed(losing)}
    ordered = sorted(first.values(), key=lambda each: (each.path, each.line))
    mistakes = [f"{folder / each.where}: {each.message}" for each in ordered]
    for each in base.entries:
        where = f"{folder / each.path}:{each.line}"
        if each.id in entries:
            mistakes.append(f"{where}: id '{each.id}' is also in {entries[each.id].where}")
        else:
            entries[each.id] = answer_entry(each, where)
    return list(entries.values()), mistakes


def answer_entry(entry: knowledge.KnowledgeEntry, where: str) -> AnswerEntry:
    """Return the fields of an entry that churn warnings use; ``where`` is its file and line."""
    return AnswerEntry(
        id=entry.id,
        titles=entry.title.by_lang,
        confidence=entry.state.confidence,
        valid_from=entry.applies.valid_from,
        valid_until=entry.applies.valid_until,
        reasons=entry.answers.reasons,
        supersedes=entry.links.supersedes,
        where=where,
        evidence=read_evidence(entry.evidence),
    )


def answers_for(codes: Iterable[str], folder: Path | None, as_of: date) -> FoundAnswers:
    """Return the entries that answer reasons on ``as_of``.

    Only an entry that is complete and valid on that day supersedes another. A draft, or an entry that becomes valid
    next month, does not.

    Parameters
    ----------
    codes
        Codes of the reasons.
    folder
        Folder of the knowledge base; None without one.
    as_of
        Day on which the entries must be valid.
    """
    if folder is None or not folder.is_dir():
        return FoundAnswers({}, {}, (assumption("there is no knowledge base: all reasons are unanswered"),))
    entries, mistakes = read_entries(folder)
    remarks = [doubt(f"knowledge entry skipped: {mistake}") for mistake in mistakes[:MOST_SHOWN]]
    if len(mistakes) > MOST_SHOWN:
        remarks.append(doubt(f"{len(mistakes) - MOST_SHOWN:,} more invalid entries in {folder} are not listed"))
    current = current_entries(entries, as_of)
    found = {code: tuple(entry.id for entry in current if code in entry.reasons) for code in sorted(set(codes))}
    by_reason = {code: ids for code, ids in found.items() if ids}
    if not by_reason:
        remarks.append(assumption(f"no entry in {folder} answers any of the reasons on {as_of}"))
    named = {name for ids in by_reason.values() for name in ids}
    return FoundAnswers(by_reason, {entry.id: entry for entry in current if entry.id in named}, tuple(remarks))


def current_entries(entries: Iterable[AnswerEntry], as_of: date) -> list[AnswerEntry]:
    """Return the entries in force on a day that no other entry in force supersedes.

    Entries with a measured benefit are first and those with a measured harm last; then validated ones first, then by
    id.
    """
    in_force = [entry for entry in entries if entry.in_force(as_of)]
    replaced = {name for entry in in_force for name in entry.supersedes if name != entry.id}
    return sorted(
        (entry for entry in in_force if entry.id not in replaced),
        key=lambda entry: (
            VERDICTS.index(verdict_of(entry.evidence, as_of)),
            entry.confidence != "validated",
            entry.id,
        ),
    )


def answer(reasons: pl.DataFrame, found: FoundAnswers) -> pl.DataFrame:
    """Return the entries that answer each customer's reasons.

    Parameters
    ----------
    reasons
        One row per customer and reason: customer_id, code, contribution, rank (0 is first). Only reasons with a
        contribution above zero raise the churn probability and need an answer.
    found
        Result of :func:`answers_for`.

    Returns
    -------
    pl.DataFrame
        One row per customer of ``reasons``, sorted by ``customer_id``: answers (list of ids without duplicates, top
        reason first), unanswered (whether no reason that needs an answer has an entry; also true for customers without
        a reason that needs one).
    """
    known = pl.DataFrame(
        [(code, list(ids)) for code, ids in found.by_reason.items()],
        schema={"code": pl.String, "answers": pl.List(pl.String)},
        orient="row",
    )
    answered = (
        reasons.lazy()
        .filter(pl.col("contribution") > 0)
        .join(known.lazy(), on="code", how="inner")
        .sort("customer_id", "rank")
        .group_by("customer_id", maintain_order=True)
        .agg(pl.col("answers").explode().unique(maintain_order=True))
    )
    return (
        reasons.lazy()
        .select(pl.col("customer_id").unique())
        .join(answered, on="customer_id", how="left")
        .select(
            "customer_id",
            answers=pl.col("answers").fill_null([]),
            unanswered=pl.col("answers").is_null(),
        )
        .sort("customer_id")
        .collect()
    )


def unanswered_share(customers: pl.DataFrame) -> float | None:
    """Return the share of the value at risk of customers without an answer.

    Parameters
    ----------
    customers
        Columns value_at_risk and unanswered. Values at or below zero do not count.

    Returns
    -------
    float | None
        Between 0 and 1; None without value at risk.
    """
    at_risk = customers.filter(pl.col("value_at_risk") > 0)
    # Sum in a fixed order: shuffled rows give the same bytes.
    values = at_risk.sort("value_at_risk")
    total = float(values["value_at_risk"].sum())
    open_value = float(values.filter(pl.col("unanswered"))["value_at_risk"].sum())
    return round(open_value / total, 12) if total > 0 else None
