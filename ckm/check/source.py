"""Check a workspace, a file or a table; the function behind ``ckm check``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ckm.check.controls_file import CONTROLS_FILE, read_controls
from ckm.check.limits import CheckLimits
from ckm.check.run import check_tables
from ckm.dataset.link_records import unknown_ids
from ckm.dataset.source import dataset_of
from ckm.remark import doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    from ckm._privacy.retention import Expiry
    from ckm.check.findings import CheckReport
    from ckm.dataset.source import Source


def check(
    source: Source = None, *, as_of: date | None = None, progress: Callable[[str], None] | None = None
) -> CheckReport:
    """Check data quality and return the findings by severity.

    Parameters
    ----------
    source
        As for :func:`ckm.dataset.source.dataset_of`. A workspace is checked with its ``ckm.yaml`` and ``controls.csv``.
    as_of
        Rows with a later date are excluded. Default: none.
    progress
        Callback for progress reports.

    Raises
    ------
    UsageError, InputError, NotEnoughDataError
        As :func:`ckm.check.run.check_tables`.

    Examples
    --------
    >>> check("orders.csv").reaches(Severity.error)  # doctest: +SKIP
    """
    tell = progress or (lambda _: None)
    tell("reading")
    dataset = dataset_of(source).known_on(as_of)
    config, limits, controls, merged = dataset.config, CheckLimits(), None, None
    unknown = 0
    expired: Callable[[date], Iterable[Expiry]] | None = None
    if dataset.workspace is not None:
        limits = replace(
            CheckLimits.from_config(vars(config.check), config.freshness),
            quasi_identifiers=config.privacy.quasi_identifiers,
            min_group_size=config.privacy.min_group_size,
        )
        path = dataset.workspace.root / CONTROLS_FILE
        controls = read_controls(path) if path.exists() else None
        merged = _merged_orders(dataset.workspace.store_dir)
        unknown = unknown_ids(dataset.workspace)
        if config.privacy.retention:
            from ckm._privacy.retention import find_expired  # imports deltalake, which a file does not need

            expired = partial(find_expired, dataset.workspace)
    tell("checking")
    report = check_tables(
        dataset.tables,
        quarantine=dataset.quarantine,
        controls=controls,
        payments=dataset.payments,
        merged=merged,
        unknown_ids=unknown,
        expired=expired,
        limits=limits,
        as_of=as_of,
        time_zone=config.time_zone,
        keep_stray_dates=config.keeps_stray_dates,
    )
    verbs = {table: "was" if count == 1 else "were" for table, count in report.later.items()}
    later = (
        doubt(f"{counted(count, 'row')} of {table} dated after {report.as_of} {verbs[table]} left out")
        for table, count in report.later.items()
    )
    return replace(report, remarks=(*dataset.remarks, *later))


def _merged_orders(store_dir: Path) -> dict[str, int]:
    """Return the number of partial orders by file, for loads that are not undone."""
    from ckm.store import Store  # imports deltalake, which a file does not need

    loads = Store(store_dir).history()
    return {load.facts.file: load.facts.merged for load in loads if load.facts.merged and not load.undone}
