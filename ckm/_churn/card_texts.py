"""What every model card says, and what its figures mean: ``ckm/data/model_card.yaml``."""

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
        As in :class:`ckm._churn.card_figures.Scores`, and in machine formats.
    title
        For a person.
    format
        How a person sees it, as a ``str.format`` template.
    definition, source
        What it means, and who defined it; no source where it is a plain count or share.
    """

    name: str
    title: str
    format: str
    definition: str
    source: str

    def shown(self, value: float | None) -> str:
        """Return a value as a person reads it; nothing where there is none."""
        return "" if value is None or value != value else self.format.format(value)


@dataclass(frozen=True)
class CardWords:
    """The sentences of every card of one mode (transactions, or a table with a label), and its metrics by name."""

    version: int
    purpose: tuple[str, ...]
    not_for: tuple[str, ...]
    limits: tuple[str, ...]
    metrics: tuple[CardMetric, ...]

    def metric(self, name: str) -> CardMetric:
        """Return the metric of that name; KeyError if there is none."""
        return {each.name: each for each in self.metrics}[name]


@cache
def load_card_words(*, labelled: bool = False, path: Path = CARD_WORDS) -> CardWords:
    """Return the words that come with ckm.

    Parameters
    ----------
    labelled
        Whether the card is of a table with a label, which knows of no purchases and no days.
    path
        Of the words.

    Raises
    ------
    UsageError
        The file is no such list of words, or defines a metric twice or not at all.
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
