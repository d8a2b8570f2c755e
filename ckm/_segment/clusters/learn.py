"""Segments by k-means: customers with similar habits, in the largest number of clusters that is stable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._segment.clusters.definition import Cluster, ClustersDefinition, number_columns, read_clusters
from ckm._segment.clusters.facts import true_deviations
from ckm._segment.clusters.names import load_words, name_clusters, name_matches
from ckm._segment.definition import Segment, readable_number
from ckm.errors import NotEnoughDataError
from ckm.models.clusters.cluster_stability import choose, stability_trials
from ckm.models.clusters.kmeans import fit_centres, nearest_centre
from ckm.models.clusters.matching import match_clusters
from ckm.models.clusters.scaling import Scaling, fit_scaling, scaled_points
from ckm.models.sampling import sample_by_id
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ckm._segment.clusters.names import ClusterWords
    from ckm._segment.definition import Definition, TrainingData
    from ckm.models.clusters.cluster_stability import StabilityTrial

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = ["ClustersDefinition", "fit_clusters", "read_clusters"]

FEWEST_CLUSTERS, MOST_CLUSTERS = 3, 10
FEWEST_CUSTOMERS = 100
"""Fewest customers: ten for each of the maximum number of clusters; with fewer, clusters depend on chance."""
FEWEST_IN_CLUSTER = 10
"""Fewest customers in the smallest cluster; smaller ones depend on chance."""
POINT_DIGITS = 6
"""Decimals of a scale; further digits are rounding."""
MOST_FITTED = 200_000
"""Maximum number of customers that k-means is fitted to; the others are only assigned."""
MOST_TRIED = 10_000
"""Maximum number of customers in the choice of the number of clusters, which needs 200 fits."""


def fit_clusters(training: TrainingData) -> ClustersDefinition:
    """Fit clusters of customers by their habits.

    Features and the words for them are in ``ckm/data/cluster_words.yaml``; scaling is described at
    :func:`~ckm.models.clusters.scaling.fit_scaling`, and the choice of the number of clusters at
    :func:`~ckm.models.clusters.cluster_stability.stability_trials`. A cluster that shares most of its customers with
    one of ``training.previous`` keeps that cluster's name, advice and relative position, as long as the name is true.

    Raises
    ------
    NotEnoughDataError
        There are fewer than :data:`FEWEST_CUSTOMERS` customers, or all features are constant, or every number of
        clusters has a cluster with fewer than :data:`FEWEST_IN_CLUSTER`.
    """
    frame = training.table.frame.sort("customer_id")
    if frame.height < FEWEST_CUSTOMERS:
        raise _too_few(frame.height)
    words = load_words()
    scalings, left_out = _learn_scalings(frame, words)
    definition = ClustersDefinition(scalings, (), (), 0)
    points = scaled_points(scalings, number_columns(frame, definition.needs)) if scalings else np.zeros((1, 0))

    ids = frame["customer_id"].to_list()
    tried = points[sample_by_id(ids, MOST_TRIED)] if scalings else points
    different = len(np.unique(tried.round(POINT_DIGITS), axis=0))
    if different < FEWEST_CLUSTERS:
        raise _too_alike(frame.height)
    numbers = range(FEWEST_CLUSTERS, min(MOST_CLUSTERS, different) + 1)
    trials = _large_enough(stability_trials(tried, numbers, seed=training.seed), len(tried))
    if not trials:
        trials = _large_enough(stability_trials(tried, [FEWEST_CLUSTERS - 1], seed=training.seed), len(tried))
    if not trials:
        raise _too_small(frame.height)

    fitted = sample_by_id(ids, MOST_FITTED)
    found = fit_centres(points[fitted], choose(trials).clusters, seed=training.seed)
    centres = np.array([[readable_number(value) for value in centre] for centre in found.tolist()])
    clusters = _described(frame, points, centres, scalings, words, training.previous)
    return ClustersDefinition(scalings, clusters, trials, len(fitted), left_out)


def _large_enough(trials: Sequence[StabilityTrial], customers: int) -> tuple[StabilityTrial, ...]:
    return tuple(each for each in trials if round(each.smallest * customers) >= FEWEST_IN_CLUSTER)


def _learn_scalings(frame: pl.DataFrame, words: ClusterWords) -> tuple[tuple[Scaling, ...], tuple[str, ...]]:
    scalings, left_out = [], []
    for recipe in (feature.recipe for feature in words.features):
        there = all(column in frame.columns for column in recipe.columns)
        scaling = fit_scaling(recipe, number_columns(frame, recipe.columns), readable_number) if there else None
        if scaling is None:
            left_out.append(recipe.name)
        else:
            scalings.append(scaling)
    return tuple(scalings), tuple(left_out)


def _described(
    frame: pl.DataFrame,
    points: Floats,
    centres: Floats,
    scalings: Sequence[Scaling],
    words: ClusterWords,
    previous: Definition | None,
) -> tuple[Cluster, ...]:
    """Return the clusters with names and advice, in the order of the summary."""
    labels, _ = nearest_centre(points, centres)
    customers = np.bincount(labels, minlength=len(centres)).tolist()
    spent = frame["monetary"].cast(pl.Float64).to_numpy()
    money = [readable_number(_mean(spent[labels == each])) for each in range(len(centres))]
    used = {scaling.recipe.name for scaling in scalings}
    features = [feature for feature in words.features if feature.recipe.name in used]
    far = (centres - points.mean(axis=0)).tolist()
    deviations = true_deviations(far, [each.facts for each in features], frame, labels)
    kept = {
        mine: (its, segment)
        for mine, (its, segment) in _kept(frame, labels, previous).items()
        if name_matches(segment.name, deviations[mine], features)
    }
    order = _order(money, {mine: its for mine, (its, _) in kept.items()})
    new = [each for each in order if each not in kept]
    taken = [segment.name for _, segment in kept.values()]
    named = dict(
        zip(new, name_clusters([deviations[each] for each in new], features, words.middling, taken), strict=True)
    )
    named |= {mine: segment for mine, (_, segment) in kept.items()}
    return tuple(
        Cluster(named[each].name, named[each].advice, tuple(centres[each].tolist()), customers[each], money[each])
        for each in order
    )


def _kept(frame: pl.DataFrame, labels: Integers, previous: Definition | None) -> dict[int, tuple[int, Segment]]:
    """Return position and segment of the cluster of ``previous`` that a new cluster continues, by new number."""
    if not isinstance(previous, ClustersDefinition) or not set(previous.needs) <= set(frame.columns):
        return {}
    old = previous.assign(frame)["cluster"].to_numpy() - 1
    return {mine: (its, previous.segments[its]) for mine, its in match_clusters(old, labels).items()}


def _order(money: Sequence[float], kept: dict[int, int]) -> list[int]:
    """Return the numbers of the clusters in order.

    The clusters in ``kept`` (position in the previous definition, by number) stay in their previous order; each new
    cluster is inserted before the first one with less money.
    """
    order = sorted(kept, key=lambda each: kept[each])
    for new in sorted((each for each in range(len(money)) if each not in kept), key=lambda each: -money[each]):
        place = next((place for place, there in enumerate(order) if money[there] < money[new]), len(order))
        order.insert(place, new)
    return order


def _mean(values: Floats) -> float:
    # rounding a centre can leave its cluster empty
    return float(values.mean()) if len(values) else 0.0


def _too_few(customers: int) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"{counted(customers, 'customer')} with a purchase, {FEWEST_CUSTOMERS} needed for clusters",
        hint="--by rfm needs 5; rules of your own need none: ckm segment --by FILE.yaml",
        customers=customers,
        needed=FEWEST_CUSTOMERS,
    )


def _too_alike(customers: int) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"{customers:,} customers are too alike to be divided into {FEWEST_CLUSTERS} clusters",
        hint="look at the features: ckm segment --customers; rules can divide them by what you know",
        customers=customers,
    )


def _too_small(customers: int) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"{counted(customers, 'customer')} with a purchase: any division leaves a cluster of fewer than "
        f"{FEWEST_IN_CLUSTER}, because most are alike",
        hint="rfm and rules need less: ckm segment --by rfm",
        customers=customers,
        needed=FEWEST_IN_CLUSTER,
    )
