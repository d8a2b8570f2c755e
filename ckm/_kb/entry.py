"""The data of a knowledge entry, and the mistakes in one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from ckm._kb.multilingual_text import MultilingualText
from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_USE = ("not_validated", "validated")
"""States of complete entries that are not archived."""
DATES = frozenset(("valid_from", "valid_until", "collected_at", "at", "last", "due"))
"""Keys of sections whose values are dates."""

T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """Confidence, audience and governance, as in the schema."""

    confidence: str
    audience: str | None = None
    governance: str | None = None


@dataclass(frozen=True)
class Classify:
    """Topics, departments, products and segments of the entry."""

    topics: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


@dataclass(frozen=True)
class EntryAnswers:
    """Churn reasons (codes) and questions that the entry answers; questions by language (``""`` if unknown)."""

    reasons: tuple[str, ...] = ()
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Applies:
    """Cases in which the entry applies. An empty list means all cases, a missing date no limit."""

    channels: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class Provenance:
    """Source of the entry; ``collected_by`` is its author."""

    origin: str | None = None
    sources: tuple[str, ...] = ()
    collected_by: str | None = None
    collected_at: date | None = None


@dataclass(frozen=True)
class Authentic:
    """Verification: status, verifier, date and method."""

    status: str | None = None
    by: str | None = None
    at: date | None = None
    how: str | None = None


@dataclass(frozen=True)
class Review:
    """Owner, reviewers and dates of reviews."""

    owner: str | None = None
    reviewers: tuple[str, ...] = ()
    interval_days: int | None = None
    last: date | None = None
    due: date | None = None

    @property
    def due_on(self) -> date | None:
        """Date of the next review: ``due``, else ``last`` plus the interval; None if there is neither."""
        if self.due is not None or self.last is None or self.interval_days is None:
            return self.due
        return date.fromordinal(min(self.last.toordinal() + self.interval_days, date.max.toordinal()))


@dataclass(frozen=True)
class Access:
    """Roles that may read and change the entry; an empty list means everybody."""

    classification: str | None = None
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    contains_personal_data: bool | None = None


@dataclass(frozen=True)
class Links:
    """Ids of the entries that it supersedes, and of related entries."""

    supersedes: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnowledgeEntry:
    """A knowledge entry. Missing keys are None or empty.

    Attributes
    ----------
    id
        Unique id; printable and without spaces.
    kind, facet, need, seci
        Words of the schema; ``kind`` is empty if the file has no valid one.
    lang
        Language of texts without a language of their own; ``""`` if unknown.
    title, issue, cause, resolution, environment
        Texts; a missing title or issue has no languages and is a mistake.
    aliases
        Synonyms and other titles by language.
    evidence, history, extra
        Plain values as written; ``extra`` holds unknown keys, inner ones with a dot (``state.mood``).
    plain
        All valid values of the file as JSON values; input of :func:`entry_from`.
    path, line, document
        Position: file relative to the folder (with ``/``), 1-based line, 1-based number in the file.
    lines
        Line of each key: ``{"state": 9, "state.confidence": 9}``.
    """

    id: str
    kind: str
    title: MultilingualText
    issue: MultilingualText
    state: State
    review: Review
    provenance: Provenance
    facet: str | None
    need: str | None
    lang: str
    cause: MultilingualText | None
    resolution: MultilingualText | None
    aliases: Mapping[str, tuple[str, ...]]
    environment: MultilingualText | None
    classify: Classify
    answers: EntryAnswers
    applies: Applies
    authentic: Authentic
    evidence: Any
    access: Access
    seci: str | None
    links: Links
    history: Any
    extra: Mapping[str, Any]
    path: str
    line: int
    document: int
    plain: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)
    lines: Mapping[str, int] = field(repr=False, compare=False, default_factory=dict)

    @property
    def in_use(self) -> bool:
        """Whether the entry is complete and not archived."""
        return self.state.confidence in IN_USE

    def valid_on(self, day: date) -> bool:
        """Return whether the entry is valid on a date, whatever its state."""
        applies = self.applies
        begun = applies.valid_from is None or applies.valid_from <= day
        return begun and (applies.valid_until is None or day <= applies.valid_until)

    def line_of(self, *keys: str) -> int:
        """Return the line of the first of ``keys`` that the file has; else the line of the entry."""
        return next((self.lines[key] for key in keys if key in self.lines), self.line)

    @property
    def languages(self) -> frozenset[str]:
        """Languages of title and issue; ``""`` for an unknown one."""
        return frozenset((*self.title.by_lang, *self.issue.by_lang))


@dataclass(frozen=True)
class Mistake:
    """A file that could not be read, or a value that violates the schema.

    Attributes
    ----------
    rule
        Id of the violated rule of ``ckm kb-lint``.
    path, line
        File relative to the folder, and 1-based line (0: the whole file).
    message, hint
        Problem and remedy.
    severity
        Severity.
    entry
        Id of the entry if it can be read.
    document
        1-based number of the document in the file; 0 for the whole file.
    left_out
        Whether the entry or the file is left out because of this mistake.
    """

    rule: str
    path: str
    line: int
    message: str
    hint: str | None = None
    severity: Severity = Severity.error
    entry: str | None = None
    document: int = 0
    left_out: bool = False

    @property
    def where(self) -> str:
        """The position as errors name it: ``deep/late.yaml:12``."""
        return f"{self.path}:{self.line}" if self.line else self.path


def entry_from(
    plain: Mapping[str, Any],
    *,
    path: str,
    line: int,
    document: int,
    lines: Mapping[str, int],
    extra: Mapping[str, Any],
) -> KnowledgeEntry:
    """Return the entry with the valid values of a document (:mod:`ckm._kb.entry_reader`).

    Parameters
    ----------
    plain
        Values by key as in the file, dates in ISO format; contains ``id`` and ``state.confidence``.
    path, line, document, lines, extra
        As in :class:`KnowledgeEntry`.
    """
    lang = plain.get("lang", "")
    answers = plain.get("answers", {})
    return KnowledgeEntry(
        id=plain["id"],
        kind=plain.get("kind", ""),
        facet=plain.get("facet"),
        need=plain.get("need"),
        lang=lang,
        title=_texts(plain.get("title"), lang) or MultilingualText({}),
        issue=_texts(plain.get("issue"), lang) or MultilingualText({}),
        cause=_texts(plain.get("cause"), lang),
        resolution=_texts(plain.get("resolution"), lang),
        aliases=_phrases(plain.get("aliases"), lang),
        environment=_texts(plain.get("environment"), lang),
        state=State(**plain["state"]),
        classify=_section(Classify, plain.get("classify", {})),
        answers=EntryAnswers(tuple(answers.get("reasons", ())), _phrases(answers.get("questions"), lang)),
        applies=_section(Applies, plain.get("applies", {})),
        provenance=_section(Provenance, plain.get("provenance", {})),
        authentic=_section(Authentic, plain.get("authentic", {})),
        evidence=plain.get("evidence"),
        review=_section(Review, plain.get("review", {})),
        access=_section(Access, plain.get("access", {})),
        seci=plain.get("seci", {}).get("mode"),
        links=_section(Links, plain.get("links", {})),
        history=plain.get("history"),
        extra=extra,
        path=path,
        line=line,
        document=document,
        plain=plain,
        lines=lines,
    )


def _section(section: type[T], values: Mapping[str, Any]) -> T:
    """Return a section of an entry from its values: lists become tuples, and the texts under :data:`DATES` dates."""
    converted = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return section(**converted | {name: date.fromisoformat(values[name]) for name in DATES & values.keys()})


def _texts(written: Any, lang: str) -> MultilingualText | None:
    if written is None:
        return None
    return MultilingualText({lang: written} if isinstance(written, str) else written)


def _phrases(written: Any, lang: str) -> Mapping[str, tuple[str, ...]]:
    if not written:
        return {}
    by_lang = written if isinstance(written, dict) else {lang: written}
    return {name: tuple(each) for name, each in by_lang.items()}
