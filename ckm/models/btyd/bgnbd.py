"""BG/NBD: customers can drop out after each repeat purchase (Fader, Hardie and Lee 2005)."""

# ruff: noqa: N803 - the papers name it T

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ckm.models.btyd.beta_geometric import BetaGeometric, fit_beta_geometric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ckm.models.btyd.model import TimeUnit


@dataclass(frozen=True, kw_only=True)
class BGNBD(BetaGeometric):
    """Beta-geometric/NBD. One-time buyers cannot drop out: predict churn by :meth:`no_order`, not by ``1 - alive``."""

    name: ClassVar[str] = "BG/NBD"
    dropout_after_first: ClassVar[bool] = False


def fit_bgnbd(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    seed: int = 0,
    time_unit: TimeUnit = "days",
) -> BGNBD:
    """Fit BG/NBD by maximum likelihood; see :func:`ckm.models.btyd.beta_geometric.fit_beta_geometric`."""
    return fit_beta_geometric(BGNBD, x, t_x, T, weights=weights, seed=seed, time_unit=time_unit)
