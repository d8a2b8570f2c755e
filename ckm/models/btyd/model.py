"""Base class of the purchase models BG/NBD, MBG/NBD and Pareto/NBD."""

# ruff: noqa: N803 - the papers name it T

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias, TypeVar

import numpy as np

from ckm.errors import InputError, UsageError
from ckm.models.btyd.histories import Floats, Histories, require_repeat_buyers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from ckm.models.btyd.fitting import LogLikelihood

TimeUnit: TypeAlias = Literal["days", "weeks"]
DAYS: dict[str, float] = {"days": 1.0, "weeks": 7.0}


@dataclass(frozen=True)
class FitDiagnostics:
    """Diagnostics of a fit.

    Attributes
    ----------
    log_likelihood
        Log-likelihood in the model's unit of time; see :meth:`TransactionModel.in_unit`.
    customers, repeat_customers, orders
        Size of the training data; ``orders`` counts repeat purchases.
    standard_errors
        Standard errors by parameter, from the observed information; None for parameters in ``unknown``.
    unknown
        Names of unidentified parameters: at a bound, or on a flat ridge of the likelihood.
    gain_left
        Increase of the log-likelihood that a further Newton step would give; below 1e-4 after convergence.
    """

    log_likelihood: float
    customers: float
    repeat_customers: float
    orders: float
    standard_errors: Mapping[str, float | None]
    unknown: tuple[str, ...]
    gain_left: float


@dataclass(frozen=True, kw_only=True)
class TransactionModel(ABC):
    """Purchase model: each customer purchases at an individual rate until an unobserved dropout.

    All times, in arguments and results, are in :attr:`time_unit`. Arguments are numbers or arrays that broadcast;
    results are float arrays of the broadcast shape. ``x`` is the number of repeat purchases, ``t_x`` the time from the
    first to the last purchase (0 if x = 0), and ``T`` the time from the first purchase to now.

    Attributes
    ----------
    time_unit
        ``days`` or ``weeks``.
    diagnostics
        Diagnostics of the fit; None if the parameters were given and not fitted.
    """

    name: ClassVar[str]
    parameter_names: ClassVar[tuple[str, ...]]
    time_parameters: ClassVar[tuple[str, ...]]

    time_unit: TimeUnit = "days"
    diagnostics: FitDiagnostics | None = None

    def __post_init__(self) -> None:
        if self.time_unit not in DAYS:
            raise UsageError(f"time_unit is 'days' or 'weeks', not {self.time_unit!r}")
        if not all(np.isfinite(value) and value > 0 for value in self.parameters.values()):
            raise InputError(f"{self.name}: parameters are finite and above zero")

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters by name."""
        return {name: getattr(self, name) for name in self.parameter_names}

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood of the training data, in the model's unit of time; NaN without a fit."""
        return np.nan if self.diagnostics is None else self.diagnostics.log_likelihood

    @property
    def standard_errors(self) -> dict[str, float | None]:
        """Standard errors by parameter; None for an unidentified parameter; empty without a fit."""
        return {} if self.diagnostics is None else dict(self.diagnostics.standard_errors)

    @property
    def aic(self) -> float:
        """Akaike information criterion, in the model's unit of time; smaller is better."""
        return 2 * len(self.parameter_names) - 2 * self.log_likelihood

    def no_order(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, horizon: ArrayLike) -> Floats:
        """Return the probability of no order in (T, T + horizon], given the history. It is 1 for a horizon of 0."""
        from scipy.special import expit

        return np.asarray(expit(self.no_order_log_odds(x, t_x, T, horizon)))

    @abstractmethod
    def no_order_log_odds(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, horizon: ArrayLike) -> Floats:
        """Return the log odds of :meth:`no_order`, precise also where the probability rounds to 0 or 1.

        In all three models the probability is ``L(x, t_x, T + horizon) / L(x, t_x, T)``, with L the likelihood of a
        history.
        """

    @abstractmethod
    def alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
        """Return the probability that the customer has not dropped out by T."""

    def expected_orders(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, time: ArrayLike) -> Floats:
        """Return the expected number of orders in (T, T + time], given the history."""
        return np.asarray(self.expected_orders_if_active(x, T, time) * self.alive(x, t_x, T))

    @abstractmethod
    def expected_orders_if_active(self, x: ArrayLike, T: ArrayLike, time: ArrayLike) -> Floats:
        """Return the expected number of orders in (T, T + time] of a customer who is still active at T.

        The result depends on ``x`` and ``T`` only.
        """

    def in_unit(self, unit: TimeUnit) -> Self:
        """Return the model with times in another unit.

        The log-likelihood increases by ``orders * log(days of the new unit / days of the old unit)``, because a density
        per week is 7 times a density per day, for each purchase. Shape parameters do not change.
        """
        if unit not in DAYS:
            raise UsageError(f"time_unit is 'days' or 'weeks', not {unit!r}")
        factor = DAYS[self.time_unit] / DAYS[unit]
        scaled: dict[str, Any] = {name: getattr(self, name) * factor for name in self.time_parameters}
        diagnostics = None if self.diagnostics is None else self._scaled_diagnostics(self.diagnostics, factor)
        return replace(self, **scaled, time_unit=unit, diagnostics=diagnostics)

    def _scaled_diagnostics(self, diagnostics: FitDiagnostics, factor: float) -> FitDiagnostics:
        errors = {
            name: error * factor if error is not None and name in self.time_parameters else error
            for name, error in diagnostics.standard_errors.items()
        }
        shift = diagnostics.orders * np.log(factor)
        return replace(diagnostics, log_likelihood=float(diagnostics.log_likelihood - shift), standard_errors=errors)


ModelT = TypeVar("ModelT", bound=TransactionModel)


def fit_transactions(
    model: type[ModelT],
    log_likelihood: LogLikelihood[Histories],
    start_values: Callable[[float], Sequence[Sequence[float]]],
    histories: Histories,
    *,
    time_unit: TimeUnit,
    seed: int,
) -> ModelT:
    """Fit a purchase model by maximum likelihood.

    Parameters
    ----------
    model
        Class of the model.
    log_likelihood
        See :data:`ckm.models.btyd.fitting.LogLikelihood`.
    start_values
        Function from the mean number of repeat purchases to start values of the parameters, for times scaled so that
        the mean of T is 1.
    histories
        Purchase histories of the customers.
    time_unit, seed
        Time unit of the histories; random seed of the sample on which start values are compared.
    """
    from ckm.models.btyd.fitting import maximise

    if time_unit not in DAYS:
        raise UsageError(f"time_unit is 'days' or 'weeks', not {time_unit!r}")
    require_repeat_buyers(histories, model.name)
    observed = float((histories.weights * histories.T).sum()) / histories.customers
    scaled = histories.rescaled(1 / observed)
    start = start_values(histories.orders / histories.customers)
    found = maximise(log_likelihood, scaled, start, name=model.name, seed=seed)
    units = np.asarray([observed if name in model.time_parameters else 1.0 for name in model.parameter_names])
    diagnostics = FitDiagnostics(
        log_likelihood=float(found.log_likelihood - histories.orders * np.log(observed)),
        customers=histories.customers,
        repeat_customers=histories.repeat_customers,
        orders=histories.orders,
        standard_errors={
            name: None if np.isnan(error) else float(error)
            for name, error in zip(model.parameter_names, found.standard_errors * units, strict=True)
        },
        unknown=tuple(model.parameter_names[index] for index in found.unknown),
        gain_left=found.gain_left,
    )
    parameters: dict[str, Any] = dict(zip(model.parameter_names, (found.parameters * units).tolist(), strict=True))
    return model(**parameters, time_unit=time_unit, diagnostics=diagnostics)
