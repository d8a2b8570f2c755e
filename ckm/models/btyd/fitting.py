"""Maximum likelihood estimation of positive parameters, with standard errors and a check of identification."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias, TypeVar

import numpy as np

from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ckm.models.btyd.histories import Floats, Integers

BOUNDS = (-9.0, 9.0)
"""Bounds of the logarithm of a parameter (0.00012 to 8,100), in a unit of time or money in which the data's mean is
near 1. A gamma distribution with shape 8,100 has a coefficient of variation of 1 %, which data cannot distinguish from
0."""
STARTS = 3
"""Maximum number of start values that are compared."""
SAMPLE_ROWS = 4_000
"""Number of rows of the sample on which start values are compared; the best result is then refined on all rows."""
GAIN_LEFT = 1e-7
"""Convergence: a further Newton step would increase the log-likelihood by less than this."""
FLAT_INFORMATION = 0.01
"""Eigenvalue of the observed information (log scale) below which a direction is flat: its standard error exceeds 10, a
factor of 22,000 in the parameter."""
DIFFERENCE = 1e-4
"""Step of the central differences of gradients, in log parameters; their relative error is about its square."""
NEWTON_STEPS = 12
ROUGH_GAIN = 1e-4
"""Largest remaining gain that is accepted if rounding prevents further steps: near a ridge, large sums cancel."""
RIDGE_SHARE = 0.1
"""A parameter is unidentified if its component of the unit vector of a flat direction exceeds this, or if its estimate
changes by more than this per unit change of a parameter at a bound (both on the log scale)."""
FLAT_GAIN = 0.05
"""Largest slope of the log-likelihood along flat directions, per unit of log parameters, that is accepted."""


class Weighted(Protocol):
    """Interface of data of weighted customers that can be reduced to a sample."""

    @property
    def customers(self) -> float:
        """Number of customers."""

    def systematic_sample(self, rows: int, seed: int) -> Self:
        """Return a systematic sample of at most ``rows`` rows, with weights for all customers."""


Data = TypeVar("Data", bound=Weighted)
LogLikelihood: TypeAlias = "Callable[[Floats, Data], tuple[float, Floats]]"
"""Function of parameters (natural scale, shape (k,)) and data that returns the log-likelihood and its gradient (k,)."""


@dataclass(frozen=True)
class Optimum:
    """Maximum of a log-likelihood.

    Attributes
    ----------
    parameters, standard_errors
        On the natural scale, shape (k,). The standard errors of the parameters in ``unknown`` are NaN.
    log_likelihood
        Log-likelihood of all customers.
    unknown
        Indices of unidentified parameters: at one of :data:`BOUNDS`, or on a flat ridge of the likelihood.
    gain_left
        Increase of the log-likelihood that a further Newton step would give (half the squared Newton decrement).
    """

    parameters: Floats
    standard_errors: Floats
    log_likelihood: float
    unknown: tuple[int, ...]
    gain_left: float


def maximise(
    log_likelihood: LogLikelihood[Data], data: Data, start_values: Sequence[Sequence[float]], *, name: str, seed: int
) -> Optimum:
    """Maximise a log-likelihood over positive parameters.

    L-BFGS-B (Byrd, Lu, Nocedal, Zhu 1995) on the log scale from each of the start values, on a sample if there are many
    rows; then from the best result on all rows; then Newton steps. Standard errors are from the inverse observed
    information, by the delta method: ``se(p) = p se(log p)``.

    Parameters
    ----------
    log_likelihood, data
        See :data:`LogLikelihood`.
    start_values
        Start values of the parameters, on the natural scale.
    name
        Name of the model, for messages.
    seed
        Random seed of the sample.

    Raises
    ------
    NotEnoughDataError
        The fit does not converge.
    """
    from scipy.optimize import minimize

    def descend(part: Data, start: Floats) -> tuple[float, Floats]:
        def cost(log_parameters: Floats) -> tuple[float, Floats]:
            value, gradient = _on_log_scale(log_likelihood, part, log_parameters)
            return -value / part.customers, -gradient / part.customers

        found = minimize(
            cost, start, jac=True, method="L-BFGS-B", bounds=[BOUNDS] * len(start),
            options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8},
        )  # fmt: skip
        return (float(found.fun) if np.isfinite(found.fun) else inf), np.asarray(found.x)

    sample = data.systematic_sample(SAMPLE_ROWS, seed)
    found = [descend(sample, np.clip(np.log(start), *BOUNDS)) for start in start_values[:STARTS]]
    _, best = min(found, key=lambda each: each[0])
    if sample is not data:
        _, best = descend(data, best)
    return _newton(log_likelihood, data, best, name)


def _on_log_scale(log_likelihood: LogLikelihood[Data], data: Data, log_parameters: Floats) -> tuple[float, Floats]:
    parameters = np.exp(log_parameters)
    value, gradient = log_likelihood(parameters, data)
    return value, gradient * parameters


def _newton(log_likelihood: LogLikelihood[Data], data: Data, point: Floats, name: str) -> Optimum:
    """Return the optimum after Newton steps within the bounds; NotEnoughDataError if they do not converge."""
    value, gradient = _on_log_scale(log_likelihood, data, point)
    for _ in range(NEWTON_STEPS):
        at_bound = ((point <= BOUNDS[0] + 1e-6) & (gradient < 0)) | ((point >= BOUNDS[1] - 1e-6) & (gradient > 0))
        free = np.flatnonzero(~at_bound)
        information = _information(log_likelihood, data, point, free)
        eigenvalues, eigenvectors = np.linalg.eigh(information)
        slope = eigenvectors.T @ gradient[free]
        identified = eigenvalues > FLAT_INFORMATION
        gain = float((slope[identified] ** 2 / eigenvalues[identified]).sum() / 2)
        flat_gain = float(np.abs(slope[~identified]).sum())
        if gain < GAIN_LEFT and flat_gain < FLAT_GAIN:
            return _optimum(log_likelihood, data, point, value, at_bound, gain)
        step = np.zeros_like(point)
        step[free] = eigenvectors @ (slope / np.maximum(np.abs(eigenvalues), FLAT_INFORMATION))
        step *= min(1.0, 1.0 / float(np.abs(step).max()))
        before, (point, value, gradient) = point, _line_search(log_likelihood, data, point, step, value)
        if point is before:
            break
    if gain < ROUGH_GAIN and flat_gain < FLAT_GAIN:
        return _optimum(log_likelihood, data, point, value, at_bound, gain)
    raise NotEnoughDataError(
        f"{name}: the likelihood of {data.customers:,.0f} customers has no maximum that could be found",
        hint="load a longer history, or choose another model",
        gain_left=gain,
    )


def _line_search(
    log_likelihood: LogLikelihood[Data], data: Data, point: Floats, step: Floats, value: float
) -> tuple[Floats, float, Floats]:
    """Return the next point, its log-likelihood and gradient; ``step`` is halved until the likelihood does not fall."""
    rounding = 1e-13 * abs(value)
    for _ in range(20):
        target = np.clip(point + step, *BOUNDS)
        reached, gradient = _on_log_scale(log_likelihood, data, target)
        if reached >= value - rounding:
            return target, reached, gradient
        step = step / 2
    return point, value, _on_log_scale(log_likelihood, data, point)[1]


def _information(log_likelihood: LogLikelihood[Data], data: Data, point: Floats, free: Integers) -> Floats:
    """Return the observed information of the ``free`` log parameters, by central differences of exact gradients."""
    rows = []
    for index in free:
        step = np.zeros_like(point)
        step[index] = DIFFERENCE
        above = _on_log_scale(log_likelihood, data, point + step)[1]
        below = _on_log_scale(log_likelihood, data, point - step)[1]
        rows.append((below - above)[free] / (2 * DIFFERENCE))
    information = np.asarray(rows).reshape(len(free), len(free))
    return np.asarray((information + information.T) / 2)


def _optimum(
    log_likelihood: LogLikelihood[Data],
    data: Data,
    point: Floats,
    value: float,
    at_bound: NDArray[np.bool_],
    gain: float,
) -> Optimum:
    """Return the optimum with standard errors; a parameter that varies with one at a bound is unidentified too."""
    information = _information(log_likelihood, data, point, np.arange(len(point)))
    eigenvalues, eigenvectors = np.linalg.eigh(information[np.ix_(~at_bound, ~at_bound)])
    identified = eigenvalues > FLAT_INFORMATION
    inverse = (eigenvectors[:, identified] / eigenvalues[identified]) @ eigenvectors[:, identified].T
    flat = (np.abs(eigenvectors[:, ~identified]) > RIDGE_SHARE).any(axis=1)
    varies_with_bound = (np.abs(inverse @ information[np.ix_(~at_bound, at_bound)]) > RIDGE_SHARE).any(axis=1)
    errors = np.full(len(point), nan)
    errors[~at_bound] = np.where(flat | varies_with_bound, nan, np.sqrt(np.diag(inverse)))
    unknown = tuple(int(index) for index in np.flatnonzero(np.isnan(errors)))
    return Optimum(np.exp(point), np.exp(point) * errors, value, unknown, gain)
