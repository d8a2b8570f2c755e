"""Thai, and Lao, Khmer and Burmese: character clusters, since there are no spaces between words.

A cluster is a consonant with the vowels and marks that cannot stand without it, after the idea of Theeramunkong et al.,
"Character cluster based Thai information retrieval", IRAL 2000.
"""

from __future__ import annotations

import re

GRAM = 4

_CLUSTER = re.compile(
    "[เ-ไ]?[ก-ฮ][\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]*"
    "|[\u0ec0-\u0ec4]?[\u0e81-\u0eae][\u0eb0-\u0ebc\u0ec8-\u0ecd]*"
    "|[\u1000-\u102a][\u102b-\u103e]*|[\u1780-\u17b3](?:\u17d2[\u1780-\u17b3]|[\u17b4-\u17d1\u17d3])*"
    "|."
)


def fold(run: str) -> str:
    """Return a run with one way to write a character: nothing is left to do after NFKC."""
    return run


def clusters(run: str) -> list[str]:
    """Return the clusters of a run, in order; together they are the run."""
    return _CLUSTER.findall(run)


def grams(run: str) -> list[str]:
    """Return all runs of four characters; a shorter run is one gram."""
    return [run[place : place + GRAM] for place in range(max(1, len(run) - GRAM + 1))]
