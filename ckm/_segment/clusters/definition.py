"""Definition of clusters: features with scales, centres, names, and the choice of their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from ckm._segment.definition import Detail, Segment
from ckm.errors import UsageError
from ckm.models.clusters.cluster_stability import STABLE, StabilityTrial, choose
from ckm.models.clusters.kmeans import nearest_centre
from ckm.models.clusters.scaling import CLIP, Recipe, Scaling, scaled_points
from ckm.remark import doubt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ckm.yamlfile import YamlEntry

    Floats = NDArray[np.float64]

DISTANCE_DIGITS = 4


@dataclass(frozen=True)
class Cluster:
    """A group of customers with similar habits.

    Attributes
    ----------
    name, advice
        Name and advice, as in :class:`~ckm._segment.definition.Segment`.
    centre
        Centre of the cluster by feature: the scaled value, 0 at the median of all customers.
    customers
        Number of customers in the cluster when it was fitted.
    money
        Mean ``monetary`` of these customers; it determines the order of new clusters.
    """

    name: str
    advice: str
    centre: tuple[float, ...]
    customers: int
    money: float


@dataclass(frozen=True)
class ClustersDefinition:
    """Fitted centres and scales.

    Attributes
    ----------
    scalings
        Features with their scales.
    clusters
        Clusters in the order of the summary; a customer belongs to the cluster with the nearest centre.
    trials
        Stability of each number of clusters.
    fitted
        Number of customers that the centres were fitted to.
    left_out
        Features that were missing or constant.
    """

    scalings: tuple[Scaling, ...]
    clusters: tuple[Cluster, ...]
    trials: tuple[StabilityTrial, ...]
    fitted: int
    left_out: tuple[str, ...] = ()

    method: ClassVar[str] = "clusters"

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the columns that the features use."""
        return tuple(dict.fromkeys(column for each in self.scalings for column in each.recipe.columns))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Names and advice of the clusters."""
        return tuple(Segment(each.name, each.advice) for each in self.clusters)

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return ``segment``, ``cluster`` (Int64, its position from 1) and ``distance`` (to its centre, in scales)."""
        points = scaled_points(self.scalings, number_columns(features, self.needs))
        nearest, distance = nearest_centre(points, np.array([each.centre for each in self.clusters]))
        names = pl.Series([each.name for each in self.clusters], dtype=pl.String)
        return pl.DataFrame(
            {
                "segment": names.gather(pl.Series(nearest)),
                "cluster": pl.Series(nearest + 1, dtype=pl.Int64),
                "distance": pl.Series(np.round(distance, DISTANCE_DIGITS), dtype=pl.Float64),
            }
        )

    def to_plain(self) -> dict[str, Any]:
        """Return features with their scales, clusters with their centres, and the trials."""
        return {
            "clip": CLIP,
            "features": [_plain_scaling(each) for each in self.scalings],
            "clusters": [
                {
                    "name": each.name,
                    "advice": each.advice,
                    "customers": each.customers,
                    "money": each.money,
                    "centre": self._by_feature(each.centre),
                }
                for each in self.clusters
            ],
            "trials": [vars(each).copy() for each in self.trials],
            "fitted": self.fitted,
            "left_out": list(self.left_out),
        }

    def details(self) -> tuple[Detail, ...]:
        """Return tables of the stability of each number of clusters, and of the centres."""
        centres = np.array([each.centre for each in self.clusters])
        average = np.average(centres, axis=0, weights=[max(each.customers, 1) for each in self.clusters])
        profiles = [
            {"segment": each.name, "customers": each.customers} | self._by_feature(row)
            for each, row in zip(self.clusters, (centres - average).tolist(), strict=True)
        ]
        return (
            Detail(
                f"Stability of {self.trials[0].clusters} to {self.trials[-1].clusters} clusters "
                f"(mean adjusted Rand index of bootstrap samples; stable from {STABLE:.3f} on)",
                pl.DataFrame([vars(each) for each in self.trials]),
                {
                    "stability": "{:.3f}",
                    "deviation": "{:.3f}",
                    "lowest": "{:.3f}",
                    "silhouette": "{:.2f}",
                    "smallest": "{:.1%}",
                },
            ),
            Detail(
                "Centres of the clusters minus the average customer, in scales (about one standard deviation each)",
                pl.DataFrame(profiles),
                dict.fromkeys(self._features, "{:+.1f}"),
            ),
        )

    def remarks(self, assigned: pl.DataFrame) -> tuple[str, ...]:
        """Return remarks on the stability of the clusters and on features that were not used."""
        chosen = choose(self.trials)
        fewest, most = self.trials[0].clusters, self.trials[-1].clusters
        tried = f"from {fewest} to {most}" if fewest < most else "without a cluster that is too small"
        remarks = [
            f"{len(self.clusters)} clusters by {', '.join(self._features)}: the largest stable number {tried} "
            f"(mean adjusted Rand index of bootstrap samples {chosen.stability:.3f}; stable from {STABLE:.3f} on)"
            if chosen.is_stable
            else doubt(
                f"the clusters are not stable: the best number, {chosen.clusters}, has a mean adjusted Rand index of "
                f"bootstrap samples of {chosen.stability:.3f} (stable from {STABLE:.3f} on); similar customers would "
                "be grouped differently"
            )
        ]
        if self.left_out:
            remarks.append(
                f"features not used: {', '.join(self.left_out)} (missing from the data, or the same for all customers)"
            )
        learned = sum(each.customers for each in self.clusters)
        if self.fitted < learned:
            remarks.append(f"clusters fitted to {self.fitted:,} of {learned:,} customers, sampled by hashed id")
        return tuple(remarks)

    @property
    def _features(self) -> list[str]:
        return [each.recipe.name for each in self.scalings]

    def _by_feature(self, centre: Sequence[float]) -> dict[str, float]:
        return dict(zip(self._features, centre, strict=True))


def read_clusters(entry: YamlEntry) -> ClustersDefinition:
    """Read the output of :meth:`ClustersDefinition.to_plain`.

    Raises
    ------
    UsageError
        A key is missing or invalid; the error has file and line.
    """
    keys = entry.fields(("clip", "features", "clusters", "trials", "fitted", "left_out"))
    if keys["clip"].number() != CLIP:
        raise UsageError(f"{keys['clip'].where}: 'clip' can only be {CLIP:g}")
    for name in ("features", "clusters", "trials"):
        if not keys[name].items():
            raise UsageError(f"{keys[name].where}: '{name}' is empty")
    scalings = tuple(_read_scaling(each) for each in keys["features"].items())
    clusters = tuple(_read_cluster(each, scalings) for each in keys["clusters"].items())
    trials = tuple(_read_trial(each) for each in keys["trials"].items())
    if len({each.name for each in clusters}) < len(clusters):
        raise UsageError(f"{keys['clusters'].where}: two clusters have the same name", hint="give each its own name")
    left_out = tuple(each.text() for each in keys["left_out"].items())
    return ClustersDefinition(scalings, clusters, trials, keys["fitted"].whole(), left_out)


def number_columns(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, Floats]:
    """Return the columns ``names`` as numbers, shape (rows, columns); NaN for null."""
    return {name: frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in names}


def _plain_scaling(scaling: Scaling) -> dict[str, Any]:
    recipe = scaling.recipe
    return {
        "name": recipe.name,
        "column": recipe.column,
        **({"over": recipe.over} if recipe.over is not None else {}),
        "log": "yes" if recipe.log else "no",
        **({"evidence": recipe.evidence} if recipe.evidence is not None else {}),
        "typical": scaling.typical,
        "centre": scaling.centre,
        "scale": scaling.scale,
    }


def _read_scaling(entry: YamlEntry) -> Scaling:
    keys = entry.fields(("name", "column", "log", "typical", "centre", "scale"), ("over", "evidence"))
    if keys["log"].text() not in ("yes", "no"):
        raise UsageError(f"{keys['log'].where}: 'log' is yes or no")
    scale = keys["scale"].number()
    if scale <= 0:
        raise UsageError(f"{keys['scale'].where}: 'scale' must be above 0")
    recipe = Recipe(
        keys["name"].text(),
        keys["column"].text(),
        over=keys["over"].text() if "over" in keys else None,
        log=keys["log"].text() == "yes",
        evidence=keys["evidence"].text() if "evidence" in keys else None,
    )
    return Scaling(recipe, keys["typical"].number(), keys["centre"].number(), scale)


def _read_cluster(entry: YamlEntry, scalings: Sequence[Scaling]) -> Cluster:
    keys = entry.fields(("name", "advice", "customers", "money", "centre"))
    features = [each.recipe.name for each in scalings]
    centre = keys["centre"].fields(features)
    return Cluster(
        keys["name"].text(),
        keys["advice"].text(),
        tuple(centre[name].number() for name in features),
        keys["customers"].whole(),
        keys["money"].number(),
    )


def _read_trial(entry: YamlEntry) -> StabilityTrial:
    keys = entry.fields(tuple(StabilityTrial.__dataclass_fields__))
    numbers = {name: keys[name].number() for name in keys if name != "clusters"}
    return StabilityTrial(clusters=keys["clusters"].whole(), **numbers)
