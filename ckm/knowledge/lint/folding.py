"""Texts as they are compared: one way to write a word, in every script."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ckm.search.analysis import arabic, chinese, spaced
from ckm.search.analysis.text import normalise, runs

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLD: dict[str, Callable[[str], str]] = {"han": chinese.fold, "arabic": arabic.fold, "spaced": spaced.fold}
"""How the runs of a script are folded; those of others stay as NFKC leaves them."""


@lru_cache(maxsize=1 << 16)
def fold(text: str) -> str:
    """Return a text as the search folds it: case, accents, umlauts, Traditional characters and Arabic letters agree.

    Words are parted by one space, punctuation is gone.
    """
    return " ".join(_FOLD.get(script, str)(characters) for script, characters, _ in runs(normalise(text)))
