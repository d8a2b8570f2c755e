"""Normalise a text (NFKC, ASCII digits) and split it into runs of one script."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Scripts without spaces between words. Kana and Hangul are analysed like Chinese characters, as bigrams. Lao, Khmer and
# Burmese are analysed like Thai, as clusters of a consonant and its vowels.
HAN = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"  # noqa: E501
THAI = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u17d7\u17dc"
ARABIC = "\u0620-\u065f\u066e-\u06d3\u06d5-\u06dc\u06df-\u06ef\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff"
# Python's \w excludes vowel marks of Indic scripts and combining accents. The soft hyphen is part of a word.
MARKS = "\u00ad\u0300-\u036f\u0900-\u0963\u0970-\u0dff"
_SPACED = f"(?:[^\\W_{HAN}{THAI}{ARABIC}\u0900-\u0dff]|[{MARKS}])"  # of scripts without an analyzer of their own
LETTER = f"(?:[^\\W_{HAN}{THAI}]|[{MARKS}{ARABIC}])"
"""A letter, digit or mark of a script with spaces between words."""

_RUN = re.compile(f"(?P<spaced>{_SPACED}+)|(?P<han>[{HAN}]+)|(?P<thai>[{THAI}]+)|(?P<arabic>[{ARABIC}]+)")
# Compiling a set of these characters takes milliseconds; most texts have none of them.
_UNSPACED = f"[{HAN}{THAI}]"
_FIRST_UNSPACED = THAI[0]
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")


def normalise(text: str) -> str:
    """Return the text in NFKC with ASCII digits and unchanged case."""
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def without_unspaced(normalised: str) -> str:
    """Return a text with a null character in place of each character of a script without spaces between words."""
    return re.sub(_UNSPACED, "\0", normalised) if max(normalised, default="") >= _FIRST_UNSPACED else normalised


def origins(text: str, normalised: str) -> list[int] | None:
    """Return, for each character of the normalised text and its end, the position in ``text``; None if none differs."""
    if len(text) == len(normalised) and (text.isascii() or unicodedata.is_normalized("NFKC", text)):
        return None
    places: list[int] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not unicodedata.combining(text[place]):
            places += [start] * len(unicodedata.normalize("NFKC", text[start:place]))
            start = place
    if len(places) != len(normalised):  # characters compose although none is a mark, as in old Hangul
        places = [min(place, len(text)) for place in range(len(normalised))]
    return [*places, len(text)]


def runs(normalised: str) -> Iterator[tuple[str, str, int]]:
    """Yield script, characters and start of each run; a run of ``spaced`` or ``arabic`` is one word."""
    for match in _RUN.finditer(normalised):
        yield match.lastgroup or "", match[0], match.start()


def all_runs(normalised: str) -> list[tuple[str, str, str, str]]:
    """Return the runs as tuples (spaced, han, thai, arabic): the characters at the script of the run, else ""."""
    return _RUN.findall(normalised)
