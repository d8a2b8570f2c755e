"""Segments by current value and headroom: two cuts and four segments."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from ckm._segment.definition import Detail, Segment, load_segments, readable_number
from ckm._segment.value.headroom import CURRENT_VALUE, fit_of, known_texts, learn_potential, worth
from ckm._segment.value.headroom_check import LaterCheck, check_later, read_later_check
from ckm._segment.value.peers import FEW_PEERS, Peers, count_peers, read_peers
from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.potential import Effects, Percentile, Slope
from ckm.models.quantiles import quantile_cuts
from ckm.remark import assumption, doubt

if TYPE_CHECKING:
    from ckm._segment.definition import TrainingData
    from ckm.yamlfile import YamlEntry

BOXES = Path(__file__).parents[2] / "data" / "segments_value.yaml"
"""Names and advice for (high, high), (low, high), (high, low), (low, low) of current value and headroom."""
CUTS = {
    "settings": "as set",
    "median": "median of the values above zero",
    "one order": "customers spend nearly the same: one order makes no difference",
}
"""Possible sources of a cut."""
ALIKE = (0.1, 0.9)
"""Two quantiles of current value; if they differ by at most one order, the customers count as equal in value."""
ROUNDING = 0.01
"""Relative difference up to which two order values count as equal."""
FEWEST_ORDERS = 3
"""Fewest orders in a current value at which one order makes no difference."""


@dataclass(frozen=True)
class MoneyCut:
    """An amount above which a value is high; zero and less is never high.

    Attributes
    ----------
    at
        The amount.
    by
        Source of the cut, a key of :data:`CUTS`.
    """

    at: float
    by: str

    def is_high(self, value: pl.Expr) -> pl.Expr:
        """Return whether ``value`` is high."""
        return (value >= self.at) & (value > 0)

    def to_plain(self) -> dict[str, Any]:
        """Return the amount and its source."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.at:,.2f} ({CUTS[self.by]})"


@dataclass(frozen=True)
class ValueDefinition:
    """Fitted percentile, cuts and names.

    Attributes
    ----------
    segments
        Segments, in the order of :data:`BOXES`.
    potential
        80th percentile of spend among similar customers.
    current_value_cut, headroom_cut
        Cuts between low and high.
    peers
        Number of customers by party type, main channel and place.
    coverage
        Share of the training customers with a current value up to the percentile.
    skill
        Reduction of the loss relative to a single percentile for all customers: 0 is no reduction, 1 a loss of zero.
    check
        Result of comparing a definition of a year ago with the year since; None if impossible.
    unchecked
        Reason why there is no check; empty with a check.
    """

    segments: tuple[Segment, ...]
    potential: Percentile
    current_value_cut: MoneyCut
    headroom_cut: MoneyCut
    peers: Peers
    coverage: float
    skill: float
    check: LaterCheck | None
    unchecked: str

    method: ClassVar[str] = "value"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features that the definition needs."""
        return tuple(dict.fromkeys((CURRENT_VALUE, *self.potential.features, *self.peers.features)))

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return ``segment``; ``current_value``, ``potential_value``, ``headroom`` (Float64, money); ``peers`` (Int64).

        Potential value is the percentile, or the current value if that is higher; headroom is potential minus current
        value. A missing current value counts as 0.
        """
        high_value = self.current_value_cut.is_high(pl.col("current_value"))
        high_headroom = self.headroom_cut.is_high(pl.col("headroom"))
        both, grow, cheap, neither = (pl.lit(each.name) for each in self.segments)
        return (
            worth(features, self.potential)
            .select(
                pl.when(high_headroom)
                .then(pl.when(high_value).then(both).otherwise(grow))
                .otherwise(pl.when(high_value).then(cheap).otherwise(neither))
                .alias("segment"),
                "current_value",
                # a customer who spends more than the percentile has no headroom
                pl.max_horizontal("potential_value", "current_value"),
                "headroom",
            )
            .with_columns(self.peers.count(features))
        )

    def to_plain(self) -> dict[str, Any]:
        """Return all parameters of the definition, for its file."""
        return {
            "segments": [asdict(each) for each in self.segments],
            "cuts": {"current_value": self.current_value_cut.to_plain(), "headroom": self.headroom_cut.to_plain()},
            "potential": {
                "quantile": self.potential.quantile,
                "intercept": self.potential.intercept,
                "numbers": [asdict(each) for each in self.potential.slopes],
                "texts": [asdict(each) | {"levels": dict(each.levels)} for each in self.potential.effects],
                "ceiling": self.potential.ceiling,
            },
            "peers": self.peers.to_plain(),
            "fit": {"coverage": self.coverage, "skill": self.skill},
            "check": self.check.to_plain() if self.check else {"none": self.unchecked},
        }

    def details(self) -> tuple[Detail, ...]:
        """Return the tables of the coefficients and, if there is a check, of its result."""
        coefficients = Detail(
            f"Factors of the {self.potential.quantile:.0%} percentile (of a numeric feature: when it doubles)",
            pl.DataFrame(
                [(each.feature, "twice as much", 2**each.slope) for each in self.potential.slopes]
                + [
                    (each.feature, level, exp(addend))
                    for each in self.potential.effects
                    for level, addend in (*each.levels, ("(other)", each.other), ("(unknown)", each.unknown))
                ],
                schema={"feature": pl.String, "level": pl.String, "factor": pl.Float64},
                orient="row",
            ),
            {"factor": "×{:.2f}"},
        )
        return (coefficients, *(self.check.details() if self.check else ()))

    def remarks(self, assigned: pl.DataFrame) -> tuple[str, ...]:
        """Return remarks on the cuts, the fit of the percentile, customers with few peers, and the check."""
        few = assigned["peers"].null_count()
        features = ", ".join(self.peers.features)
        remarks: list[str] = [
            f"high: current value from {self.current_value_cut}, headroom from {self.headroom_cut}",
            f"potential value: {self.coverage:.1%} of the customers have a current value up to it "
            f"({self.potential.quantile:.0%} intended); its loss is {self.skill:.0%} below that of one percentile for "
            "all",
        ]
        if few:
            remarks.append(
                assumption(
                    f"{few:,} of {assigned.height:,} customers have fewer than {FEW_PEERS} peers (same {features}): "
                    "their potential is estimated from all customers"
                )
            )
        if self.check is None:
            remarks.append(doubt(f"headroom is not checked on a later year: {self.unchecked}"))
        else:
            remarks.append(self.check.finding if self.check.predicted_growth else doubt(self.check.finding))
        return tuple(remarks)


def fit_value(training: TrainingData) -> ValueDefinition:
    """Fit the percentile and the cut points, and check a definition of 12 months ago on the last 12 months.

    Raises
    ------
    NotEnoughDataError
        Fewer than :data:`FEWEST_BUYERS` customers have a positive current value.
    """
    customers = training.table.frame.sort("customer_id")
    potential = learn_potential(customers, training.seed)
    money = worth(customers, potential)
    try:
        check, unchecked = check_later(training, customers), ""
    except NotEnoughDataError as error:
        check, unchecked = None, str(error)
    coverage, skill = fit_of(money, money["current_value"], potential.quantile)
    order = one_order(customers, money["current_value"])
    return ValueDefinition(
        segments=load_segments(BOXES),
        potential=potential,
        current_value_cut=_cut(money["current_value"], training.settings.current_value_cut, -order),
        headroom_cut=_cut(money["headroom"], training.settings.headroom_cut, order),
        peers=count_peers(customers, known_texts(customers)),
        coverage=coverage,
        skill=skill,
        check=check,
        unchecked=unchecked,
    )


def read_value(entry: YamlEntry) -> ValueDefinition:
    """Read the output of :meth:`ValueDefinition.to_plain`.

    Raises
    ------
    UsageError
        A key is missing or invalid; the error has file and line.
    """
    keys = entry.fields(("segments", "cuts", "potential", "peers", "fit", "check"))
    boxes = [each.fields(("name", "advice")) for each in keys["segments"].items()]
    if len({each["name"].text() for each in boxes}) != 4 or len(boxes) != 4:
        raise UsageError(f"{keys['segments'].where}: four segments with different names are expected")
    cuts = keys["cuts"].fields(("current_value", "headroom"))
    fit = keys["fit"].fields(("coverage", "skill"))
    unchecked = keys["check"].mapping().get("none")
    return ValueDefinition(
        segments=tuple(Segment(each["name"].text(), each["advice"].text()) for each in boxes),
        potential=_read_potential(keys["potential"]),
        current_value_cut=_read_cut(cuts["current_value"]),
        headroom_cut=_read_cut(cuts["headroom"]),
        peers=read_peers(keys["peers"]),
        coverage=fit["coverage"].number(),
        skill=fit["skill"].number(),
        check=None if unchecked else read_later_check(keys["check"]),
        unchecked=unchecked.text() if unchecked else "",
    )


def one_order(customers: pl.DataFrame, current_value: pl.Series) -> float:
    """Return the median average order value if current values differ by at most one order; otherwise 0.

    Members of a club who pay the same every 30 days have 12 or 13 payments in a year, depending on their joining day.
    """
    buyers = customers.with_columns(worth=current_value).filter(pl.col("worth") > 0)
    if "order_value_mean" not in buyers.columns or buyers.is_empty():
        return 0.0
    order = buyers["order_value_mean"].median()
    low, high = (buyers["worth"].quantile(each, "nearest") for each in ALIKE)
    assert low is not None
    assert high is not None
    if not isinstance(order, float) or high - low > order * (1 + ROUNDING) or low < FEWEST_ORDERS * order:
        return 0.0
    return readable_number(order)


def _cut(values: pl.Series, given: float | None, order: float) -> MoneyCut:
    """Return the cut ``given`` by the user, or else the median of the values above zero.

    Only values above zero count: if most customers have not bought for a year, the median of all is zero, and every
    customer with a purchase would be high. If customers differ by one order at most (``order`` is not 0), a current
    value that is one order lower is still high (negative ``order``), and a headroom of one order is still low (positive
    ``order``).
    """
    if given is not None:
        return MoneyCut(float(given), "settings")
    positive = values.filter(values > 0)
    median = float(quantile_cuts(positive, 2).edges[0]) if len(positive) else 0.0
    if not order:
        return MoneyCut(median, "median")
    slack = order * (1 + ROUNDING)
    return MoneyCut(readable_number(max(median, slack) if order > 0 else median + slack), "one order")


def _read_cut(entry: YamlEntry) -> MoneyCut:
    keys = entry.fields(("at", "by"))
    if keys["by"].text() not in CUTS:
        raise UsageError(f"{keys['by'].where}: 'by' is none of {', '.join(map(repr, CUTS))}")
    return MoneyCut(keys["at"].number(), keys["by"].text())


def _read_potential(entry: YamlEntry) -> Percentile:
    keys = entry.fields(("quantile", "intercept", "numbers", "texts", "ceiling"))
    return Percentile(
        quantile=keys["quantile"].number(),
        intercept=keys["intercept"].number(),
        slopes=tuple(map(_read_slope, keys["numbers"].items())),
        effects=tuple(map(_read_effects, keys["texts"].items())),
        ceiling=keys["ceiling"].number(),
    )


def _read_slope(entry: YamlEntry) -> Slope:
    keys = entry.fields(("feature", "slope", "lowest", "highest", "typical"))
    numbers = {name: keys[name].number() for name in ("slope", "lowest", "highest", "typical")}
    return Slope(keys["feature"].text(), **numbers)


def _read_effects(entry: YamlEntry) -> Effects:
    keys = entry.fields(("feature", "levels", "other", "unknown"))
    levels = {level: addend.number() for level, addend in keys["levels"].mapping().items()}
    return Effects(
        keys["feature"].text(), tuple(sorted(levels.items())), keys["other"].number(), keys["unknown"].number()
    )
