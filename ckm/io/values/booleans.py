"""Parse Boolean columns, with words of several languages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import polars as pl

from ckm.io.values.vocabulary import fold
from ckm.io.values.word_lists import load_data


@cache
def truth_words() -> dict[str, bool]:
    """Return the folded words for true and false."""
    data = load_data("truth_words.yaml")
    return {fold(str(word)): meaning == "true" for meaning, words in data.items() for word in words}


@dataclass(frozen=True)
class TruthReader:
    """Parser of Boolean columns."""

    dtype = pl.Boolean()
    reason = "truth"

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Parse ``true`` and ``false``; null for other texts."""
        return text.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)

    def careful(self, texts: pl.Series) -> pl.Series:
        """Parse words for true and false in several languages; null for other texts."""
        words = truth_words()
        meant = [None if text is None else words.get(fold(text)) for text in texts]
        return pl.Series(texts.name, meant, dtype=pl.Boolean)
