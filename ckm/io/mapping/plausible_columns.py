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
