"""Names of the segments that ckm's own methods give."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ckm.yamlfile import read_yaml

DATA = Path(__file__).parents[1] / "data"
BOOKS = ("rfm_names.yaml", "segments_value.yaml", "segments_lifecycle.yaml")
"""Clusters are named by what they are made of and rules by whoever writes them: a workspace has those."""


@cache
def usual_segment_names() -> frozenset[str]:
    """Return the names that come with ckm."""
    names = set()
    for book in BOOKS:
        document = read_yaml(DATA / book)
        assert document is not None
        entries = document.items() if book != BOOKS[0] else document.mapping()["segments"].items()
        names |= {entry.mapping()["name"].text() for entry in entries}
    return frozenset(names)
