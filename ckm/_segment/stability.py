"""Population stability index: shift of today's customers from the customers that a definition was fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm._segment.definition import Detail, readable_number
from ckm.errors import UsageError
from ckm.remark import doubt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckm.settings import SegmentSettings
    from ckm.yamlfile import YamlEntry

BINS = 10
"""Intervals of a numeric feature: deciles, the usual choice."""
MOST_LEVELS = 20
"""Maximum number of values (levels) of a text feature that are counted separately; all others count together."""
LEAST_SHARE = 1e-4
"""Smallest share of an interval: smaller ones are raised to it, because the logarithm of zero is not finite."""
LEAST_SHOWN = 0.005
"""Smallest index that is shown; a smaller one would be displayed as 0.00."""
CHANCE_NORMAL_QUANTILE = 3.0902
"""99.9 % quantile of the standard normal distribution: by chance, one feature in a thousand exceeds it."""


@dataclass(frozen=True)
class Distribution:
    """Distribution of a feature in the training data.

    Attributes
    ----------
    shares
        Share of the customers in each interval or level, then in all other levels (text only), then without a value.
    edges
        Ascending edges of a numeric feature; interval ``i`` is above edge ``i - 1`` and up to edge ``i``. Empty for
        text.
    levels
        Most frequent values of a text feature; empty for numbers.
    """

    shares: tuple[float, ...]
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()

    def counts_of(self, values: pl.Series) -> list[int]:
        """Return the number of ``values`` in each interval or level of this distribution."""
        place = self._place(pl.col(values.name))
        counts = values.to_frame().select(place.alias("place"))["place"].value_counts()
        found = dict(counts.iter_rows())
        return [found.get(number, 0) for number in range(len(self.shares))]

    def shares_of(self, values: pl.Series) -> list[float]:
        """Return the shares of ``values`` in the same intervals or levels."""
        return [count / max(len(values), 1) for count in self.counts_of(values)]

    def _place(self, value: pl.Expr) -> pl.Expr:
        last = len(self.shares) - 1
        if self.levels:
            numbers = {level: number for number, level in enumerate(self.levels)}
            place = value.replace_strict(numbers, default=len(self.levels), return_dtype=pl.Int64)
        else:
            place = pl.sum_horizontal(pl.lit(0, pl.Int64), *(value.gt(edge).cast(pl.Int64) for edge in self.edges))
        return pl.when(value.is_null()).then(last).otherwise(place).cast(pl.Int64)


@dataclass(frozen=True)
class Shift:
    """Shift of one feature.

    Attributes
    ----------
    feature
        Name of the feature.
    index
        Population stability index; 0 is no shift.
    chance
        Index that samples of this size from the same customers exceed by chance once in a thousand.
    """

    feature: str
    index: float
    chance: float

    def exceeds(self, limit: float) -> bool:
        """Return whether the index is at least ``limit``, and larger than chance explains."""
        return self.index >= limit and self.index > self.chance


def distributions(features: pl.DataFrame, names: Iterable[str]) -> dict[str, Distribution]:
    """Return the distribution of each feature by name; dates are omitted, because they always shift."""
    countable = (name for name in names if features[name].dtype.is_numeric() or features[name].dtype == pl.String)
    return {name: _distribution(features[name]) for name in countable}


def counts_by_feature(then: Mapping[str, Distribution], features: pl.DataFrame) -> dict[str, list[int]]:
    """Return the numbers of today's customers in the intervals or levels of each feature that they have."""
    return {name: each.counts_of(features[name]) for name, each in then.items() if name in features.columns}


def shifts(
    then: Mapping[str, Distribution], customers_then: int, now: Mapping[str, Sequence[int]]
) -> tuple[Shift, ...]:
    r"""Return the population stability index of every feature, the largest first.

    :math:`PSI = \sum_i (p_i - q_i) \ln (p_i / q_i)` over the intervals, with the shares then and now (Siddiqi 2006,
    *Credit Risk Scorecards*). For two samples of the same customers, PSI times ``n m / (n + m)`` is about
    chi-square with one degree of freedom less than there are intervals (Yurdakul and Naranjo 2020, *Journal of Risk
    Model Validation* 14(4)); its 99.9 % quantile, by Wilson and Hilferty (1931), is the largest index that chance
    explains.

    Parameters
    ----------
    then
        Distributions in the training data.
    customers_then
        Number of customers in the training data.
    now
        Result of :func:`counts_by_feature` for today's customers, possibly summed over partitions of them.
    """
    found = []
    for name, counts in now.items():
        distribution, customers = then[name], max(sum(counts), 1)
        index = population_stability_index(distribution.shares, [count / customers for count in counts])
        free = sum(1 for share in distribution.shares if share > 0) - 1
        chance = chi_square_quantile(free) * (1 / max(customers_then, 1) + 1 / customers)
        found.append(Shift(name, index, chance))
    return tuple(sorted(found, key=lambda shift: (-shift.index, shift.feature)))


def shift_remark(found: Sequence[Shift], settings: SegmentSettings) -> str:
    """Return a remark on shifted features, and on whether the definition should be refitted."""
    for limit, what in ((settings.shift_refit, "--refit is recommended"), (settings.shift_watch, "check them")):
        shifted = [f"{shift.feature} {shift.index:.2f}" for shift in found if shift.exceeds(limit)]
        if shifted:
            by = f"by a population stability index of {limit:g} or more"
            return doubt(f"features shifted since the definition was fitted, {by}: {', '.join(shifted)}; {what}")
    largest = f" (at most {found[0].index:.2f}, {found[0].feature})" if found and found[0].index >= LEAST_SHOWN else ""
    return f"no feature has shifted since by a population stability index of {settings.shift_watch:g} or more{largest}"


def shift_detail(found: Sequence[Shift]) -> Detail:
    """Return the population stability index of each feature as a table."""
    frame = pl.DataFrame(
        [(shift.feature, shift.index, shift.chance) for shift in found],
        schema={"feature": pl.String, "index": pl.Float64, "by_chance": pl.Float64},
        orient="row",
    )
    title = "Shift of the features since the definition was fitted (population stability index)"
    return Detail(title, frame, {"index": "{:.3f}", "by_chance": "{:.3f}"})


def population_stability_index(then: Iterable[float], now: Iterable[float]) -> float:
    """Return the population stability index of the shares ``then`` and ``now`` over the same intervals."""
    pairs = [(max(p, LEAST_SHARE), max(q, LEAST_SHARE)) for p, q in zip(then, now, strict=True)]
    return sum((p - q) * math.log(p / q) for p, q in pairs)


def to_plain(distribution: Distribution) -> dict[str, Any]:
    """Return a distribution as lists for YAML."""
    plain = {"edges": list(distribution.edges), "levels": list(distribution.levels)}
    return {**{key: value for key, value in plain.items() if value}, "shares": list(distribution.shares)}


def read_distribution(entry: YamlEntry) -> Distribution:
    """Read the output of :func:`to_plain`.

    Raises
    ------
    UsageError
        The lists have inconsistent lengths.
    """
    keys = entry.fields(("shares",), ("edges", "levels"))
    shares = tuple(item.number() for item in keys["shares"].items())
    edges = tuple(item.number() for item in keys["edges"].items()) if "edges" in keys else ()
    levels = tuple(item.text() for item in keys["levels"].items()) if "levels" in keys else ()
    if len(shares) != len(edges or levels) + 2:
        raise UsageError(f"{entry.where}: {len(edges or levels) + 2} shares are expected")
    return Distribution(shares, edges, levels)


def chi_square_quantile(free: int) -> float:
    """Return the 99.9 % quantile of chi-square with ``free`` degrees of freedom.

    Approximation of Wilson and Hilferty (1931), which is 3 % too large at one degree of freedom.
    """
    if free < 1:
        return 0.0
    spread = 2 / (9 * free)
    return float(free * (1 - spread + CHANCE_NORMAL_QUANTILE * math.sqrt(spread)) ** 3)


def _distribution(values: pl.Series) -> Distribution:
    known = values.drop_nulls().sort()
    if values.dtype == pl.String:
        counts = known.value_counts().sort(["count", values.name], descending=[True, False])
        empty = Distribution(
            (0.0,) * (min(counts.height, MOST_LEVELS) + 2), levels=tuple(counts[values.name])[:MOST_LEVELS]
        )
    else:
        places = (-(-len(known) * number // BINS) - 1 for number in range(1, BINS))
        edges = sorted({readable_number(float(known[place])) for place in places}) if len(known) else []
        empty = Distribution((0.0,) * (len(edges) + 2), edges=tuple(edges))
    shares = tuple(readable_number(share) for share in empty.shares_of(values))
    return Distribution(shares, empty.edges, empty.levels)
