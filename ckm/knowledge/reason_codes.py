"""Codes of the churn reasons that entries may answer; what they mean is :mod:`ckm.churning.reason_book`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ckm.yamlfile import read_yaml

BOOK = Path(__file__).parents[1] / "reasons.yaml"


@cache
def reason_codes() -> frozenset[str]:
    """Return all codes of the book that comes with ckm."""
    document = read_yaml(BOOK)
    assert document is not None
    return frozenset(each.mapping()["code"].text() for each in document.mapping()["reasons"].items())
