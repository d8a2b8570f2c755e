"""Names of the segments of ckm's methods."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ckm.yamlfile import read_yaml

DATA = Path(__file__).parents[1] / "data"
RFM, OTHERS = "rfm_names.yaml", "segments_*.yaml"
"""Files with the names of segments. Names of clusters and of rules depend on the workspace."""


@cache
def method_segment_names() -> frozenset[str]:
    """Return the names of ckm's methods."""
    names = set()
    for book in (DATA / RFM, *sorted(DATA.glob(OTHERS))):
        document = read_yaml(book)
        assert document is not None
        entries = document.mapping()["segments"].items() if book.name == RFM else document.items()
        names |= {entry.mapping()["name"].text() for entry in entries}
    return frozenset(names)
