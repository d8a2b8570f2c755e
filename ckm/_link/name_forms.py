"""Different forms of one name: nicknames, initials, a name without its further words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from ckm._link.normalise import normalised
from ckm.io.values.word_lists import load_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes: TypeAlias = NDArray[np.int64]
    Levels: TypeAlias = NDArray[np.int8]
    Mask: TypeAlias = NDArray[np.bool_]

FILE = "given_names.yaml"
ONE_LETTER = r"^\p{Latin}$"
INITIAL, FORM = 2, 3
"""Level of an initial and a name that begins with it, which members of a household often have; and level of two forms
of one name."""


class NameForms:
    """Compares names by their words: ``Bob`` and ``Robert``, ``J.`` and ``John``, ``Meyer`` and ``Meyer-Lund``.

    Parameters
    ----------
    values
        Distinct normalised names; String. The code of a name is its position.
    with_nicknames
        Whether the names are given names, of which ``ckm/data/given_names.yaml`` lists other forms.
    """

    def __init__(self, values: pl.Series, *, with_nicknames: bool) -> None:
        words = values.str.split(" ")
        first = words.list.first()
        self._whole, self._first, self._last = (each.hash().to_numpy() for each in (values, first, words.list.last()))
        self._letter = first.str.slice(0, 1).hash().to_numpy()
        self._is_initial = first.str.contains(ONE_LETTER).to_numpy()
        self._names = _names_of(first) if with_nicknames else None

    def levels(self, left: Codes, right: Codes) -> Levels:
        """Return the level of each pair of different names: :data:`FORM`, :data:`INITIAL` or 0; shape (pairs,)."""
        initial = self._is_initial[left] | self._is_initial[right]
        initial &= self._letter[left] == self._letter[right]
        return np.select([self._are_forms(left, right), initial], [np.int8(FORM), np.int8(INITIAL)], np.int8(0))

    def _are_forms(self, left: Codes, right: Codes) -> Mask:
        """Return which pairs have a nickname of one name, or the first or last word of the other name; (pairs,)."""
        found = np.zeros(len(left), dtype=bool)
        for one, other in ((left, right), (right, left)):
            found |= (self._whole[one] == self._first[other]) | (self._whole[one] == self._last[other])
        if self._names is None:
            return found
        known = np.flatnonzero((self._names[left, 0] >= 0) & (self._names[right, 0] >= 0))
        one, other = self._names[left[known]], self._names[right[known]]
        common = (one[:, :, None] == other[:, None, :]) & (one[:, :, None] >= 0)
        found[known] |= common.any(axis=(1, 2))
        return found


def _names_of(forms: pl.Series) -> Codes:
    """Return the numbers of the names of which each value is a form, filled up with -1; shape (values, most names)."""
    by_form, most = _names_by_form()
    found = np.full((len(forms), most), -1, dtype=np.int64)
    for place, form in enumerate(forms.to_list()):
        names = by_form.get(form)
        if names is not None:
            found[place, : len(names)] = names
    return found


@cache
def _names_by_form() -> tuple[dict[str, list[int]], int]:
    """Return the numbers of the names by normalised form, and the largest number of names of one form."""
    listed = [[name, *forms] for name, forms in load_data(FILE).items()]
    rows = [(form, number) for number, forms in enumerate(listed) for form in forms]
    texts = normalised(pl.Series([form for form, _ in rows], dtype=pl.String), "given_name").to_list()
    found: dict[str, list[int]] = {}
    for text, (_, number) in zip(texts, rows, strict=True):
        names = found.setdefault(text, [])
        if number not in names:
            names.append(number)
    return found, max(len(names) for names in found.values())
