"""By the rules of which languages the words of a text are stemmed, where languages share an alphabet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.search.analysis import arabic, languages, spaced

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def chosen_languages(
    cut: Iterable[tuple[str, str]], lang: str, among: Collection[str] | None
) -> dict[str, tuple[str, ...]]:
    """Return the languages by which the words of each alphabet are stemmed.

    Parameters
    ----------
    cut
        Script and characters of each run of the text (:func:`ckm.search.analysis.text.runs`).
    lang, among
        As for :func:`ckm.search.analysis.analyse`.
    """
    declared = languages.base(lang)
    by_alphabet: dict[str, list[tuple[str, str]]] = {}
    others = 0
    for script, characters in cut:
        if script != "spaced":
            others += len(characters)
        if script in ("spaced", "arabic"):
            by_alphabet.setdefault(languages.alphabet_of(script, characters), []).append((script, characters))
    chosen: dict[str, tuple[str, ...]] = {}
    for alphabet, words in by_alphabet.items():
        known = languages.languages_of(alphabet)
        if declared in known:
            chosen[alphabet] = (declared,)
        elif among is not None and not (alphabet == "latin" and others > len(words)):
            held = [language for language in sorted(among) if language in known or not language]
            chosen[alphabet] = languages.guess(_folded(words), held) or ("",)
        elif alphabet == "latin" and others > len(words):
            chosen[alphabet] = ("en",)  # Latin words within Chinese, Thai or Persian are names and English
        else:
            near = languages.guess(_folded(words), known)
            # A document without a single stop word is a list of names or codes: nothing is known of its language.
            chosen[alphabet] = near[:1] if 0 < len(near) < len(known) or len(known) == 1 else ("",)
    return chosen


def _folded(words: list[tuple[str, str]]) -> list[str]:
    return [(arabic if script == "arabic" else spaced).fold(characters) for script, characters in words]
