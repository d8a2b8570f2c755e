"""Selection of a purchase model by AIC."""

# ruff: noqa: N803 - the papers name it T

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import NotEnoughDataError, UnknownNameError
from ckm.models.btyd.bgnbd import BGNBD, fit_bgnbd
from ckm.models.btyd.mbgnbd import MBGNBD, fit_mbgnbd
from ckm.models.btyd.pareto_nbd import ParetoNBD, fit_pareto_nbd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from ckm.models.btyd.model import TimeUnit, TransactionModel

FITS: Mapping[str, Callable[..., TransactionModel]] = {
    BGNBD.name: fit_bgnbd,
    MBGNBD.name: fit_mbgnbd,
    ParetoNBD.name: fit_pareto_nbd,
}


@dataclass(frozen=True)
class ModelChoice:
    """Purchase model with the smallest AIC, and all candidates.

    Attributes
    ----------
    model
        Model with the smallest AIC; of equal ones, the first in the order of the argument ``models``.
    candidates
        All models that could be fitted, smallest AIC first.
    failures
        Models that could not be fitted, with the reason.
    """

    model: TransactionModel
    candidates: tuple[TransactionModel, ...]
    failures: Mapping[str, str]


def choose_btyd(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    seed: int = 0,
    time_unit: TimeUnit = "days",
    models: Sequence[str] = tuple(FITS),
) -> ModelChoice:
    """Fit the purchase models, and select the one with the smallest AIC (Akaike 1974).

    All three models have four parameters and are densities of the same purchase times, so the smallest AIC is the
    largest log-likelihood.

    Parameters
    ----------
    x, t_x, T, weights, seed, time_unit
        As for :func:`ckm.models.btyd.bgnbd.fit_bgnbd`.
    models
        Names of the candidates.

    Raises
    ------
    NotEnoughDataError
        No model can be fitted; the error is that of the first model.
    """
    fitted: list[TransactionModel] = []
    failures: dict[str, NotEnoughDataError] = {}
    for name in models:
        if name not in FITS:
            raise UnknownNameError("model", name, FITS)
        try:
            fitted.append(FITS[name](x, t_x, T, weights=weights, seed=seed, time_unit=time_unit))
        except NotEnoughDataError as error:
            failures[name] = error
    if not fitted:
        raise next(iter(failures.values()))
    ranked = tuple(sorted(fitted, key=lambda model: model.aic))
    return ModelChoice(ranked[0], ranked, {name: str(error) for name, error in failures.items()})
