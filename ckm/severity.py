"""Severity of a finding."""

from __future__ import annotations

from enum import StrEnum

from ckm.errors import UnknownNameError


class Severity(StrEnum):
    """Severity of a finding, highest first."""

    error = "error"
    """A rule is violated: a key, the schema, a control total."""
    warning = "warning"
    """A value is unusual or above a limit."""
    info = "info"
    """A fact that readers of results should know."""

    @classmethod
    def _missing_(cls, value: object) -> Severity:
        raise UnknownNameError("severity", str(value), cls)

    @property
    def rank(self) -> int:
        """Return 0 for the highest severity."""
        return list(Severity).index(self)
