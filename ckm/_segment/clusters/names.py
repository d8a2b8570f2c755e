"""Names for clusters, from the features in which they deviate most."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ckm._segment.clusters.facts import Fact
from ckm._segment.definition import Segment, readable_number
from ckm.errors import UsageError
from ckm.models.clusters.scaling import Recipe
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ckm.yamlfile import YamlEntry

DEFAULT_WORDS = Path(__file__).parents[2] / "data" / "cluster_words.yaml"
"""File with the features of clusters and the words for them."""
WORDS_SCHEMA = "ckm.cluster_words/1"
FAR = 0.5
"""Smallest deviation from the mean of all customers, in scales, at which a name has a feature's word."""
NEAR = 0.1
"""Smallest deviation, in scales, at which a word may distinguish two clusters that would have the same name."""
WORDS = 2
"""Maximum number of words in a name."""


@dataclass(frozen=True)
class ClusterWord:
    """Word for high or for low values of a feature, and its advice."""

    text: str
    advice: str


@dataclass(frozen=True)
class NamedFeature:
    """A feature with words for high and low values; a name uses only the strongest word per ``theme``.

    Attributes
    ----------
    facts
        Figures that the words describe; a word is used if all of them confirm it.
    """

    recipe: Recipe
    theme: str
    high: ClusterWord
    low: ClusterWord
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class ClusterWords:
    """Words for the names of clusters: of each feature, in order of use, and for a cluster without deviations."""

    features: tuple[NamedFeature, ...]
    middling: ClusterWord


def load_words(path: Path = DEFAULT_WORDS) -> ClusterWords:
    """Read features and words from a file such as ``ckm/data/cluster_words.yaml``.

    Raises
    ------
    UsageError
        The file is not a valid word file.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}: 'schema' is missing", hint="needed are schema, middling, features")
    keys = document.fields(("schema", "middling", "features"))
    if keys["schema"].text() != WORDS_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: no words for clusters", hint=f"write 'schema: {WORDS_SCHEMA}'")
    return ClusterWords(tuple(_feature(each) for each in keys["features"].items()), _word(keys["middling"]))


def name_clusters(
    deviations: Sequence[Sequence[float]],
    features: Sequence[NamedFeature],
    middling: ClusterWord,
    taken: Collection[str] = (),
) -> tuple[Segment, ...]:
    """Return a name and an advice for each cluster; all names are different.

    A name has the words of the features in which the cluster's centre deviates most from the population's mean, by at
    least :data:`FAR`, with one word per theme and :data:`WORDS` words. If two names are equal, more words are added,
    also of features with smaller deviations (from :data:`NEAR` on), and finally a number.

    Parameters
    ----------
    deviations
        Centre minus mean by cluster and feature, in scales; 0 where the words would not be true
        (:func:`ckm._segment.clusters.facts.true_deviations`).
    features
        Features in the order of the deviations.
    middling
        Word for a cluster without large deviations.
    taken
        Names that are used already.
    """
    words = [_words(row, features, middling) for row in deviations]
    lengths = [min(WORDS, sum(telling for _, telling in each)) or 1 for each in words]

    def names() -> list[str]:
        pairs = zip(words, lengths, strict=True)
        return [", ".join(word.text for word, _ in each[:length]) for each, length in pairs]

    def clashing() -> list[int]:
        held = Counter(names()) + Counter(taken)
        return [index for index, name in enumerate(names()) if held[name] > 1 and lengths[index] < len(words[index])]

    while clashes := clashing():
        for index in clashes:
            lengths[index] += 1
    advices = [
        _advice([word for word, _ in each[:WORDS]][:length]) for each, length in zip(words, lengths, strict=True)
    ]
    return tuple(map(Segment, _numbered(names(), taken), advices))


def _words(
    row: Sequence[float], features: Sequence[NamedFeature], middling: ClusterWord
) -> list[tuple[ClusterWord, bool]]:
    """Return the words that describe a cluster, most important first, and whether the deviation of each is large."""
    # so that the last bit of a float does not order equal deviations
    strength = [abs(readable_number(deviation)) for deviation in row]
    order = sorted(range(len(row)), key=lambda index: (-strength[index], index))
    telling: dict[str, int] = {}
    for index in order:
        if strength[index] >= FAR:
            telling.setdefault(features[index].theme, index)
    first = list(telling.values())
    rest = [index for index in order if index not in first and strength[index] >= NEAR]

    def word(index: int) -> ClusterWord:
        return features[index].high if row[index] > 0 else features[index].low

    front = [(word(index), True) for index in first] or [(middling, True)]
    return front + [(word(index), False) for index in rest]


def _advice(words: Sequence[ClusterWord]) -> str:
    text = "; ".join(word.advice for word in words)
    return f"{text[:1].upper()}{text[1:]}."


def _numbered(names: Sequence[str], taken: Collection[str]) -> list[str]:
    """Return the names; a number is appended to a name that is duplicate or in ``taken``."""
    free: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in taken or candidate in free:
            number += 1
            candidate = f"{name} {number}"
        free.append(candidate)
    return free


def name_matches(name: str, row: Sequence[float], features: Sequence[NamedFeature]) -> bool:
    """Return whether an existing name still fits a cluster.

    It does not if it has the high word of a feature whose deviation is not positive, or the low word of a feature whose
    deviation is not negative. Text that a user wrote never contradicts.

    Parameters
    ----------
    name
        Name of a cluster, with or without a number.
    row
        Deviation of the cluster in each feature, from :func:`true_deviations`.
    features
        Features in the order of the deviations.
    """
    words = {re.sub(r" \d+$", "", word) for word in name.split(", ")}
    return not any(
        (feature.high.text in words and deviation <= 0) or (feature.low.text in words and deviation >= 0)
        for feature, deviation in zip(features, row, strict=True)
    )


def _feature(entry: YamlEntry) -> NamedFeature:
    keys = entry.fields(("name", "column", "theme", "high", "low"), ("over", "log", "evidence", "facts"))
    recipe = Recipe(
        keys["name"].text(),
        keys["column"].text(),
        over=keys["over"].text() if "over" in keys else None,
        log="log" in keys and keys["log"].text() == "yes",
        evidence=keys["evidence"].text() if "evidence" in keys else None,
    )
    facts = tuple(_fact(each) for each in keys["facts"].items()) if "facts" in keys else ()
    return NamedFeature(recipe, keys["theme"].text(), _word(keys["high"]), _word(keys["low"]), facts)


def _fact(entry: YamlEntry) -> Fact:
    keys = entry.fields(("column",), ("over", "pooled", "level"))
    return Fact(
        keys["column"].text(),
        keys["over"].text() if "over" in keys else None,
        pooled="pooled" in keys and keys["pooled"].text() == "yes",
        level=keys["level"].number() if "level" in keys else None,
    )


def _word(entry: YamlEntry) -> ClusterWord:
    keys = entry.fields(("word", "advice"))
    return ClusterWord(keys["word"].text(), keys["advice"].text())
