"""Customer network: parties and their relations on a day, with revenue and churn risk of each party."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._network.hierarchy import Hierarchy
from ckm._network.relations import CUSTOMERS, Relations, read_relations
from ckm.pseudonym import shown_ids

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.customers.period import Period

    Numbers = NDArray[np.int64]
    Floats = NDArray[np.float64]

ATTRIBUTES = ("display_name", "party_type", "industry", "country")
SUMS = ("customers", "active", "revenue", "previous_revenue", "warned", "value_at_risk")
"""Columns that roll-ups add up."""
FIRM_TYPES = ("company", "distributor", "supplier", "partner")
"""Party types that are no person; a party of another or an unknown type counts as a person."""
MOST_NAMED = 3
"""Maximum number of source rows that an evidence names."""


@dataclass(frozen=True)
class CustomerNetwork:
    """Parties with their revenue and churn risk, and the relations between them.

    Attributes
    ----------
    parties
        One row per party, sorted by ``customer_id`` (String): ``display_name``, ``party_type``, ``industry``,
        ``country`` (String; null if unknown), ``is_known`` (Boolean; whether the table ``customers`` or the
        transactions have the party), ``active`` (Boolean; whether the party has a purchase in the period), ``revenue``
        and ``previous_revenue`` (Float64; net sales of the period and of the previous period), ``warned`` (Boolean;
        whether the party has a churn warning), ``value_at_risk`` (Float64; null without a saved run of churn-warn).
    relations
        Relations that are valid on the as-of date.
    period, compared
        Period of ``revenue``, and previous period.
    currency
        Currency of the revenues.
    churn_as_of
        As-of date of the saved run of churn-warn; None without a run.
    """

    parties: pl.DataFrame
    relations: Relations
    period: Period
    compared: Period
    currency: str
    churn_as_of: date | None

    @cached_property
    def ids(self) -> pl.Series:
        """Ids of all parties, sorted."""
        return self.parties["customer_id"]

    @cached_property
    def shown_ids(self) -> list[str]:
        """Ids of all parties for reports: a pseudonym for an id that is an e-mail address or telephone number."""
        return shown_ids(self.ids).to_list()

    @cached_property
    def revenue(self) -> float:
        """Revenue of all parties in the period, in :attr:`currency`."""
        return round(float(self.parties["revenue"].sum()), 4)

    @cached_property
    def is_person(self) -> list[bool]:
        """Whether each party is a person; shape (parties,).

        A party of a type in :data:`FIRM_TYPES` is not; a party without a type is, unless it employs, owns, supplies or
        distributes.
        """
        is_firm = self.parties["party_type"].is_in(FIRM_TYPES)
        firms = [self.ends("works_at")[1], self.ends("buys_through")[1], self.ends("owns")[0], self.ends("supplies")[0]]
        in_role = np.zeros(len(self.ids), dtype=bool)
        in_role[np.concatenate(firms)] = True
        unknown = self.parties["party_type"].is_null().to_numpy()
        found: list[bool] = (~(is_firm.fill_null(value=False).to_numpy() | (unknown & in_role))).tolist()
        return found

    @cached_property
    def values(self) -> Floats:
        """Values of the columns :data:`SUMS` for each party; shape (parties, 6)."""
        columns = [
            self.parties["is_known"].cast(pl.Float64),
            *(self.parties[name].cast(pl.Float64).fill_null(0.0) for name in SUMS[1:]),
        ]
        return np.stack([column.to_numpy() for column in columns], axis=1)

    def share(self, revenue: float) -> float | None:
        """Return the share of an amount in the revenue of all parties; None if this revenue is not positive."""
        return round(revenue / self.revenue, 6) if self.revenue > 0 else None

    def places(self, ids: pl.Series) -> Numbers:
        """Return the row number in :attr:`parties` of each id; shape (ids,)."""
        return self.ids.search_sorted(ids).to_numpy().astype(np.int64)

    def ends(self, relation: str) -> tuple[Numbers, Numbers]:
        """Return the row numbers in :attr:`parties` of both ends of each relation of one kind.

        The first array is of ``customer_id``, the second of ``related_id``; each of shape (relations,).
        """
        found = self.relations.of(relation)
        return self.places(found["customer_id"]), self.places(found["related_id"])

    @cached_property
    def owned(self) -> Hierarchy:
        """Hierarchy of parties below their owner and persons below their employer."""
        owner, owned = self.ends("owns")
        worker, employer = self.ends("works_at")
        pairs = np.unique(np.stack([np.concatenate([owner, employer]), np.concatenate([owned, worker])]), axis=1)
        return Hierarchy(pairs[0], pairs[1], len(self.ids))

    @cached_property
    def employed(self) -> Hierarchy:
        """Hierarchy of persons below their employer."""
        worker, employer = self.ends("works_at")
        return Hierarchy(employer, worker, len(self.ids))

    @cached_property
    def distributed(self) -> Hierarchy:
        """Hierarchy of customers below their distributor, the party through which they buy."""
        customer, distributor = self.ends("buys_through")
        return Hierarchy(distributor, customer, len(self.ids))

    @cached_property
    def supplied(self) -> Hierarchy:
        """Hierarchy of parties below their supplier."""
        return Hierarchy(*self.ends("supplies"), len(self.ids))

    @cached_property
    def referred(self) -> Hierarchy:
        """Hierarchy of customers below the party that referred them."""
        return Hierarchy(*self.ends("refers"), len(self.ids))

    def evidence(self, place: int, *relations: str) -> str:
        """Return the source rows of a party's relations of the given kinds as a text: ``3 rows: a.csv row 2, …``."""
        rows = self._origins_by_party.get(self.ids[place], [])
        origins = list(dict.fromkeys(origin for relation, origin in rows if relation in relations))
        more = f" and {len(origins) - MOST_NAMED:,} more" if len(origins) > MOST_NAMED else ""
        return ", ".join(origins[:MOST_NAMED]) + more

    @cached_property
    def _origins_by_party(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for relation, customer, related, origin in self.relations.frame.iter_rows():
            found.setdefault(customer, []).append((relation, origin))
            found.setdefault(related, []).append((relation, origin))
        return found


def customer_network(
    tables: Mapping[str, pl.LazyFrame],
    ledger: Ledger,
    period: Period,
    compared: Period,
    warnings: pl.DataFrame | None = None,
    churn_as_of: date | None = None,
) -> CustomerNetwork:
    """Return the customer network as of the ledger's as-of date.

    Parameters
    ----------
    tables
        Tables by name; ``customers`` and ``relationships`` are read if they exist.
    ledger
        Customer ledger with purchases and returns.
    period, compared
        Period of ``revenue``, and previous period.
    warnings
        ``customer_id`` and ``value_at_risk`` of each customer with a churn warning in a saved run; None without a run.
    churn_as_of
        As-of date of the saved run; None without a run.
    """
    relations = read_relations(tables, ledger.as_of)
    attributes = _attributes(tables.get(CUSTOMERS), ledger)
    bought = pl.DataFrame(
        {
            "customer_id": ledger.customers.cast(pl.String),
            "active": ledger.bought_between(period),
            "revenue": ledger.net_between(period) / ledger.scale,
            "previous_revenue": ledger.net_between(compared) / ledger.scale,
        }
    )
    ends = pl.concat([relations.frame["customer_id"], relations.frame["related_id"]])
    ids = pl.concat([attributes["customer_id"], bought["customer_id"], ends]).unique().sort().to_frame()
    known = attributes.with_columns(in_table=pl.lit(True))  # a literal
    joined = ids.join(known, on="customer_id", how="left", maintain_order="left").join(
        bought.with_columns(in_ledger=pl.lit(True)),
        on="customer_id",
        how="left",
        maintain_order="left",
    )
    churn = _churn(warnings)
    parties = joined.join(churn, on="customer_id", how="left", maintain_order="left").select(
        "customer_id",
        *ATTRIBUTES,
        is_known=pl.col("in_table").fill_null(value=False) | pl.col("in_ledger").fill_null(value=False),
        active=pl.col("active").fill_null(value=False),
        revenue=pl.col("revenue").fill_null(0.0),
        previous_revenue=pl.col("previous_revenue").fill_null(0.0),
        warned=pl.col("warned").fill_null(value=False) if warnings is not None else pl.lit(None, pl.Boolean),
        value_at_risk=pl.col("value_at_risk").fill_null(0.0) if warnings is not None else pl.lit(None, pl.Float64),
    )
    return CustomerNetwork(parties, relations, period, compared, ledger.currency, churn_as_of)


def _attributes(customers: pl.LazyFrame | None, ledger: Ledger) -> pl.DataFrame:
    """Return ``customer_id`` and :data:`ATTRIBUTES` of the customers created up to the as-of date, one row each."""
    columns = ("customer_id", *ATTRIBUTES)
    if customers is None:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    schema = customers.collect_schema()
    if "created_on" in schema:
        customers = customers.filter(pl.col("created_on").is_null() | (pl.col("created_on") <= ledger.as_of))
    chosen = [(pl.col(name) if name in schema else pl.lit(None)).cast(pl.String).alias(name) for name in columns]
    rows = customers.select(chosen).filter(pl.col("customer_id").is_not_null()).collect()
    return rows.unique("customer_id", keep="first", maintain_order=True)


def _churn(warnings: pl.DataFrame | None) -> pl.DataFrame:
    if warnings is None:
        return pl.DataFrame(schema={"customer_id": pl.String, "warned": pl.Boolean, "value_at_risk": pl.Float64})
    return (
        warnings.group_by("customer_id")
        .agg(pl.col("value_at_risk").max())
        .select("customer_id", pl.lit(True).alias("warned"), "value_at_risk")  # a literal
    )
