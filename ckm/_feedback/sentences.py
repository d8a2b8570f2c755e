"""Split texts into sentences by the punctuation of their scripts."""

from __future__ import annotations

import re

LATIN_END = r"(?<=[.!?…])(?<!\b\w\.)(?<!\d\.)(?<!\b[A-ZÄÖÜ]\w\.)(?<!\b[A-ZÄÖÜ]\w\w\.)(?=\s+[^a-zà-öø-ÿ\s])"
"""After an end mark and before a space: "3.5" and "ckm.yaml" stay whole; not before a word in lower case, after a
single letter, a number (German ordinals) or a short word with a capital ("z. B.", "Dr.", "21. Juni")."""
OTHER_END = r"(?<=[。！？；!?؟۔।])(?![。！？；!?؟۔।.])"
_END = re.compile(rf"{LATIN_END}|{OTHER_END}|[\r\n]+")
_THAI_SPACE = re.compile(r"(?<=[\u0e00-\u0e7f])\s+(?=[\u0e00-\u0e7f])")
THAI_LONG = 300
"""Characters of a Thai text from which it is also split at spaces: Thai has no end mark, spaces divide clauses."""
SHORTEST = 45
"""Fewest characters of a sentence, about eight words (a Chinese character counts three): shorter sentences rarely have
a topic, and are joined to a neighbouring one."""
MOST = 8
"""Most sentences of one text; further ones are joined to the last."""


def sentences(text: str) -> list[str]:
    """Split a text into at most :data:`MOST` sentences; an empty text has none.

    A sentence shorter than :data:`SHORTEST` is joined to the next or previous one, and the sentences after the last of
    :data:`MOST` are joined to it. Line breaks and repeated spaces become one space.

    >>> sentences("The parcel came two weeks late, as always now. The pot was broken and nobody answers! 3.5 stars")
    ['The parcel came two weeks late, as always now.', 'The pot was broken and nobody answers! 3.5 stars']
    """
    parts = [part for each in _END.split(text) if (part := " ".join(each.split()))]
    found: list[str] = []
    for part in parts:
        clauses = _THAI_SPACE.split(part) if len(part) > THAI_LONG else [part]
        for clause in clauses:
            if found and (text_length(clause) < SHORTEST or text_length(found[-1]) < SHORTEST or len(found) == MOST):
                found[-1] = f"{found[-1]} {clause}"
            else:
                found.append(clause)
    return found


def text_length(text: str) -> int:
    """Return the number of characters of a text, in which a Chinese character counts three."""
    return len(text) + 2 * sum("\u3400" <= sign <= "\u9fff" for sign in text)
