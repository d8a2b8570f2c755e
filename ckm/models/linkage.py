"""Probabilistic record linkage: the probability that two records are of one person.

Fellegi and Sunter 1969, *JASA* 64(328), 1183-1210, with agreement in levels; parameters by expectation-maximisation
(Winkler 1988, *Proc. Survey Research Methods, ASA*, 667-671). Besides matches and pairs of strangers there are two
more classes. Pairs of one household share what belongs to a household (surname, address, telephone) but not what
belongs to a person (given name, date of birth). Namesakes have like names and regions, which depend on each other
(names of one language in its country), but contacts and dates of birth of their own. Nothing is labelled, and no
threshold is set by hand.
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
"""Share of matches among the candidates before the first round; half as many pairs are of each look-alike class."""
FIRST_AGREEMENT = 6.0
"""Exponent of the first guess: level k of K has a probability proportional to (k/K) to this power among matches."""
LEAST_PAIRS = 0.5
"""Fewest pairs of strangers in each level: no agreement proves a match."""
LOOK_ALIKE_PAIRS = 20.0
"""Pairs, distributed as in the first guess, that are added to the levels of a look-alike class, which may be rare."""
LEAST_LOOK_ALIKES = 0.5
"""Fewest pairs of each look-alike class, as a share of the matches: without one, a relative would be a match."""
MOST_WITHOUT = 0.5
"""Most matches without equal distinctive facts, as a share of those with one: pairs that agree in names and region only
are namesakes, however many there are (posterior regularisation: Ganchev et al. 2010, *JMLR* 11, 2001-2049)."""
SELDOM = 0.005
"""Chance agreement of strangers below which equal values are evidence of one person without further agreement."""

PairClass: TypeAlias = Literal["match", "household", "namesakes", "strangers"]


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
    by_chance
        Per look-alike class and field whether the field agrees as between strangers.
    without_evidence
        Log odds that a match loses where distinctive facts differ and none is equal; at most 0.
    rounds
        Rounds of expectation-maximisation.
    """

    shares: dict[PairClass, float]
    levels: dict[PairClass, tuple[Floats, ...]]
    by_chance: dict[PairClass, tuple[bool, ...]]
    without_evidence: float
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
        scores["match"][self.lacks_evidence(agreement)] += self.without_evidence
        if rarity is not None:
            scores["match"] += rarity.of_person
            scores["match"] += rarity.of_household
            if "household" in scores:
                scores["household"] += rarity.of_household
        highest = np.maximum.reduce(list(scores.values()))
        odds = {name: np.exp(score - highest) for name, score in scores.items()}
        total = sum(odds.values())
        return {name: each / total for name, each in odds.items()}

    def lacks_evidence(self, agreement: Sequence[Levels]) -> NDArray[np.bool_]:
        """Return which pairs have distinctive facts and agree in none that strangers seldom share; shape (pairs,).

        No pair does if strangers share every distinctive fact often, such as a year of birth.
        """
        present, agrees = np.zeros((2, len(agreement[0])), dtype=bool)
        evidence = False
        flags = self.by_chance.get("namesakes", (False,) * len(agreement))
        for level, chance, is_distinctive in zip(agreement, self.levels["strangers"], flags, strict=True):
            if is_distinctive and len(chance) > 2:  # levels; not whether names are exchanged
                present |= level >= 0
                if chance[-1] < SELDOM:
                    evidence = True
                    agrees |= level == len(chance) - 1
        return present & ~agrees if evidence else np.zeros_like(present)


def fit_linkage(
    agreement: Sequence[Levels],
    population: Population,
    personal: Sequence[bool],
    rarity: Rarity | None = None,
    *,
    distinctive: Sequence[bool] = (),
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
    distinctive
        Per field whether namesakes agree in it as by chance. Without both kinds of fields there is no such class.
    """
    kinds: dict[PairClass, Sequence[bool]] = {"household": personal, "namesakes": distinctive}
    by_chance = {name: tuple(kind) for name, kind in kinds.items() if any(kind) and not all(kind)}
    model = first = _first_guess(by_chance, population, len(agreement[0]))
    for rounds in range(1, MOST_ROUNDS + 1):
        posterior = model.posterior(agreement, rarity)
        fitted = _fitted(first, model, agreement, population, posterior, rounds)
        change = max(
            float(np.abs(new - old).max())
            for new, old in zip(fitted.levels["match"], model.levels["match"], strict=True)
        )
        model = fitted
        if change < TOLERANCE:
            break
    return model


def _first_guess(by_chance: dict[PairClass, tuple[bool, ...]], population: Population, candidates: int) -> LinkageModel:
    agreeing = tuple(_normalised(np.linspace(1 / len(p), 1.0, len(p)) ** FIRST_AGREEMENT) for p in population.levels)
    levels: dict[PairClass, tuple[Floats, ...]] = {"match": agreeing, "strangers": population.levels}
    share = min(0.4, FIRST_SHARE * candidates / population.pairs)
    shares: dict[PairClass, float] = {"match": share}
    for name, kinds in by_chance.items():
        shares[name] = share / 2
        levels[name] = tuple(
            chance if is_chance else shared
            for chance, shared, is_chance in zip(population.levels, agreeing, kinds, strict=True)
        )
    return LinkageModel({**shares, "strangers": 1 - sum(shares.values())}, levels, by_chance, 0.0, 0)


def _fitted(
    first: LinkageModel,
    model: LinkageModel,
    agreement: Sequence[Levels],
    population: Population,
    posterior: dict[PairClass, Floats],
    rounds: int,
) -> LinkageModel:
    learned: list[PairClass] = ["match", *first.by_chance]
    counts = {name: _counts(agreement, posterior[name], population.levels) for name in learned}
    strangers = tuple(
        _normalised(np.maximum(overall * present * population.pairs - sum(known), LEAST_PAIRS))
        for overall, present, *known in zip(population.levels, population.present, *counts.values(), strict=True)
    )
    levels: dict[PairClass, tuple[Floats, ...]] = {
        "match": tuple(_normalised(count + PRIOR_PAIRS / len(count)) for count in counts["match"]),
        "strangers": strangers,
    }
    for name, kinds in first.by_chance.items():
        levels[name] = tuple(
            chance if is_chance else _normalised(count + LOOK_ALIKE_PAIRS * guess)
            for count, guess, chance, is_chance in zip(counts[name], first.levels[name], strangers, kinds, strict=True)
        )
    matches = max(float(posterior["match"].sum()), LEAST_PAIRS)
    lacks = model.lacks_evidence(agreement)
    having, lacking = (max(float(posterior["match"][each].sum()), TOLERANCE) for each in (~lacks, lacks))
    without_evidence = min(0.0, model.without_evidence + float(np.log(MOST_WITHOUT * having / lacking)))
    pairs: dict[PairClass, float] = {
        name: max(float(posterior[name].sum()), LEAST_LOOK_ALIKES * matches) for name in first.by_chance
    }
    shares: dict[PairClass, float] = {
        name: min(0.3, each / population.pairs) for name, each in {"match": matches, **pairs}.items()
    }
    return LinkageModel(
        {**shares, "strangers": 1 - sum(shares.values())}, levels, first.by_chance, without_evidence, rounds
    )


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
