"""Weights of the scoring parts of a query.

The same for all languages. ``bench/search_weights.py`` chose them by cross-validation; ``docs/explanation/search.md``
explains how.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Weights:
    """Weight of each kind of match in the score.

    Attributes
    ----------
    grams
        Weight of a matching gram by script; a word has weight 1.
    forms
        Weight of an unstemmed word.
    pairs
        Weight of a pair of neighbouring words.
    foreign
        Factor for texts in another language than the query, if the index has texts in the language of the query.
    fields
        Number of times that the words of a text field count: a word in a title counts as three in a body. Other fields
        count once.
    """

    grams: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(("latin", "arabic", "han", "thai", "other"), 0.5))
    )
    forms: float = 0.3
    pairs: float = 0.4
    foreign: float = 0.8
    fields: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"title": 3, "alias": 2, "opening": 1, "body": 1})
    )

    def of_gram(self, script: str) -> float:
        """Return the weight of a gram of a script."""
        return self.grams.get(script, self.grams["other"])


WEIGHTS = Weights()
