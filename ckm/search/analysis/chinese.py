"""Chinese characters, with kana and Hangul: Traditional folded to Simplified, bigrams and single characters.

The table is OpenCC's (Apache-2.0), made by ``bench/search_tables.py``. A Traditional text can write 客户 throughout, so
without folding a search for 客戶 finds nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_DATA = Path(__file__).parents[2] / "data" / "search" / "simplified.txt"


@cache
def _table() -> dict[int, str]:
    return {ord(pair[0]): pair[1] for pair in _DATA.read_text("utf-8").split("\n") if pair}


def fold(run: str) -> str:
    """Return characters in their Simplified form, one for one; case of kana and Hangul does not exist."""
    return run.translate(_table())


def bigrams(folded: str) -> list[str]:
    """Return each pair of neighbours; a character that stands alone is a term by itself."""
    if len(folded) == 1:
        return [folded]
    return [folded[place : place + 2] for place in range(len(folded) - 1)]
