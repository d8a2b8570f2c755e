"""The table of all rules, in the order in which equally bad findings are listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.findings import Severity
from ckm.knowledge.lint import days, drafts, languages, likeness, links, privacy, questions, trust, vocabularies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm.knowledge.lint.findings import Breach
    from ckm.knowledge.lint.subject import Subject


@dataclass(frozen=True)
class Rule:
    """What a rule promises of a knowledge base.

    Attributes
    ----------
    id
        Its name in findings and in ``kb.skip`` of ckm.yaml.
    severity
        How bad a breach usually is.
    promise
        What is so where nothing is found.
    remedy
        What to do about a breach.
    look
        Finds the breaches; None where they are found as the files are read.
    """

    id: str
    severity: Severity
    promise: str
    remedy: str
    look: Callable[[Subject], Iterator[Breach]] | None = None


_ERROR, _WARNING, _INFO = Severity.error, Severity.warning, Severity.info

RULES: tuple[Rule, ...] = (
    Rule("file", _ERROR, "every file can be read, and none leads out of the folder",
         "mend the file, or move it out of the knowledge base"),
    Rule("schema", _ERROR, "every entry has the keys it needs, with values that fit",
         "docs/knowledge-entry.md says what may stand under each key"),
    Rule("duplicate-id", _ERROR, "no id stands twice",
         "give one of them another id, and mend the links to it", links.duplicate_id),
    Rule("dangling-link", _ERROR, "every entry that another names is there",
         "mend the id or remove the link", links.dangling_link),
    Rule("circular-link", _ERROR, "no entry supersedes itself, over others or directly",
         "remove the link that points from the newer to the older too often", links.circular_link),
    Rule("unverified", _ERROR, "a validated entry names who verified it",
         "have it verified and name them under authentic.by, or set state.confidence to not_validated",
         trust.unverified),
    Rule("self-verified", _ERROR, "nobody verifies what they wrote themselves",
         "have somebody else verify it", trust.self_verified),
    Rule("validity-reversed", _ERROR, "validity does not end before it begins",
         "mend applies.valid_from or applies.valid_until", days.validity_reversed),
    Rule("unknown-reason", _ERROR, "churn reasons that entries name are those of ckm",
         "ckm/reasons.yaml has the codes", vocabularies.unknown_reason),
    Rule("personal-data", _ERROR, "no text holds e-mail addresses, telephone, card or account numbers",
         "remove it, or say who is meant by role", privacy.personal_data),
    Rule("same-answer", _WARNING, "no two validated entries answer the same question for the same case",
         "merge them, let one supersede the other, or tell their cases apart under applies", questions.same_answer),
    Rule("near-duplicate", _WARNING, "no two entries say nearly the same",
         "merge them, or say how they differ and link them as related", likeness.near_duplicate),
    Rule("review-overdue", _WARNING, "no review is overdue",
         "review it, then write review.last and review.due", days.review_overdue),
    Rule("expired", _WARNING, "an entry in use has not ended",
         "archive it, or give it a later applies.valid_until", days.expired),
    Rule("stale", _WARNING, "an entry in use is not older than kb.freshness allows for its kind of information",
         "check that it is still true, then write review.last", days.stale),
    Rule("future-day", _WARNING, "what is said to have happened has happened",
         "mend the day", days.future_day),
    Rule("answers-nothing", _WARNING, "an entry has a resolution, or names what it answers",
         "write a resolution, or name reasons or questions under answers", questions.answers_nothing),
    Rule("unfilled", _WARNING, "no text is still the question mark of the skeleton",
         "fill it in, or remove the key", drafts.unfilled),
    Rule("unknown-topic", _WARNING, "topics are those of kb.topics", "choose one, or add it to ckm.yaml",
         vocabularies.unknown_topic),
    Rule("unknown-department", _WARNING, "departments are those of kb.departments",
         "choose one, or add it to ckm.yaml", vocabularies.unknown_department),
    Rule("unknown-segment", _WARNING, "segments are those of segments/ or of ckm's methods",
         "ckm segment prints the names", vocabularies.unknown_segment),
    Rule("unknown-key", _WARNING, "every key is one of the schema",
         "it is kept, and ckm does nothing with it"),
    Rule("unusual-word", _WARNING, "words of open vocabularies are the usual ones",
         "choose a usual word, so that others find it"),
    Rule("control-characters", _WARNING, "no text holds control characters",
         "remove them"),
    Rule("lost-text", _WARNING, "no words of a text are a comment, a tag or an anchor to YAML",
         "put the text in quotes"),
    Rule("review-unplanned", _INFO, "an entry in use says when it is reviewed next",
         "write review.due, or review.last and review.interval_days", days.review_unplanned),
    Rule("superseded-in-use", _INFO, "an entry in whose place another stands is archived",
         "set state.confidence to archived", links.superseded_in_use),
    Rule("missing-translation", _INFO, "title, issue, cause and resolution are in the same languages",
         "translate them when there is time", languages.missing_translation),
)  # fmt: skip
