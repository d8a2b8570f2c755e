"""Codes of the churn reasons that entries may answer; :mod:`ckm._churn.reason_catalogue` has their meaning."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ckm.yamlfile import read_yaml

BOOK = Path(__file__).parents[1] / "data" / "churn_reasons.yaml"


@cache
def reason_codes() -> frozenset[str]:
    """Return the codes of all churn reasons."""
    document = read_yaml(BOOK)
    assert document is not None
    return frozenset(each.mapping()["code"].text() for each in document.mapping()["reasons"].items())
