"""Check mapped columns: percentages are not mapped to amounts, and rounded ids give a remark."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UsageError
from ckm.io.mapping.mapping import FromColumn
from ckm.io.values.amounts import MONEY, are_percentages
from ckm.io.values.ids import SCIENTIFIC
from ckm.remark import doubt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as AnyMapping

    from ckm.io.mapping.mapping import Mapping
    from ckm.remark import Remark

ID_SUFFIXES = ("_id", "line_no")
"""Suffixes of id targets, whose surrounding spaces are removed."""

FEWEST_ROWS = 50
"""Minimum number of rows from which a repeated customer is expected."""
LEAST_PRICE = 5.0
"""Median price from which discounts of at most 1 are shares."""


def without_percentages(
    mapping: Mapping, sample: pl.DataFrame, shown: AnyMapping[str, tuple[str, ...]]
) -> tuple[Mapping, list[str]]:
    """Return the mapping without percentage columns for amounts, which become extra columns, and remarks on them.

    Raises
    ------
    UsageError
        The amount is required.
    """
    rules, remarks = dict(mapping.columns), []
    for target, rule in mapping.columns.items():
        if target not in MONEY or not isinstance(rule, FromColumn) or rule.source not in sample.columns:
            continue
        if "%" not in shown.get(rule.source, ()) and not are_percentages(sample[rule.source]):
            continue
        message = f"column '{rule.source}' contains percentages, but {target} is an amount"
        if target in mapping.target.required:
            raise UsageError(message, hint=f"name the column of amounts with --column {target}=COLUMN")
        del rules[target]
        remarks.append(f"{message}: it was kept as an extra column")
    return replace(mapping, columns=rules), remarks


def doubts_on_purchases(mapping: Mapping, sample: pl.DataFrame) -> Iterator[Remark]:
    """Yield a remark if each row of transactions has another customer: probably a table of customers."""
    who = mapping.columns.get("customer_id")
    if mapping.table != "transactions" or not isinstance(who, FromColumn) or who.source not in sample.columns:
        return
    customers = sample[who.source].drop_nulls()
    if len(customers) >= FEWEST_ROWS and customers.n_unique() == len(customers):
        yield doubt(
            f"each of the first {len(customers):,} rows has another customer: if this is a table of customers and not "
            "of purchases, the results are wrong"
        )


def are_shares(discounts: pl.Series, prices: pl.Series | None) -> bool:
    """Return whether a column of discounts has shares of the price (0.2 for 20 %), and not amounts.

    All are then from 0 to 1, some are fractions, and the median of ``prices`` is too high for such amounts.
    """
    shares, paid = _numbers(discounts), None if prices is None else _numbers(prices)
    if shares is None or not len(shares) or not shares.is_between(0.0, 1.0).all():
        return False
    fractions = shares.filter((shares > 0.0) & (shares < 1.0))
    median = None if paid is None else paid.filter(paid > 0).median()
    return len(fractions) > 0 and isinstance(median, float) and median >= LEAST_PRICE


def _numbers(values: pl.Series) -> pl.Series | None:
    """Return numbers with a point or a comma as decimal mark; None if a value is something else."""
    texts = values.drop_nulls().cast(pl.String, strict=False).str.strip_chars()
    numbers = texts.filter(texts != "").str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    return None if numbers.null_count() else numbers


def doubts_on_ids(mapping: Mapping, sample: pl.DataFrame) -> Iterator[Remark]:
    """Yield remarks on ids that a spreadsheet or a data frame probably changed."""
    for target, rule in mapping.columns.items():
        if not isinstance(rule, FromColumn) or not target.endswith(ID_SUFFIXES):
            continue
        ids = sample[rule.source].drop_nulls()
        if ids.dtype != pl.String:
            continue
        if len(ids) and ids.str.contains(r"^\d+\.0$").all():
            yield doubt(f"column '{rule.source}': every id ends in '.0': probably stored as numbers")
        elif cut := int(ids.str.contains(SCIENTIFIC).sum()):
            yield doubt(
                f"column '{rule.source}': {cut:,} of the first {len(ids):,} ids are in scientific notation, "
                "such as 4.05E+12: a spreadsheet removed digits; export the file again"
            )
