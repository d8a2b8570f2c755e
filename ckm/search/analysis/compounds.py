"""Names and codes of several parts: ``Wi-Fi``, ``USB-C``, ``AB-12/3``, ``C++``, ``.NET``, ``R&D``, ``24/7``, ``3.5mm``.

Their parts are ordinary words. A compound also has terms of its own, as in Lucene's word delimiter filter with
``catenateAll`` and ``preserveOriginal``: parts joined by a dash are also one word (*wifi*), and a compound with another
sign is also a term with that sign (*c++*), which distinguishes it from the word without the sign.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ckm.search.analysis import alphabets
from ckm.search.analysis.languages import alphabet_of
from ckm.search.analysis.normalization import ARABIC, MARKS, without_unspaced
from ckm.search.analysis.word_forms import read_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST = 40
"""Largest number of characters of a compound; longer ones are usually web addresses."""

_LETTER = f"(?:[^\\W_]|[{MARKS}{ARABIC}])"  # in a text without characters of scripts without spaces
_DASHES = "-\u2010\u2013_"
_JOIN = rf"(?:[{_DASHES}/\u2044.&#]|\+{{1,2}}|(?<=\d),(?=\d))"
_END = rf"(?:(?:\+{{1,2}}|[#\u266f])(?!{_LETTER}))"
_LEADING_DOT = r"(?P<dot>(?:(?<!\S)|(?<=[(\[{\"„“«]))\.(?=[^\W\d_]))"
# The pattern also matches a word before a sign, which is not a compound and contains no sign.
_COMPOUND = re.compile(
    rf"(?<!{_LETTER}){_LEADING_DOT}?+{_LETTER}++(?(dot)|(?=[{_DASHES}/\u2044.,&#+\u266f]))(?:{_JOIN}{_LETTER}++)*+{_END}?+"
)
# Most texts have no compound, which this finds out ten times faster: a sign within a word, or one that ends a compound.
_POSSIBLE = re.compile(rf"[{_DASHES}/\u2044.,&#+]\S|[#+\u266f]")
_JOINED = re.compile(r"[^/\u2044.&,+#\u266f]+")
_DASH = re.compile(f"[{_DASHES}]+")
_SIGN = re.compile(r"[/\u2044.&,+#\u266f]")
_SAME_SIGN = str.maketrans({"\u2044": "/", ",": ".", "\u266f": "#"})
_SIGNIFICANT = re.compile(r"\d[.,]\d|[&+#\u266f]|^\.")  # signs that distinguish a compound
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")
_ARABIC = re.compile(f"[{ARABIC}]")
_CODE = re.compile(r"(?=.*\d)(?=.*[^\W\d_])")


class Compound(NamedTuple):
    """A reading of a compound: its text without dashes, and its position in the normalised text.

    ``signs``: whether the text contains other signs. Then the term is the text unchanged; else it is stemmed as a word.
    """

    written: str
    start: int
    end: int
    signs: bool


def compounds(normalised: str) -> Iterator[Compound]:
    """Yield the readings of all compounds of a text, in order."""
    if not _POSSIBLE.search(normalised):
        return
    for match in _COMPOUND.finditer(without_unspaced(normalised)):
        whole, start, end = match[0], match.start(), match.end()
        for piece in _JOINED.finditer(whole):
            if _DASH.search(piece[0]) and len(piece[0]) <= LONGEST:
                yield Compound(_DASH.sub("", piece[0]), start + piece.start(), start + piece.end(), signs=False)
        if _SIGN.search(whole) and len(whole) <= LONGEST:
            without = _DASH.sub("", whole).translate(_SAME_SIGN)
            yield Compound(without, start, end, signs=True)
            if _INITIALS.fullmatch(whole) or (_CODE.match(whole) and not _SIGNIFICANT.search(whole)):
                yield Compound(_SIGN.sub("", without), start, end, signs=False)


def terms_of(compound: Compound, chosen: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the terms of a compound; ``chosen`` has the languages for stemming by alphabet."""
    if compound.signs:
        return (alphabets.fold(compound.written),)
    script = "arabic" if _ARABIC.match(compound.written) else "spaced"
    return read_word(script, compound.written, chosen.get(alphabet_of(script, compound.written), ("",))).stems
