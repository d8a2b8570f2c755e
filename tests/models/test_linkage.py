"""The linkage model recovers the parameters of simulated pairs, and clusters contain no chains of weak links."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from ckm.models.linkage import MISSING, Population, TypicalAgreement, bounded, fit_linkage, increasing_ratio, rarity_of
from ckm.models.linkage_clusters import clusters, connected

MATCH = [[0.05, 0.15, 0.80], [0.10, 0.10, 0.80], [0.10, 0.20, 0.70], [0.20, 0.10, 0.70]]
STRANGERS = [[0.90, 0.08, 0.02], [0.95, 0.04, 0.01], [0.90, 0.07, 0.03], [0.98, 0.015, 0.005]]
PERSONAL = (True, True, False, False)
PAIRS, MATCHES, HOUSEHOLDS = 400_000, 3_000, 2_000


def simulated(seed: int) -> tuple[list[np.ndarray], np.ndarray, Population]:
    """Return the levels of all pairs, their classes (2: match, 1: household, 0: strangers), and the population."""
    dice = np.random.default_rng(seed)
    kind = np.repeat([2, 1, 0], [MATCHES, HOUSEHOLDS, PAIRS - MATCHES - HOUSEHOLDS])
    levels = []
    for match, strangers, personal in zip(MATCH, STRANGERS, PERSONAL, strict=True):
        shares = np.where((kind == 2)[:, None] | ((kind == 1)[:, None] & (not personal)), match, strangers)
        level = (dice.random(PAIRS)[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2).astype(np.int8)
        level[dice.random(PAIRS) < 0.1] = MISSING
        levels.append(level)
    overall = tuple(np.bincount(level[level >= 0], minlength=3) / (level >= 0).sum() for level in levels)
    present = np.array([(level >= 0).mean() for level in levels])
    return levels, kind, Population(PAIRS, present, overall)


def test_the_model_recovers_the_probabilities_it_was_simulated_with() -> None:
    levels, kind, population = simulated(1)
    model = fit_linkage(levels, population, PERSONAL)
    assert model.shares["match"] * PAIRS == pytest.approx(MATCHES, rel=0.05)
    assert model.shares["household"] * PAIRS == pytest.approx(HOUSEHOLDS, rel=0.4)
    for learned, true in zip(model.levels["match"], MATCH, strict=True):
        assert learned == pytest.approx(true, abs=0.03)
    probability = model.posterior(levels)["match"]
    for low in (0.0, 0.25, 0.5, 0.75):  # probabilities are calibrated
        chosen = (probability >= low) & (probability < low + 0.25)
        assert (kind[chosen] == 2).mean() == pytest.approx(probability[chosen].mean(), abs=0.08)


def test_pairs_of_one_household_are_not_matches() -> None:
    levels, _, population = simulated(2)
    model = fit_linkage(levels, population, PERSONAL)
    pair = [np.array([level], dtype=np.int8) for level in (0, 0, 2, 2)]  # only the facts of a household agree
    probability = model.posterior(pair)
    assert probability["household"][0] > 0.5 > 10 * probability["match"][0]


def test_the_class_of_households_needs_fields_of_persons_and_of_households() -> None:
    levels, _, population = simulated(3)
    assert set(fit_linkage(levels, population, (True,) * 4).shares) == {"match", "strangers"}


def test_a_field_that_only_agreeing_pairs_have_is_fitted_to_the_candidate_pairs() -> None:
    levels, _, population = simulated(4)
    dice = np.random.default_rng(5)
    alike = (levels[0] == 2) & (levels[1] == 2)
    flag = np.where(alike, dice.random(PAIRS) < 0.3, MISSING).astype(np.int8)  # equally frequent in every class
    overall = Population(PAIRS, np.append(population.present, 1.0), (*population.levels, np.array([0.99, 0.01])))
    model = fit_linkage([*levels, flag], overall.with_all_pairs(4, flag), (*PERSONAL, True))
    assert model.weights()[4] == pytest.approx([0.0, 0.0], abs=0.6)  # by chance agreement alone: 3.4


USUAL = TypicalAgreement(np.array([0.1, 0.1, 0.8]), np.array([0.2, 0.1, 0.7]), np.array([0.4, 0.5]))


def test_strangers_who_agree_on_most_fields_are_no_matches_if_another_field_differs() -> None:
    dice = np.random.default_rng(7)
    is_namesake = np.arange(PAIRS) < 1000  # agree on the first three fields
    levels = []
    for field, strangers in enumerate(STRANGERS):
        shares = np.where(is_namesake[:, None] & (field < 3), USUAL.match, strangers)
        levels.append((dice.random(PAIRS)[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2).astype(np.int8))
    overall = tuple(np.bincount(level, minlength=3) / PAIRS for level in levels)
    population, personal = Population(PAIRS, np.ones(len(levels)), overall), (True,) * len(levels)
    model = fit_linkage(levels, population, personal, typical=[USUAL] * len(levels))
    differs = levels[3] == 0
    assert model.shares["match"] * PAIRS < 50
    assert model.posterior(levels)["match"][differs].max() < 0.95
    unbounded = fit_linkage(levels, population, personal)  # finds the namesakes as a latent class
    assert (unbounded.posterior(levels)["match"][differs] > 0.95).sum() > 100


PROBABILITIES = st.lists(st.floats(0.001, 1), min_size=6, max_size=6).map(lambda each: np.array(each) / sum(each))


@given(PROBABILITIES, PROBABILITIES)
def test_the_ratio_to_strangers_never_falls_with_the_level_and_a_rising_ratio_is_unchanged(
    counts: np.ndarray, by_chance: np.ndarray
) -> None:
    found = increasing_ratio(counts, by_chance)
    ratio = found / by_chance
    assert found.sum() == pytest.approx(1)
    assert (np.diff(ratio) >= -1e-9).all()
    assert ratio[0] <= 1 + 1e-9
    assert increasing_ratio(found, by_chance) == pytest.approx(found)


@given(PROBABILITIES, PROBABILITIES)
def test_the_share_of_matches_at_or_below_a_level_never_exceeds_the_bound(
    levels: np.ndarray, other: np.ndarray
) -> None:
    differing = np.cumsum(other)[:-1]
    found = bounded(levels, differing)
    assert found.sum() == pytest.approx(1)
    assert (np.cumsum(found)[:-1] <= differing + 1e-9).all()
    assert bounded(found, differing) == pytest.approx(found)


def test_agreement_on_a_rare_value_weighs_more_than_on_a_frequent_value() -> None:
    assert rarity_of(np.array([1.0, 100.0]), 10.0) == pytest.approx([np.log(10), -np.log(10)])


def test_a_chain_of_links_does_not_join_two_persons() -> None:
    left, right = (
        np.array([0, 0, 1, 2, 3, 3, 4]),
        np.array([1, 2, 2, 3, 4, 5, 5]),
    )  # two triangles (0-1-2, 3-4-5) and one link between them
    assert clusters(6, left, right, np.array([0.9, 0.9, 0.9, 0.8, 0.9, 0.9, 0.9])).tolist() == [0, 0, 0, 1, 1, 1]


def test_clusters_without_a_pair_that_is_probable_enough_are_not_merged() -> None:
    left, right = np.array([0, 1, 3]), np.array([1, 2, 4])
    probability = np.array([0.97, 0.9, 0.9])
    assert clusters(5, left, right, probability).tolist() == [0, 0, 1, 2, 2]
    assert clusters(5, left, right, probability, automatic=0.95).tolist() == [0, 0, 1, 2, 3]


@given(
    st.integers(2, 30).flatmap(
        lambda n: st.tuples(
            st.just(n), st.dictionaries(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), st.floats(0, 1))
        )
    )
)
def test_every_cluster_is_connected_and_more_likely_one_person_than_not(case: tuple[int, dict]) -> None:
    n, drawn = case
    pairs = {tuple(sorted(pair)): p for pair, p in drawn.items() if pair[0] != pair[1]}
    left, right = np.array(list(pairs), dtype=np.int64).reshape(-1, 2).T
    probability = np.array(list(pairs.values()))
    found = clusters(n, left, right, probability)
    assert sorted(set(found.tolist())) == list(range(found.max() + 1))
    component = connected(n, left, right, probability > 0)
    for number in range(found.max() + 1):
        members = np.flatnonzero(found == number).tolist()
        assert len(set(component[members].tolist())) == 1
        if len(members) == 2:
            assert pairs[members[0], members[1]] >= 0.5


def test_each_record_without_a_pair_is_a_separate_person() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert clusters(3, nothing, nothing, np.empty(0)).tolist() == [0, 1, 2]


def test_merging_by_mean_probability_equals_scipys_average_linkage() -> None:
    dice = np.random.default_rng(6)
    for _ in range(30):
        n = int(dice.integers(3, 30))
        a, b = np.triu_indices(n, 1)
        some = dice.random(len(a)) < dice.random()
        a, b = a[some], b[some]
        probability = dice.random(len(a)) ** 0.4
        distance = np.ones(n * (n - 1) // 2)
        distance[n * a - a * (a + 1) // 2 + b - a - 1] = 1 - probability
        expected = fcluster(linkage(distance, "average"), 0.5, "distance")
        found = clusters(n, a, b, probability)
        assert len(set(zip(found.tolist(), expected.tolist(), strict=True))) == len(set(expected)) == len(set(found))
