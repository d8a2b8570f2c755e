"""Names of the segments of ckm's methods."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ckm.yamlfile import read_yaml

DATA = Path(__file__).parents[1] / "data"
BOOKS = ("rfm_names.yaml", "segments_value.yaml", "segments_lifecycle.yaml")
"""Names of clusters and of rules depend on the workspace."""


@cache
def usual_segment_names() -> frozenset[str]:
    """Return the names of ckm's methods."""
    names = set()
    for book in BOOKS:
        document = read_yaml(DATA / book)
        assert document is not None
        entries = document.items() if book != BOOKS[0] else document.mapping()["segments"].items()
        names |= {entry.mapping()["name"].text() for entry in entries}
    return frozenset(names)
