"""Purchase days of all customers, and sums of them per customer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.btyd.buyers import Buyers, buyers_until

if TYPE_CHECKING:
    from ckm.models.btyd.histories import Floats, Integers


class PurchaseHistory(ABC):
    """What the models read of the purchases of all customers; customers are named by codes, integers from 0."""

    @property
    @abstractmethod
    def first_day(self) -> int:
        """First day with a purchase."""

    @abstractmethod
    def of(self, codes: Integers) -> Purchases:
        """Return the purchases of the customers ``codes``; codes do not change."""

    @abstractmethod
    def buyers(self, day: int) -> Buyers:
        """Return the customers with a purchase by the end of ``day``."""

    @abstractmethod
    def spent(self, codes: Integers, after: int, until: int) -> Floats:
        """Return the spend of each of ``codes`` in the days ``(after, until]``."""

    @abstractmethod
    def days(self, codes: Integers, after: int, until: int) -> Floats:
        """Return the number of purchase days of each of ``codes`` in the days ``(after, until]``."""

    @abstractmethod
    def last_value(self, codes: Integers, day: int) -> Floats:
        """Return the value of the last purchase day up to ``day`` of each of ``codes``; 0 without one."""


@dataclass(frozen=True)
class Purchases(PurchaseHistory):
    """Purchase days of all customers, sorted by customer and day.

    Attributes
    ----------
    code, day, money
        Customer code, day number, and value of the purchases on that day. Shape (k,).
    """

    code: Integers
    day: Integers
    money: Floats

    @cached_property
    def first_day(self) -> int:
        """First day with a purchase."""
        return int(self.day.min())

    @cached_property
    def size(self) -> int:
        """Largest code plus 1."""
        return int(self.code[-1]) + 1

    def of(self, codes: Integers) -> Purchases:
        """Return the purchases of the customers ``codes``; codes do not change."""
        chosen = np.zeros(self.size, dtype=np.bool_)
        chosen[codes] = True
        rows = chosen[self.code]
        return Purchases(self.code[rows], self.day[rows], self.money[rows])

    def spent(self, codes: Integers, after: int, until: int) -> Floats:
        """Return the spend of each of ``codes`` in the days ``(after, until]``."""
        rows = (self.day > after) & (self.day <= until)
        return np.bincount(self.code[rows], self.money[rows], minlength=self.size)[codes].astype(np.float64)

    def days(self, codes: Integers, after: int, until: int) -> Floats:
        """Return the number of purchase days of each of ``codes`` in the days ``(after, until]``."""
        rows = (self.day > after) & (self.day <= until)
        return np.bincount(self.code[rows], minlength=self.size)[codes].astype(np.float64)

    def buyers(self, day: int) -> Buyers:
        """Return the customers with a purchase by the end of ``day``."""
        return buyers_until(self.code, self.day, self.money, day)

    def last_value(self, codes: Integers, day: int) -> Floats:
        """Return the value of the last purchase day up to ``day`` of each of ``codes``; 0 without one."""
        known = np.flatnonzero(self.day <= day)
        code = self.code[known]
        last = known[np.flatnonzero(np.append(code[1:] != code[:-1], True))] if len(known) else known
        values = np.zeros(self.size)
        values[self.code[last]] = self.money[last]
        return values[codes]
