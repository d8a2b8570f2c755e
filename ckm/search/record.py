"""What goes into the index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY = "*"
"""Value of a label that passes every filter by that label."""


@dataclass(frozen=True)
class Record:
    """One thing that can be found.

    A record with texts in several languages is ranked by the language that matches best: its German texts compete with
    other German texts as if there were no others. Texts without a language belong to each of them.

    Attributes
    ----------
    key
        Its name, unique within the index.
    group
        Records of a group are replaced together: the file that they came from.
    texts
        (field, BCP 47 tag or "", text). Fields are ``title``, ``alias``, ``body``, ``code`` (a text that is found as a
        whole) and others by free names, which count as a body does; :mod:`ckm.search.weights` says how much a field
        weighs.
    labels
        Exact values to filter by, as ``{"kind": ("for",), "lang": ("de", "en")}``; upper and lower case are one;
        :data:`ANY` is whatever is asked for.
    stored
        What the caller wants back with a hit.
    """

    key: str
    group: str
    texts: tuple[tuple[str, str, str], ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stored: str = ""
