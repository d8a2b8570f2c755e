"""Amounts that a source states for an order line and for its order, as JSON.

They are stored before amounts of the order are spread over its lines.
"""

from __future__ import annotations

import polars as pl

from ckm.io.mapping.order_amounts import RETURNED
from ckm.schema import ORDER_AMOUNTS

STORED_AMOUNTS = "order_amounts"
"""Column of the transactions with the stored amounts of a line."""
OF_LINE = ("net", "discount", "refund")
AMOUNTS = (*OF_LINE, *ORDER_AMOUNTS)
"""Stored amounts of a line: its own and those of its order."""
REFUNDED = "refunded"
"""Key of a stored amount: whether a status marks the order as fully refunded."""
_FIELDS = pl.Struct({**dict.fromkeys(AMOUNTS, pl.Float64()), REFUNDED: pl.Boolean()})
_SAYS, _GIVEN = "\x00says", "\x00given"


def with_stored_amounts(lines: pl.DataFrame, is_refunded: pl.Expr) -> pl.DataFrame:
    """Return lines with the amounts of line and order as JSON, and two helper columns for :func:`needed_amounts`.

    ``is_refunded`` is whether a status marks the line as fully refunded.
    """
    names = [name for name in AMOUNTS if name in lines.columns]
    says = (pl.col(name).is_not_null() for name in ORDER_AMOUNTS if name in lines.columns)
    return lines.with_columns(
        pl.struct(*names, is_refunded.alias(REFUNDED)).struct.json_encode().alias(STORED_AMOUNTS),
        pl.any_horizontal(pl.lit(value=False), *says).alias(_SAYS),
        pl.col("net").alias(_GIVEN),
    )


def needed_amounts() -> pl.Expr:
    """Return the stored amounts of adjusted lines; null if no amount of an order was spread over them."""
    is_needed = pl.col(_SAYS) | (pl.col("net") != pl.col(_GIVEN)) | (pl.col(RETURNED) > 0)
    return pl.when(is_needed.fill_null(value=False)).then(STORED_AMOUNTS).alias(STORED_AMOUNTS)


def stated_amounts(lines: pl.DataFrame) -> pl.DataFrame:
    """Return order id, line number and stored amounts of each line; without these, its ``net`` and ``discount``."""
    says, silent = pl.col(_SAYS).struct, pl.col(STORED_AMOUNTS).is_null()
    decoded = lines.with_columns(pl.col(STORED_AMOUNTS).str.json_decode(_FIELDS).alias(_SAYS))
    return decoded.select(
        "order_id",
        "line_no",
        *(pl.when(silent).then(name).otherwise(says.field(name)).alias(name) for name in ("net", "discount")),
        *(says.field(name).alias(name) for name in ("refund", *ORDER_AMOUNTS)),
        says.field(REFUNDED).fill_null(value=False).alias(REFUNDED),
    )
