"""Maximum likelihood on the logarithms of positive parameters, with standard errors and an honest verdict."""

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
"""Of the logarithm of a parameter in a unit of time (or money) near the data's own: 0.00012 to 8,100. A gamma
distribution of shape 8,100 spreads by 1 %: nothing that data could tell from no spread at all."""
STARTS = 3
"""How many of a model's starts compete at most, likeliest first."""
SAMPLE_ROWS = 4_000
"""Distinct histories on which the starts compete; the winner goes on to all."""
GAIN_LEFT = 1e-7
"""Log-likelihood. A fit is done when a further Newton step promises less than this in total."""
FLAT_INFORMATION = 0.01
"""Information about a direction (log scale) below which its standard error exceeds 10, a factor of 22,000: unknown."""
DIFFERENCE = 1e-4
"""Step in log parameters between two gradients for the information; error about its square."""
NEWTON_STEPS = 12
ROUGH_GAIN = 1e-4
"""What may be left where rounding hides the rest: beside a ridge, sums of large numbers cancel."""
RIDGE_SHARE = 0.1
"""A parameter that makes up this much of a flat direction (of length 1), or that changes by this share of
the change of a parameter at an edge, is unknown."""
FLAT_GAIN = 0.05
"""Log-likelihood per factor e that may be left along directions in which it is flat."""


class Weighted(Protocol):
    """Data of customers that can be thinned to a sample standing for all."""

    @property
    def customers(self) -> float:
        """Number of customers."""

    def thinned(self, rows: int, seed: int) -> Self:
        """Return a sample of ``rows`` customers."""


Data = TypeVar("Data", bound=Weighted)
LogLikelihood: TypeAlias = "Callable[[Floats, Data], tuple[float, Floats]]"
"""From natural parameters and data to the log-likelihood and its gradient in the natural parameters."""


@dataclass(frozen=True)
class Optimum:
    """Where a log-likelihood is largest.

    Attributes
    ----------
    parameters, standard_errors
        Natural scale, shape (k,). A standard error is NaN where ``unknown`` says so.
    log_likelihood
        Of all customers.
    unknown
        Positions of parameters that the data do not pin down: at the edge of :data:`BOUNDS` or on a flat ridge.
    gain_left
        What a further Newton step promises.
    """

    parameters: Floats
    standard_errors: Floats
    log_likelihood: float
    unknown: tuple[int, ...]
    gain_left: float


def maximise(
    log_likelihood: LogLikelihood[Data], data: Data, starts: Sequence[Sequence[float]], *, name: str, seed: int
) -> Optimum:
    """Maximise a log-likelihood over positive parameters.

    L-BFGS-B (Byrd, Lu, Nocedal, Zhu 1995) on the log scale from each start, on a sample where there are many customers;
    then from the best on all, and Newton steps to the end. Standard errors are those of the observed information, by
    the delta method: ``se(p) = p se(log p)``.

    Parameters
    ----------
    log_likelihood, data
        See :data:`LogLikelihood`.
    starts
        Natural parameters to start from.
    name
        Of the model, for messages.
    seed
        Draws the sample.

    Raises
    ------
    NotEnoughDataError
        The fit does not come to an end.
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

    sample = data.thinned(SAMPLE_ROWS, seed)
    found = [descend(sample, np.clip(np.log(start), *BOUNDS)) for start in starts[:STARTS]]
    _, best = min(found, key=lambda each: each[0])
    if sample is not data:
        _, best = descend(data, best)
    return _finished(log_likelihood, data, best, name)


def _on_log_scale(log_likelihood: LogLikelihood[Data], data: Data, log_parameters: Floats) -> tuple[float, Floats]:
    parameters = np.exp(log_parameters)
    value, gradient = log_likelihood(parameters, data)
    return value, gradient * parameters


def _finished(log_likelihood: LogLikelihood[Data], data: Data, point: Floats, name: str) -> Optimum:
    """Take Newton steps within the bounds until they promise nothing, and say how well each parameter is known."""
    value, gradient = _on_log_scale(log_likelihood, data, point)
    for _ in range(NEWTON_STEPS):
        pinned = ((point <= BOUNDS[0] + 1e-6) & (gradient < 0)) | ((point >= BOUNDS[1] - 1e-6) & (gradient > 0))
        free = np.flatnonzero(~pinned)
        information = _information(log_likelihood, data, point, free)
        strength, direction = np.linalg.eigh(information)
        slope = direction.T @ gradient[free]
        known = strength > FLAT_INFORMATION
        gain = float((slope[known] ** 2 / strength[known]).sum() / 2)
        flat_gain = float(np.abs(slope[~known]).sum())
        if gain < GAIN_LEFT and flat_gain < FLAT_GAIN:
            return _optimum(log_likelihood, data, point, value, pinned, gain)
        step = np.zeros_like(point)
        step[free] = direction @ (slope / np.maximum(np.abs(strength), FLAT_INFORMATION))
        step *= min(1.0, 1.0 / float(np.abs(step).max()))
        before, (point, value, gradient) = point, _uphill(log_likelihood, data, point, step, value)
        if point is before:
            break
    if gain < ROUGH_GAIN and flat_gain < FLAT_GAIN:
        return _optimum(log_likelihood, data, point, value, pinned, gain)
    raise NotEnoughDataError(
        f"{name}: the likelihood of {data.customers:,.0f} customers has no maximum that could be found",
        hint="observe for longer, or take another model",
        gain_left=gain,
    )


def _uphill(
    log_likelihood: LogLikelihood[Data], data: Data, point: Floats, step: Floats, value: float
) -> tuple[Floats, float, Floats]:
    """Go along ``step``, halved until the likelihood does not fall (but for the rounding of the sum)."""
    rounding = 1e-13 * abs(value)
    for _ in range(20):
        target = np.clip(point + step, *BOUNDS)
        reached, gradient = _on_log_scale(log_likelihood, data, target)
        if reached >= value - rounding:
            return target, reached, gradient
        step = step / 2
    return point, value, _on_log_scale(log_likelihood, data, point)[1]


def _information(log_likelihood: LogLikelihood[Data], data: Data, point: Floats, free: Integers) -> Floats:
    """Return minus the second derivatives among free log parameters, from central differences of exact gradients."""
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
    log_likelihood: LogLikelihood[Data], data: Data, point: Floats, value: float, pinned: NDArray[np.bool_], gain: float
) -> Optimum:
    """Say how well each parameter is known; what goes along with one at an edge is as unknown as that one."""
    information = _information(log_likelihood, data, point, np.arange(len(point)))
    strength, direction = np.linalg.eigh(information[np.ix_(~pinned, ~pinned)])
    known = strength > FLAT_INFORMATION
    inverse = (direction[:, known] / strength[known]) @ direction[:, known].T
    flat = (np.abs(direction[:, ~known]) > RIDGE_SHARE).any(axis=1)
    goes_along = (np.abs(inverse @ information[np.ix_(~pinned, pinned)]) > RIDGE_SHARE).any(axis=1)
    errors = np.full(len(point), nan)
    errors[~pinned] = np.where(flat | goes_along, nan, np.sqrt(np.diag(inverse)))
    unknown = tuple(int(index) for index in np.flatnonzero(np.isnan(errors)))
    return Optimum(np.exp(point), np.exp(point) * errors, value, unknown, gain)
