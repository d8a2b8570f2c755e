"""What counts how much: the one place for the weights of ranking.

One set for all languages. ``bench/search_weights.py`` chose them by cross-validation; docs/search.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Weights:
    """How much each kind of match adds to a score.

    Attributes
    ----------
    grams
        Script to the weight of one matching gram beside that of a word, which is 1.
    forms
        Weight of a word as it is written.
    pairs
        Weight of two words that stand side by side.
    near
        Weight of a word one mistake away from a word that no text has.
    foreign
        Factor on the score of a text that is in another language than the query, where the query's language is told
        and the index has texts in it.
    fields
        Text field to how often its words are counted: a word in a title is worth as much as three in a body. A field
        that is not named counts once.
    """

    grams: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(("latin", "arabic", "han", "thai", "other"), 0.5))
    )
    forms: float = 0.3
    pairs: float = 0.5
    near: float = 1.0
    foreign: float = 0.8
    fields: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"title": 3, "alias": 2, "opening": 1, "body": 1})
    )

    def of_gram(self, script: str) -> float:
        """Return the weight of a gram of a script."""
        return self.grams.get(script, self.grams["other"])


WEIGHTS = Weights()
