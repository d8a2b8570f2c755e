"""MBG/NBD: customers may leave after each purchase, the first included (Batislam, Denizel and Filiztekin 2007)."""

# ruff: noqa: N803 - T is what the papers call it

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from ckm.models.btyd.beta_geometric import BetaGeometric, log_likelihood, starts
from ckm.models.btyd.histories import count_histories
from ckm.models.btyd.model import TimeUnit, fit_transactions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, kw_only=True)
class MBGNBD(BetaGeometric):
    """Modified beta-geometric/NBD: a one-time buyer, too, becomes the likelier to have left, the longer the silence."""

    name: ClassVar[str] = "MBG/NBD"
    first_counts: ClassVar[bool] = True


def fit_mbgnbd(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    seed: int = 0,
    time_unit: TimeUnit = "days",
) -> MBGNBD:
    """Fit MBG/NBD by maximum likelihood.

    Parameters
    ----------
    x, t_x, T
        Repeat purchases, time from the first purchase to the last, and to the end of observation; shape (n,).
    weights
        Customers that each entry stands for; 1 where not given.
    seed
        Draws the sample on which the starts compete, where there are many customers. The maximum does not depend on it.
    time_unit
        Of ``t_x`` and ``T``, and of the parameters and the log-likelihood.

    Raises
    ------
    NotEnoughDataError
        Fewer than 20 customers bought again, or the likelihood has no maximum.
    InputError
        A history that cannot be.
    """
    return fit_transactions(
        MBGNBD,
        partial(log_likelihood, first_counts=True),
        starts,
        count_histories(x, t_x, T, weights),
        time_unit=time_unit,
        seed=seed,
    )
