"""Kinds of cells, for detecting headers and dialects.

The types of columns are determined by :mod:`ckm.io.values`, from more records.
"""

from __future__ import annotations

import re

_DIGITS = r"\d+(?:[ '.,\u00a0\u202f]\d{2,3})*"
_CURRENCY = r"(?:[$€£¥฿₹₽﷼]|[A-Z]{3}|zł|Kč|kr|元|円)"
_PATTERNS = (
    ("number", rf"[-+(]?(?:{_DIGITS}|\d*)(?:[.,]\d+)?(?:[eE][-+]?\d+)?\)?-?"),
    ("money", rf"[-+(]?{_CURRENCY}\s?[-+]?{_DIGITS}(?:[.,]\d+)?\)?|[-+]?{_DIGITS}(?:[.,]\d+)?\s?{_CURRENCY}"),
    ("percent", r"[-+]?\d+(?:[.,]\d+)?\s?%"),
    (
        "date",
        r"(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
        r"|\d{1,2}[- ]?[A-Za-z]{3,9}\.?[- ,]+\d{2,4})"
        r"(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?(?:\s?(?:Z|[-+]\d{2}:?\d{2}))?)?",
    ),
    ("time", r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?"),
    ("link", r"(?:https?|ftp)://\S+|www\.\S+"),
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("code", r"(?=[^\s]*\d)[A-Za-z0-9]+(?:[-_/.:#][A-Za-z0-9]+)*"),
)
_KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
_NULL_WORDS = frozenset({"null", "none", "na", "n/a", "nan", "-", "\\n", "#n/a", "?"})
LONGEST = 200
"""Maximum characters of a cell for pattern matching; longer cells are text."""
TYPED = frozenset({"number", "money", "percent", "date", "time", "link", "email"})
"""Kinds of cells that are never a column name."""


def kind_of(cell: str) -> str:
    """Return the kind of ``cell``: one of :data:`TYPED`, ``code``, ``null``, ``empty`` or ``text``."""
    cell = cell.strip()
    if not cell:
        return "empty"
    if len(cell) > LONGEST:
        return "text"
    if cell.lower() in _NULL_WORDS:
        return "null"
    for kind, pattern in _KINDS:
        if pattern.fullmatch(cell) and (kind != "number" or any(map(str.isdigit, cell))):
            return kind
    return "text"
