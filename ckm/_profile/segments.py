"""Lifecycle stage, segments and value of the customer by the saved definitions, and changes in saved runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.record import CUSTOMERS
from ckm._segment.library import ANALYSIS, Library
from ckm._segment.methods import METHODS
from ckm.customers.dictionary import read_dictionary
from ckm.customers.features import FeatureTable, features_of
from ckm.customers.parties import prospects
from ckm.dataset import TRANSACTIONS, WHO
from ckm.errors import UsageError
from ckm.schema import Exposure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckm._profile.record import CustomerRecord
    from ckm._segment.definition_file import SavedDefinition
    from ckm.store import Run, Store

TITLE = "Stage and segments"
LIFECYCLE, VALUE = "lifecycle", "value"
"""Methods, and names of their definitions; the stage comes first."""
VALUES = {
    "current_value": "Value now (12-month margin)",
    "potential_value": "Potential value",
    "headroom": "Headroom",
}
NEWEST_RUNS = 24
"""Maximum number of saved runs per definition that the history reads."""
COUNTS = ("categories", "channels")
"""Features that are 0 for a customer without a known value, if the shop has any."""
SHARE_OF_CHANNEL = "channel_share_"


def segments(record: CustomerRecord, store: Store | None) -> ProfileSection:
    """Return the section on segments: segment and advice by each saved definition, and changes in saved runs.

    Parameters
    ----------
    record
        Rows of the customer.
    store
        Store of the workspace; None for a file, which has no definitions and saved runs.
    """
    if record.dataset.workspace is None or store is None:
        return ProfileSection("segments", TITLE, not_known=(NotKnown("stage, segments and potential", "no workspace"),))
    figures: list[ProfileFigure] = []
    not_known: list[NotKnown] = []
    methods = set()
    folder = record.dataset.workspace.root / "segments"
    for path in sorted(folder.glob("*.yaml"), key=lambda path: (path.stem != LIFECYCLE, path.stem)):
        saved = _definition(folder, path)
        if saved is None:
            not_known.append(NotKnown(f"segment by '{path.stem}'", "its file is invalid; see ckm segment"))
            continue
        assigned = assigned_by(saved, record)
        if assigned is None:
            not_known.append(NotKnown(f"segment by '{saved.name}'", "the definition is not for this customer or data"))
            continue
        methods.add(saved.definition.method)
        figures += _figures(saved, assigned, record)
    for method, what in ((LIFECYCLE, "life-cycle stage"), (VALUE, "value now and potential")):
        if method not in methods:
            not_known.append(NotKnown(what, f"no definition: ckm segment --by {method}"))
    tables = tuple(_history(record, store))
    if not tables:
        not_known.append(NotKnown("segment history", "no saved run: ckm segment"))
    return ProfileSection("segments", TITLE, tuple(figures), tables, tuple(not_known))


def assigned_by(saved: SavedDefinition, record: CustomerRecord) -> dict[str, object] | None:
    """Return the customer's segment and the further columns of the method, by name, as ``ckm segment --use`` does.

    None if the definition does not fit the data or assigns no segment to the customer.
    """
    method = METHODS[saved.definition.method]
    if saved.dictionary != read_dictionary().version or saved.time_zone != record.time_zone:
        return None
    if record.ledger is None:
        if not method.with_prospects or not _is_prospect(record):
            return None
        frame = pl.DataFrame({name: pl.Series([None], dtype=pl.Float64) for name in saved.definition.needs})
    else:
        if saved.currency != record.ledger.currency:
            return None
        table = features_of(
            record.ledger,
            record.rows(CUSTOMERS).lazy() if record.rows(CUSTOMERS).width else None,
            scope=method.scope,
            money=saved.monetary.money,
            window=saved.monetary.window,
            population=saved.population,
        )
        frame = _as_among_all(table, saved)
        if set(saved.definition.needs) - set(frame.columns):
            return None
    return saved.definition.assign(frame).row(0, named=True)


def _as_among_all(table: FeatureTable, saved: SavedDefinition) -> pl.DataFrame:
    """Return the features of one customer with the missing values filled as in the table of all customers.

    In that table, a count feature is null for all customers if the shop has no value of it; otherwise it is 0 for a
    customer without a value. The distribution in the saved definition shows whether the shop has values.
    """
    known = {name for name, distribution in saved.distribution.items() if distribution.shares[-1] < 1}
    frame = table.frame
    filled = [pl.col(name).fill_null(0) for name in COUNTS if name in known and name in frame.columns]
    if "discount_share" in known and "discount_share" in frame.columns:
        filled.append(
            pl.when(pl.col("discount_share").is_null() & (pl.col("purchases_total") > 0))
            .then(0.0)
            .otherwise("discount_share")
            .alias("discount_share")
        )
    shares = [name for name in saved.definition.needs if name.startswith(SHARE_OF_CHANNEL) and name not in frame]
    filled += [pl.when(pl.col("channel_main").is_not_null()).then(0.0).alias(name) for name in shares]
    return frame.with_columns(filled)


def _is_prospect(record: CustomerRecord) -> bool:
    customers, rows = record.rows(CUSTOMERS), record.rows(TRANSACTIONS)
    with_returns = rows.filter(pl.col("type") != "cancel") if rows.width else rows
    known = pl.DataFrame({WHO: with_returns[WHO].head(1) if with_returns.height else []}, schema={WHO: pl.String})
    return bool(customers.height) and not prospects(customers.lazy(), known, record.as_of).is_empty()


def _definition(folder: Path, path: Path) -> SavedDefinition | None:
    """Return a saved definition; None if it is invalid (``ckm segment`` reports the reason)."""
    try:
        return Library(folder).find(path.stem)
    except UsageError:
        return None


def _figures(saved: SavedDefinition, assigned: dict[str, object], record: CustomerRecord) -> Iterator[ProfileFigure]:
    method, name = saved.definition.method, str(assigned["segment"])
    source = f"segments/{saved.name}.yaml v{saved.version}"
    label = "Life-cycle stage" if method == LIFECYCLE else f"Segment by {saved.name}"
    if saved.name == "default":
        label = f"Segment by {method}"
    key = "stage" if method == LIFECYCLE and saved.name == LIFECYCLE else f"segment:{saved.name}"
    yield ProfileFigure(key, label, name, source, record.as_of, Exposure.group)
    advice = next((each.advice for each in saved.definition.segments if each.name == name), "")
    if advice:
        yield ProfileFigure(f"advice:{saved.name}", "Advice", advice, source, record.as_of, Exposure.group)
    if method == VALUE:
        for column, title in VALUES.items():
            value = assigned[column]
            if isinstance(value, int | float):
                yield ProfileFigure(column, title, value, source, record.as_of, Exposure.amount, saved.currency)


def _history(record: CustomerRecord, store: Store) -> Iterator[ProfileTable]:
    """Yield the table of segments in the saved runs by the as-of date: one row per change, oldest first."""
    runs = _newest(store.runs(ANALYSIS), record)
    if not runs:
        return
    found = store.read_customers(ANALYSIS, runs, record.members, ["segment"])
    # a run saved before ids were linked has one row per id; the row of the person id comes first
    own = found.sort(pl.col(WHO) != record.customer_id, WHO).unique("run_number", keep="first", maintain_order=True)
    segment_of = dict(own.select("run_number", "segment").iter_rows())
    rows, last = [], dict[str, str | None]()
    for run in runs:
        segment = segment_of.get(run.number)
        if segment is not None and last.get(run.name) != segment:
            rows.append((run.name, run.version, run.as_of, segment))
            last[run.name] = segment
    if rows:
        columns = {
            "definition": Exposure.group, "version": Exposure.group, "since run": Exposure.group,
            "segment": Exposure.group,
        }  # fmt: skip
        newest = max(run.as_of for run in runs)
        source = f"{len(runs)} saved runs"
        yield ProfileTable("segment_history", "Segments in saved runs", columns, tuple(rows), source, newest)


def _newest(runs: list[Run], record: CustomerRecord) -> list[Run]:
    """Return the newest runs of each definition by the as-of date, sorted by name and day.

    Of several runs on a day, the last saved run counts. At most :data:`NEWEST_RUNS` runs per definition.
    """
    last: dict[tuple[str, object], Run] = {(run.name, run.as_of): run for run in runs if run.as_of <= record.as_of}
    ordered = sorted(last.values(), key=lambda run: (run.name, run.as_of, run.number))
    names = dict.fromkeys(run.name for run in ordered)
    return [run for name in names for run in [each for each in ordered if each.name == name][-NEWEST_RUNS:]]
