"""Simulation of a writer that is killed at a chosen change on disk, without a separate process.

The changes that the store makes on disk are counted. From the chosen change on, every change raises an error, so that
handlers and ``finally`` blocks change nothing: after ``kill -9`` they would not run at all. Only the lock is released,
as the system does for a dead process.
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
"""Changes on disk before which the process can be killed."""
OTHER_CHANGES = ((Path, "mkdir"), (pq.ParquetWriter, "__init__"), (pq.ParquetWriter, "write_table"))
"""Further changes that a killed process cannot make; they are not counted."""


class KilledError(BaseException):
    """Raised by every change after the simulated kill."""


@dataclass
class Clock:
    """Number of changes made, and the number after which the process is killed (None: never)."""

    limit: int | None
    changes: int = 0

    def tick(self, step: int) -> None:
        if self.limit is not None and self.changes >= self.limit:
            raise KilledError
        self.changes += step


@contextmanager
def dying_after(changes: int | None) -> Iterator[Clock]:
    """Kill the body after a number of changes; None lets it end and counts its changes."""
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
