"""Headroom: current value of customers, and potential value estimated from similar customers."""

from __future__ import annotations

import polars as pl

from ckm._segment.definition import readable_number
from ckm.errors import NotEnoughDataError
from ckm.models.potential import MONEY_DIGITS, Percentile, fit_percentile, pinball_loss
from ckm.models.sampling import sample_by_id
from ckm.wording import counted

CURRENT_VALUE = "margin_12mo"
NUMBERS = ("tenure_days", "categories", "gap_median_days")
"""Numeric features, other than spend, by which customers are comparable. The purchase frequency of the year is
excluded, because it determines spend."""
TEXTS = ("party_type", "channel_main")
PLACES = ("region", "country")
"""Features of place; the first one that at least one customer has is used."""
FEWEST_BUYERS = 30
"""Fewest customers with a positive current value to fit the percentile."""
SAMPLE = 10_000
"""Maximum number of customers that the percentile is fitted to; the linear programme then takes about a second."""


def learn_potential(customers: pl.DataFrame, seed: int) -> Percentile:
    """Fit the 80th percentile of spend as a function of features other than spend.

    Parameters
    ----------
    customers
        Features, sorted by ``customer_id``. Features that are null for all customers are dropped.
    seed
        Random seed of the sample.

    Raises
    ------
    NotEnoughDataError
        Fewer than :data:`FEWEST_BUYERS` customers have a positive current value.
    """
    buyers = customers.filter(pl.col(CURRENT_VALUE) > 0).height
    if buyers < FEWEST_BUYERS:
        raise NotEnoughDataError(
            f"{buyers:,} of {counted(customers.height, 'customer')} with a positive value in the last 12 months, "
            f"{FEWEST_BUYERS} needed for a percentile of it",
            hint="load more data, or use another --as-of",
            customers=buyers,
            needed=FEWEST_BUYERS,
        )
    drawn = sample_by_id(customers["customer_id"].to_list(), SAMPLE, seed=seed)
    sample = customers[drawn].with_columns(pl.col(CURRENT_VALUE).fill_null(0.0))
    numbers = [name for name in NUMBERS if _is_known(sample, name)]
    return fit_percentile(sample, CURRENT_VALUE, numbers=numbers, texts=known_texts(customers))


def worth(customers: pl.DataFrame, potential: Percentile) -> pl.DataFrame:
    """Return ``current_value``, ``potential_value`` and ``headroom`` of each row, with two decimals.

    Headroom is potential minus current value, at least 0. A missing current value counts as 0.
    """
    current, spend = pl.col("current_value"), pl.col("potential_value")
    return customers.select(
        pl.col(CURRENT_VALUE).fill_null(0.0).round(MONEY_DIGITS).alias("current_value"),
        potential.spend().alias("potential_value"),
    ).with_columns((spend - current).clip(lower_bound=0.0).round(MONEY_DIGITS).alias("headroom"))


def fit_of(worth: pl.DataFrame, reference: pl.Series, quantile: float) -> tuple[float, float]:
    """Return coverage and skill of a percentile.

    Coverage is the share of customers with a current value up to the percentile. Skill is 1 minus the ratio of two
    pinball losses: of this percentile, and of a single percentile of ``reference`` for all customers. Both are losses
    of ``log(1 + value)``, so that few large customers do not dominate.
    """
    import numpy as np

    current = np.log1p(worth["current_value"].clip(lower_bound=0).to_numpy())
    potential = np.log1p(worth["potential_value"].to_numpy())
    overall = np.quantile(np.log1p(reference.clip(lower_bound=0).to_numpy()), quantile, method="inverted_cdf")
    plain = pinball_loss(current, overall, quantile)
    skill = 1 - pinball_loss(current, potential, quantile) / plain if plain else 0.0
    return readable_number(float((current <= potential).mean())), readable_number(skill)


def known_texts(customers: pl.DataFrame) -> list[str]:
    """Return the text features that define peers, without features that are null for all customers."""
    places = [name for name in PLACES if _is_known(customers, name)]
    return [name for name in TEXTS if _is_known(customers, name)] + places[:1]


def _is_known(customers: pl.DataFrame, name: str) -> bool:
    return name in customers.columns and customers[name].null_count() < customers.height
