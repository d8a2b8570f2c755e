"""RFM segments: three scores by quantiles, and a name for each combination."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from ckm._segment.definition import Segment, readable_number
from ckm._segment.rfm import score_corrections
from ckm._segment.rfm.names import NameTable, load_names, read_names
from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.quantiles import Cuts, material_cuts
from ckm.remark import doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm._segment.definition import Detail, TrainingData
    from ckm.yamlfile import YamlEntry

CLASS_CUSTOMERS = 5
"""Fewest customers per class of a score; with fewer, the names of segments would depend on chance."""
LEAST_RATIO = 1.1
"""Smallest ratio of frequency or monetary value between neighbouring classes; closer classes are merged."""
SCORES = ("r_score", "f_score", "m_score")
MEASURES = {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}
"""Measures of the three scores in the order of a code's digits, with their features."""


@dataclass(frozen=True)
class RfmDefinition:
    """Fitted cut points and names.

    Attributes
    ----------
    names
        A name for every combination of scores.
    cuts
        Cut points by measure, in the order of :data:`MEASURES`; recency in days, money in the unit of the currency.
    interval_days
        Median purchase interval of the shop; None without repeat purchases, or if names depend on scores only.
    """

    names: NameTable
    cuts: tuple[Cuts, Cuts, Cuts]
    interval_days: float | None = None

    method: ClassVar[str] = "rfm"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features that the scores, and the corrections of the scores, need."""
        return (*MEASURES.values(), *(score_corrections.NEEDS if self.names.facts else ()))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The names and their advice, best first."""
        return tuple(Segment(each.name, each.advice) for each in self.names.segments)

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return ``segment``, ``r_score``, ``f_score`` and ``m_score`` (Int8, 1 worst); with facts also ``named_by``.

        ``named_by`` is ``scores``, or the fact that overrode them (:data:`ckm._segment.rfm.score_corrections.REASONS`).
        """
        scored = features.lazy().with_columns(
            cut.score(pl.col(column)).alias(score)
            for score, column, cut in zip(SCORES, MEASURES.values(), self.cuts, strict=True)
        )
        by_scores = self.names.name(*map(pl.col, SCORES)).cast(pl.String)
        if not self.names.facts:
            return scored.select(by_scores.alias("segment"), *SCORES).collect()
        recency, frequency, _ = self.cuts
        corrected = score_corrections.corrected_scores(
            self.interval_days, recency_varies=recency.varies, frequency_varies=frequency.varies
        )
        named = self.names.name(*map(pl.col, "rfm")).cast(pl.String)
        unchanged = pl.col("by_scores") == named
        by_facts = pl.when(unchanged).then(pl.lit(score_corrections.SCORES)).otherwise(pl.col("because"))
        return (
            scored.select(*SCORES, by_scores.alias("by_scores"), *corrected)
            .select(named.alias("segment"), *SCORES, by_facts.alias("named_by"))
            .collect()
        )

    def to_plain(self) -> dict[str, Any]:
        """Return cut points, names and, if names also depend on facts, the usual purchase interval."""
        cuts = {measure: _plain_cuts(cut) for measure, cut in zip(MEASURES, self.cuts, strict=True)}
        return {
            "cuts": cuts,
            **({"interval_days": self.interval_days} if self.names.facts else {}),
            "names": self.names.to_plain(),
        }

    def details(self) -> tuple[Detail, ...]:
        """Return no tables: the definition has only cut points, which its file shows."""
        return ()

    def remarks(self, assigned: pl.DataFrame) -> tuple[str, ...]:
        """Return remarks on the number of scores (fewer with ties), and on names changed by facts."""
        used = ", ".join(f"{measure} {assigned[f'{measure[0]}_score'].n_unique()}" for measure in MEASURES)
        remarks: list[str] = [f"scores in use, of {self.names.bins}: {used} (equal values have equal scores)"]
        fewer = [f"{measure} {len(cut.scores)}" for measure, cut in zip(MEASURES, self.cuts, strict=True) if cut.scores]
        if fewer:
            own = "; where there is one class, names follow each customer's own purchases" if self.names.facts else ""
            remarks.append(
                doubt(
                    f"fewer than {self.names.bins} score classes: customers are few or alike ({', '.join(fewer)}){own}"
                )
            )
        if self.names.facts:
            changed = assigned.filter(pl.col("named_by") != score_corrections.SCORES).height
            if changed:
                remarks.append(
                    f"{counted(changed, 'customer')} named by their own purchases, because the name of their scores "
                    "would be false (column named_by)"
                )
        return tuple(remarks)


def fit_rfm(training: TrainingData, *, names: NameTable | None = None) -> RfmDefinition:
    """Fit the cut points of recency, frequency and monetary value to the quantiles of customers.

    If names depend on facts of a customer beside the scores (``names.facts``), the definition also gets the median
    purchase interval of the shop, with which :mod:`ckm._segment.rfm.score_corrections` compares a customer's recency.

    Parameters
    ----------
    training
        Features of the customers from whom the cut points are learned.
    names
        Names of the segments, and the number of scores. Default: eleven names over five scores.

    Raises
    ------
    NotEnoughDataError
        There are fewer customers than scores.
    """
    names = names or load_names()
    features = training.table.frame
    if features.height < names.bins:
        raise _too_few(features.height, names.bins)
    cut = partial(material_cuts, bins=names.bins, per_class=CLASS_CUSTOMERS)
    cuts = (
        cut(features["recency_days"], fewer_is_better=True),
        cut(features["frequency"], least_ratio=LEAST_RATIO),
        cut(features["monetary"], least_ratio=LEAST_RATIO),
    )
    if not names.facts:
        return RfmDefinition(names, cuts)
    median = features["purchase_interval_days"].median()  # None without repeat purchases
    interval = readable_number(median) if isinstance(median, float) else None
    return RfmDefinition(names, cuts, interval)


def read_rfm(entry: YamlEntry) -> RfmDefinition:
    """Read the output of :meth:`RfmDefinition.to_plain`.

    Raises
    ------
    UsageError
        A key is missing or invalid; the error has file and line.
    """
    keys = entry.fields(("cuts", "names"), ("interval_days",))
    names = read_names(keys["names"])
    if names.facts != ("interval_days" in keys):
        raise UsageError(f"{entry.where}: 'interval_days' belongs to names with 'facts: yes', and to no others")
    measures = keys["cuts"].fields(tuple(MEASURES))
    recency, frequency, monetary = (
        _read_cuts(measures[measure], names.bins, fewer_is_better=measure == "recency") for measure in MEASURES
    )
    interval = keys.get("interval_days")
    return RfmDefinition(
        names, (recency, frequency, monetary), None if interval is None or interval.is_null else interval.number()
    )


def _plain_cuts(cuts: Cuts) -> list[float] | dict[str, list[float]]:
    """Return the list of cut points; if there are fewer classes than scores, also the score of each class."""
    return {"edges": list(cuts.edges), "scores": list(cuts.scores)} if cuts.scores else list(cuts.edges)


def _read_cuts(entry: YamlEntry, bins: int, *, fewer_is_better: bool) -> Cuts:
    if not entry.is_mapping:
        return Cuts(_edges(entry, bins - 1, f"{bins - 1} ascending cut points"), fewer_is_better)
    keys = entry.fields(("edges", "scores"))
    scores = tuple(item.whole() for item in keys["scores"].items())
    rising = sorted(scores, reverse=fewer_is_better)
    if not scores or list(scores) != rising or not all(1 <= score <= bins for score in scores):
        raise UsageError(f"{keys['scores'].where}: scores from 1 to {bins} are expected, better from class to class")
    edges = _edges(keys["edges"], len(scores) - 1, f"{len(scores) - 1} ascending cut points for {len(scores)} scores")
    return Cuts(edges, fewer_is_better, scores)


def _edges(entry: YamlEntry, count: int, expected: str) -> tuple[float, ...]:
    numbers = [item.number() for item in entry.items()]
    if len(numbers) != count or numbers != sorted(numbers):
        raise UsageError(f"{entry.where}: {expected} are expected")
    return tuple(int(number) if number == int(number) else number for number in numbers)


def _too_few(customers: int, bins: int) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"{customers:,} customer{'s' if customers != 1 else ''} with a purchase, {bins} needed for {bins} scores",
        hint="load more data, or use a later --as-of",
        customers=customers,
        needed=bins,
    )
