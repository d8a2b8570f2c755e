"""Texts of model cards, and definitions of their metrics: ``ckm/data/model_card.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.yamlfile import YamlEntry

CARD_WORDS = Path(__file__).parents[1] / "data" / "model_card.yaml"
CARD_SCHEMA = "ckm.model_card/1"

_KEYS = ("schema", "version", "transactions", "labelled", "metrics")
_MODE_KEYS = ("purpose", "not_for", "limits", "definitions")


@dataclass(frozen=True)
class CardMetric:
    """A figure of a model card.

    Attributes
    ----------
    name
        Name as in :class:`ckm._churn.card_figures.Scores` and in machine formats.
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
        """Return a value in its format; empty for None."""
        return "" if value is None or value != value else self.format.format(value)


@dataclass(frozen=True)
class CardWords:
    """Sentences of a mode (transactions, or a table with a label), and metrics by name."""

    version: int
    purpose: tuple[str, ...]
    not_for: tuple[str, ...]
    limits: tuple[str, ...]
    metrics: tuple[CardMetric, ...]

    def metric(self, name: str) -> CardMetric:
        """Return the metric of this name; KeyError if unknown."""
        return {each.name: each for each in self.metrics}[name]


@cache
def load_card_words(*, labelled: bool = False, path: Path = CARD_WORDS) -> CardWords:
    """Return the texts that come with ckm.

    Parameters
    ----------
    labelled
        Whether the card is for a table with a label, which has no purchases and no dates.
    path
        Path of the file with the texts.

    Raises
    ------
    UsageError
        The file is invalid, or a metric is defined twice or not at all.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}: 'schema' is missing", hint=f"needed are {', '.join(_KEYS)}")
    keys = document.fields(_KEYS)
    if keys["schema"].text() != CARD_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not the words of a model card")
    mode = keys["labelled" if labelled else "transactions"].fields(_MODE_KEYS)
    definitions = {name: entry.text() for name, entry in mode["definitions"].mapping().items()}
    metrics = tuple(_metric(entry, definitions) for entry in keys["metrics"].items())
    if len({each.name for each in metrics}) < len(metrics):
        raise UsageError(f"{keys['metrics'].where}: a metric is defined twice")
    return CardWords(
        version=keys["version"].whole(),
        purpose=_sentences(mode["purpose"]),
        not_for=_sentences(mode["not_for"]),
        limits=_sentences(mode["limits"]),
        metrics=metrics,
    )


def _sentences(entry: YamlEntry) -> tuple[str, ...]:
    return tuple(item.text() for item in entry.items())


def _metric(entry: YamlEntry, definitions: Mapping[str, str]) -> CardMetric:
    keys = entry.fields(("name", "title", "format", "source"), ("definition",))
    texts = {name: value.text() for name, value in keys.items()}
    definition = definitions.get(texts["name"]) or texts.get("definition")
    if not definition:
        raise UsageError(f"{entry.where}: '{texts['name']}' has no definition")
    return CardMetric(**{**texts, "definition": definition})
