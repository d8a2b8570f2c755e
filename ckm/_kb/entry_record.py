"""Convert an entry to a record of the index: searched texts, labels for filters, and the content of a hit.

The content is stored in the index as JSON, so that a search opens no YAML file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ckm._kb.multilingual_text import SCRIPT_OF_REGION
from ckm.plaintext import printable
from ckm.search.analysis.language_detection import detect
from ckm.search.index_record import ANY, IndexRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm._kb.entry import KnowledgeEntry

RECORDS = "6"
"""Version of records: increment it when the same entry gives another record, so that indexes are rebuilt."""
EVERYBODY = ANY
"""Label ``role`` of entries that everybody may read."""
TEXTS = ("issue", "resolution", "cause", "environment")
"""Texts of snippets in order of preference; aliases come last."""

SHORTEST_CUT = 25
"""Characters from which on a title may be the truncated beginning of a text; people write shorter titles."""
_ENDS = ".!?。！？؟"


def record_of(entry: KnowledgeEntry) -> IndexRecord:
    """Return the index record of an entry; the records of a file are one group.

    The key begins with the id and a space, so that hits with equal scores are in the order of ids. File and position
    follow, since an id may occur twice.
    """
    return IndexRecord(
        key=f"{entry.id} {entry.path}#{entry.document}",
        group=entry.path,
        texts=tuple(_texts(entry)),
        labels={name: tuple(values) for name, values in _labels(entry).items() if values},
        stored=json.dumps(_stored(entry), ensure_ascii=False, separators=(",", ":")),
    )


def _texts(entry: KnowledgeEntry) -> Iterator[tuple[str, str, str]]:
    for lang, text in entry.title.by_lang.items():
        yield "opening" if _is_cut_off(entry, lang, text) else "title", lang, text
    for phrases in (entry.aliases, entry.answers.questions):
        for lang, several in phrases.items():
            yield from (("alias", lang, text) for text in several)
    for texts in (entry.issue, entry.resolution, entry.cause, entry.environment):
        if texts is not None:
            yield from (("body", lang, text) for lang, text in texts.by_lang.items())
    yield from (("code", "", product) for product in entry.classify.products)


def _is_cut_off(entry: KnowledgeEntry, lang: str, title: str) -> bool:
    """Return whether a title is the beginning of a text, truncated within a sentence, as imports create it.

    A short title, or one that is a whole sentence or line of the text, was written by a person.
    """
    beginning = " ".join(title.rstrip(" .…").split())
    if len(beginning) < SHORTEST_CUT or beginning[-1] in _ENDS:
        return False
    for texts in (entry.issue, entry.resolution, entry.cause, entry.environment):
        text = texts.by_lang.get(lang, "") if texts is not None else ""
        start = " ".join(text[: 2 * len(title) + 2].split())
        if start.startswith(beginning) and len(start) > len(beginning):
            return not text.startswith(f"{title}\n") and start[len(beginning) :].lstrip()[0] not in _ENDS
    return False


def _labels(entry: KnowledgeEntry) -> dict[str, tuple[str, ...]]:
    classify, applies = entry.classify, entry.applies
    return {
        "id": (entry.id,),
        "kind": _named(entry.kind),
        "facet": _named(entry.facet),
        "need": _named(entry.need),
        "lang": tuple(dict.fromkeys(tag for lang in _searched_as(entry) for tag in _general(lang))),
        "tag": tuple(dict.fromkeys((*classify.topics, *classify.departments))),
        "topic": classify.topics,
        "department": classify.departments,
        "product": classify.products,
        "segment": classify.segments,
        "reason": entry.answers.reasons,
        "channel": applies.channels,
        "region": applies.regions,
        "state": (entry.state.confidence,),
        "audience": _named(entry.state.audience),
        "owner": _named(entry.review.owner),
        "role": entry.access.read or (EVERYBODY,),
        "from": _named(_day(applies.valid_from)),
        "until": _named(_day(applies.valid_until)),
        "supersedes": entry.links.supersedes,
        "evidence": tuple(dict.fromkeys(verdict for _, verdict in _verdicts(entry))),
    }


def _stored(entry: KnowledgeEntry) -> Mapping[str, Any]:
    """Return the content of a hit without empty values."""
    classify, applies, review = entry.classify, entry.applies, entry.review
    checked = max(
        (day for day in (review.last, entry.authentic.at, entry.provenance.collected_at) if day is not None),
        default=None,
    )
    everything = {
        "id": entry.id,
        "kind": entry.kind,
        "facet": entry.facet,
        "state": entry.state.confidence,
        "authentic": entry.authentic.status,
        "title": _shown(entry.title.by_lang),
        "texts": {name: _shown(texts.by_lang) for name in TEXTS if (texts := getattr(entry, name)) is not None},
        "aliases": _shown(_joined(entry.aliases, entry.answers.questions)),
        "languages": [lang for lang in _languages(entry) if lang],
        "topics": classify.topics,
        "departments": classify.departments,
        "products": classify.products,
        "segments": classify.segments,
        "reasons": entry.answers.reasons,
        "from": _day(applies.valid_from),
        "until": _day(applies.valid_until),
        "owner": review.owner,
        "checked": _day(checked),
        "due": _day(review.due_on),
        "read": entry.access.read,
        "supersedes": entry.links.supersedes,
        "evidence": _verdicts(entry),
        "path": entry.path,
        "line": entry.line,
    }
    return {name: value for name, value in everything.items() if value}


def _verdicts(entry: KnowledgeEntry) -> list[tuple[str, str]]:
    """Return day (ISO) and verdict of the evidence on an entry, oldest day first; one verdict per day."""
    if not entry.evidence:
        return []
    from ckm._kb.evidence import read_evidence, verdict_of  # import here: few entries have evidence

    items = read_evidence(entry.evidence)
    return [(day.isoformat(), verdict_of(items, day)) for day in sorted({each.date for each in items})]


def _shown(texts: Mapping[str, str]) -> dict[str, str]:
    """Return texts with control characters escaped, for all formats of hits."""
    return {lang: printable(text) for lang, text in texts.items()}


def _joined(*phrases: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return aliases and questions as one text per language, for snippets."""
    langs = dict.fromkeys(lang for each in phrases for lang in each)
    return {lang: " · ".join(text for each in phrases for text in each.get(lang, ())) for lang in langs}


def _languages(entry: KnowledgeEntry) -> list[str]:
    """Return the languages of title and issue in the order of the file."""
    return list(dict.fromkeys((*entry.title.by_lang, *entry.issue.by_lang)))


def _searched_as(entry: KnowledgeEntry) -> Iterator[str]:
    """Yield the languages for the filter ``lang``: the declared ones, else the detected ones.

    If none is detected, every language filter lets the entry pass.
    """
    undeclared = [texts.by_lang[""] for texts in (entry.title, entry.issue) if "" in texts.by_lang]
    for lang in _languages(entry):
        yield from (lang,) if lang else detect("\n".join(undeclared)) or (ANY,)


def _general(lang: str) -> Iterator[str]:
    """Yield a language tag and its more general tags: ``zh-Hans`` and ``zh``.

    Chinese can also be filtered by region (``zh-TW``). A plain ``zh`` passes the filters of both scripts.
    """
    parts = lang.split("-")
    general = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    yield from general
    if parts[0].lower() == "zh":
        lower = [tag.lower() for tag in general]
        scripts = {SCRIPT_OF_REGION.get(tag, tag) for tag in lower} & set(SCRIPT_OF_REGION.values())
        for region, script in SCRIPT_OF_REGION.items():
            if not scripts or script in scripts:
                yield from (tag for tag in (script, region) if tag not in lower)


def _named(word: str | None) -> tuple[str, ...]:
    return (word,) if word else ()


def _day(day: object) -> str | None:
    return None if day is None else str(day)
