"""How the monetary value is defined, and the window in which frequency and monetary value are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckm.customers.features import MONEY
from ckm.errors import UnknownNameError, UsageError


@dataclass(frozen=True)
class Monetary:
    """Definition and window of ``monetary`` and ``frequency``.

    Attributes
    ----------
    money
        ``net`` (of returns), ``margin``, or ``mean`` (per order).
    window
        Window in months; None means all time.
    """

    money: Literal["net", "margin", "mean"] = "net"
    window: int | None = None

    def __post_init__(self) -> None:
        if self.money not in MONEY:
            raise UnknownNameError("monetary value", str(self.money), MONEY)
        if self.window is not None and self.window < 1:
            raise UsageError(f"invalid window: {self.window} months", hint="use at least 1, or None for all time")

    def __str__(self) -> str:
        """Return the monetary value as text, such as ``net over 12 months``."""
        return f"{self.money} over {f'{self.window} months' if self.window else 'all time'}"
