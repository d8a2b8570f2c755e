"""Render an entry as a page and as JSON. Control characters of texts are escaped."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ckm.plaintext import harmless, harmless_json, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from ckm._kb.entry import KnowledgeEntry
    from ckm._kb.entry_view import EntryView, LinkedEntry
    from ckm._kb.multilingual_text import MultilingualText

INDENT = 2
PLAIN_WIDTH = 80
"""Line length in characters if the width of the terminal is not known."""


@dataclass(frozen=True)
class Block:
    """A heading of the page, or the lines below it."""

    text: str
    heading: bool = False


def page(shown: EntryView) -> list[Block]:
    """Return the blocks of an entry's page."""
    entry = shown.entry
    lang, title = entry.title.in_language(shown.lang)
    blocks = [Block(harmless(one_line(title or entry.id)), heading=True)]
    others = sorted(other for other in entry.languages if other and other != lang)
    blocks.append(Block(harmless(one_line(f"{entry.id} · {entry.kind} · {_state(entry, shown.as_of)}"))))
    if lang or others:
        blocks.append(
            Block(harmless(f"in {lang or 'one language'}" + (f", also in {', '.join(others)}" if others else "")))
        )
    parts = {"Issue": entry.issue, "Cause": entry.cause, "Resolution": entry.resolution, "Where": entry.environment}
    for name, texts in parts.items():
        if texts is not None and texts.by_lang:
            blocks += [Block(name, heading=True), *_texts(texts, shown.lang)]
    for name, lines in (
        ("Answers", _answers(entry, shown.lang)),
        ("Applies", _applies(entry)),
        ("About this entry", _about(entry)),
        ("Supersedes", _links(shown.supersedes)),
        ("Superseded by", _links(shown.superseded_by)),
        ("Related", _links(shown.related)),
        ("Similar", _links(shown.similar)),
        ("Other keys", [f"{key}: {_plain(value)}" for key, value in entry.extra.items()]),
        ("Mistakes", [f"{each.where}: {each.message}" for each in shown.mistakes]),
    ):
        if lines:
            blocks += [Block(name, heading=True), *(Block(harmless(one_line(line))) for line in lines)]
    return blocks


def as_text(blocks: list[Block]) -> str:
    """Return the page as plain text without wrapping."""
    lines = []
    for number, block in enumerate(blocks):
        if block.heading and number:
            lines.append("")
        indent = "" if block.heading else " " * INDENT
        lines += [f"{indent}{line}".rstrip() for line in block.text.split("\n")]
    return "\n".join(lines) + "\n"


def draw(blocks: list[Block]) -> None:
    """Print the page, wrapped to the width of the terminal."""
    from ckm.render.screen import bold, filled, window

    lines: list[str] = []
    for number, block in enumerate(blocks):
        text = filled(block.text, width=window() or PLAIN_WIDTH, mark="" if block.heading else " " * INDENT)
        if block.heading:
            lines += [""] if number else []
            lines += map(bold, text.split("\n"))
        else:
            lines += text.split("\n")
    sys.stdout.writelines(f"{line}\n" for line in lines)


def as_json(shown: EntryView) -> str:
    """Return all fields as JSON: the keys of the entry as written, its position, validity, links and mistakes."""
    entry = shown.entry
    links = {
        name: [asdict(each) for each in getattr(shown, name)]
        for name in ("supersedes", "superseded_by", "related", "similar")
    }
    fields = {
        **entry.plain,
        "extra": entry.extra,
        "file": entry.path,
        "line": entry.line,
        "as_of": shown.as_of.isoformat(),
        "valid": entry.valid_on(shown.as_of),
        "review_due": _iso(entry.review.due_on),
        "linked": links,
        "mistakes": [{"where": each.where, "message": each.message, "hint": each.hint} for each in shown.mistakes],
    }
    return harmless_json(json.dumps(fields, ensure_ascii=False, indent=1)) + "\n"


def _state(entry: KnowledgeEntry, day: date) -> str:
    """Return state, validity on a date, and date of the next review."""
    facts = [entry.state.confidence.replace("_", " ")]
    begin, end, due = entry.applies.valid_from, entry.applies.valid_until, entry.review.due_on
    if end is not None and end < day:
        facts.append(f"expired on {end}")
    elif begin is not None and begin > day:
        facts.append(f"not valid before {begin}")
    elif end is not None:
        facts.append(f"valid until {end}")
    if due is not None:
        facts.append(f"review overdue since {due}" if due < day else f"review due {due}")
    return " · ".join((*facts, f"as of {day}"))


def _texts(texts: MultilingualText, prefer: str) -> Iterator[Block]:
    """Yield the text in the preferred language; without one, the texts in all languages."""
    chosen, text = texts.in_language(prefer)
    if prefer or len(texts.by_lang) == 1:
        yield Block(harmless(text))
        return
    for lang in (chosen, *(other for other in texts.by_lang if other != chosen)):
        yield Block(harmless(f"[{lang}] {texts.by_lang[lang]}"))


def _answers(entry: KnowledgeEntry, prefer: str) -> list[str]:
    lines = [f"churn reasons: {', '.join(entry.answers.reasons)}"] if entry.answers.reasons else []
    lines += _phrases("questions", entry.answers.questions)
    return lines + _phrases("aliases", entry.aliases)


def _phrases(name: str, by_lang: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [f"{name}{f' [{lang}]' if lang else ''}: {'; '.join(each)}" for lang, each in by_lang.items() if each]


def _applies(entry: KnowledgeEntry) -> list[str]:
    applies = entry.applies
    lines = [("channels", applies.channels), ("regions", applies.regions)]
    lines += [(name, getattr(entry.classify, name)) for name in ("products", "segments")]
    lines_shown = [f"{name}: {', '.join(each)}" for name, each in lines if each]
    if applies.valid_from or applies.valid_until:
        lines_shown.append(f"from {applies.valid_from or 'ever'} until {applies.valid_until or 'further notice'}")
    return lines_shown


def _about(entry: KnowledgeEntry) -> list[str]:
    provenance, authentic, review, access = entry.provenance, entry.authentic, entry.review, entry.access
    facts = {
        "kind of information": entry.facet,
        "topics": ", ".join(entry.classify.topics),
        "departments": ", ".join(entry.classify.departments),
        "collected": _joined(provenance.origin, "by", provenance.collected_by, "on", provenance.collected_at),
        "sources": "; ".join(provenance.sources),
        "verified": _joined(authentic.status, "by", authentic.by, "on", authentic.at, ":", authentic.how),
        "owner": review.owner,
        "last review": review.last,
        "audience": entry.state.audience,
        "classification": access.classification,
        "may be read by": ", ".join(access.read),
        "evidence": _measured(entry.evidence),
        "file": f"{entry.path}:{entry.line}",
    }
    return [f"{name}: {fact}" for name, fact in facts.items() if fact]


def _measured(evidence: object) -> str | None:
    """Return the effects of the evidence as text; evidence in another form as JSON; None without any."""
    from ckm._kb.evidence import read_evidence

    if evidence is None:
        return None
    items = read_evidence(evidence)
    if not items or len(items) < (len(evidence) if isinstance(evidence, list) else 1):
        return _plain(evidence)
    return "; ".join(each.sentence() for each in items)


def _joined(first: object, *rest: object) -> str:
    """Return the facts that are not empty, each after its word: ``verified by ben on 2026-01-31``."""
    parts = [str(first)] if first else []
    parts += [f"{word} {fact}" for word, fact in zip(rest[::2], rest[1::2], strict=True) if fact]
    return " ".join(parts)


def _links(links: tuple[LinkedEntry, ...]) -> list[str]:
    return [
        f"{each.id}: {each.title} ({each.confidence.replace('_', ' ')})"
        if each.confidence
        else f"{each.id}: does not exist"
        for each in links
    ]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
