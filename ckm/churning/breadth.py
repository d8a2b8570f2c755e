"""In which categories and through which channels customers buy, and which categories the shop has given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import polars as pl

from ckm.churning.timeline import DAY_BITS, ITEM_BITS, MOST_ITEMS, NEVER, pack, unpack_day
from ckm.features import is_after, is_purchase, local_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.feature_table.view import View

LOST_AFTER_DAYS = 28
"""So long must the shop have sold nothing of a category for it to count as given up."""
WEEKS_BEFORE = 26
"""Half a year before the last sale of a category: one that is sold in a season only was not sold all through it."""
WEEKS_SOLD = 21
"""Of these, in how many it must have been sold to count as one that used to be sold every week: four of five."""


@dataclass(frozen=True)
class Baskets:
    """What a customer bought of, by day; one entry per customer, item and day.

    Attributes
    ----------
    codes, items, days
        Customer, position of the item in its sorted names, day; sorted in this order.
    following
        Day on which the customer next bought of the item; :data:`ckm.churning.timeline.NEVER` if not again.
    first_day
        On which an item is first known.
    """

    codes: NDArray[np.uint32]
    items: NDArray[np.uint16]
    days: NDArray[np.int32]
    following: NDArray[np.int32]
    first_day: int

    @classmethod
    def of(cls, keys: NDArray[np.int64]) -> Baskets:
        """Unpack keys, in any order and as often as they come."""
        keys = np.sort(keys)  # sorting 20 million takes two seconds; hashing them takes four times the memory
        new = np.ones(len(keys), np.bool_)
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        keys = keys[new]
        days, owners = unpack_day(keys), keys >> DAY_BITS
        following = np.full(len(keys), NEVER, np.int32)
        again = owners[1:] == owners[:-1]
        following[:-1][again] = days[1:][again]
        return cls(
            codes=(owners >> ITEM_BITS).astype(np.uint32),
            items=(owners & (MOST_ITEMS - 1)).astype(np.uint16),
            days=days,
            following=following,
            first_day=int(days.min()) if len(days) else NEVER,
        )

    def distinct(self, customers: int, after: int, until: int) -> NDArray[np.int64]:
        """How many different items each of ``customers`` codes bought of in the days ``(after, until]``."""
        last_within = (self.days > after) & (self.days <= until) & (self.following > until)
        return np.bincount(self.codes[last_within], minlength=customers)

    def share(self, chosen: NDArray[np.bool_], customers: int, after: int, until: int) -> NDArray[np.float64]:
        """Share of the chosen items in each customer's purchases in ``(after, until]``; 0 where there are none."""
        within = (self.days > after) & (self.days <= until)
        total = np.bincount(self.codes[within], minlength=customers)
        within &= chosen[self.items]
        part = np.bincount(self.codes[within], minlength=customers)
        return part / np.maximum(total, 1)


@dataclass(frozen=True)
class Breadth:
    """Categories and channels.

    Attributes
    ----------
    categories, channels
        Of customers.
    shelf_items, shelf_days
        Days on which the shop sold anything of a category to anybody, also to who is not known; one entry each.
    """

    categories: Baskets
    channels: Baskets
    shelf_items: NDArray[np.int64]
    shelf_days: NDArray[np.int32]

    def given_up(self, day: int) -> NDArray[np.bool_]:
        """Whether the shop had given up each category by ``day``, as far as was known then.

        Nothing of it was sold in the last 28 days on which the shop was selling at all, and it had been sold in at
        least 21 of the 26 weeks up to its last sale. A shop that was closed gives up nothing.
        """
        seen = self.shelf_days <= day
        items, days = self.shelf_items[seen], self.shelf_days[seen]
        lost = np.zeros(int(self.shelf_items.max(initial=-1)) + 1, np.bool_)
        if not len(days):
            return lost
        last = np.full(len(lost), -NEVER, np.int64)
        np.maximum.at(last, items, days)
        weeks = (last[items] - days) // 7
        sold = np.unique(items[weeks < WEEKS_BEFORE] * WEEKS_BEFORE + weeks[weeks < WEEKS_BEFORE]) // WEEKS_BEFORE
        lost[:] = (np.bincount(sold, minlength=len(lost)) >= WEEKS_SOLD) & (days.max() - last >= LOST_AFTER_DAYS)
        return lost


def read_breadth(view: View, codes: pl.Expr, there: frozenset[str]) -> Breadth:
    """Read categories and channels; without the column there are none.

    Parameters
    ----------
    view
        The transactions.
    codes
        Expression of a customer's code from ``customer_id``; null for who never bought.
    there
        Columns that the source has.
    """
    nothing = Baskets.of(np.empty(0, np.int64)), pl.DataFrame(schema={"day": pl.Int32, "item": pl.Int64})
    (categories, shelf), (channels, _) = (
        _read_baskets(view, codes, column) if column in there else nothing for column in ("category", "channel")
    )
    return Breadth(
        categories=categories,
        channels=channels,
        shelf_items=shelf["item"].to_numpy().astype(np.int64),
        shelf_days=shelf["day"].to_numpy(),
    )


def _read_baskets(view: View, codes: pl.Expr, column: str) -> tuple[Baskets, pl.DataFrame]:
    """Baskets, and the days on which anybody bought of an ``item``."""
    known = view.frame.filter(is_purchase() & ~is_after(view.until) & ~nw.col(column).is_null())
    rows = known.select("customer_id", value=nw.col(column), day=local_day("ordered_at", view.time_zone)).to_native()
    rows = rows.with_columns(pl.col("value").cast(pl.String), pl.col("day").to_physical())
    shelf = rows.select("value", "day").unique().collect(engine="streaming")
    # numbered as the shop took them up: what it sells later changes no number
    names = shelf.group_by("value").agg(pl.col("day").min()).sort("day", "value")["value"]
    items = pl.Enum(names)
    item = pl.col("value").cast(items).to_physical().cast(pl.Int64).clip(upper_bound=MOST_ITEMS - 1)
    keys = rows.select(key=pack(codes, pl.col("day"), item)).drop_nulls().collect(engine="streaming")["key"]
    return Baskets.of(keys.to_numpy()), shelf.select("day", item=item)
