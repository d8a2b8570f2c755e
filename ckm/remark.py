"""Remarks on a result: sentences that know how much they matter, so that the most important can be shown alone."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


class Importance(IntEnum):
    """What a remark is about, the most important first."""

    warning = 0
    """Amounts or statuses of the data are not used, so that the result is probably wrong."""
    basis = 1
    """What the result is of: the date and the rows that count."""
    doubt = 2
    """What can make the result wrong: rows left out, data that end early, a model that does not fit."""
    assumption = 3
    """What was assumed because the data or the caller do not say it."""
    method = 4
    """How the result was computed."""


class Remark(str):
    """A sentence about a result; a plain ``str`` among remarks is of :attr:`Importance.method`.

    Attributes
    ----------
    importance
        What it is about.
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
    """Return a sentence on which data the result is based."""
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
    """Return remarks that are as important as ``importance``, or more."""
    return [Remark(text, min(importance, importance_of(text))) for text in texts]


def about(subject: str, text: str) -> Remark:
    """Return a remark with what it is about before it: ``orders.csv: …``."""
    return Remark(f"{subject}: {text}", importance_of(text))
