"""Levels of agreement of two values of a field, from different to equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ckm._link.dates import Dates
from ckm._link.name_forms import NameForms
from ckm._link.vocabulary import LEAST_SIMILARITY, Vocabulary
from ckm.models.linkage import MISSING

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Codes: TypeAlias = NDArray[np.int64]
    Levels: TypeAlias = NDArray[np.int8]

CUTS = (LEAST_SIMILARITY, 0.65, 0.75, 0.85)
"""Similarities (1 - edits / longer length; a transposition is one edit) from which the levels 1 to 4 begin."""
EXACT = len(CUTS) + 1
"""Level of equal values."""
LEVELS = EXACT + 1
LEAST_LEVELS = {"email": 3, "phone": 4, "birth_date": 3, "birth_year": 3, "national_id": 3, "generation": EXACT}
"""Lowest level of a value that may be a typing error of another one; below, the two are different, because numbers of
one exchange, one decade or one office are alike."""
NAMES = ("given_name", "surname")


class FieldLevels:
    """Compares pairs of values of one field.

    Parameters
    ----------
    name
        Name of the field.
    values
        Distinct normalised values; String. The code of a value is its position.

    Attributes
    ----------
    values
        The values, with a bound on the similarity of two of them.
    """

    def __init__(self, name: str, values: pl.Series) -> None:
        self.values = Vocabulary(values)
        self._least = LEAST_LEVELS.get(name, 0)
        self._dates = Dates(values) if name == "birth_date" else None
        self._forms = NameForms(values, with_nicknames=name == "given_name") if name in NAMES else None
        self._hosts: NDArray[np.uint64] | None = None
        if name == "email":
            hosts = values.str.split("@").list.last()
            self._hosts, self._host_lengths = hosts.hash().to_numpy(), hosts.str.len_chars().to_numpy() + 1

    def levels(self, left: Codes, right: Codes) -> Levels:
        """Return the level of agreement of each pair of codes, shape (pairs,); :data:`MISSING` for a negative code."""
        level = np.full(len(left), MISSING, dtype=np.int8)
        known = (left >= 0) & (right >= 0)
        level[known] = np.where(left[known] == right[known], np.int8(EXACT), np.int8(0))
        similar = np.flatnonzero(level == 0)
        similar = similar[self.values.may_be_similar(left[similar], right[similar])]
        if len(similar):
            found = np.digitize(self._similarity(left[similar], right[similar]), CUTS)
            level[similar] = np.where(found >= self._least, found, 0)
        unequal = np.flatnonzero((level >= 0) & (level < EXACT))
        for kind in (self._dates, self._forms):
            if kind is not None:
                level[unequal] = np.maximum(level[unequal], kind.levels(left[unequal], right[unequal]))
        return level

    def _similarity(self, left: Codes, right: Codes) -> Floats:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        one, other = self.values.texts[left].tolist(), self.values.texts[right].tolist()
        similarity = process.cpdist(
            one, other, scorer=OSA.normalized_similarity, score_cutoff=CUTS[0], dtype=np.float32, workers=-1
        )
        return np.asarray(similarity) if self._hosts is None else self._of_addresses(similarity, left, right)

    def _of_addresses(self, similarity: NDArray[np.float32], left: Codes, right: Codes) -> Floats:
        """Return the similarity of each pair of e-mail addresses, from 0 to 1; shape (pairs,).

        At one host it is the similarity of the mailboxes. Addresses at two hosts are similar only if they differ by a
        typing error; else the similarity is 0.
        """
        assert self._hosts is not None  # only called for e-mail addresses
        lengths = np.maximum(self.values.lengths[left], self.values.lengths[right])
        mailbox = 1 - (1 - similarity) * lengths / np.maximum(1, lengths - self._host_lengths[left])
        error = np.where(similarity >= CUTS[-1], similarity, 0.0)
        return np.where(self._hosts[left] == self._hosts[right], mailbox, error)
