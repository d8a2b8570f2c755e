"""Apply a definition unchanged, and report the shift of the customers since it was fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._segment.methods import METHODS
from ckm._segment.partitions import segment_partitions
from ckm._segment.result import Segmentation, segmented
from ckm._segment.stability import counts_by_feature, shift_detail, shift_remark, shifts
from ckm._segment.tables import definition_table
from ckm.customers.dictionary import read_dictionary
from ckm.customers.features import needs_of
from ckm.customers.ledger_cache import cached_ledger
from ckm.errors import UsageError
from ckm.partitions.divided_ledger import DividedLedger
from ckm.partitions.partitioned_ledger import PartitionedLedger
from ckm.remark import doubt
from ckm.settings import SegmentSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import polars as pl

    from ckm._segment.definition_file import SavedDefinition
    from ckm.customers.features import FeatureTable
    from ckm.customers.ledger import Ledger
    from ckm.customers.ledger_cache import LedgerCache
    from ckm.customers.ledger_needs import Needs


def apply_definition(
    saved: SavedDefinition,
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date | None = None,
    time_zone: str | None = None,
    settings: SegmentSettings = SegmentSettings(),
    ledger: Ledger | PartitionedLedger | None = None,
    keep: bool = True,
) -> Segmentation:
    """Assign each customer a segment with a fitted definition, and report the shift of features since the fit.

    Parameters
    ----------
    saved
        The definition.
    tables, as_of
        See :func:`ckm.customers.features.feature_table`.
    time_zone
        Time zone of these data; None means the time zone of the definition.
    settings
        Settings of the workspace, with the thresholds for shifts.
    ledger
        Ledger of the tables, if it was read already; it is used if it has the sums that the definition needs. With a
        ledger in partitions the result has no rows of customers (:func:`ckm._segment.partitions.with_rows`).
    keep
        With a ledger in partitions: whether the result is saved as a run.

    Raises
    ------
    UsageError
        The definition is for another currency or time zone, or needs features that these data lack.
    """
    if isinstance(ledger, DividedLedger):
        ledger = ledger.source
    if isinstance(ledger, PartitionedLedger):
        result, counts = segment_partitions(
            saved, ledger, tables.get("customers"), as_of=as_of, check=_check_comparable, keep=keep
        )
    else:
        ledger = read_for(saved, tables, as_of=as_of, ledger=ledger)
        table = definition_table(saved, ledger, tables.get("customers"), as_of=as_of)
        _check_comparable(saved, table, time_zone)
        result, counts = segmented(saved, table), counts_by_feature(saved.distribution, table.frame)
    found = shifts(saved.distribution, saved.customers, counts)
    remarks: list[str] = [f"definition '{saved.name}' version {saved.version}, fitted as of {saved.as_of}"]
    if saved.as_of > result.as_of:
        remarks.append(
            doubt(
                f"the definition was fitted to data after {result.as_of}, which the result uses; --refit fits it again"
            )
        )
    return result.saying(*remarks, shift_remark(found, settings), details=(shift_detail(found),))


def definition_needs(saved: SavedDefinition) -> Needs:
    """Return the requirements of a definition on the ledger."""
    return needs_of(METHODS[saved.definition.method].scope, saved.monetary.money)


def read_for(
    saved: SavedDefinition,
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date | None,
    ledger: Ledger | None = None,
    cache: LedgerCache | None = None,
    keep_stray_dates: bool = False,
) -> Ledger:
    """Return a ledger with the sums that a definition needs; ``ledger`` itself if it has these sums.

    Otherwise the transactions are read again, as of the day of ``ledger`` and with the same stray dates.
    """
    needs = definition_needs(saved)
    if ledger is not None and ledger.needs.covers(needs) and ledger.time_zone == saved.time_zone:
        return ledger
    if ledger is not None:
        as_of, keep_stray_dates = as_of or ledger.as_of, ledger.coverage.first is None
    return cached_ledger(
        tables, cache, as_of=as_of, time_zone=saved.time_zone, needs=needs, keep_stray_dates=keep_stray_dates
    )


def _check_comparable(saved: SavedDefinition, table: FeatureTable, time_zone: str | None) -> None:
    def refuse(what: str) -> UsageError:
        return UsageError(
            f"definition '{saved.name}' {what}", hint="--refit fits it to these data; --by fits another definition"
        )

    if saved.dictionary != read_dictionary().version:
        raise refuse(
            f"was fitted to version {saved.dictionary} of the features, and ckm has version {read_dictionary().version}"
        )
    if saved.currency != table.currency:
        raise refuse(f"is for amounts in {saved.currency}, and the data are in {table.currency}")
    if time_zone not in (None, saved.time_zone):
        raise refuse(f"is for days in {saved.time_zone}, and the data are in {time_zone}")
    known = {name for name, distribution in saved.distribution.items() if distribution.shares[-1] < 1}
    missing = [
        name
        for name in saved.definition.needs
        if name not in table.frame.columns or (name in known and name not in table.features)
    ]
    if missing:
        raise refuse(f"needs features that the data lack: {', '.join(missing)}")
