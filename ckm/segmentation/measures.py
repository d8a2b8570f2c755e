"""How a customer's frequency and money are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measures:
    """What ``monetary`` is, and how far back it and ``frequency`` look.

    Attributes
    ----------
    money
        ``net`` of returns, ``margin``, or the ``mean`` per purchase day.
    window
        Months; None means all time.
    """

    money: Literal["net", "margin", "mean"] = "net"
    window: int | None = None

    def __str__(self) -> str:
        """As a person would say it."""
        return f"{self.money} over {f'{self.window} months' if self.window else 'all time'}"
