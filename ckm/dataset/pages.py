"""Pages of one export: amounts of an order that is cut by a page are spread over its lines in all pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

ORDER, FILE = "order_id", " file"


def joined_pages(files: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Return the rows of all files in sequence, with the amounts of cut orders spread again.

    An order is cut if several files have lines of it, and none is complete by the order's own totals.
    """
    together = pl.concat(files)
    if len(files) < 2 or "order_amounts" not in together.collect_schema():
        return together
    from ckm.io.mapping.order_parts import spread_again, whole_orders  # only exports with order amounts need this

    numbered = pl.concat(rows.with_columns(pl.lit(number).alias(FILE)) for number, rows in enumerate(files))
    speaking = numbered.filter(pl.col("order_amounts").is_not_null()).select(ORDER).unique()
    several = numbered.join(speaking, on=ORDER, how="semi").group_by(ORDER).agg(pl.col(FILE).n_unique())
    several = several.filter(pl.col(FILE) > 1).select(ORDER)
    rows = numbered.join(several, on=ORDER, how="semi", maintain_order="left").collect()
    if rows.is_empty():
        return together
    whole = pl.concat([whole_orders(part.drop(FILE)) for part in rows.partition_by(FILE, maintain_order=True)])
    cut = rows.filter(~pl.col(ORDER).is_in(whole.implode())).drop(FILE)
    others = together.join(cut.lazy().select(ORDER).unique(), on=ORDER, how="anti", maintain_order="left")
    return pl.concat([others, spread_again(cut).lazy()])
