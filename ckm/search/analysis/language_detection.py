"""Detect the language of a text by its script and stop words, and choose the languages for stemming."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckm.search.analysis import alphabets, arabic, chinese, languages, thai
from ckm.search.analysis.normalization import normalise, runs
from ckm.search.analysis.tokens import NON_LATIN_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_READ = 4000  # maximum characters of a text that are read
_SHARE = 0.1  # minimum share of stop words; running text has 0.2 to 0.5 in any language


def detect(text: str) -> tuple[str, ...]:
    """Return the languages in which a text may be, as BCP 47 tags; none if nothing indicates a language.

    Returns
    -------
    tuple of str
        Usually one. Chinese without distinctive characters is ``zh``; Arabic script without enough stop words is both
        Arabic and Persian; a text with equally many stop words of two languages is in both.
    """
    weights: Counter[str] = Counter()
    pieces: dict[str, list[str]] = {}
    for script, characters, _ in runs(normalise(text[:_READ])):
        if script in ("han", "thai"):
            weights[script] += NON_LATIN_WEIGHT * len(characters)
            pieces.setdefault(script, []).append(characters)
            continue
        alphabet = languages.alphabet_of(script, characters)
        folded = arabic.fold(characters) if script == "arabic" else alphabets.fold(characters)
        if folded and not folded.isdecimal():
            weights[alphabet] += 1 if alphabet == "latin" else NON_LATIN_WEIGHT
            pieces.setdefault(alphabet, []).append(folded)
    if not weights:
        return ()
    main = min(weights, key=lambda name: (-weights[name], name))
    if main == "han":
        found = chinese.written_in(pieces[main])
        return ("zh",) if found == chinese.VARIANTS else found
    if main == "thai":
        return thai.language(pieces[main][0])
    return _by_stop_words(main, pieces[main])


def _by_stop_words(alphabet: str, folded: list[str]) -> tuple[str, ...]:
    known = languages.languages_of(alphabet)
    if not known:
        return ()
    near = languages.guess(folded, known)
    count = sum(word in languages.stop_words(near[0]) for word in folded)
    if count and count >= _SHARE * len(folded):
        return near
    return known if alphabet in ("arabic", "greek") else ()


def chosen_languages(
    runs_of_text: Iterable[tuple[str, str]], lang: str, among: Collection[str] | None
) -> dict[str, tuple[str, ...]]:
    """Return the languages in which the words of each alphabet are stemmed.

    Parameters
    ----------
    runs_of_text
        Script and characters of each run of the text (:func:`ckm.search.analysis.normalization.runs`).
    lang, among
        As for :func:`ckm.search.analysis.analyse`.
    """
    declared = languages.base(lang)
    by_alphabet: dict[str, list[tuple[str, str]]] = {}
    others = 0
    for run in runs_of_text:
        script, characters = run
        if script != "spaced":
            others += len(characters)
        if script in ("spaced", "arabic"):
            by_alphabet.setdefault(languages.alphabet_of(script, characters), []).append(run)
    chosen: dict[str, tuple[str, ...]] = {}
    for alphabet, words in by_alphabet.items():
        known = languages.languages_of(alphabet)
        if declared in known:
            chosen[alphabet] = (declared,)
        elif among is not None and not (alphabet == "latin" and others > len(words)):
            held = [language for language in sorted(among) if language in known or not language]
            chosen[alphabet] = languages.guess(_folded(words), held) or ("",)
        elif alphabet == "latin" and others > len(words):
            chosen[alphabet] = ("en",)  # Latin words in Chinese, Thai or Persian text are names and English words
        else:
            near = languages.guess(_folded(words), known)
            # A document without a stop word is a list of names or codes in an unknown language.
            chosen[alphabet] = near[:1] if 0 < len(near) < len(known) or len(known) == 1 else ("",)
    return chosen


def _folded(words: list[tuple[str, str]]) -> list[str]:
    return [(arabic if script == "arabic" else alphabets).fold(characters) for script, characters in words]
