"""Pairs of records that may be two members of one household: couples, twins, father and son of one name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ckm._link.levels import EXACT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Codes: TypeAlias = NDArray[np.int64]
    Levels: TypeAlias = NDArray[np.int8]
    Mask: TypeAlias = NDArray[np.bool_]

AT_HOME = ("street", "phone", "email")
"""What the members of a household have in common."""
BORN = ("birth_date", "birth_year")
GENERATION = 14
"""Fewest years between a parent and a child."""
SIMILAR, ONE_LETTER, ALIKE = 1, 3, 4
"""Lowest levels of two given names that one wrong letter separates, of short names and of others; and of two spellings
of one name."""
SHORT = 3
"""Most letters of a short name."""
RARE = 0.001
"""Share of records below which a name may be a typing error of a similar one; in a small table no name is rare."""


class GivenNames:
    """Given names of the records, to decide whether two names may be one name with a typing error.

    Parameters
    ----------
    codes
        Code of the name of each record, negative if missing; shape (records,).
    lengths, frequency
        Number of letters of each name, and number of records with the name; each of shape (names,).
    """

    def __init__(self, codes: Codes, lengths: Codes, frequency: Codes) -> None:
        self._length = np.append(lengths, 0).astype(np.int16)[codes]  # code -1 (missing) selects the 0
        self._is_rare = np.append(frequency, 0)[codes] < RARE * len(codes)

    def one_letter(self, level: Levels, left: Codes, right: Codes) -> Mask:
        """Return which pairs of given names may differ by one wrong letter only, by their levels; shape (pairs,)."""
        is_short = np.maximum(self._length[left], self._length[right]) <= SHORT
        return np.where(is_short, level >= SIMILAR, level >= ONE_LETTER)

    def one_rare(self, level: Levels, left: Codes, right: Codes) -> Mask:
        """Return which pairs of given names are similar, and one is so rare that it may be an error; shape (pairs,)."""
        return np.asarray((level >= SIMILAR) & (self._is_rare[left] | self._is_rare[right]))


def may_be_relatives(
    levels: Mapping[str, Levels],
    left: Codes,
    right: Codes,
    *,
    names: GivenNames | None,
    years: list[Floats],
    generation: Codes | None = None,
) -> Mask:
    """Return which pairs have a street or contact in common while a fact about the person differs; shape (pairs,).

    One of these facts differs:

    - the given name, unless one of the two may be a typing error or the e-mail address is equal;
    - the year of birth, by at least a generation (:data:`GENERATION` years);
    - the generation after the name (junior, senior); if only one name has it, unless e-mail address or date of birth
      is equal;
    - the surname, as of flatmates and colleagues, if neither e-mail address nor date of birth is equal.

    Pairs with an equal or similar national id are of one person.

    Parameters
    ----------
    levels
        Level of agreement of each pair, by name of the field; each of shape (pairs,).
    left, right
        Row numbers of the two records of each pair; each of shape (pairs,).
    names
        Given names of the records; None if different given names do not count.
    years
        Years of birth of the records, each of shape (records,); NaN if unknown.
    generation
        Code of the generation of each record, negative without one; shape (records,). None without generations.
    """
    nothing = np.zeros(len(left), dtype=bool)
    common = np.any([nothing, *(levels[name] == EXACT for name in AT_HOME if name in levels)], axis=0)
    if "national_id" in levels:
        common &= levels["national_id"] <= 0
    differ = np.any([nothing, *(np.abs(each[left] - each[right]) >= GENERATION for each in years)], axis=0)
    own = np.any([nothing, *(levels[name] == EXACT for name in ("email", "birth_date") if name in levels)], axis=0)
    if generation is not None:
        differ |= levels["generation"] == 0
        differ |= ((generation[left] < 0) != (generation[right] < 0)) & ~own
    if "surname" in levels:
        differ |= (levels["surname"] == 0) & ~own
    if names is not None:
        level = levels["given_name"]
        error = names.one_letter(level, left, right) & names.one_rare(level, left, right)
        named = (level >= 0) & (level < ALIKE) & ~error
        differ |= named & (levels["email"] != EXACT) if "email" in levels else named
    return np.asarray(common & differ)
