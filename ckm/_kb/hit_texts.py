"""Title and snippet of a hit in the reader's language, with the matching words highlighted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ckm._kb.entry_record import TEXTS
from ckm._kb.multilingual_text import nearest_language
from ckm.search.snippet import snippet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ckm.search.analysis import Analysis

UNKNOWN = "und"
"""Language tag of a text in an unknown language (BCP 47)."""


class HighlightedText(NamedTuple):
    """A text, its highlights as (start, end) character positions, its language and its key in the entry."""

    text: str
    highlights: tuple[tuple[int, int], ...]
    lang: str
    field: str

    @property
    def matches(self) -> int:
        """Number of different words that are highlighted."""
        return len({self.text[start:end].casefold() for start, end in self.highlights})


def main_language(analysis: Analysis) -> str:
    """Return the language of a query; ``und`` if it may be in several languages or in an unknown one."""
    tags = [tag for tag in analysis.home if tag in analysis.languages and tag]
    return tags[0] if len({tag.split("-")[0] for tag in tags}) == 1 else UNKNOWN


def hit_texts(
    entry: Mapping[str, Any], analysis: Analysis, prefer: str, width: int
) -> tuple[HighlightedText, HighlightedText]:
    """Return the title and the snippet of a hit.

    Parameters
    ----------
    entry
        As :mod:`ckm._kb.entry_record` stored it.
    analysis
        Analysis of the query.
    prefer
        Language that the reader prefers; "": of the languages that the query may be in, the one in which the entry
        matches best.
    width
        Characters of the snippet.

    Returns
    -------
    tuple
        The snippet is the part of a text in the title's language with the most words of the query; if none matches, of
        a text in another language. If nothing matches, it is the beginning of the issue.
    """
    langs = [nearest_language(_title_languages(entry), prefer)] if prefer else _query_languages(entry, analysis)
    found = _texts_in(entry, analysis, langs, width, similar=False)
    if any(text.highlights for text in found):
        return found
    return _texts_in(entry, analysis, langs, width, similar=True)


def _texts_in(
    entry: Mapping[str, Any], analysis: Analysis, langs: list[str | None], width: int, *, similar: bool
) -> tuple[HighlightedText, HighlightedText]:
    """Return title and snippet in the language with the most matches, the first of equals."""
    snippets = {lang: _best_snippet(entry, analysis, lang or "", width, similar=similar) for lang in langs}
    titles = {}
    for lang in langs:
        text = entry.get("title", {}).get(lang or "") or entry["id"]
        titles[lang] = HighlightedText(
            *snippet(text, analysis, len(text) + 1, lang or "", similar=similar), lang or "", "title"
        )
    lang = max(langs, key=lambda one: titles[one].matches + snippets[one].matches)
    title, best = titles[lang], snippets[lang]
    if not best.highlights and not title.highlights:
        others = [other for other in _all_languages(entry) if other not in langs]
        candidates = [best, *(_best_snippet(entry, analysis, other, width, similar=similar) for other in others)]
        best = max(candidates, key=lambda candidate: candidate.matches)
    return title, best


def _query_languages(entry: Mapping[str, Any], analysis: Analysis) -> list[str | None]:
    """Return the languages of the entry that the query may be in; if there are none, the entry's first language."""
    lengths: dict[str, int] = {}
    for tags, length in analysis.lengths.items():
        for tag in tags:
            if tag in analysis.languages and tag:
                lengths[tag] = lengths.get(tag, 0) + length
    found: dict[str | None, None] = {}
    for wanted in sorted(lengths, key=lambda tag: (-lengths[tag], tag)):
        near = nearest_language(_title_languages(entry), wanted)
        if near is not None and near.split("-")[0] == wanted.split("-")[0]:
            found[near] = None
    return list(found) or [nearest_language(_title_languages(entry), "")]


def _title_languages(entry: Mapping[str, Any]) -> Iterable[str]:
    """Return the languages of the title; of all texts if a mistake in the file left the entry without a title."""
    return entry.get("title") or _all_languages(entry)


def _all_languages(entry: Mapping[str, Any]) -> list[str]:
    texts = (entry.get("title", {}), *entry.get("texts", {}).values(), entry.get("aliases", {}))
    return list(dict.fromkeys(lang for each in texts for lang in each))


def _best_snippet(
    entry: Mapping[str, Any], analysis: Analysis, lang: str, width: int, *, similar: bool
) -> HighlightedText:
    """Return the snippet with the most matches of all texts in a language, the first of equals."""
    best = HighlightedText("", (), lang, "")
    for field, text in _texts(entry, lang):
        found = HighlightedText(*snippet(text, analysis, width, lang, similar=similar), lang, field)
        if not best.text or found.matches > best.matches:
            best = found
    return best


def _texts(entry: Mapping[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    texts = entry.get("texts", {})
    for field in TEXTS:
        if text := texts.get(field, {}).get(lang):
            yield field, text
    if text := entry.get("aliases", {}).get(lang):
        yield "aliases", text
