"""Moments of files, loads and orders: when the states that they show were current.

Moments come from the data, never from the clock.

A file was exported after everything in it happened, so its newest time is the earliest possible time of the export.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm.schema import is_refund_of_line
from ckm.store.order_states import MOMENT, ORDER, is_return
from ckm.store.side_tables import REPLACED_BY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ckm.store.loads import Load

FULL = 0.95
"""Minimum share of the known orders of a file's days that the file must have to count as a full export."""
FEWEST = 2
"""Minimum number of known orders between a file's first and last time for :data:`FULL` to apply."""
MONEY_SCALE = 10_000
SAMPLE = 10_000
"""Rows per batch whose days are read, besides the first and last: reading all rows would cost 1 % of a load."""
FEWEST_DAYS = 10
"""Minimum number of days with rows for the detection of mistyped years."""
LONG_PAUSE, TIMES_LONGER = 62, 3
"""Length of a pause, in days and as a multiple of the longest earlier pause, after which dates are mistyped (2052)."""


@dataclass(frozen=True)
class FileSpan:
    """Times of the rows of a file.

    Attributes
    ----------
    days
        Days (UTC) of the rows, or of a sample of many rows; may repeat.
    first, newest
        The first and the newest moment; None without rows.
    """

    days: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.Date))
    first: datetime | None = None
    newest: datetime | None = None

    def with_rows(self, rows: pl.DataFrame, columns: Collection[str]) -> FileSpan:
        """Return the span of the rows so far and of ``rows``, whose times are in ``columns``."""
        found = [rows[name] for name in columns if name in rows.columns]
        ends = [end for values in found for end in (values.min(), values.max()) if isinstance(end, datetime)]
        some = [values.gather_every(max(1, len(values) // SAMPLE)).dt.date().unique() for values in found]
        days = pl.concat([self.days, pl.Series([end.date() for end in ends], dtype=pl.Date), *some])
        moments = [*ends, *(end for end in (self.first, self.newest) if end is not None)]
        return FileSpan(days, min(moments, default=None), max(moments, default=None))

    @property
    def last(self) -> datetime | None:
        """The newest time, without days that are outliers far after all other days; None without rows."""
        days = self.days.drop_nulls().unique().sort()
        pauses = days.diff().dt.total_days().drop_nulls()
        end = len(days)
        while end > FEWEST_DAYS and pauses[end - 2] > max(LONG_PAUSE, TIMES_LONGER * _longest(pauses[: end - 2])):
            end -= 1
        if end == len(days):
            return self.newest
        return datetime.combine(days[end - 1], time.max, UTC)


def _longest(pauses: pl.Series) -> int:
    longest = pauses.max()
    return longest if isinstance(longest, int) else 0


def loads_frame(loads: Iterable[Load], leaving: Collection[str] = ()) -> pl.DataFrame:
    """Return the loads: ``load_id``, ``number`` (oldest first), ``moment``, ``in_force``, ``newest_of_file``.

    A load is not in force if it was undone or is among ``leaving``. All pages of an export have the moment of the
    newest page. ``newest_of_file`` is the number of the last load of the same file and source, which may be the load
    itself.
    """
    rows = []
    loads = list(loads)
    moments = _moments_of_pages(loads, leaving)
    for number, load in enumerate(loads):
        facts = load.facts
        stands = not load.undone and facts.kind != "undo" and facts.load_id not in leaving
        moment = moments.get(facts.load_id)
        rows.append((facts.load_id, number, moment, facts.source, facts.file_id, facts.kind, stands))
    schema = {"load_id": pl.String(), "number": pl.Int64(), "moment": MOMENT, "source": pl.String(),
              "file_id": pl.String(), "kind": pl.String(), "in_force": pl.Boolean()}  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    reads = frame.filter(pl.col("in_force") & (pl.col("kind") == "load"))
    last = reads.group_by("file_id", "source").agg(last=pl.col("number").max())
    frame = frame.join(last, on=["file_id", "source"], how="left", maintain_order="left")
    anew = pl.max_horizontal("number", pl.col("last"))
    return frame.select("load_id", "number", "moment", "in_force", newest_of_file=anew)


def _moments_of_pages(loads: Collection[Load], leaving: Collection[str]) -> dict[str, datetime]:
    """Return load id to moment, for loads that have one; all pages of an export get the moment of the newest page."""
    moments = {load.facts.load_id: moment for load in loads if (moment := as_moment(load.facts.moment))}
    for load in reversed([*loads]):
        mine, before = load.facts.load_id, load.facts.continues
        if before in moments and mine in moments and not load.undone and mine not in leaving:
            moments[before] = max(moments[before], moments[mine])
    return moments


def of_loads_in_force(replaced: pl.DataFrame, loads: pl.DataFrame) -> pl.DataFrame:
    """Return the replaced rows of loads in force, without rows that the newest load of their file replaced.

    A row that was replaced before or by the newest load of its file is omitted: that load has a newer version of the
    row, or the file no longer contains the row.
    """
    mine = loads.select("load_id", "in_force", "number", "newest_of_file")
    theirs = loads.select(pl.col("load_id").alias(REPLACED_BY), pl.col("number").alias("until"))
    found = replaced.join(mine, on="load_id", how="left", maintain_order="left")
    found = found.join(theirs, on=REPLACED_BY, how="left", maintain_order="left")
    current = (pl.col("number") == pl.col("newest_of_file")) | (pl.col("until") > pl.col("newest_of_file"))
    return found.filter(pl.col("in_force") & current).select(replaced.columns)


def progress(new: pl.DataFrame, known: pl.DataFrame, *, refunds: bool = True) -> pl.DataFrame:
    """Return the orders, with ``earlier`` and ``later``: whether the new rows show an earlier or a later state.

    An order is omitted if the file lacks any of its known sale lines. A refund counts only if the records of the file
    contain ``refunds``.
    """
    if not refunds:
        new, known = (rows.filter(~is_refund_of_line()) for rows in (new, known))
    sides = [rows.group_by(ORDER).agg(*_marks(rows)) for rows in (new, known)]
    both = sides[0].join(sides[1], on=ORDER, suffix=" known").filter(pl.col("sales") >= pl.col("sales known"))
    marks = [name for name in sides[0].columns if name not in (ORDER, "sales")]
    less = pl.any_horizontal(pl.col(name) < pl.col(f"{name} known") for name in marks)
    more = pl.any_horizontal(pl.col(name) > pl.col(f"{name} known") for name in marks)
    return both.select(ORDER, earlier=less & ~more, later=more & ~less)


def _marks(rows: pl.DataFrame) -> list[pl.Expr]:
    given_back = (pl.col("net").filter(is_return()).sum() * -MONEY_SCALE).round().cast(pl.Int64)
    marks = [(~is_return()).sum().alias("sales"), given_back.alias("returned")]
    marks.append((pl.col("type") == "cancel").sum().alias("cancelled"))
    if "delivered_on" in rows.columns:
        marks.append(pl.col("delivered_on").is_not_null().sum().alias("delivered"))
    return marks


def is_older(votes: tuple[int, int], *, ends_before: bool, orders_in_file: int, orders_known: int) -> bool:
    """Return whether a file is an older export than the known data.

    Parameters
    ----------
    votes
        Number of orders with an earlier state in the file, and with a later state (:func:`progress`).
    ends_before
        Whether the newest time of the file is before the newest time of the known data.
    orders_in_file, orders_known
        ``orders_known`` is the number of known orders between the first and last time of the file; the file contains
        ``orders_in_file`` of them.
    """
    earlier, later = votes
    if earlier != later:
        return earlier > later
    return ends_before and orders_known >= FEWEST and orders_in_file >= FULL * orders_known


def just_before(moment: datetime) -> datetime:
    """Return ``moment`` minus one microsecond."""
    return moment - timedelta(microseconds=1)


def as_moment(text: str | None) -> datetime | None:
    """Parse a moment from the log."""
    return datetime.fromisoformat(text) if text else None


def as_text(moment: datetime | None) -> str | None:
    """Format a moment for the log."""
    return None if moment is None else moment.astimezone(UTC).isoformat()
