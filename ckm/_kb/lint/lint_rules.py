"""The table of all lint rules. Findings of equal severity are in this order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._kb.lint import (
    controlled_terms,
    entry_dates,
    links,
    measured_effects,
    near_duplicates,
    personal_data,
    placeholders,
    questions,
    translations,
    verification,
)
from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm._kb.lint.lint_context import LintContext
    from ckm._kb.lint.lint_report import Violation


@dataclass(frozen=True)
class LintRule:
    """A lint rule.

    Attributes
    ----------
    id
        Id in findings and in ``kb.skip`` of ckm.yaml.
    severity
        Severity of a violation, unless the violation has another one.
    condition
        The condition that entries must meet.
    remedy
        What to do about a violation.
    find
        Yields the violations; None if they are found while files are read.
    """

    id: str
    severity: Severity
    condition: str
    remedy: str
    find: Callable[[LintContext], Iterator[Violation]] | None = None


_ERROR, _WARNING, _INFO = Severity.error, Severity.warning, Severity.info

RULES: tuple[LintRule, ...] = (
    LintRule("file", _ERROR, "every file can be read, and no link leads out of the folder",
         "fix the file, or move it out of the knowledge base"),
    LintRule("schema", _ERROR, "every entry has the required keys, with valid values",
         "see 'ckm help knowledge-entry' for the keys and their values"),
    LintRule("duplicate-id", _ERROR, "ids are unique",
         "give one of them another id, and fix the links to it", links.duplicate_id),
    LintRule("dangling-link", _ERROR, "links lead to existing entries",
         "fix the id or remove the link", links.dangling_link),
    LintRule("circular-link", _ERROR, "no entry supersedes itself, directly or through others",
         "remove one of the links", links.circular_link),
    LintRule("unverified", _ERROR, "a validated entry names who verified it",
         "have it verified and name the verifier under authentic.by, or set state.confidence to not_validated",
         verification.unverified),
    LintRule("self-verified", _ERROR, "no entry is verified by its author",
         "have somebody else verify it", verification.self_verified),
    LintRule("validity-reversed", _ERROR, "validity does not end before it begins",
         "fix applies.valid_from or applies.valid_until", entry_dates.validity_reversed),
    LintRule("unknown-reason", _ERROR, "churn reasons of entries are those of ckm",
         "ckm/data/churn_reasons.yaml lists the codes", controlled_terms.unknown_reason),
    LintRule("personal-data", _ERROR, "no text contains e-mail addresses, telephone, card or account numbers",
         "remove it, or name a role instead of a person", personal_data.personal_data),
    LintRule("same-answer", _WARNING, "no two validated entries answer the same question in the same case",
         "merge them, let one supersede the other, or separate their cases under applies", questions.same_answer),
    LintRule("near-duplicate", _WARNING, "no two entries have nearly the same texts",
         "merge them, or write how they differ and link them as related", near_duplicates.near_duplicate),
    LintRule("review-overdue", _WARNING, "no review is overdue",
         "review it, then write review.last and review.due", entry_dates.review_overdue),
    LintRule("expired", _WARNING, "no entry in use has expired",
         "archive it, or give it a later applies.valid_until", entry_dates.expired),
    LintRule("stale", _WARNING, "no entry in use is older than kb.freshness allows for its facet",
         "check that it is still correct, then write review.last", entry_dates.stale),
    LintRule("future-day", _WARNING, "dates of past events are not in the future",
         "fix the date", entry_dates.future_day),
    LintRule("answers-nothing", _WARNING, "every entry has a resolution, or names reasons or questions",
         "write a resolution, or name reasons or questions under answers", questions.answers_nothing),
    LintRule("measured-harm", _WARNING, "no entry in use did harm when it was measured against a holdout",
         "change or archive it, and measure the change: ckm audience new --entry ID", measured_effects.measured_harm),
    LintRule("unreadable-evidence", _WARNING, "evidence is that of ckm outcome publish",
         "remove it, and publish it anew: ckm outcome publish NAME", measured_effects.unreadable_evidence),
    LintRule("unfilled", _WARNING, "no text is a placeholder of the draft",
         "fill it in, or remove the key", placeholders.unfilled),
    LintRule("unknown-topic", _WARNING, "topics are listed in kb.topics", "choose one, or add it to ckm.yaml",
         controlled_terms.unknown_topic),
    LintRule("unknown-department", _WARNING, "departments are listed in kb.departments",
         "choose one, or add it to ckm.yaml", controlled_terms.unknown_department),
    LintRule("unknown-segment", _WARNING, "segments are defined in segments/ or by ckm's methods",
         "ckm segment lists the names", controlled_terms.unknown_segment),
    LintRule("unknown-key", _WARNING, "every key is in the schema",
         "ckm stores it and does not use it"),
    LintRule("unusual-word", _WARNING, "words of open vocabularies are common ones",
         "choose a common word, so that others find it"),
    LintRule("control-characters", _WARNING, "no text contains control characters",
         "remove them"),
    LintRule("lost-text", _WARNING, "no part of a text is a YAML comment, tag or anchor",
         "put the text in quotes"),
    LintRule("review-unplanned", _INFO, "every entry in use has a date of the next review",
         "write review.due, or review.last and review.interval_days", entry_dates.review_unplanned),
    LintRule("superseded-in-use", _INFO, "superseded entries are archived",
         "set state.confidence to archived", links.superseded_in_use),
    LintRule("missing-translation", _INFO, "title, issue, cause and resolution are in the same languages",
         "translate them", translations.missing_translation),
)  # fmt: skip
