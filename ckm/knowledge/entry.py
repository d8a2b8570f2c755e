"""What a knowledge entry is, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from ckm.findings import Severity
from ckm.knowledge.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_USE = ("not_validated", "validated")
"""Confidences of entries that are written to the end."""


@dataclass(frozen=True)
class State:
    """How far it is trusted, who sees it, who may change it; ``confidence`` as in the schema."""

    confidence: str
    audience: str | None = None
    governance: str | None = None


@dataclass(frozen=True)
class Classify:
    """Where it belongs."""

    topics: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """Codes of the churn reasons that it answers, and questions by language (``""`` where none is named)."""

    reasons: tuple[str, ...] = ()
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Applies:
    """In which case it holds; an empty list means everywhere, a missing day no limit. Both days are included."""

    channels: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class Provenance:
    """Where it comes from; ``collected_by`` is its author."""

    origin: str | None = None
    sources: tuple[str, ...] = ()
    collected_by: str | None = None
    collected_at: date | None = None


@dataclass(frozen=True)
class Authentic:
    """Who verified it, when and how."""

    status: str | None = None
    by: str | None = None
    at: date | None = None
    how: str | None = None


@dataclass(frozen=True)
class Review:
    """Who looks after it, and when next."""

    owner: str | None = None
    reviewers: tuple[str, ...] = ()
    interval_days: int | None = None
    last: date | None = None
    due: date | None = None

    @property
    def due_on(self) -> date | None:
        """The day by which it is to be reviewed: ``due``, else the interval after ``last``; None if unplanned."""
        if self.due is not None or self.last is None or self.interval_days is None:
            return self.due
        return date.fromordinal(min(self.last.toordinal() + self.interval_days, date.max.toordinal()))


@dataclass(frozen=True)
class Access:
    """Who may read and change it; an empty list means everybody."""

    classification: str | None = None
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    contains_personal_data: bool | None = None


@dataclass(frozen=True)
class Links:
    """Ids of the entries in whose place it stands, and of those to read as well."""

    supersedes: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A knowledge entry. What the file does not say is None or empty.

    Attributes
    ----------
    id
        Its name; printable and without spaces.
    kind, facet, need, seci
        Words of the schema; ``kind`` is empty where the file has none that is known.
    lang
        Language of texts that are not written per language; ``""`` if none is named.
    title, issue, cause, resolution, environment
        Texts; title and issue are without any language where they are missing, which is a mistake.
    aliases
        Other words by language.
    evidence, history, extra
        Plain values as written; ``extra`` holds the keys that nobody knows, inner ones with a dot (``state.mood``).
    plain
        All that is written and was understood, as JSON can hold it: what :func:`entry_from` takes.
    path, line, document
        Where it stands: file relative to the folder (with ``/``), 1-based line, 1-based number in the file.
    lines
        Line of each key: ``{"state": 9, "state.confidence": 9}``.
    """

    id: str
    kind: str
    title: Texts
    issue: Texts
    state: State
    review: Review
    provenance: Provenance
    facet: str | None
    need: str | None
    lang: str
    cause: Texts | None
    resolution: Texts | None
    aliases: Mapping[str, tuple[str, ...]]
    environment: Texts | None
    classify: Classify
    answers: Answers
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
        """Whether it is written to the end and not archived."""
        return self.state.confidence in IN_USE

    def valid_on(self, day: date) -> bool:
        """Whether it holds on a day; its state does not matter."""
        applies = self.applies
        begun = applies.valid_from is None or applies.valid_from <= day
        return begun and (applies.valid_until is None or day <= applies.valid_until)

    def line_of(self, *keys: str) -> int:
        """Return the line of the first of these keys that is written, else of the entry."""
        return next((self.lines[key] for key in keys if key in self.lines), self.line)

    @property
    def languages(self) -> frozenset[str]:
        """Languages that title and issue are in, ``""`` among them where none is named."""
        return frozenset((*self.title.by_lang, *self.issue.by_lang))


@dataclass(frozen=True)
class Mistake:
    """What could not be read, or is not as the schema says.

    Attributes
    ----------
    rule
        Id of the rule of ``ckm kb-lint`` that it breaks.
    path, line
        File relative to the folder, and 1-based line (0: the file as a whole).
    message, hint
        What is wrong, and what to do.
    severity
        How bad it is.
    entry
        Id of the entry, if it has a readable one.
    document
        1-based number of the document in the file; 0 for the file as a whole.
    left_out
        Whether the entry, or the whole file, is not read because of it.
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
        """The place as errors name it: ``deep/late.yaml:12``."""
        return f"{self.path}:{self.line}" if self.line else self.path


def entry_from(
    plain: Mapping[str, Any],
    *,
    path: str,
    line: int,
    document: int,
    lines: Mapping[str, int],
    extra: Mapping[str, Any],
) -> Entry:
    """Build an entry from what was understood of a document (:mod:`ckm.knowledge.entry_reader`).

    Parameters
    ----------
    plain
        Values by key as the file holds them, days as ISO texts; it has ``id`` and ``state.confidence``.
    path, line, document, lines, extra
        As in :class:`Entry`.
    """
    lang = plain.get("lang", "")
    of = plain.get
    nothing: Mapping[str, Any] = {}
    answers, applies, provenance = of("answers", nothing), of("applies", nothing), of("provenance", nothing)
    authentic, review, access = of("authentic", nothing), of("review", nothing), of("access", nothing)
    return Entry(
        id=plain["id"],
        kind=of("kind", ""),
        facet=of("facet"),
        need=of("need"),
        lang=lang,
        title=_texts(of("title"), lang) or Texts({}),
        issue=_texts(of("issue"), lang) or Texts({}),
        cause=_texts(of("cause"), lang),
        resolution=_texts(of("resolution"), lang),
        aliases=_phrases(of("aliases"), lang),
        environment=_texts(of("environment"), lang),
        state=State(**plain["state"]),
        classify=Classify(**{name: tuple(each) for name, each in of("classify", nothing).items()}),
        answers=Answers(tuple(answers.get("reasons", ())), _phrases(answers.get("questions"), lang)),
        applies=Applies(
            tuple(applies.get("channels", ())),
            tuple(applies.get("regions", ())),
            _day(applies.get("valid_from")),
            _day(applies.get("valid_until")),
        ),
        provenance=Provenance(
            provenance.get("origin"),
            tuple(provenance.get("sources", ())),
            provenance.get("collected_by"),
            _day(provenance.get("collected_at")),
        ),
        authentic=Authentic(
            authentic.get("status"), authentic.get("by"), _day(authentic.get("at")), authentic.get("how")
        ),
        evidence=of("evidence"),
        review=Review(
            review.get("owner"),
            tuple(review.get("reviewers", ())),
            review.get("interval_days"),
            _day(review.get("last")),
            _day(review.get("due")),
        ),
        access=Access(
            access.get("classification"),
            tuple(access.get("read", ())),
            tuple(access.get("write", ())),
            access.get("contains_personal_data"),
        ),
        seci=of("seci", nothing).get("mode"),
        links=Links(**{name: tuple(each) for name, each in of("links", nothing).items()}),
        history=of("history"),
        extra=extra,
        path=path,
        line=line,
        document=document,
        plain=plain,
        lines=lines,
    )


def _texts(written: Any, lang: str) -> Texts | None:
    if written is None:
        return None
    return Texts({lang: written} if isinstance(written, str) else written)


def _phrases(written: Any, lang: str) -> Mapping[str, tuple[str, ...]]:
    if not written:
        return {}
    by_lang = written if isinstance(written, dict) else {lang: written}
    return {name: tuple(each) for name, each in by_lang.items()}


def _day(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)
