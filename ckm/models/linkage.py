"""Probabilistic record linkage: the probability that two records are of one person.

Fellegi and Sunter 1969, *JASA* 64(328), 1183-1210, with agreement in levels; parameters by expectation-maximisation
(Winkler 1988, *Proc. Survey Research Methods, ASA*, 667-671). Besides matches and pairs of strangers there is a third
class, pairs of one household: these share what belongs to a household (surname, address, telephone) but not what
belongs to a person (given name, date of birth). Nothing is labelled.

Expectation-maximisation finds a latent class in any data, also where no two records are of one person. Three
constraints keep the class of matches what its name says: the ratio of matches to strangers never falls with the level
of agreement; most matches agree on each fact (:class:`Usual`); and where the matches found agree less on a fact, only
the share of them that this agreement bears out counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
PRIOR_PAIRS = 10.0
"""Pairs that are added to each class, distributed as usual, so that few pairs do not decide and no level is
impossible."""
FIRST_SHARE = 0.05
"""Share of matches among the candidates before the first round; half as many pairs are of households."""
FIRST_AGREEMENT = 6.0
"""Exponent of the first guess: level k of K has a probability proportional to (k/K) to this power among matches."""
LEAST_PAIRS = 0.5
"""Fewest pairs of strangers in each level: no agreement proves a match."""
HOUSEHOLDS_PER_MATCH = 0.05
"""Pairs of one household, with usual agreement, that are added per match: where the data have few households, their
members do not become matches."""
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
    sharing
        Per field the share of these pairs that have equal values and are certainly strangers or of one household;
        shape (fields,). None: unknown.
    """

    pairs: float
    present: Floats
    levels: tuple[Floats, ...]
    sharing: Floats | None = None

    def with_all_pairs(self, field: int, levels: Levels) -> Population:
        """Return the population with the agreement of ``field`` as in ``levels``: those of all pairs with both values.

        A sample of all pairs has too few pairs with a field that exists only where other fields agree.
        """
        counts = np.bincount(levels[levels >= 0], minlength=len(self.levels[field])).astype(np.float64)
        present = self.present.copy()
        present[field] = counts.sum() / self.pairs
        own = _normalised(counts + 1 / len(counts))
        return replace(self, present=present, levels=(*self.levels[:field], own, *self.levels[field + 1 :]))


@dataclass(frozen=True)
class Usual:
    """How a field usually agrees: what is known about errors and changes in data before any pair is seen.

    Expectation-maximisation without labels finds a latent class in any data, also where no two records are of one
    person. ``differing`` keeps the class of matches what its name says: however the data look, most records of one
    person agree on most facts about this person.

    Attributes
    ----------
    match, household
        Usual probabilities of the levels in the two classes; each of shape (levels,).
    differing
        Highest share of matches at or below each level but the last; shape (levels - 1,).
    namesakes
        Share of the pairs of one household that agree on a field of a person for a reason: a son named after his
        father, twins with one date of birth.
    """

    match: Floats
    household: Floats
    differing: Floats
    namesakes: float = 0.0

    @classmethod
    def unknown(cls, levels: int) -> Usual:
        """Return even probabilities, and no bound."""
        even = np.full(levels, 1 / levels)
        return cls(even, even, np.ones(levels - 1))


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
    usual: Sequence[Usual] | None = None,
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
    usual
        Per field how it usually agrees; None if nothing is known.
    """
    known = usual or [Usual.unknown(len(levels)) for levels in population.levels]
    classes: list[PairClass] = ["match"]
    if any(personal) and not all(personal):
        classes.append("household")
    model = _first_guess(classes, population, tuple(personal), len(agreement[0]))
    for _ in range(MOST_ROUNDS):
        posterior = model.posterior(agreement, rarity)
        fitted = _fitted(model, agreement, population, posterior, known, HOUSEHOLDS_PER_MATCH if usual else 0.0)
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
    usual: Sequence[Usual],
    households_per_match: float,
) -> LinkageModel:
    learned = [name for name in posterior if name != "strangers"]
    counts = {name: _counts(agreement, posterior[name], population.levels) for name in learned}
    borne_out = _borne_out(counts["match"], model.levels["strangers"], usual)
    counts["match"] = [borne_out * count for count in counts["match"]]
    sharing = np.zeros(len(agreement)) if population.sharing is None else population.sharing
    strangers = tuple(
        _of_strangers(overall * present * population.pairs, sum(known), share * present * population.pairs)
        for overall, present, share, *known in zip(
            population.levels, population.present, sharing, *counts.values(), strict=True
        )
    )
    levels: dict[PairClass, tuple[Floats, ...]] = {"strangers": strangers}
    levels["match"] = tuple(
        bounded(increasing_ratio(count + PRIOR_PAIRS * each.match, by_chance), each.differing)
        for count, by_chance, each in zip(counts["match"], strangers, usual, strict=True)
    )
    sums = {name: float(posterior[name].sum()) for name in learned}
    sums["match"] = max(borne_out * sums["match"], LEAST_PAIRS)
    if "household" in learned:
        assumed = households_per_match * sums["match"]
        sums["household"] += max(assumed, LEAST_PAIRS)
        levels["household"] = tuple(
            _with_namesakes(by_chance, each.namesakes)
            if of_person
            else increasing_ratio(count + max(assumed, PRIOR_PAIRS) * each.household, by_chance)
            for count, by_chance, of_person, each in zip(
                counts["household"], strangers, model.personal, usual, strict=True
            )
        )
    shares: dict[PairClass, float] = {name: min(0.4, each / population.pairs) for name, each in sums.items()}
    return LinkageModel({**shares, "strangers": 1 - sum(shares.values())}, levels, model.personal, model.rounds + 1)


def _of_strangers(overall: Floats, known: Floats, sharing: float) -> Floats:
    counts = np.maximum(overall - known, LEAST_PAIRS)
    counts[-1] = max(counts[-1], sharing)
    return _normalised(counts)


def _borne_out(counts: Sequence[Floats], strangers: Sequence[Floats], usual: Sequence[Usual]) -> float:
    """Return the largest share of the class of matches that can be of one person, by each field's agreement.

    The class is a mixture of matches, of which at least ``1 - differing`` agree, and of pairs that agree by chance:
    where namesakes of one town are taken for matches, their e-mail addresses show that they are not. Half of the usual
    pairs are added, so that a few matches without agreement on a field decide nothing.
    """
    share = 1.0
    for count, by_chance, each in zip(counts, strangers, usual, strict=True):
        agree, chance = (
            1 - np.cumsum(_normalised(known))[:-1] for known in (count + PRIOR_PAIRS / 2 * each.match, by_chance)
        )
        least = 1 - each.differing
        bounds = least > 2 * chance
        share = min([share, *np.maximum(0.0, (agree - chance)[bounds] / (least - chance)[bounds]).tolist()])
    return share


def increasing_ratio(counts: Floats, by_chance: Floats) -> Floats:
    """Return the most likely probabilities of the levels whose ratio to ``by_chance`` never falls with the level.

    A higher level never says less for one person than a lower one, and "different" never speaks for one person
    (isotonic regression of the ratio, by pooling adjacent violators: Ayer et al. 1955, *Ann. Math. Stat.* 26, 641-647).
    """
    pools: list[list[float]] = []  # count, chance, levels
    for count, chance in zip(counts.tolist(), by_chance.tolist(), strict=True):
        pools.append([count, chance, 1])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] > pools[-1][0] * pools[-2][1]:
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    ratio = np.repeat([count / chance for count, chance, _ in pools], [int(levels) for *_, levels in pools])
    return _normalised(ratio * by_chance)


def bounded(levels: Floats, differing: Floats) -> Floats:
    """Return the probabilities with at most ``differing`` at or below each level but the last."""
    found = levels.copy()
    for level in range(len(differing) - 1, -1, -1):
        below = found[: level + 1].sum()
        if below > differing[level]:
            found[: level + 1] *= differing[level] / below
            found[level + 1 :] *= (1 - differing[level]) / (1 - below)
    return found


def _with_namesakes(by_chance: Floats, namesakes: float) -> Floats:
    found = (1 - namesakes) * by_chance
    found[-1] += namesakes
    return found


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
