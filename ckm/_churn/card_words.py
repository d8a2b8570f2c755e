"""Texts of a model card, and its metrics with title, format and definition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.yamlfile import YamlEntry

CARD_WORDS = Path(__file__).parents[1] / "data" / "model_card.yaml"


@dataclass(frozen=True)
class CardMetric:
    """A metric of a model card.

    Attributes
    ----------
    name
        Name in machine formats: a key of :data:`ckm._churn.model_card.ATTRIBUTES`, or a figure of the reliability or
        gain curve.
    title
        Title for readers.
    format
        Number format for readers, as a ``str.format`` template.
    definition, source
        Definition and its source; no source for plain counts and shares.
    """

    name: str
    title: str
    format: str
    definition: str
    source: str

    def shown(self, value: float | None) -> str:
        """Return the text for a value of this metric; empty for None and NaN."""
        return "" if value is None or math.isnan(value) else self.format.format(value)


@dataclass(frozen=True)
class CardWords:
    """Texts of a mode (transactions, or a table with a label), and its metrics."""

    purpose: tuple[str, ...]
    not_for: tuple[str, ...]
    limits: tuple[str, ...]
    metrics: tuple[CardMetric, ...]

    def metric(self, name: str) -> CardMetric:
        """Return the metric with this name; KeyError if there is none."""
        return {each.name: each for each in self.metrics}[name]


@cache
def load_card_words(*, labelled: bool = False) -> CardWords:
    """Return the texts of :data:`CARD_WORDS`.

    Parameters
    ----------
    labelled
        Whether the card is for a table with a label, which has no purchases and no dates.
    """
    document = read_yaml(CARD_WORDS)
    assert document is not None
    keys = document.fields(("schema", "version", "transactions", "labelled", "metrics"))
    mode = keys["labelled" if labelled else "transactions"].fields(("purpose", "not_for", "limits", "definitions"))
    definitions = {name: entry.text() for name, entry in mode["definitions"].mapping().items()}
    return CardWords(
        purpose=_sentences(mode["purpose"]),
        not_for=_sentences(mode["not_for"]),
        limits=_sentences(mode["limits"]),
        metrics=tuple(_metric(entry, definitions) for entry in keys["metrics"].items()),
    )


def _sentences(entry: YamlEntry) -> tuple[str, ...]:
    return tuple(item.text() for item in entry.items())


def _metric(entry: YamlEntry, definitions: Mapping[str, str]) -> CardMetric:
    keys = entry.fields(("name", "title", "format", "source"), ("definition",))
    texts = {name: value.text() for name, value in keys.items()}
    return CardMetric(**{**texts, "definition": definitions.get(texts["name"]) or texts["definition"]})
