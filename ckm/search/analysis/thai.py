"""Analyzer for Thai, Lao, Khmer and Burmese: character clusters and dictionary words, since there are no spaces.

A cluster is a consonant with its vowels and marks (Theeramunkong et al., "Character cluster based Thai information
retrieval", IRAL 2000). A run is segmented into words of PyThaiNLP's list (CC0) by maximal matching: the fewest clusters
outside words, then the fewest words (Sornlertlamvanich, "Word segmentation for Thai in machine translation system",
NECTEC 1993).
"""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from pathlib import Path

GRAM = 4
SHORTEST = 4
"""Fewest characters of a word whose spelling is corrected."""

_DATA = Path(__file__).parents[2] / "data" / "search" / "thai_words.txt"
_LONGEST = 8  # maximum clusters of a word; longer words of the list are compounds of shorter ones

_CLUSTER = re.compile(
    "[เ-ไ]?[ก-ฮ][\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]*"
    "|[\u0ec0-\u0ec4]?[\u0e81-\u0eae][\u0eb0-\u0ebc\u0ec8-\u0ecd]*"
    "|[\u1000-\u102a][\u102b-\u103e]*|[\u1780-\u17b3](?:\u17d2[\u1780-\u17b3]|[\u17b4-\u17d1\u17d3])*"
    "|."
)


def language(run: str) -> tuple[str, ...]:
    """Return the language of a run, which follows from its script: Thai, Lao, Khmer or Burmese."""
    return ("th",) if run[0] < "\u0e80" else ("lo",) if run[0] < "\u0f00" else ("my",) if run[0] < "\u1100" else ("km",)


def clusters(run: str) -> list[str]:
    """Return the grapheme clusters of a run, in order."""
    return _CLUSTER.findall(run)


def grams(run: str) -> list[str]:
    """Return the character grams of a run; a shorter run is one gram."""
    return [run[place : place + GRAM] for place in range(max(1, len(run) - GRAM + 1))]


@cache
def _dictionary() -> frozenset[str]:
    return frozenset(_DATA.read_text("utf-8").split("\n"))


def words(run: list[str]) -> list[str]:
    """Split a run of Thai text into dictionary words.

    ``run`` has one grapheme cluster per element; a cluster that belongs to no dictionary word is a word of its own.
    """
    known = _dictionary()
    size = len(run)
    # The best segmentation up to each position, as one number that compares like (clusters outside words, words, start
    # of the last word).
    scale = size + 2
    best = [0] + [(size + 1) * scale * scale] * size
    joined = "".join(run)
    places = [0, *accumulate(map(len, run))]
    for start in range(size):
        so_far = best[start] // scale + 1
        single = (so_far + scale) * scale + start
        if single < best[start + 1]:
            best[start + 1] = single
        cost = so_far * scale + start
        place = places[start]
        for end in range(start + 1, min(start + _LONGEST, size) + 1):
            if cost < best[end] and joined[place : places[end]] in known:
                best[end] = cost
    cuts = []
    end = size
    while end:
        start = best[end] % scale
        cuts.append(joined[places[start] : places[end]])
        end = start
    return cuts[::-1]
