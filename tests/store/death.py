"""Simulated death of a writer at a chosen moment, without a separate process.

The changes that the store makes on disk are counted. From the chosen one on nothing happens any more, so handlers and
``finally`` blocks run in vain: after ``kill -9`` they would not run at all. Only the lock goes free, which the system
sees to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.table import TableAlterer

from ckm.store import delta

MOMENTS = (
    (Path, "write_text"),
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "touch"),
    (pl.LazyFrame, "sink_parquet"),
    (pq.ParquetWriter, "close"),
    (DeltaTable, "create"),
    (DeltaTable, "create_write_transaction"),
    (DeltaTable, "vacuum"),
    (TableAlterer, "add_columns"),
    (delta, "extend"),
)
"""Before each of these a process may die."""
OTHER_CHANGES = ((Path, "mkdir"), (pq.ParquetWriter, "__init__"), (pq.ParquetWriter, "write_table"))
"""What the dead cannot do either."""


class KilledError(BaseException):
    """The process is dead."""


@dataclass
class Clock:
    """How many changes were made, and after how many the process dies."""

    limit: int | None
    changes: int = 0

    def tick(self, step: int) -> None:
        if self.limit is not None and self.changes >= self.limit:
            raise KilledError
        self.changes += step


@contextmanager
def dying_after(changes: int | None) -> Iterator[Clock]:
    """Let the body make so many changes and no more; None for any number, which are counted."""
    clock = Clock(changes)
    with pytest.MonkeyPatch.context() as patch:
        for changes_of, step in ((MOMENTS, 1), (OTHER_CHANGES, 0)):
            for owner, name in changes_of:
                patch.setattr(owner, name, _ticking(getattr(owner, name), clock, step))
        with suppress(KilledError):
            yield clock


def _ticking(change: Callable[..., Any], clock: Clock, step: int) -> Callable[..., Any]:
    def ticking(*args: Any, **options: Any) -> Any:
        clock.tick(step)
        return change(*args, **options)

    return ticking
