"""Remarks on a result: sentences with an importance, by which they are sorted and shortened."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


class Importance(IntEnum):
    """Kinds of remarks, most important first.

    Where only some remarks are shown, a statement of the basis must not displace a doubt; so doubts come first.
    """

    warning = 0
    """Amounts or statuses of the data are not used, so that the result is probably wrong."""
    doubt = 1
    """What can make the result wrong: data that end early, a model that does not fit, a shorter horizon."""
    basis = 2
    """What the result is computed from: as-of date, period, number of customers."""
    assumption = 3
    """What was assumed because the data or the caller do not say it."""
    method = 4
    """How the result was computed."""


class Remark(str):
    """A sentence about a result; a plain ``str`` among remarks counts as :attr:`Importance.method`.

    Attributes
    ----------
    importance
        Kind of the remark.
    """

    __slots__ = ("importance",)
    importance: Importance

    def __new__(cls, text: str, importance: Importance) -> Self:
        """Return the sentence with its importance."""
        made = super().__new__(cls, text)
        made.importance = importance
        return made

    def __reduce__(self) -> tuple[type[Remark], tuple[str, Importance]]:
        return Remark, (str(self), self.importance)


def warning(text: str) -> Remark:
    """Return a sentence on data that should be used and are not."""
    return Remark(text, Importance.warning)


def basis(text: str) -> Remark:
    """Return a sentence on the data from which the result is computed."""
    return Remark(text, Importance.basis)


def doubt(text: str) -> Remark:
    """Return a sentence about what can make the result wrong."""
    return Remark(text, Importance.doubt)


def assumption(text: str) -> Remark:
    """Return a sentence about what was assumed."""
    return Remark(text, Importance.assumption)


def importance_of(text: str) -> Importance:
    """Return the importance of a remark."""
    return text.importance if isinstance(text, Remark) else Importance.method


def at_least(importance: Importance, texts: Iterable[str]) -> list[str]:
    """Return the remarks, with ``importance`` for those that are less important."""
    return [Remark(text, min(importance, importance_of(text))) for text in texts]


def about(subject: str, text: str) -> Remark:
    """Return a remark with its subject before it: ``orders.csv: …``."""
    return Remark(f"{subject}: {text}", importance_of(text))
