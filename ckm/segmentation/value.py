"""Segments by present and potential value: four boxes of what customers are worth and what they could spend beyond."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from hashlib import blake2b
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.potential import MONEY_DIGITS, Effects, Percentile, Slope, fit_percentile, pinball_loss
from ckm.models.quantiles import quantile_cuts
from ckm.segmentation.definition import Detail, Segment, load_segments, readable_number
from ckm.segmentation.peers import FEW_PEERS, Peers, count_peers, read_peers
from ckm.segmentation.value_check import LaterCheck, compare_later, read_later_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.segmentation.definition import Basis
    from ckm.yamlfile import YamlEntry

BOXES = Path(__file__).parents[1] / "data" / "segments_value.yaml"
"""Names and advice, in the order (high, high), (low, high), (high, low), (low, low) of current value and headroom."""
CURRENT_VALUE = "margin_12mo"
NUMBERS = ("tenure_days", "categories", "gap_median_days")
"""What makes customers alike and is no spend. How often they bought last year is: times the order value, it is spend."""
TEXTS = ("party_type", "channel_main")
PLACES = ("region", "country")
"""The first that is known of anybody."""
FEWEST_BUYERS = 30
"""Customers with a positive current value below which there is no percentile to learn."""
SAMPLE = 10_000
"""Customers that the percentile is learned from; the linear program takes about a second."""
HISTORY_DAYS = 330
"""Days before the earlier date of the check that must have data, so that its current value is nearly a year's: a shop's
first sale may come some weeks after its books begin."""


@dataclass(frozen=True)
class MoneyCut:
    """An amount from which a value is high; zero and less never is.

    Attributes
    ----------
    at
        The amount.
    given
        True if it comes from the settings, False if it is the median of what is above zero.
    """

    at: float
    given: bool

    def is_high(self, value: pl.Expr) -> pl.Expr:
        """Whether ``value`` is high."""
        return (value >= self.at) & (value > 0)

    def to_plain(self) -> dict[str, Any]:
        """Return the amount and where it comes from."""
        return {"at": self.at, "by": "settings" if self.given else "median"}

    def __str__(self) -> str:
        return f"{self.at:,.2f} ({'as set' if self.given else 'median of those above zero'})"


@dataclass(frozen=True)
class ValueDefinition:
    """The percentile, the cuts and the names.

    Attributes
    ----------
    segments
        The boxes, in the order of :data:`BOXES`.
    potential
        What customers like this one spend at their 80th percentile.
    current_value_cut, headroom_cut
        Between low and high.
    peers
        Customers of the same party type, main channel and place.
    coverage
        Share of the customers it was fitted to whose current value is no more than the percentile.
    skill
        How much smaller its loss is than that of one percentile for everybody; 0 is no better, 1 without error.
    check
        How the definition of a year earlier fared; None where that cannot be said.
    unchecked
        Why it cannot be said; empty where it can.
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
        """Features that it reads."""
        return tuple(dict.fromkeys((CURRENT_VALUE, *self.potential.features, *self.peers.features)))

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return ``segment``; ``current_value``, ``potential_value``, ``headroom`` (Float64, money); ``peers`` (Int64).

        Potential value is the percentile and headroom what it exceeds current value by, at least 0. A customer without
        a current value has 0.
        """
        high_value = self.current_value_cut.is_high(pl.col("current_value"))
        high_headroom = self.headroom_cut.is_high(pl.col("headroom"))
        both, grow, cheap, neither = (pl.lit(each.name) for each in self.segments)
        return (
            _worth(features, self.potential)
            .select(
                pl.when(high_headroom)
                .then(pl.when(high_value).then(both).otherwise(grow))
                .otherwise(pl.when(high_value).then(cheap).otherwise(neither))
                .alias("segment"),
                "current_value",
                "potential_value",
                "headroom",
            )
            .with_columns(self.peers.count(features))
        )

    def to_plain(self) -> dict[str, Any]:
        """Return everything, levels by name."""
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
        """Return the coefficients and, where there is one, the check on a later period."""
        coefficients = Detail(
            f"What the {self.potential.quantile:.0%} percentile is multiplied by (a number: when it doubles)",
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
        """Say where the cuts are, how well the percentile fits, who has few peers, and what the check found."""
        few = assigned.filter(pl.col("peers") < FEW_PEERS).height
        features = ", ".join(self.peers.features)
        remarks = [
            f"high is a current value from {self.current_value_cut} and a headroom from {self.headroom_cut}",
            f"potential value: {self.coverage:.1%} of the customers it was learned from are worth no more "
            f"({self.potential.quantile:.0%} were meant to), with a loss {self.skill:.0%} below that of one percentile "
            "for all",
        ]
        if few:
            remarks.append(
                f"{few:,} of {assigned.height:,} customers have fewer than {FEW_PEERS} peers (same {features}): their "
                "potential rests on all customers alike"
            )
        remarks.append(
            self.check.finding if self.check else f"headroom is not checked on a later year: {self.unchecked}"
        )
        return tuple(remarks)


def fit_value(basis: Basis) -> ValueDefinition:
    """Learn the percentile and the cuts, and check on the last 12 months what was said at their beginning.

    Raises
    ------
    NotEnoughDataError
        Fewer than :data:`FEWEST_BUYERS` customers have a positive current value.
    """
    customers = basis.table.frame.sort("customer_id")
    potential = _learn(customers, basis.seed)
    worth = _worth(customers, potential)
    try:
        check, unchecked = _check(basis, customers), ""
    except NotEnoughDataError as error:
        check, unchecked = None, str(error)
    coverage, skill = _fit(worth, worth["current_value"], potential.quantile)
    return ValueDefinition(
        segments=load_segments(BOXES),
        potential=potential,
        current_value_cut=_cut(worth["current_value"], basis.settings.current_value_cut),
        headroom_cut=_cut(worth["headroom"], basis.settings.headroom_cut),
        peers=count_peers(customers, _texts(customers)),
        coverage=coverage,
        skill=skill,
        check=check,
        unchecked=unchecked,
    )


def read_value(entry: YamlEntry) -> ValueDefinition:
    """Read what :meth:`ValueDefinition.to_plain` wrote.

    Raises
    ------
    UsageError
        Something is missing or unfit, by file and line.
    """
    keys = entry.fields(("segments", "cuts", "potential", "peers", "fit", "check"))
    boxes = [each.fields(("name", "advice")) for each in keys["segments"].items()]
    if len({each["name"].text() for each in boxes}) != 4 or len(boxes) != 4:
        raise UsageError(f"{keys['segments'].where}: four boxes with different names are expected")
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


def _worth(customers: pl.DataFrame, potential: Percentile) -> pl.DataFrame:
    """Return ``current_value``, ``potential_value`` and ``headroom`` of each row."""
    current, spend = pl.col("current_value"), pl.col("potential_value")
    return customers.select(
        pl.col(CURRENT_VALUE).fill_null(0.0).round(MONEY_DIGITS).alias("current_value"),
        potential.spend().alias("potential_value"),
    ).with_columns((spend - current).clip(lower_bound=0.0).round(MONEY_DIGITS).alias("headroom"))


def _learn(customers: pl.DataFrame, seed: int) -> Percentile:
    """Learn the percentile from a sample of customers."""
    buyers = customers.filter(pl.col(CURRENT_VALUE) > 0).height
    if buyers < FEWEST_BUYERS:
        raise NotEnoughDataError(
            f"{buyers:,} of {customers.height:,} customers have a positive value in the last 12 months, "
            f"{FEWEST_BUYERS} needed for a percentile of it",
            hint="take in more data, or another --as-of",
            customers=buyers,
            needed=FEWEST_BUYERS,
        )
    sample = _sampled(customers, seed).with_columns(pl.col(CURRENT_VALUE).fill_null(0.0))
    numbers = [name for name in NUMBERS if _is_known(sample, name)]
    return fit_percentile(sample, CURRENT_VALUE, numbers=numbers, texts=_texts(customers))


def _sampled(customers: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the :data:`SAMPLE` customers whose hashed ids are smallest, in their order.

    The hash is of the id and the seed alone, so that a customer is in or out whatever the order of the rows, and
    nearly always stays so when others come and go.
    """
    if customers.height <= SAMPLE:
        return customers
    key = str(seed).encode()
    hashes = [blake2b(each.encode(), digest_size=8, key=key).digest() for each in customers["customer_id"]]
    rows = sorted(range(len(hashes)), key=hashes.__getitem__)[:SAMPLE]
    return customers[sorted(rows)]


def _texts(customers: pl.DataFrame) -> list[str]:
    """Return the text features that are known of anybody."""
    places = [name for name in PLACES if _is_known(customers, name)]
    return [name for name in TEXTS if _is_known(customers, name)] + places[:1]


def _is_known(customers: pl.DataFrame, name: str) -> bool:
    return name in customers.columns and customers[name].null_count() < customers.height


def _cut(values: pl.Series, given: float | None) -> MoneyCut:
    """Return the cut given, else the smallest value that half of those above zero do not exceed.

    Of those above zero: where most customers have not bought for a year, the median of all is zero, and "high" would
    be everybody who bought anything.
    """
    if given is not None:
        return MoneyCut(float(given), given=True)
    positive = values.filter(values > 0)
    return MoneyCut(float(quantile_cuts(positive, 2).edges[0]) if len(positive) else 0.0, given=False)


def _fit(worth: pl.DataFrame, reference: pl.Series, quantile: float) -> tuple[float, float]:
    """Return coverage and skill of a percentile.

    Coverage is the share of customers whose current value is no more than the percentile. Skill is one less the ratio
    of its pinball loss to that of the one percentile of ``reference`` for everybody, both of ``log(1 + value)``, where
    few large customers do not outweigh all others.
    """
    import numpy as np

    current = np.log1p(worth["current_value"].clip(lower_bound=0).to_numpy())
    potential = np.log1p(worth["potential_value"].to_numpy())
    everybody = np.quantile(np.log1p(reference.clip(lower_bound=0).to_numpy()), quantile, method="inverted_cdf")
    plain = pinball_loss(current, everybody, quantile)
    skill = 1 - pinball_loss(current, potential, quantile) / plain if plain else 0.0
    return readable_number(float((current <= potential).mean())), readable_number(skill)


def _check(basis: Basis, customers: pl.DataFrame) -> LaterCheck:
    """Learn as 12 months ago, and compare with what came of it."""
    since = _a_year_before(basis.table.as_of)
    then = basis.at(since).frame.sort("customer_id")
    reach = then["tenure_days"].max()
    if not isinstance(reach, int) or reach < HISTORY_DAYS:
        raise NotEnoughDataError(
            f"the first purchase is {reach or 0} days before {since}, {HISTORY_DAYS} needed for a year's value then"
        )
    potential = _learn(then, basis.seed)
    worth = _worth(then, potential)
    now = customers.select("customer_id", pl.col(CURRENT_VALUE).fill_null(0.0).alias("later_value"))
    later = then.select("customer_id").join(now, on="customer_id", how="left", maintain_order="left")
    coverage, skill = _fit(_worth(customers, potential), worth["current_value"], potential.quantile)
    return LaterCheck(
        since=since,
        until=basis.table.as_of,
        currency=basis.table.currency,
        coverage=coverage,
        skill=skill,
        **compare_later(worth, later["later_value"].fill_null(0.0)),
    )


def _a_year_before(day: date) -> date:
    """Return the same day of the year before; of 29 February, the 28th."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if is_leap_day else day.day)


def _read_cut(entry: YamlEntry) -> MoneyCut:
    keys = entry.fields(("at", "by"))
    if keys["by"].text() not in ("median", "settings"):
        raise UsageError(f"{keys['by'].where}: 'by' is neither 'median' nor 'settings'")
    return MoneyCut(keys["at"].number(), given=keys["by"].text() == "settings")


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
