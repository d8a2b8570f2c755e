"""Severity of findings, and their export formats for other programs."""

from ckm.findings.severity import Severity

__all__ = ["Severity"]
