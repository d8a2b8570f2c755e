"""Which knowledge entries answer a customer's reasons, and which reasons nobody has an answer to.

An entry answers a reason when it names its code, has been written to the end (*validated* or *not validated*), is valid
on the day and is not superseded by another that is so too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.findings import Severity
from ckm.knowledge.entry import IN_USE
from ckm.knowledge.entry_files import read_folder
from ckm.knowledge.multilingual_text import MultilingualText

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from ckm.knowledge import entry as knowledge
    from ckm.knowledge.entry import Mistake

TOLD = 5
"""Mistakes in the folder that are told one by one."""


@dataclass(frozen=True)
class AnswerEntry:
    """What churn warning needs of a knowledge entry.

    Attributes
    ----------
    id
        Its name in the knowledge base.
    titles
        Title by language (BCP 47); under ``""`` where it has no language.
    confidence
        ``wip``, ``not_validated``, ``validated`` or ``archived`` (Knowledge-Centered Service v6).
    valid_from, valid_until
        First and last day on which it holds; None means no limit.
    reasons
        Codes of the reasons that it answers.
    supersedes
        Ids of the entries in whose place it stands.
    where
        File and line.
    """

    id: str
    titles: Mapping[str, str]
    confidence: str
    valid_from: date | None
    valid_until: date | None
    reasons: tuple[str, ...]
    supersedes: tuple[str, ...]
    where: str

    def title(self, lang: str = "en") -> str:
        """Return the title in a language, else in the one that it shares the first part with, else in any."""
        return MultilingualText(self.titles).in_language(lang)[1] or self.id

    def in_force(self, day: date) -> bool:
        """Whether it is written to the end and valid on a day."""
        begun = self.valid_from is None or self.valid_from <= day
        return self.confidence in IN_USE and begun and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True)
class FoundAnswers:
    """What answers what on a day.

    Attributes
    ----------
    by_reason
        Ids of the entries that answer a reason, by its code; validated ones first, then by id. A code that nothing
        answers is not a key.
    entries
        Those entries by id.
    remarks
        What a reader should know: mistakes in files, by file and line; that there is no knowledge at all.
    """

    by_reason: Mapping[str, tuple[str, ...]]
    entries: Mapping[str, AnswerEntry]
    remarks: tuple[str, ...]


def read_entries(folder: Path) -> tuple[list[AnswerEntry], list[str]]:
    """Return the entries below a folder, and what is wrong with those that could not be read.

    A mistake in one file does not silence the warnings of a whole shop: the file is left out and told; a mistake in
    what does not matter here is for ``ckm kb-lint``. Symbolic links are not followed.

    Parameters
    ----------
    folder
        Of the knowledge base; it may be missing.
    """
    base = read_folder(folder)
    entries: dict[str, AnswerEntry] = {}
    # One mistake for each entry that is left out, though several may be the reason.
    lost = {(each.path, each.document): each for each in reversed(base.mistakes) if _loses_an_entry(each)}
    mistakes = [_told(folder, each) for each in sorted(lost.values(), key=lambda each: (each.path, each.line))]
    for each in base.entries:
        where = f"{folder / each.path}:{each.line}"
        if each.id in entries:
            mistakes.append(f"{where}: id '{each.id}' stands in {entries[each.id].where} too")
        else:
            entries[each.id] = _entry(each, where)
    return list(entries.values()), mistakes


def _loses_an_entry(mistake: Mistake) -> bool:
    return mistake.left_out and mistake.severity is Severity.error


def _told(folder: Path, mistake: Mistake) -> str:
    return f"{folder / mistake.where}: {mistake.message}"


def _entry(entry: knowledge.KnowledgeEntry, where: str) -> AnswerEntry:
    return AnswerEntry(
        id=entry.id,
        titles=entry.title.by_lang,
        confidence=entry.state.confidence,
        valid_from=entry.applies.valid_from,
        valid_until=entry.applies.valid_until,
        reasons=entry.answers.reasons,
        supersedes=entry.links.supersedes,
        where=where,
    )


def answers_for(codes: Iterable[str], folder: Path | None, as_of: date) -> FoundAnswers:
    """Find the entries that answer reasons on a day.

    A superseding entry must be in force itself to take another's place: a draft, or one that holds from next month,
    does not silence the answer of today.

    Parameters
    ----------
    codes
        Of the reasons.
    folder
        Of the knowledge base; None where there is none.
    as_of
        The day.
    """
    if folder is None or not folder.is_dir():
        return FoundAnswers({}, {}, ("there is no knowledge base: all reasons are unanswered",))
    entries, mistakes = read_entries(folder)
    remarks = [f"left out of the answers: {mistake}" for mistake in mistakes[:TOLD]]
    if len(mistakes) > TOLD:
        remarks.append(f"{len(mistakes) - TOLD:,} more mistakes in {folder} are not shown")
    in_force = [entry for entry in entries if entry.in_force(as_of)]
    replaced = {name for entry in in_force for name in entry.supersedes if name != entry.id}
    current = sorted(
        (entry for entry in in_force if entry.id not in replaced),
        key=lambda entry: (entry.confidence != "validated", entry.id),
    )
    found = {code: tuple(entry.id for entry in current if code in entry.reasons) for code in sorted(set(codes))}
    by_reason = {code: ids for code, ids in found.items() if ids}
    if not by_reason:
        remarks.append(f"no entry in {folder} answers any of the reasons on {as_of}")
    named = {name for ids in by_reason.values() for name in ids}
    return FoundAnswers(by_reason, {entry.id: entry for entry in current if entry.id in named}, tuple(remarks))


def answer(reasons: pl.DataFrame, found: FoundAnswers) -> pl.DataFrame:
    """Give each customer the entries that answer their reasons.

    Parameters
    ----------
    reasons
        One row per customer and reason: customer_id, code, contribution, rank (0 is first). Only reasons with a
        contribution above zero speak for leaving and want an answer.
    found
        Of :func:`answers_for`.

    Returns
    -------
    pl.DataFrame
        One row per customer of ``reasons``, by ``customer_id``: answers (list of ids, those of the reason that is read
        first in front, each once), unanswered (whether no reason that wants an answer has one; a customer without such
        a reason is unanswered too: nobody knows what to say).
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
    """Share of the value at risk that belongs to customers whose reasons nobody has an answer to.

    Parameters
    ----------
    customers
        value_at_risk, unanswered. Values at or below zero do not count.

    Returns
    -------
    float | None
        Between 0 and 1; None where nothing is at risk.
    """
    at_risk = customers.filter(pl.col("value_at_risk") > 0)
    # Sums of one order: shuffled rows give the same bytes.
    values = at_risk.sort("value_at_risk")
    total = float(values["value_at_risk"].sum())
    open_value = float(values.filter(pl.col("unanswered"))["value_at_risk"].sum())
    return round(open_value / total, 12) if total > 0 else None
