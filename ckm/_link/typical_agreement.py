"""Prior distribution of the levels of each field, for matches and for pairs of one household.

It expresses how often one person's records differ by typing errors, name changes, moves and second contacts. The
probabilities are rounded from labelled public data sets (febrl, Splink's fake_1000) and weigh as much as
:data:`ckm.models.linkage.PRIOR_PAIRS` pairs. The bounds (``differing``) exceed the shares in each of these data sets.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from ckm.models.linkage import TypicalAgreement

FACT = TypicalAgreement(  # date or year of birth, national id, gender: facts that never change
    match=np.array([0.03, 0.02, 0.01, 0.04, 0.05, 0.85]),
    household=np.full(6, 1 / 6),
    differing=np.array([0.3, 0.3, 0.3, 0.5, 0.6]),
)
NAME = TypicalAgreement(
    match=np.array([0.08, 0.03, 0.03, 0.06, 0.06, 0.74]),
    household=np.array([0.25, 0.02, 0.02, 0.03, 0.03, 0.65]),
    differing=np.array([0.35, 0.45, 0.5, 0.6, 0.6]),
    namesakes=0.02,
)
EMAIL = TypicalAgreement(
    match=np.array([0.3, 0.02, 0.01, 0.02, 0.05, 0.6]),
    household=np.array([0.8, 0.03, 0.01, 0.01, 0.05, 0.1]),
    differing=np.array([0.65, 0.7, 0.7, 0.7, 0.75]),
)
PHONE = TypicalAgreement(
    match=EMAIL.match,
    household=np.array([0.4, 0.02, 0.01, 0.02, 0.05, 0.5]),
    differing=EMAIL.differing,
)
PLACE = TypicalAgreement(  # parts of an address, place of birth, occupation: values with several names
    match=np.array([0.2, 0.04, 0.03, 0.03, 0.05, 0.65]),
    household=np.array([0.04, 0.02, 0.02, 0.02, 0.1, 0.8]),
    differing=np.array([0.5, 0.6, 0.65, 0.7, 0.7]),
)
BY_FIELD = {
    "given_name": NAME,
    "surname": NAME,
    "birth_date": replace(FACT, namesakes=0.002),
    "birth_year": replace(FACT, namesakes=0.02),
    "national_id": FACT,
    "gender": FACT,
    "generation": FACT,
    "email": EMAIL,
    "phone": PHONE,
    "names_exchanged": TypicalAgreement(np.array([0.97, 0.03]), np.array([0.5, 0.5]), np.ones(1)),
}


@cache
def typical_agreement(field: str) -> TypicalAgreement:
    """Return the prior distribution of the levels of a field; :data:`PLACE` for a field without an entry."""
    return BY_FIELD.get(field, PLACE)
