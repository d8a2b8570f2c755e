"""Retention: rows of a workspace that are older than the maximum age of their table, and their removal.

The maximum ages are in ``privacy.retention`` of ckm.yaml. The age of a row is counted from its date. The age of a row
of ``customers`` is counted from the newest row, in any table, with one of the customer's linked ids. Consents are kept
as long as the customer has a row in another table. Rows without a date are kept and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._privacy.person import CUSTOMER
from ckm.errors import UnknownNameError
from ckm.identities import FILE as IDENTITIES
from ckm.identities import SAME, components, read_identities
from ckm.store import Store
from ckm.store.damage import table_folders
from ckm.store.delta import StoredTable
from ckm.store.erase import PARENT
from ckm.store.expiry import remove_expired
from ckm.store.runs import PREFIX as RUNS
from ckm.store.side_tables import QUARANTINE, REPLACED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from ckm.config import Workspace

    Progress = Callable[[str], None]

CUSTOMERS, CONSENTS = "customers", "consents"
DATED_BY = {
    CUSTOMERS: "created_on",
    "transactions": "ordered_at",
    "interactions": "at",
    CONSENTS: "at",
    "memberships": "on",
}
"""Date column of each table."""
SAVED_RUNS = "runs"
NAMES = (*DATED_BY, QUARANTINE, SAVED_RUNS)
"""Names in ``privacy.retention`` of ckm.yaml."""


@dataclass(frozen=True)
class Expiry:
    """The rows of one table that are older than its maximum age.

    Attributes
    ----------
    table
        Name of the table in the store.
    days
        Maximum age in days.
    before
        First day whose rows are kept.
    rows
        Number of rows before that day.
    undated
        Number of rows without a date, which are kept.
    condition
        Condition for rows before that day.
    """

    table: str
    days: int
    before: date
    rows: int
    undated: int
    condition: pl.Expr


def find_expired(workspace: Workspace, on: date) -> tuple[Expiry, ...]:
    """Return the number of expired rows of each table with a maximum age, and their condition, as of a day.

    Raises
    ------
    UnknownNameError
        A name in ``privacy.retention`` of ckm.yaml is not one of :data:`NAMES`.
    """
    store = Store(workspace.store_dir)
    ages = workspace.config.privacy.retention
    for name in ages:
        if name not in NAMES:
            raise UnknownNameError("table", name, NAMES, where="ckm.yaml: privacy.retention")
    found = []
    for folder in table_folders(store.root):
        table = StoredTable(folder)
        name = SAVED_RUNS if table.name.startswith(RUNS) else table.name.removesuffix(REPLACED)
        if name in ages:
            before = on - ages[name]
            expired, undated = _conditions(workspace, store, table, name, before)
            counts = table.scan().select(rows=_count(expired), undated=_count(undated)).collect(engine="streaming")
            rows, without = counts.row(0)
            found.append(Expiry(table.name, ages[name].days, before, rows, without, expired))
    return tuple(found)


def remove(workspace: Workspace, on: date, *, progress: Progress) -> tuple[Expiry, ...]:
    """Remove the expired rows as of a day; return the numbers counted before the removal."""
    store = Store(workspace.store_dir)
    with store.held():
        found = find_expired(workspace, on)
        for each in found:
            progress(f"removing old rows of {each.table}")
            with store.locked():
                remove_expired(store.root, each.table, each.condition)
    return found


def _count(condition: pl.Expr) -> pl.Expr:
    return condition.fill_null(value=False).sum().cast(pl.Int64)


def _conditions(
    workspace: Workspace, store: Store, table: StoredTable, name: str, before: date
) -> tuple[pl.Expr, pl.Expr]:
    """Return the condition for expired rows (before ``before``), and the condition for rows without a date."""
    if name == QUARANTINE:
        loads = {load.facts.load_id: load.loaded_at.date() for load in store.history()}
        old = [load for load, day in loads.items() if day < before]
        return pl.col("load_id").is_in(old), ~pl.col("load_id").is_in([*loads])
    if name == SAVED_RUNS:
        return pl.col("run_as_of") < before, pl.col("run_as_of").is_null()
    if name == CUSTOMERS:
        seen = _last_seen(workspace, store)
        old_ids = seen.filter(pl.col("day") < before)[CUSTOMER]
        return pl.col(CUSTOMER).is_in(old_ids.implode()), ~pl.col(CUSTOMER).is_in(seen[CUSTOMER].implode())
    column = DATED_BY[name]
    day = _day(column, table.schema[column], workspace.config.time_zone)
    expired = day < before
    if name == CONSENTS:
        expired &= ~pl.col(CUSTOMER).is_in(_with_other_rows(store).implode())
    return expired, pl.col(column).is_null()


def _day(column: str, dtype: pl.DataType, time_zone: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(time_zone).dt.date() if dtype == pl.Datetime else pl.col(column)


def _last_seen(workspace: Workspace, store: Store) -> pl.DataFrame:
    """Return the newest day of each customer in any table (``customer_id``, ``day``); without customers without dates.

    Linked ids have the newest day of all ids of the person. The rows of a customer count for the parent too.
    """
    days = []
    for name, frame in _tables(store):
        column = DATED_BY[name]
        schema = frame.collect_schema()
        if column in schema:
            day = _day(column, schema[column], workspace.config.time_zone)
            ids = [each for each in (CUSTOMER, PARENT) if each in schema]
            days += [frame.group_by(pl.col(each).alias(CUSTOMER)).agg(day=day.max()) for each in ids]
    empty = pl.LazyFrame(schema={CUSTOMER: pl.String, "day": pl.Date})
    known = pl.concat([empty, *days]).drop_nulls().group_by(CUSTOMER).agg(pl.col("day").max())
    seen = known.collect(engine="streaming")
    identities = read_identities(workspace.root / IDENTITIES)
    root = components((link.left, link.right) for link in identities.links if link.verdict == SAME)
    if not root:
        return seen
    members = pl.DataFrame({CUSTOMER: [*root], "person": [str(root[each]) for each in root]})
    persons = members.join(seen, on=CUSTOMER).group_by("person").agg(pl.col("day").max())
    linked = members.join(persons, on="person").select(CUSTOMER, "day")
    return pl.concat([seen.join(members, on=CUSTOMER, how="anti"), linked])


def _with_other_rows(store: Store) -> pl.Series:
    """Return the ids of customers with a row in a table other than ``consents``."""
    ids = [frame.select(CUSTOMER) for name, frame in _tables(store) if name != CONSENTS]
    empty = pl.LazyFrame(schema={CUSTOMER: pl.String})
    return pl.concat([empty, *ids]).drop_nulls().unique().collect(engine="streaming")[CUSTOMER]


def _tables(store: Store) -> Iterator[tuple[str, pl.LazyFrame]]:
    for name in store.tables():
        if name in DATED_BY and CUSTOMER in store.columns(name):
            yield name, store.scan(name)
