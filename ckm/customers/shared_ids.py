"""Customer ids that may stand for many.

A till that must have a customer writes ``0``, ``guest`` or ``cash``. Counted as a customer, such an id is the best
there is, and lifts every average. Nothing is decided here: a firm that orders every day looks much the same. An id that
stands out is named for a person to look at, and ``guest_ids`` of ``ckm.yaml`` says what it is.
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

    Whole = NDArray[np.int64]

FEWEST_CUSTOMERS = 50
"""Fewest customers for a usual number of rows."""
FEWEST_DAYS = 30
"""Days with rows from which on *most days* means something."""
ROW_SHARE, WORD_ROW_SHARE = 0.05, 0.01
"""Of all rows, that an id must have to stand out; one that is a word for guests needs less."""
DAY_SHARE, WORD_DAY_SHARE = 0.5, 0.1
"""Of all days, likewise."""
USUAL_CUSTOMERS, TIMES_USUAL = 0.95, 3
"""A conspicuous id has rows on so many times the days of nearly every other customer."""
MOST_IDS = 5
"""Ids that are looked at: those with the most rows."""


@dataclass(frozen=True)
class SharedId:
    """An id that may stand for many customers.

    Attributes
    ----------
    word
        The id, where it is a word for guests; None where it may be a person's.
    rows, all_rows
        Its rows, and those of all.
    days, all_days
        Days on which it has rows, and on which anybody has.
    """

    word: str | None
    rows: int
    all_rows: int
    days: int
    all_days: int

    @property
    def share(self) -> float:
        """Of all rows."""
        return self.rows / self.all_rows

    @property
    def finding(self) -> str:
        """Conspicuous ids."""
        who = f"customer id '{self.word}'" if self.word is not None else "one customer id"
        return f"{who} has {self.share:.0%} of the rows, on {self.days:,} of {self.all_days:,} days"

    @property
    def hint(self) -> str:
        """What to do next."""
        where = "" if self.word is not None else " (the highest frequency in 'ckm segment --customers')"
        return f"if it stands for many{where}, such as guests or cash sales, name it in ckm.yaml: guest_ids"


def shared_ids(
    ids: Sequence[str], rows: Whole, days: Whole, usual_days: Whole, *, all_rows: int, all_days: int
) -> tuple[SharedId, ...]:
    """Return the ids that may stand for many customers, the one with the most rows first.

    An id is conspicuous where it has 5 % of the rows, on half of the days and on three times as many days as 95 % of
    the customers have; a word for guests (``ckm/data/guest_words.yaml``) with 1 % and a tenth. Nothing is said of fewer
    than 50 customers or 30 days: there one may well be most of a business.

    Parameters
    ----------
    ids, rows, days
        Of the customers with the most rows, most first.
    usual_days
        Days with rows of each customer, or of a sample of them.
    all_rows, all_days
        Of all customers, and guests.
    """
    if len(usual_days) < FEWEST_CUSTOMERS or all_days < FEWEST_DAYS:
        return ()
    usual = TIMES_USUAL * float(np.quantile(usual_days, USUAL_CUSTOMERS))
    found = []
    for name, its_rows, its_days in zip(ids[:MOST_IDS], rows.tolist(), days.tolist(), strict=False):
        is_word = is_guest_word(name)
        share, day_share = (WORD_ROW_SHARE, WORD_DAY_SHARE) if is_word else (ROW_SHARE, DAY_SHARE)
        if its_rows >= share * all_rows and its_days >= max(day_share * all_days, usual):
            found.append(SharedId(name.strip() if is_word else None, its_rows, all_rows, its_days, all_days))
    return tuple(found)


def is_guest_word(customer_id: str) -> bool:
    """Whether an id is a word for guests, or of zeros or nines alone.

    >>> [is_guest_word(each) for each in ("0", "Walk-in", "n/a", "99999", "17", "guest-17")]
    [True, True, True, True, False, False]
    """
    plain = re.sub(r"[\W_]+", "", customer_id.casefold())
    return bool(re.fullmatch("0+|9{4,}", plain)) or not guest_words().isdisjoint((plain, customer_id.strip()))
