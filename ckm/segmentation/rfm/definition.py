"""Segments by recency, frequency and money: three scores by quantiles, and a name for each combination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.quantiles import Cuts, quantile_cuts
from ckm.segmentation.definition import Segment
from ckm.segmentation.rfm.names import NameTable, load_names, read_names

if TYPE_CHECKING:
    from ckm.segmentation.definition import Basis, Detail
    from ckm.yamlfile import YamlEntry

MEASURES = {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}
"""The digits of a code, in their order, and the features they score."""


@dataclass(frozen=True)
class RfmDefinition:
    """Cut points and names.

    Attributes
    ----------
    names
        A name for every combination of scores.
    cuts
        Per measure, in the order of :data:`MEASURES`. Recency in days, money in the unit of the currency.
    """

    names: NameTable
    cuts: tuple[Cuts, Cuts, Cuts]

    method: ClassVar[str] = "rfm"
    needs: ClassVar[tuple[str, ...]] = tuple(MEASURES.values())

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The names and their advice, best first."""
        return tuple(Segment(each.name, each.advice) for each in self.names.segments)

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return ``segment``, ``r_score``, ``f_score`` and ``m_score`` (Int8, 1 worst)."""
        scores = [f"{measure[0]}_score" for measure in MEASURES]
        return (
            features.lazy()
            .select(
                cut.score(pl.col(column)).alias(score)
                for score, column, cut in zip(scores, MEASURES.values(), self.cuts, strict=True)
            )
            .select(self.names.name(*map(pl.col, scores)).cast(pl.String).alias("segment"), *scores)
            .collect()
        )

    def to_plain(self) -> dict[str, Any]:
        """Return cut points and names."""
        cuts = {measure: list(cut.edges) for measure, cut in zip(MEASURES, self.cuts, strict=True)}
        return {"cuts": cuts, "names": self.names.to_plain()}

    def details(self) -> tuple[Detail, ...]:
        """There is nothing to show beside the cut points."""
        return ()

    def remarks(self, assigned: pl.DataFrame) -> tuple[str, ...]:
        """Say how many scores exist, which are fewer than asked for where values tie."""
        used = ", ".join(f"{measure} {assigned[f'{measure[0]}_score'].n_unique()}" for measure in MEASURES)
        return (f"scores in use, of {self.names.bins}: {used} (equal values always score the same)",)


def fit_rfm(basis: Basis, *, names: NameTable | None = None) -> RfmDefinition:
    """Cut recency, frequency and money at the quantiles of these customers.

    Parameters
    ----------
    basis
        The customers.
    names
        Names and the number of scores. Default: the eleven usual names over five scores.

    Raises
    ------
    NotEnoughDataError
        There are fewer customers than scores.
    """
    names = names or load_names()
    features = basis.table.frame
    if features.height < names.bins:
        raise _too_few(features.height, names.bins)
    return RfmDefinition(
        names,
        (
            quantile_cuts(features["recency_days"], names.bins, fewer_is_better=True),
            quantile_cuts(features["frequency"], names.bins),
            quantile_cuts(features["monetary"], names.bins),
        ),
    )


def read_rfm(entry: YamlEntry) -> RfmDefinition:
    """Read what :meth:`RfmDefinition.to_plain` wrote.

    Raises
    ------
    UsageError
        Something is missing or unfit, by file and line.
    """
    keys = entry.fields(("cuts", "names"))
    names = read_names(keys["names"])
    measures = keys["cuts"].fields(tuple(MEASURES))
    recency, frequency, monetary = (_edges(measures[measure], names.bins) for measure in MEASURES)
    return RfmDefinition(names, (Cuts(recency, fewer_is_better=True), Cuts(frequency), Cuts(monetary)))


def _edges(entry: YamlEntry, bins: int) -> tuple[float, ...]:
    numbers = [item.number() for item in entry.items()]
    if len(numbers) != bins - 1 or numbers != sorted(numbers):
        raise UsageError(f"{entry.where}: {bins - 1} ascending cut points are expected, for {bins} scores")
    return tuple(int(number) if number == int(number) else number for number in numbers)


def _too_few(customers: int, bins: int) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"{customers:,} customer{'s' if customers != 1 else ''} with a purchase, "
        f"{bins} needed to tell {bins} scores apart",
        hint="take in more data, or a later --as-of",
        customers=customers,
        needed=bins,
    )
