"""Checks of the transactions before an analysis: the table, its required columns, and readable files."""

from __future__ import annotations

from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.definitions import NEEDED_COLUMNS
from ckm.errors import InputError, NotEnoughDataError
from ckm.io.scanned_files import explain
from ckm.time_zones import parse_time_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TRANSACTIONS = "transactions"


def require_transactions(tables: Mapping[str, pl.LazyFrame], time_zone: str) -> pl.LazyFrame:
    """Return the transactions among the tables of an analysis.

    Parameters
    ----------
    tables
        Tables by name.
    time_zone
        Time zone of the days.

    Raises
    ------
    NotEnoughDataError
        The transactions are missing.
    InputError
        A column that every analysis reads is missing; similar names are suggested.
    UsageError
        The time zone is unknown; a similar one is suggested.
    """
    parse_time_zone(time_zone)
    if TRANSACTIONS not in tables:
        raise NotEnoughDataError(
            f"there is no table '{TRANSACTIONS}'",
            hint=f"there are: {', '.join(sorted(tables)) or 'none'}; load some: ckm ingest FILE --as {TRANSACTIONS}",
        )
    _need_columns(tables[TRANSACTIONS])
    return tables[TRANSACTIONS]


def _need_columns(transactions: pl.LazyFrame) -> None:
    available = transactions.collect_schema().names()
    for column in NEEDED_COLUMNS:
        if column not in available:
            near = get_close_matches(column, available, n=1, cutoff=0.6)
            raise InputError(
                f"transactions: no column '{column}'",
                hint=f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(available)}",
                column=column,
            )


@contextmanager
def readable() -> Iterator[None]:
    """Convert polars' error for a damaged file to an InputError; polars raises it only when it reads data pages."""
    try:
        yield
    except (pl.exceptions.ComputeError, OSError) as error:
        if damaged := explain(error):
            raise damaged from error
        raise InputError(
            "the data cannot be read to their end: a file is damaged, or has changed while it was read",
            hint="ckm inspect FILE shows where",
        ) from error
