"""MBG/NBD: customers can drop out after each purchase, the first included (Batislam, Denizel and Filiztekin 2007)."""

# ruff: noqa: N803 - the papers name it T

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ckm.models.btyd.beta_geometric import BetaGeometric, fit_beta_geometric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ckm.models.btyd.model import TimeUnit


@dataclass(frozen=True, kw_only=True)
class MBGNBD(BetaGeometric):
    """Modified beta-geometric/NBD. One-time buyers can drop out too: their ``alive`` falls with recency."""

    name: ClassVar[str] = "MBG/NBD"
    dropout_after_first: ClassVar[bool] = True


def fit_mbgnbd(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    seed: int = 0,
    time_unit: TimeUnit = "days",
) -> MBGNBD:
    """Fit MBG/NBD by maximum likelihood; see :func:`ckm.models.btyd.beta_geometric.fit_beta_geometric`."""
    return fit_beta_geometric(MBGNBD, x, t_x, T, weights=weights, seed=seed, time_unit=time_unit)
