"""Probabilistic record linkage: the probability that two records are of one person.

Fellegi and Sunter 1969, *JASA* 64(328), 1183-1210, with agreement in levels; parameters by expectation-maximisation
(Winkler 1988, *Proc. Survey Research Methods, ASA*, 667-671). Besides matches and pairs of strangers there is a third
class, pairs of one household: these share what belongs to a household (surname, address, telephone) but not what
belongs to a person (given name, date of birth). Nothing is labelled, and no threshold is set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Counts: TypeAlias = NDArray[np.int64]
    Levels: TypeAlias = NDArray[np.int8]

MISSING = -1
"""Level of a pair in which a record has no value of the field."""
MOST_ROUNDS = 200
TOLERANCE = 1e-6
PRIOR_PAIRS = 1.0
"""Pairs that are added to the levels of a class, spread evenly, so that no level is impossible."""
FIRST_SHARE = 0.05
"""Share of matches among the candidates before the first round; half as many pairs are of households."""
FIRST_AGREEMENT = 6.0
"""Exponent of the first guess: level k of K has a probability proportional to (k/K) to this power among matches."""
LEAST_PAIRS = 0.5
"""Fewest pairs of strangers in each level: no agreement proves a match."""

PairClass: TypeAlias = Literal["match", "household", "strangers"]


@dataclass(frozen=True)
class Population:
    """Agreement of all pairs of records, whatever their class.

    Attributes
    ----------
    pairs
        Number of pairs of records.
    present
        Per field the share of pairs with both values; shape (fields,).
    levels
        Per field the distribution of the levels of these pairs; each of shape (levels of the field,).
    """

    pairs: float
    present: Floats
    levels: tuple[Floats, ...]

    def with_all_pairs(self, field: int, levels: Levels) -> Population:
        """Return the population with the agreement of ``field`` as in ``levels``: those of all pairs with both values.

        A sample of all pairs has too few pairs with a field that exists only where other fields agree.
        """
        counts = np.bincount(levels[levels >= 0], minlength=len(self.levels[field])).astype(np.float64)
        present = self.present.copy()
        present[field] = counts.sum() / self.pairs
        own = _normalised(counts + PRIOR_PAIRS / len(counts))
        return Population(self.pairs, present, (*self.levels[:field], own, *self.levels[field + 1 :]))


@dataclass(frozen=True)
class Rarity:
    """What the rarity of the values that a pair shares adds to the log likelihood ratio to strangers.

    Attributes
    ----------
    of_person, of_household
        Sum over the fields that belong to a person, and over the others; each of shape (pairs,).
    """

    of_person: Floats
    of_household: Floats


@dataclass(frozen=True)
class LinkageModel:
    """A fitted model.

    Attributes
    ----------
    shares
        Share of each class among all pairs of records.
    levels
        Per class and field the probabilities of the levels.
    personal
        Per field whether it belongs to a person, not to a household.
    rounds
        Rounds of expectation-maximisation.
    """

    shares: dict[PairClass, float]
    levels: dict[PairClass, tuple[Floats, ...]]
    personal: tuple[bool, ...]
    rounds: int

    def weights(self) -> tuple[Floats, ...]:
        """Return per field the log likelihood ratio of each level, match to strangers; natural logarithms."""
        pairs = zip(self.levels["match"], self.levels["strangers"], strict=True)
        return tuple(np.log(match / strangers) for match, strangers in pairs)

    def posterior(self, agreement: Sequence[Levels], rarity: Rarity | None = None) -> dict[PairClass, Floats]:
        """Return the probabilities of the classes of each pair; each of shape (pairs,).

        Parameters
        ----------
        agreement
            Per field the level of each pair; :data:`MISSING` says nothing.
        rarity
            What the rarity of shared values adds.
        """
        scores = {each: np.full(len(agreement[0]), np.log(share)) for each, share in self.shares.items()}
        for field, level in enumerate(agreement):
            for name, score in scores.items():
                score += np.append(np.log(self.levels[name][field]), 0.0)[level]
        if rarity is not None:
            scores["match"] += rarity.of_person
            scores["match"] += rarity.of_household
            if "household" in scores:
                scores["household"] += rarity.of_household
        highest = np.maximum.reduce(list(scores.values()))
        odds = {name: np.exp(score - highest) for name, score in scores.items()}
        total = sum(odds.values())
        return {name: each / total for name, each in odds.items()}


def fit_linkage(
    agreement: Sequence[Levels],
    population: Population,
    personal: Sequence[bool],
    rarity: Rarity | None = None,
) -> LinkageModel:
    """Learn the probabilities of all levels from candidate pairs; other pairs count as pairs of strangers.

    Parameters
    ----------
    agreement
        Per field the level of each candidate pair; at least one pair.
    population
        Agreement of all pairs of records.
    personal
        Per field whether it belongs to a person, not to a household. In the class of households such a field agrees as
        by chance. Without both kinds of fields there is no such class.
    rarity
        What the rarity of shared values adds.
    """
    classes: list[PairClass] = ["match"]
    if any(personal) and not all(personal):
        classes.append("household")
    model = _first_guess(classes, population, tuple(personal), len(agreement[0]))
    for rounds in range(1, MOST_ROUNDS + 1):
        posterior = model.posterior(agreement, rarity)
        fitted = _fitted(model, agreement, population, posterior, rounds)
        change = max(
            float(np.abs(new - old).max())
            for new, old in zip(fitted.levels["match"], model.levels["match"], strict=True)
        )
        model = fitted
        if change < TOLERANCE:
            break
    return model


def _first_guess(
    classes: list[PairClass], population: Population, personal: tuple[bool, ...], candidates: int
) -> LinkageModel:
    agreeing = tuple(_normalised(np.linspace(1 / len(p), 1.0, len(p)) ** FIRST_AGREEMENT) for p in population.levels)
    levels: dict[PairClass, tuple[Floats, ...]] = {"match": agreeing, "strangers": population.levels}
    share = min(0.4, FIRST_SHARE * candidates / population.pairs)
    shares: dict[PairClass, float] = {"match": share}
    if "household" in classes:
        shares["household"] = share / 2
        levels["household"] = tuple(
            by_chance if of_person else shared
            for by_chance, shared, of_person in zip(population.levels, agreeing, personal, strict=True)
        )
    return LinkageModel({**shares, "strangers": 1 - sum(shares.values())}, levels, personal, 0)


def _fitted(
    model: LinkageModel,
    agreement: Sequence[Levels],
    population: Population,
    posterior: dict[PairClass, Floats],
    rounds: int,
) -> LinkageModel:
    learned = [name for name in posterior if name != "strangers"]
    counts = {name: _counts(agreement, posterior[name], population.levels) for name in learned}
    strangers = tuple(
        _normalised(np.maximum(overall * present * population.pairs - sum(known), LEAST_PAIRS))
        for overall, present, *known in zip(population.levels, population.present, *counts.values(), strict=True)
    )
    levels: dict[PairClass, tuple[Floats, ...]] = {"strangers": strangers}
    for name in learned:
        levels[name] = tuple(
            by_chance if name == "household" and of_person else _normalised(count + PRIOR_PAIRS / len(count))
            for count, by_chance, of_person in zip(counts[name], strangers, model.personal, strict=True)
        )
    shares: dict[PairClass, float] = {
        name: min(0.4, max(float(posterior[name].sum()), LEAST_PAIRS) / population.pairs) for name in learned
    }
    return LinkageModel({**shares, "strangers": 1 - sum(shares.values())}, levels, model.personal, rounds)


def _counts(agreement: Sequence[Levels], weight: Floats, levels: Sequence[Floats]) -> list[Floats]:
    """Return per field the weighted number of pairs of each level."""
    return [
        np.bincount(level[level >= 0], weights=weight[level >= 0], minlength=len(known)).astype(np.float64)
        for level, known in zip(agreement, levels, strict=True)
    ]


def _normalised(values: Floats) -> Floats:
    return np.asarray(values / values.sum(), dtype=np.float64)


def rarity_of(frequency: Floats, mean_frequency: float) -> Floats:
    """Return the log odds that each pair gains from the rarity of its shared value, shape (pairs,).

    A value of mean frequency gains 0, because the weight of exact agreement already includes it.

    Agreement on a rare value says more than on a frequent one (Winkler 1989, term frequency adjustment): the chance
    that another record has the value is proportional to its frequency.

    Parameters
    ----------
    frequency
        Number of other records with the value; positive; shape (pairs,).
    mean_frequency
        Mean of that number over all records.
    """
    return np.asarray(np.log(mean_frequency / frequency))
