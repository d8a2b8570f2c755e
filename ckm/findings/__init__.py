"""What checks of every kind share: how bad a finding is, and how findings are handed to other programs."""

from ckm.findings.severity import Severity

__all__ = ["Severity"]
