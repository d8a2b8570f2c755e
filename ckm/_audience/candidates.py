"""Candidates for an audience, before suppressions: from an analysis, a segment, a file of rules or a list of ids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._audience.answered_complaints import answered_complaints
from ckm._audience.linked_members import as_persons, crossed_remark
from ckm.assignments import ARMS
from ckm.churn import ChurnOptions, warn
from ckm.customers.period import period_until
from ckm.errors import InputError, NotEnoughDataError, UnknownNameError, UsageError
from ckm.io.mapping.synonyms import normalise
from ckm.metrics.context import ReportContext
from ckm.metrics.metric import Missing
from ckm.metrics.second_order import second_orders
from ckm.segment import segment
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from ckm._outcome.metric_values import ShopRecord
    from ckm.dataset import Dataset

CHURN, SECOND_ORDER, ANSWERED, SEGMENT = "churn-warn", "second-order", "you-said-we-did", "segment="
ORIGINS = (CHURN, SECOND_ORDER, ANSWERED, f"{SEGMENT}NAME", "RULES.yaml", "FILE.csv")
"""Values of the option ``--from``; words in capitals are replaced by a name or a path."""
WHO, ARM, STARTED = "customer_id", "arm", "assigned_at"
ROW = "row of the file"
COLUMNS: dict[str, pl.DataType] = {
    WHO: pl.String(),
    "why": pl.String(),
    "entry": pl.String(),
    "segment": pl.String(),
    "risk": pl.Float64(),
    "expected_gain": pl.Float64(),
    "suppressed": pl.String(),
}
"""Columns of candidates; null if the origin does not have the value. ``risk`` is the churn probability."""
ARM_WORDS = {
    "control": "holdout",
    "holdout": "holdout",
    "treated": "treated",
    "treatment": "treated",
    "test": "treated",
}
"""Arm by the word that a file of another program uses for it."""


@dataclass(frozen=True)
class Candidates:
    """Persons who may become members of an audience.

    Attributes
    ----------
    frame
        One row per person with the columns of :data:`COLUMNS`, and ``arm`` if the origin is a file with this column.
    remarks
        Remarks of the analysis or the file.
    assigned_on
        Day of the assignment, from the column ``assigned_at`` of a file; None without this column.
    by_file
        Whether the origin is a list of ids in a file; some of the ids may be in no table.
    """

    frame: pl.DataFrame
    remarks: tuple[str, ...] = ()
    assigned_on: date | None = None
    by_file: bool = False

    @property
    def has_arms(self) -> bool:
        """Whether the arms come from a file, so that ckm draws no holdout."""
        return ARM in self.frame.columns


def find_candidates(
    origin: str, dataset: Dataset, as_of: date | None, shop: Callable[[], ShopRecord], *, seed: int = 0
) -> Candidates:
    """Return the persons who may become members of an audience, from the origin that ``--from`` names.

    Parameters
    ----------
    origin
        One of :data:`ORIGINS`.
    dataset
        Tables of the shop.
    as_of
        As-of date. Default: the newest usual day with a transaction.
    shop
        Function that returns ledger and tables as of the as-of date; called only by origins that need them.
    seed
        Random seed of the churn model.

    Raises
    ------
    UnknownNameError
        The origin is not one of :data:`ORIGINS`, or the segment does not exist.
    UsageError, InputError, NotEnoughDataError
        The analysis raises the error, or the file is invalid (see :func:`of_file`).
    """
    if origin == CHURN:
        return _of_warnings(dataset, as_of, seed)
    if origin == SECOND_ORDER:
        return _of_second_orders(shop())
    if origin == ANSWERED:
        found = answered_complaints(shop())
        return Candidates(_completed(found.frame), found.remarks)
    if origin.startswith(SEGMENT):
        method, _, name = origin.removeprefix(SEGMENT).rpartition(":")
        return _of_segment(dataset, as_of, method or "rfm", name)
    path = Path(origin)
    if path.suffix in (".yaml", ".yml") and path.exists():
        return _of_segment(dataset, as_of, path, None)
    if path.exists():
        return of_file(path, dataset, as_of)
    raise UnknownNameError("origin of an audience", origin, ORIGINS, where="--from")


def _completed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with all columns of :data:`COLUMNS`, missing ones null; a column ``arm`` is kept."""
    kept = [name for name in (ARM,) if name in frame.columns]
    return frame.select(
        *(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in COLUMNS.items()
        ),
        *kept,
    )


def _of_warnings(dataset: Dataset, as_of: date | None, seed: int) -> Candidates:
    """Return the customers with a churn warning whose lead time has not passed."""
    options = ChurnOptions(as_of=as_of, seed=seed, keep=False)
    found = warn(dataset, options, dataset.config)
    reached = found.frame.filter(~pl.col("past_lead_time"))
    frame = reached.select(
        WHO, "why", "segment", "expected_gain", "suppressed", risk="p_churn", entry=pl.col("answers").list.first()
    )
    return Candidates(_completed(frame), (found.levels, found.assumptions))


def _of_second_orders(shop: ShopRecord) -> Candidates:
    """Return the customers who are due for a second order (:func:`ckm.metrics.second_order.second_orders`)."""
    period = period_until(shop.as_of, 12)
    context = ReportContext(shop.dataset.tables, shop.ledger, period, period, shop.dataset.config)
    found = second_orders(context)
    if isinstance(found, Missing):
        numbers = dict(found.numbers)
        raise NotEnoughDataError(
            f"{numbers['there']} second orders are known, {numbers['needed']} are needed", hint="choose a segment"
        )
    why = pl.format("second order due until {}", "due_until")
    return Candidates(_completed(found.customers.select(WHO, why=why)))


def _of_segment(dataset: Dataset, as_of: date | None, by: str | Path, name: str | None) -> Candidates:
    """Return the customers of a segment; without a name, of the first segment of the method or file of rules."""
    found = segment(dataset, by=by, as_of=as_of, keep=False)
    names = [each.name for each in found.definition.definition.segments]
    if name is not None and name not in names:
        raise UnknownNameError("segment", name, names, where="--from")
    chosen = [name] if name is not None else names[:1]
    frame = found.customers.filter(pl.col("segment").is_in(chosen)).select(
        WHO, "segment", why=pl.format("segment {}", "segment")
    )
    return Candidates(_completed(frame))


def of_file(path: Path, dataset: Dataset, as_of: date | None) -> Candidates:
    """Return the persons that a file lists, with the arms if a campaign was assigned by another program.

    Customer ids that are linked to one person give one row. Persons whose linked ids are in both arms are left out, and
    a remark has their number.

    Parameters
    ----------
    path
        File with a column ``customer_id`` and optional columns ``why``, ``entry``, ``segment``, ``arm`` (a word of
        :data:`ARM_WORDS`) and ``assigned_at`` (the same day in each row; used only with ``arm``). Rows without a
        customer id are ignored.
    dataset
        Tables, with the links between customer ids.
    as_of
        As-of date of the caller; None for the day of the file.

    Raises
    ------
    UsageError
        The file has no column ``customer_id``, or its day of assignment is not ``as_of``.
    InputError
        An arm or a day is invalid, or a customer id is in both arms.
    """
    rows = _read(path)
    by_name = {normalise(name): name for name in rows.columns}
    if (column := by_name.get(normalise(WHO))) is None:
        raise UsageError(f"{path}: no column '{WHO}'", hint="name the column of the customer ids customer_id")
    person = pl.col(column).cast(pl.String).str.strip_chars()
    numbered = rows.with_columns(person.alias(WHO)).with_row_index(ROW, offset=1)
    listed = numbered.filter(pl.col(WHO).is_not_null() & (pl.col(WHO) != ""))
    extra = {}
    for name in ("why", "entry", "segment"):
        if name in by_name:
            extra[name] = pl.col(by_name[name])
    arm = by_name.get(ARM)
    started = by_name.get(normalise(STARTED))
    if arm is None:
        whole = listed.select(pl.col(WHO).replace(dict(dataset.persons)), **extra)
        return Candidates(_completed(whole.unique(WHO, maintain_order=True)), by_file=True)
    word = pl.col(arm).cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("")
    armed = listed.select(ROW, WHO, arm=word.replace(ARM_WORDS), **extra)
    unknown = armed.filter(~pl.col("arm").is_in(list(ARMS)))
    if unknown.height:
        raise InputError(
            f"{path}, row {unknown[ROW][0]}: unknown arm", hint=f"write one of {', '.join(sorted(ARM_WORDS))}"
        )
    in_both = armed.group_by(WHO).agg(arms=pl.col("arm").n_unique()).filter(pl.col("arms") > 1)
    if in_both.height:
        raise InputError(
            f"{path}: {counted(in_both.height, 'customer id', 'is', 'are')} in both arms",
            hint="a customer is in one arm; leave these customers out",
        )
    members, crossed = as_persons(armed.drop(ROW).unique(WHO, maintain_order=True), dataset.persons)
    day = _day(path, listed, started)
    if day is not None and as_of is not None and as_of != day:
        raise UsageError(
            f"{path} was assigned on {day}, and --as-of is {as_of}", hint=f"leave out --as-of, or the column {started}"
        )
    return Candidates(_completed(members), tuple(crossed_remark(crossed)), assigned_on=day, by_file=True)


def _day(path: Path, rows: pl.DataFrame, column: str | None) -> date | None:
    """Return the day of the assignment, the same in each row of a column; None without the column.

    Raises
    ------
    InputError
        A row has no valid date, or two rows have different days.
    """
    if column is None:
        return None
    text = rows[column].cast(pl.String).str.strip_chars().str.head(10)
    days = text.str.to_date("%Y-%m-%d", strict=False).unique()
    if days.null_count() or len(days) != 1:
        raise InputError(
            f"{path}, column {column}: one day in every row is needed, as 2026-05-04",
            hint="make an audience of each start day",
        )
    found: date = days[0]
    return found


def _read(path: Path) -> pl.DataFrame:
    """Return all records of a file of any format that ``ckm ingest`` reads."""
    from ckm.io.readers.hints import Hints
    from ckm.io.readers.read import open_source

    with open_source(path, Hints()) as opened:
        empty = opened.sample.clear()
        return pl.concat([empty, *(batch.records for batch in opened.batches())], how="diagonal_relaxed")
