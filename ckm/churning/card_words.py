"""What every model card says, and what its figures mean: ``ckm/data/model_card.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from ckm.yamlfile import YamlEntry

CARD_WORDS = Path(__file__).parents[1] / "data" / "model_card.yaml"
CARD_SCHEMA = "ckm.model_card/1"

_KEYS = ("schema", "version", "purpose", "not_for", "limits", "measures")


@dataclass(frozen=True)
class Measure:
    """A figure of a model card.

    Attributes
    ----------
    name
        As in :class:`ckm.churning.card.Scores`, and in machine formats.
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
    """The sentences of every card, and its measures by name."""

    version: int
    purpose: tuple[str, ...]
    not_for: tuple[str, ...]
    limits: tuple[str, ...]
    measures: tuple[Measure, ...]

    def measure(self, name: str) -> Measure:
        """Return the measure of that name; KeyError if there is none."""
        return {each.name: each for each in self.measures}[name]


@cache
def load_card_words(path: Path = CARD_WORDS) -> CardWords:
    """Return the words that come with ckm.

    Raises
    ------
    UsageError
        The file is no such list of words, or defines a measure twice.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}: 'schema' is missing", hint=f"needed are {', '.join(_KEYS)}")
    keys = document.fields(_KEYS)
    if keys["schema"].text() != CARD_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not the words of a model card")
    measures = tuple(_measure(entry) for entry in keys["measures"].items())
    if len({each.name for each in measures}) < len(measures):
        raise UsageError(f"{keys['measures'].where}: a measure is defined twice")
    return CardWords(
        version=keys["version"].whole(),
        purpose=_sentences(keys["purpose"]),
        not_for=_sentences(keys["not_for"]),
        limits=_sentences(keys["limits"]),
        measures=measures,
    )


def _sentences(entry: YamlEntry) -> tuple[str, ...]:
    return tuple(item.text() for item in entry.items())


def _measure(entry: YamlEntry) -> Measure:
    keys = entry.fields(("name", "title", "format", "definition", "source"))
    return Measure(**{name: value.text() for name, value in keys.items()})
