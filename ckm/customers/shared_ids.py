"""Customer ids that may each be used for many customers.

A cash register that requires a customer id records guest sales under ``0``, ``guest`` or ``cash``. If such an id
counted as a customer, it would be the largest one and distort every mean. It is reported and not excluded, because a
company that orders daily looks the same. The user can declare it in ``guest_ids`` of ``ckm.yaml``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.io.values.vocabulary import guest_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

FEWEST_CUSTOMERS = 50
"""Fewest customers to estimate the usual number of days per customer; with fewer, no id is reported."""
FEWEST_DAYS = 30
"""Fewest days with rows in the data; with fewer, no id is reported."""
ROW_SHARE, WORD_ROW_SHARE = 0.05, 0.01
"""Smallest share of all rows of a reported id: for any id, and for an id that is a word for guests."""
DAY_SHARE, WORD_DAY_SHARE = 0.5, 0.1
"""Smallest share of all days with rows of a reported id: for any id, and for an id that is a word for guests."""
DAYS_QUANTILE, DAYS_FACTOR = 0.95, 3
"""A reported id has rows on at least three times as many days as the customer at the 95 % quantile."""
MOST_IDS = 5
"""Number of ids that are examined: the ids with the most rows."""


@dataclass(frozen=True)
class SharedId:
    """An id that may be used for many customers.

    Attributes
    ----------
    word
        The id if it is a word for guests; None if it may identify a person.
    rows, all_rows
        Number of rows with the id, and of all rows.
    days, all_days
        Number of days with rows with the id, and with any rows.
    """

    word: str | None
    rows: int
    all_rows: int
    days: int
    all_days: int

    @property
    def share(self) -> float:
        """Share of the rows with the id in all rows."""
        return self.rows / self.all_rows

    @property
    def finding(self) -> str:
        """Finding for the user; contains the id only if it is a word for guests."""
        who = f"customer id '{self.word}'" if self.word is not None else "one customer id"
        return f"{who} has {self.share:.0%} of the rows, on {self.days:,} of {self.all_days:,} days"

    @property
    def hint(self) -> str:
        """Hint for the user."""
        where = "" if self.word is not None else " (the highest frequency in 'ckm segment --customers')"
        return f"if many customers share it{where}, such as guests or cash sales, add it to guest_ids in ckm.yaml"


def shared_ids(
    ids: Sequence[str], rows: Integers, days: Integers, usual_days: Integers, *, all_rows: int, all_days: int
) -> tuple[SharedId, ...]:
    """Return the ids that may each be used for many customers, most rows first.

    An id is reported if it has at least 5 % of the rows, rows on at least half of the days, and three times as many
    days as the customer at the 95 % quantile. For a word for guests (``ckm/data/guest_words.yaml``), 1 % of the rows
    and a tenth of the days are enough. With fewer than 50 customers or 30 days no id is reported, because one customer
    may be most of the business.

    Parameters
    ----------
    ids, rows, days
        Ids, rows and days of the customers with the most rows, most first.
    usual_days
        Days with rows of each customer, or of a sample of them.
    all_rows, all_days
        Numbers of rows and days of all customers and guests.
    """
    if len(usual_days) < FEWEST_CUSTOMERS or all_days < FEWEST_DAYS:
        return ()
    usual = DAYS_FACTOR * float(np.quantile(usual_days, DAYS_QUANTILE))
    found = []
    for name, its_rows, its_days in zip(ids[:MOST_IDS], rows.tolist(), days.tolist(), strict=False):
        is_word = is_guest_word(name)
        share, day_share = (WORD_ROW_SHARE, WORD_DAY_SHARE) if is_word else (ROW_SHARE, DAY_SHARE)
        if its_rows >= share * all_rows and its_days >= max(day_share * all_days, usual):
            found.append(SharedId(name.strip() if is_word else None, its_rows, all_rows, its_days, all_days))
    return tuple(found)


def is_guest_word(customer_id: str) -> bool:
    """Return whether an id is a word for guests, or consists of zeros or nines only.

    >>> [is_guest_word(each) for each in ("0", "Walk-in", "n/a", "99999", "17", "guest-17")]
    [True, True, True, True, False, False]
    """
    plain = re.sub(r"[\W_]+", "", customer_id.casefold())
    return bool(re.fullmatch("0+|9{4,}", plain)) or not guest_words().isdisjoint((plain, customer_id.strip()))
