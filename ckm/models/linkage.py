"""Probabilistic record linkage: the probability that two records are of one person.

The model is that of Fellegi and Sunter 1969, *JASA* 64(328), 1183-1210, with agreement in levels. Its parameters are
fitted by expectation-maximisation without labelled pairs (Winkler 1988, *Proc. Survey Research Methods, ASA*, 667-671).
Besides matches and pairs of strangers there is a third class, pairs of one household. Such a pair agrees on facts of a
household (surname, address, telephone), but not on facts of a person (given name, date of birth).

Expectation-maximisation finds a latent class in any data, even if no two records are of one person. Three constraints
prevent that pairs of strangers become the class of matches:

- the ratio of the probabilities of matches and strangers never falls with the level of agreement;
- most matches agree on each fact (:class:`TypicalAgreement`);
- if the class of matches agrees less on a fact, the class is reduced to the share that can be matches by this
  agreement.
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
"""Pairs that are added to each class, distributed as typical agreement, so that few pairs do not decide and no level is
impossible."""
FIRST_SHARE = 0.05
"""Share of matches among the candidates before the first round; half as many pairs are of households."""
FIRST_AGREEMENT = 6.0
"""Exponent of the first guess: level k of K has a probability proportional to (k/K) to this power among matches."""
LEAST_PAIRS = 0.5
"""Fewest pairs of strangers in each level: no agreement proves a match."""
HOUSEHOLDS_PER_MATCH = 0.05
"""Pairs of one household, with typical agreement, that are added per match: where the data have few households, their
members do not become matches."""
PairClass: TypeAlias = Literal["match", "household", "strangers"]


@dataclass(frozen=True)
class Population:
    """Agreement of all pairs of records, of all classes together.

    Attributes
    ----------
    pairs
        Number of pairs of records.
    present
        Per field the share of pairs with both values; shape (fields,).
    levels
        Per field the distribution of the levels over the pairs with both values; each of shape (levels of the field,).
    sharing
        Per field the share of the pairs with both values that have equal values and are certainly strangers or of one
        household; shape (fields,). None if unknown.
    """

    pairs: float
    present: Floats
    levels: tuple[Floats, ...]
    sharing: Floats | None = None

    def with_all_pairs(self, field: int, levels: Levels) -> Population:
        """Return the population with the distribution of one field computed from all pairs instead of a sample.

        This is for a field that only pairs with agreement on other fields have, so that a random sample of pairs is too
        small.

        Parameters
        ----------
        field
            Number of the field.
        levels
            Level of every pair in which both records have a value of the field; shape (pairs,).
        """
        counts = np.bincount(levels[levels >= 0], minlength=len(self.levels[field])).astype(np.float64)
        present = self.present.copy()
        present[field] = counts.sum() / self.pairs
        own = _normalised(counts + 1 / len(counts))
        return replace(self, present=present, levels=(*self.levels[:field], own, *self.levels[field + 1 :]))


@dataclass(frozen=True)
class TypicalAgreement:
    """Prior distribution of the levels of one field, from known rates of errors and changes in such data.

    ``differing`` keeps pairs of strangers out of the class of matches, because most records of one person agree on most
    facts about this person.

    Attributes
    ----------
    match, household
        Prior probabilities of the levels for matches and for pairs of one household; each of shape (levels,).
    differing
        Highest share of matches at or below each level except the highest level; shape (levels - 1,).
    namesakes
        Share of the pairs of one household that agree on a fact of a person not by chance: a son named after his
        father, twins with one date of birth.
    """

    match: Floats
    household: Floats
    differing: Floats
    namesakes: float = 0.0

    @classmethod
    def unknown(cls, levels: int) -> TypicalAgreement:
        """Return equal probabilities of all levels and no limits, for a field without a known distribution."""
        even = np.full(levels, 1 / levels)
        return cls(even, even, np.ones(levels - 1))


@dataclass(frozen=True)
class Rarity:
    """Log likelihood ratio to strangers that each pair gains from the rarity of its equal values.

    Attributes
    ----------
    of_person, of_household
        Sum over the facts of a person, and sum over the facts of a household; each of shape (pairs,).
    """

    of_person: Floats
    of_household: Floats


@dataclass(frozen=True)
class LinkageModel:
    """A fitted model of record linkage: class shares, and probabilities of the levels.

    Attributes
    ----------
    shares
        Share of each class among all pairs of records.
    levels
        Per class and field the probabilities of the levels; each of shape (levels of the field,).
    personal
        Per field whether its values are facts of a person instead of a household; shape (fields,).
    rounds
        Number of rounds of expectation-maximisation.
    """

    shares: dict[PairClass, float]
    levels: dict[PairClass, tuple[Floats, ...]]
    personal: tuple[bool, ...]
    rounds: int

    def weights(self) -> tuple[Floats, ...]:
        """Return per field the natural log of P(level | match) / P(level | strangers); each of shape (levels,)."""
        pairs = zip(self.levels["match"], self.levels["strangers"], strict=True)
        return tuple(np.log(match / strangers) for match, strangers in pairs)

    def posterior(self, agreement: Sequence[Levels], rarity: Rarity | None = None) -> dict[PairClass, Floats]:
        """Return for each class the probability that each pair belongs to the class; each of shape (pairs,).

        Parameters
        ----------
        agreement
            Per field the level of each pair, shape (pairs,); a field with :data:`MISSING` has no influence.
        rarity
            Log likelihood ratio by the rarity of equal values; None to leave rarity out.
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
    typical: Sequence[TypicalAgreement] | None = None,
) -> LinkageModel:
    """Fit the model to candidate pairs; all other pairs count as pairs of strangers.

    Parameters
    ----------
    agreement
        Per field the level of each candidate pair, shape (pairs,); at least one pair.
    population
        Agreement of all pairs of records.
    personal
        Per field whether its values are facts of a person instead of a household; shape (fields,). In pairs of one
        household, facts of a person agree by chance. Without both kinds of fields the class of households is left out.
    rarity
        Log likelihood ratio by the rarity of equal values; None to leave rarity out.
    typical
        Per field the prior distribution of its levels; None for equal probabilities without limits.
    """
    known = typical or [TypicalAgreement.unknown(len(levels)) for levels in population.levels]
    classes: list[PairClass] = ["match"]
    if any(personal) and not all(personal):
        classes.append("household")
    model = _first_guess(classes, population, tuple(personal), len(agreement[0]))
    for _ in range(MOST_ROUNDS):
        posterior = model.posterior(agreement, rarity)
        fitted = _fitted(model, agreement, population, posterior, known, HOUSEHOLDS_PER_MATCH if typical else 0.0)
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
    typical: Sequence[TypicalAgreement],
    households_per_match: float,
) -> LinkageModel:
    learned = [name for name in posterior if name != "strangers"]
    counts = {name: _counts(agreement, posterior[name], population.levels) for name in learned}
    one_person_share = _one_person_share(counts["match"], model.levels["strangers"], typical)
    counts["match"] = [one_person_share * count for count in counts["match"]]
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
        for count, by_chance, each in zip(counts["match"], strangers, typical, strict=True)
    )
    sums = {name: float(posterior[name].sum()) for name in learned}
    sums["match"] = max(one_person_share * sums["match"], LEAST_PAIRS)
    if "household" in learned:
        assumed = households_per_match * sums["match"]
        sums["household"] += max(assumed, LEAST_PAIRS)
        levels["household"] = tuple(
            _with_namesakes(by_chance, each.namesakes)
            if of_person
            else increasing_ratio(count + max(assumed, PRIOR_PAIRS) * each.household, by_chance)
            for count, by_chance, of_person, each in zip(
                counts["household"], strangers, model.personal, typical, strict=True
            )
        )
    shares: dict[PairClass, float] = {name: min(0.4, each / population.pairs) for name, each in sums.items()}
    return LinkageModel({**shares, "strangers": 1 - sum(shares.values())}, levels, model.personal, model.rounds + 1)


def _of_strangers(overall: Floats, known: Floats, sharing: float) -> Floats:
    counts = np.maximum(overall - known, LEAST_PAIRS)
    counts[-1] = max(counts[-1], sharing)
    return _normalised(counts)


def _one_person_share(
    counts: Sequence[Floats], strangers: Sequence[Floats], typical: Sequence[TypicalAgreement]
) -> float:
    """Return the largest share of the class of matches that can be pairs of one person, from 0 to 1.

    For each field the class is assumed to be a mixture of matches, of which at least ``1 - differing`` agree, and of
    strangers, which agree by chance. The lowest share of any field counts: if the class contains namesakes of one
    town, their e-mail addresses differ too often. Half of the prior pairs are added to the counts, so that a few
    matches without agreement on a field have little influence.
    """
    share = 1.0
    for count, by_chance, each in zip(counts, strangers, typical, strict=True):
        agree, chance = (
            1 - np.cumsum(_normalised(known))[:-1] for known in (count + PRIOR_PAIRS / 2 * each.match, by_chance)
        )
        least = 1 - each.differing
        bounds = least > 2 * chance
        share = min([share, *np.maximum(0.0, (agree - chance)[bounds] / (least - chance)[bounds]).tolist()])
    return share


def increasing_ratio(counts: Floats, by_chance: Floats) -> Floats:
    """Return the most likely probabilities of the levels if their ratio to ``by_chance`` never falls with the level.

    So a higher level is never weaker evidence for one person than a lower level, and the lowest level ("different") is
    never evidence for one person. Isotonic regression of the ratio by pooling adjacent violators (Ayer et al. 1955,
    *Ann. Math. Stat.* 26, 641-647).

    Parameters
    ----------
    counts
        Number of pairs of each level, lowest level first; shape (levels,).
    by_chance
        Probability of each level for strangers; positive; shape (levels,).
    """
    pools: list[list[float]] = []  # sum of counts, sum of by_chance, number of levels
    for count, chance in zip(counts.tolist(), by_chance.tolist(), strict=True):
        pools.append([count, chance, 1])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] > pools[-1][0] * pools[-2][1]:
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    ratio = np.repeat([count / chance for count, chance, _ in pools], [int(levels) for *_, levels in pools])
    return _normalised(ratio * by_chance)


def bounded(levels: Floats, differing: Floats) -> Floats:
    """Return the probabilities of the levels, rescaled to at most ``differing`` at or below each level but the highest.

    Parameters
    ----------
    levels
        Probabilities of the levels, lowest level first; shape (levels,).
    differing
        Highest sum of the probabilities up to each level but the highest; shape (levels - 1,).
    """
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
    """Return per field the number of pairs of each level, weighted; each of shape (levels of the field,)."""
    return [
        np.bincount(level[level >= 0], weights=weight[level >= 0], minlength=len(known)).astype(np.float64)
        for level, known in zip(agreement, levels, strict=True)
    ]


def _normalised(values: Floats) -> Floats:
    return np.asarray(values / values.sum(), dtype=np.float64)


def rarity_of(frequency: Floats, mean_frequency: float) -> Floats:
    """Return the log odds (natural) that each pair gains from the rarity of its equal value; shape (pairs,).

    Agreement on a rare value is stronger evidence for one person than agreement on a frequent value (term frequency
    adjustment, Winkler 1989): the probability that another record has the value by chance is proportional to the
    frequency of the value. A value of mean frequency gains 0, because the weight of exact agreement is that of the mean
    frequency.

    Parameters
    ----------
    frequency
        Number of other records with the pair's value; positive; shape (pairs,).
    mean_frequency
        Mean number of other records with the value of a record, over all records.
    """
    return np.asarray(np.log(mean_frequency / frequency))
