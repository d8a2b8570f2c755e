"""Languages by alphabet, their stop words and their stemmers."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DATA = Path(__file__).parents[2] / "data" / "search" / "stop_words.txt"

SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "fi": "finnish", "fr": "french", "hu": "hungarian", "id": "indonesian", "it": "italian",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "tr": "turkish",
}  # fmt: skip
_SAME = {"nb": "no", "nn": "no", "ms": "id", "pes": "fa", "prs": "fa"}
# Scripts of the languages that are not written in Latin letters.
_SCRIPT = {"ar": "arabic", "fa": "arabic", "ru": "cyrillic", "el": "greek"}

# Further Unicode blocks of the alphabets: Vietnamese and the capital sharp s, polytonic Greek, Old Cyrillic.
_EXTENSIONS = (
    ("cyrillic", "\u1c80", "\u1c90"), ("latin", "\u1d00", "\u1e00"), ("latin", "\u1e00", "\u1f00"),
    ("greek", "\u1f00", "\u2000"), ("latin", "\u2c60", "\u2c80"), ("cyrillic", "\u2de0", "\u2e00"),
    ("cyrillic", "\ua640", "\ua6a0"), ("latin", "\ua720", "\ua800"), ("latin", "\uab30", "\uab70"),
)  # fmt: skip


def base(tag: str) -> str:
    """Return the language of a BCP 47 tag: ``de`` for ``de-AT``; "" for a language without word lists."""
    primary = tag.replace("_", "-").split("-", 1)[0].lower()
    primary = _SAME.get(primary, primary)
    return primary if primary in SNOWBALL or primary == "fa" else ""


def alphabet_of(script: str, word: str) -> str:
    """Return the alphabet of a word, for its stop words and stemmers; ``script`` is ``arabic`` or ``spaced``.

    In a script with spaces the first letter decides. Arabic is a separate script
    (:mod:`ckm.search.analysis.normalization`); Syriac, Thaana, N'Ko and others are alphabets without stop words and
    stemmers.
    """
    if script == "arabic":
        return script
    first = word[0]
    if first < "\u0370":
        return "latin"
    if first < "\u0400":
        return "greek"
    if first < "\u0530":
        return "cyrillic"
    if first < "\u1c80":
        return "other"
    return next((alphabet for alphabet, start, end in _EXTENSIONS if start <= first < end), "other")


@cache
def languages_of(script: str) -> tuple[str, ...]:
    """Return the languages with word lists in an alphabet, sorted."""
    return tuple(sorted(language for language in (*SNOWBALL, "fa") if _SCRIPT.get(language, "latin") == script))


@cache
def _lines() -> dict[str, str]:
    return dict(line.split(" ", 1) for line in _DATA.read_text("utf-8").splitlines())


@cache
def stop_words(language: str) -> frozenset[str]:
    """Return the folded stop words of a language."""
    from ckm.search.analysis import alphabets, arabic

    fold = arabic.fold if _SCRIPT.get(language) == "arabic" else alphabets.fold
    return frozenset(fold(word) for word in _lines().get(language, "").split())


@cache
def _stemmer(language: str) -> Any:
    import Stemmer

    return Stemmer.Stemmer(SNOWBALL[language])


@lru_cache(maxsize=1 << 16)
def snowball(word: str, language: str) -> str:
    """Return the stem of a word from the Snowball stemmer of a language."""
    stem: str = _stemmer(language).stemWord(word)
    return stem


def guess(words: Iterable[str], among: Sequence[str]) -> tuple[str, ...]:
    """Return the languages whose stop words occur most often among folded words.

    Parameters
    ----------
    words
        Folded words of one alphabet.
    among
        The languages to choose from.

    Returns
    -------
    tuple of str
        Best first: languages with more than half as many stop words as the best one; all of ``among`` if no word is a
        stop word.
    """
    if len(among) < 2:
        return tuple(among)
    written = list(words)
    counts = {language: sum(word in stop_words(language) for word in written) for language in among}
    best = max(counts.values())
    if best == 0:
        return tuple(among)
    near = [language for language in among if counts[language] * 2 > best]
    return tuple(sorted(near, key=lambda language: (-counts[language], language)))
