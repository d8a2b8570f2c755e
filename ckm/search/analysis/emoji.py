"""Emoji as terms, by the sequences of Unicode Technical Standard 51.

An emoji with a skin tone also has the term without it, so that both match. Variation selectors, which only affect
rendering, are removed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Characters that are emoji by default, and text characters that a selector turns into emoji: an arrow without a
# selector is not a word.
_SIGN = "[\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001fbff]"
_SELECTED = "[\u00a9\u00ae\u2190-\u23ff\u25a0-\u25ff\u2900-\u297f\u2b00-\u2bff\u3030\u303d]\ufe0f"
_ONE = f"(?:{_SELECTED}|{_SIGN}[\ufe0e\ufe0f]?)[\U0001f3fb-\U0001f3ff]?(?:[\U000e0020-\U000e007e]+\U000e007f)?\u20e3?"
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"  # flags
    "|[0-9#*]\ufe0f?\u20e3"  # keycaps
    f"|{_ONE}(?:\u200d{_ONE})*"
)
_SELECTORS = re.compile("[\ufe0e\ufe0f]")
_TONES = re.compile("(?<=.)[\U0001f3fb-\U0001f3ff]")


class Emoji(NamedTuple):
    """An emoji in a normalised text.

    ``terms`` are the emoji without and with its skin tone; ``parts`` are the emoji of which a joined emoji consists;
    empty for other emoji.
    """

    start: int
    end: int
    terms: tuple[str, ...]
    parts: tuple[str, ...]


def all_emoji(normalised: str) -> Iterator[Emoji]:
    """Yield the emoji of a text, in order."""
    if normalised.isascii():
        return
    for match in _EMOJI.finditer(normalised):
        written = _SELECTORS.sub("", match[0])
        plain = _TONES.sub("", written)
        parts = tuple(plain.split("\u200d"))
        yield Emoji(match.start(), match.end(), tuple(dict.fromkeys((plain, written))), parts if len(parts) > 1 else ())
