"""Rows of one customer as of a day: the input of every section of a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._profile.shop_days import ShopDays, shop_days
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.history import NEEDS
from ckm.customers.ledger_reader import read_all_days
from ckm.dataset import TRANSACTIONS, WHO
from ckm.errors import UsageError
from ckm.identities import FILE as IDENTITIES
from ckm.identities import SAME, read_identities
from ckm.pseudonym import is_pseudonym
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ckm.customers.ledger import Ledger
    from ckm.dataset import Dataset
    from ckm.identities import Link

CUSTOMERS, INTERACTIONS = "customers", "interactions"
UNKNOWN_ID = "ids are exact: upper and lower case, leading zeros and blanks count; a later --as-of may know it"

PSEUDONYM = (
    "a list in a file has the ids themselves, in the order of the screen: ckm churn-warn -o FILE; a report shows them "
    "with --names"
)


@dataclass(frozen=True)
class CustomerRecord:
    """Rows of one customer by the as-of date, with the data of the shop that a profile needs.

    Attributes
    ----------
    customer_id
        Id of the customer; the person id if ids are linked.
    members
        All ids of the person as in the store, sorted.
    links
        Links between these ids.
    tables
        Rows by table name; ``customers`` has at most one row.
    ledger
        Ledger of the customer alone; None without a purchase.
    dataset
        Tables of all customers.
    shop
        As-of date, first usual day and discontinued categories of the shop.
    loaded
        Day of each load by load id; empty for a file without a workspace.
    """

    customer_id: str
    members: tuple[str, ...]
    links: tuple[Link, ...]
    tables: Mapping[str, pl.DataFrame]
    ledger: Ledger | None
    dataset: Dataset
    shop: ShopDays
    loaded: Mapping[str, date]

    @property
    def as_of(self) -> date:
        """As-of date; later rows are not used."""
        return self.shop.as_of

    @property
    def time_zone(self) -> str:
        """Time zone of the calendar days, as in the settings."""
        return self.dataset.config.time_zone

    def rows(self, table: str) -> pl.DataFrame:
        """Return the customer's rows of a table; an empty frame if the table does not exist."""
        return self.tables.get(table, pl.DataFrame())

    def source(self, table: str) -> str:
        """Return the name of a table with the sources of the customer's rows: ``transactions (till, web-shop)``.

        A source with the name of the table, as of rows that were loaded without a mapping, is not repeated.
        """
        rows = self.rows(table)
        names = rows["source"].unique().drop_nulls().sort() if "source" in rows.columns else [self.dataset.label]
        return f"{table} ({', '.join(names)})" if [*names] not in ([], [table]) else table

    def loaded_on(self, table: str) -> date:
        """Return the day on which the customer's newest row of a table was loaded; the as-of date if unknown."""
        rows = self.rows(table)
        days = [self.loaded[each] for each in rows["load_id"] if each in self.loaded] if "load_id" in rows else []
        return max(days, default=self.as_of)


def read_record(dataset: Dataset, customer_id: str, as_of: date | None) -> CustomerRecord:
    """Return the rows of one customer as of a day.

    Parameters
    ----------
    dataset
        Tables of all customers.
    customer_id
        A customer id or person id, exactly as in the data.
    as_of
        As-of date. Default: the newest usual day.

    Raises
    ------
    UsageError
        No row up to the as-of date has the id. The error contains no id.
    NotEnoughDataError
        There are no transactions by ``as_of``.
    """
    person = dataset.persons.get(customer_id, customer_id)
    members = sorted({customer for customer, other in dataset.persons.items() if other == person} or {person})
    shop = shop_days(dataset.known_on(as_of), as_of)
    chosen = dataset.of_customers(members, as_of)
    tables = {name: _until(name, frame, shop, dataset).collect() for name, frame in chosen.tables.items()}
    if all(rows.is_empty() for rows in tables.values()):
        if is_pseudonym(customer_id):
            raise UsageError("this id is a pseudonym: a report shows it instead of an id that is an address or a "
                             "number, which the tables do not have", hint=PSEUDONYM)  # fmt: skip
        raise UsageError(f"no customer has this id as of {shop.as_of}", hint=UNKNOWN_ID)
    return CustomerRecord(
        customer_id=person,
        members=tuple(members),
        links=_links(dataset, members),
        tables=tables,
        ledger=_ledger(tables.get(TRANSACTIONS), shop.as_of, dataset.config.time_zone),
        dataset=dataset,
        shop=shop,
        loaded=_loaded(dataset),
    )


def _until(table: str, frame: pl.LazyFrame, shop: ShopDays, dataset: Dataset) -> pl.LazyFrame:
    """Return the rows of a table with a customer id, dated up to the as-of date or undated, without stray dates."""
    rows, schema = frame.filter(pl.col(WHO).is_not_null()), frame.collect_schema()
    zone = dataset.config.time_zone
    if table == TRANSACTIONS:
        day = local_day("ordered_at", zone)
        return rows.filter(day <= shop.as_of, day >= shop.first if shop.first else pl.lit(True))
    if table == CUSTOMERS and "created_on" in schema:
        return rows.filter(pl.col("created_on").is_null() | (pl.col("created_on") <= shop.as_of))
    if isinstance(schema.get("at"), pl.Datetime):
        return rows.filter(pl.col("at").is_null() | (pl.col("at") < end_of_day(shop.as_of, zone)))
    return rows


def _ledger(transactions: pl.DataFrame | None, as_of: date, zone: str) -> Ledger | None:
    if transactions is None or transactions.filter(is_purchase()).is_empty():
        return None
    return read_all_days({TRANSACTIONS: transactions.lazy()}, as_of=as_of, time_zone=zone, needs=NEEDS)


def _links(dataset: Dataset, members: list[str]) -> tuple[Link, ...]:
    if dataset.workspace is None or len(members) < 2:
        return ()
    links = read_identities(dataset.workspace.root / IDENTITIES).links
    return tuple(link for link in links if link.verdict == SAME and link.left in members)


def _loaded(dataset: Dataset) -> dict[str, date]:
    if dataset.workspace is None:
        return {}
    from ckm.store import Store  # imported late: a file needs no deltalake

    return {load.facts.load_id: load.loaded_at.date() for load in Store(dataset.workspace.store_dir).history()}
