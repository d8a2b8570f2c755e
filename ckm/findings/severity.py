"""How bad a finding is."""

from __future__ import annotations

from enum import StrEnum

from ckm.errors import UnknownNameError


class Severity(StrEnum):
    """How bad a finding is, worst first."""

    error = "error"
    """A promise is broken: a key, the contract, a total of finance."""
    warning = "warning"
    """Something is unlike what is usual or allowed; somebody should look."""
    info = "info"
    """A fact a reader of results should know."""

    @classmethod
    def _missing_(cls, value: object) -> Severity:
        raise UnknownNameError("severity", str(value), cls)

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)
