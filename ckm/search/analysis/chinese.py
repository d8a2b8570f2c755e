"""Analyzer for Chinese characters, kana and Hangul: Traditional folded to Simplified, bigrams, single characters.

The table is OpenCC's (Apache-2.0), created by ``bench/search_tables.py``. A Traditional text may contain 客户, so
without folding a search for 客戶 does not find it.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

VARIANTS = ("zh-Hans", "zh-Hant")

_DATA = Path(__file__).parents[2] / "data" / "search" / "simplified.txt"


@cache
def _table() -> dict[int, str]:
    return {ord(pair[0]): pair[1] for pair in _DATA.read_text("utf-8").split("\n") if pair}


@cache
def _only_simplified() -> frozenset[str]:
    return frozenset(_table().values()) - frozenset(map(chr, _table()))


def written_in(runs: Iterable[str]) -> tuple[str, ...]:
    """Return the languages of the runs of a text: zh-Hans, zh-Hant, ja or ko; both Chinese ones if unclear."""
    counts = dict.fromkeys((*VARIANTS, "ja", "ko"), 0)
    traditional, simplified = _table(), _only_simplified()
    for character, count in Counter("".join(runs)).items():
        if ord(character) in traditional:
            counts["zh-Hant"] += count
        elif character in simplified:
            counts["zh-Hans"] += count
        elif "\u3040" <= character <= "\u30ff":
            counts["ja"] += count
        elif "\uac00" <= character <= "\ud7af":
            counts["ko"] += count
    # Japanese mixes kana with Chinese characters, Korean is nearly all Hangul; a single brand name does not decide.
    most = max(counts.values())
    found = tuple(sorted(language for language, count in counts.items() if count == most))
    return found if most else VARIANTS


def fold(run: str) -> str:
    """Return a run with each character replaced by its Simplified form."""
    return run.translate(_table())


def bigrams(folded: str) -> list[str]:
    """Return each pair of neighbouring characters; a run of one character is returned as it is."""
    if len(folded) == 1:
        return [folded]
    return [folded[place : place + 2] for place in range(len(folded) - 1)]
