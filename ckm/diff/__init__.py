"""Compare two exports before they are loaded: rows, columns and totals; the functions behind ``ckm diff``."""

from ckm.diff.compare import diff_files
from ckm.diff.result import ColumnChange, FileDiff, RowCounts, Total

__all__ = ["ColumnChange", "FileDiff", "RowCounts", "Total", "diff_files"]
