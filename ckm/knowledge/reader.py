"""What a reader sees of a hit: title and passage in a language of theirs, with the words marked that matched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ckm.knowledge.records import TEXTS
from ckm.knowledge.texts import nearest_language
from ckm.search.passage import passage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ckm.search.analysis import Analysis

    Marks = tuple[tuple[int, int], ...]

UNKNOWN = "und"
"""Language of a text that gives no sign of its language (BCP 47)."""


class Shown(NamedTuple):
    """A text with what to mark in it (start and end, by characters), its language and the key it stands under."""

    text: str
    marks: Marks
    lang: str
    field: str


def query_languages(analysis: Analysis) -> tuple[str, ...]:
    """Return the languages that a query may be in, those of most of it first; empty where it gives no sign."""
    lengths: dict[str, int] = {}
    for tags, length in analysis.lengths.items():
        for tag in tags:
            if tag in analysis.languages and tag:
                lengths[tag] = lengths.get(tag, 0) + length
    return tuple(sorted(lengths, key=lambda tag: (-lengths[tag], tag)))


def main_language(analysis: Analysis) -> str:
    """Return the language that a query is in; ``und`` where it may be in several, or gives no sign."""
    tags = [tag for tag in analysis.home if tag in analysis.languages and tag]
    return tags[0] if len({tag.split("-")[0] for tag in tags}) == 1 else UNKNOWN


def show(entry: Mapping[str, Any], analysis: Analysis, prefer: str, width: int) -> tuple[Shown, Shown]:
    """Return the title and the passage of a hit.

    Parameters
    ----------
    entry
        As :mod:`ckm.knowledge.records` stored it.
    analysis
        Of the query.
    prefer
        The language that the reader prefers; "": that of the query, and of those that it may be in the one in which
        the entry matches best.
    width
        Characters of the passage.

    Returns
    -------
    tuple
        The passage holds most of the query's words of all texts in the title's language; where nothing in them
        matches, of those in another language. Where nothing matches at all it is the beginning of the issue.
    """
    exactly = _shown(entry, analysis, prefer, width, alike=False)
    if any(shown.marks for shown in exactly):
        return exactly
    return _shown(entry, analysis, prefer, width, alike=True)


def _shown(
    entry: Mapping[str, Any], analysis: Analysis, prefer: str, width: int, *, alike: bool
) -> tuple[Shown, Shown]:
    langs = [nearest_language(_titled(entry), prefer)] if prefer else _readable(entry, analysis)

    def best(lang: str | None) -> Shown:
        return _best_passage(entry, analysis, lang or "", width, alike=alike)

    passages = {lang: best(lang) for lang in langs}
    titles = {lang: _title(entry, analysis, lang or "", alike=alike) for lang in langs}
    lang = max(langs, key=lambda one: _worth(titles[one]) + _worth(passages[one]))  # of equals the first
    title, chosen = titles[lang], passages[lang]
    if not chosen.marks and not title.marks:
        others = [best(other) for other in _all_languages(entry) if other not in langs]
        chosen = max((chosen, *others), key=_worth)
    return title, chosen


def _readable(entry: Mapping[str, Any], analysis: Analysis) -> list[str | None]:
    """Return the languages of the entry that the query may be in, the entry's own where there is none."""
    found: dict[str | None, None] = {}
    for wanted in query_languages(analysis):
        near = nearest_language(_titled(entry), wanted)
        if near is not None and near.split("-")[0] == wanted.split("-")[0]:
            found[near] = None
    return list(found) or [nearest_language(_titled(entry), "")]


def _titled(entry: Mapping[str, Any]) -> Iterable[str]:
    """Return the languages of the title; of all texts where a mistake in the file left the entry without one."""
    return entry.get("title") or _all_languages(entry)


def _all_languages(entry: Mapping[str, Any]) -> list[str]:
    texts = (entry.get("title", {}), *entry.get("texts", {}).values(), entry.get("aliases", {}))
    return list(dict.fromkeys(lang for each in texts for lang in each))


def _title(entry: Mapping[str, Any], analysis: Analysis, lang: str, *, alike: bool) -> Shown:
    text = entry.get("title", {}).get(lang) or entry["id"]
    shown, marks = passage(text, analysis, len(text) + 1, lang, alike=alike)
    return Shown(shown, marks, lang, "title")


def _best_passage(entry: Mapping[str, Any], analysis: Analysis, lang: str, width: int, *, alike: bool) -> Shown:
    best = Shown("", (), lang, "")
    for field, text in _texts(entry, lang):
        shown = Shown(*passage(text, analysis, width, lang, alike=alike), lang, field)
        if not best.text or _worth(shown) > _worth(best):
            best = shown
    return best


def _texts(entry: Mapping[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    texts = entry.get("texts", {})
    for field in TEXTS:
        if text := texts.get(field, {}).get(lang):
            yield field, text
    if text := entry.get("aliases", {}).get(lang):
        yield "aliases", text


def _worth(shown: Shown) -> int:
    """Return how many different words are marked."""
    return len({shown.text[start:end].casefold() for start, end in shown.marks})
