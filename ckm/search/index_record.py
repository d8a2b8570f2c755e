"""Record: the input of the index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY = "*"
"""Value of a label that passes every filter by this label."""


@dataclass(frozen=True)
class IndexRecord:
    """A record of the index.

    A record with texts in several languages is ranked by the language that matches best. Its German texts are ranked
    with other German texts, as if it had no other languages. Texts without a language belong to each language.

    Attributes
    ----------
    key
        Unique key.
    group
        Records of a group are replaced together, such as those of one file.
    texts
        (field, BCP 47 tag or "", text). Fields are ``title``, ``alias``, ``body``, ``code`` (a text that matches only
        as a whole), or other names, which count as body; :mod:`ckm.search.weights` has the weights.
    labels
        Exact values for filters, such as ``{"kind": ("for",), "lang": ("de", "en")}``. Case is ignored; :data:`ANY`
        matches every value.
    stored
        Content that a hit returns.
    """

    key: str
    group: str
    texts: tuple[tuple[str, str, str], ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stored: str = ""
