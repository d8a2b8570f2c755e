"""Metrics of the relationship structure: groups, partners, single contacts, referrals, industries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._network.customer_network import customer_network
from ckm._network.relations import CUSTOMERS, RELATIONSHIPS
from ckm._network.roll_ups import Disclosure, partners, single_contacts
from ckm.customers.ledger import NO_VALUE
from ckm.metrics.metric import Metric

if TYPE_CHECKING:
    from ckm._network.customer_network import CustomerNetwork
    from ckm.metrics.context import ReportContext

EVERY_GROUP = 0
"""Minimum group size of the roll-ups: the report suppresses small groups by itself."""


def structure_metrics(context: ReportContext) -> tuple[Metric, ...]:
    """Return the metrics of the relations that are valid on the as-of date, and of the industries.

    Without relations there are none of them, and without a known industry none by industry. They have no previous
    value, except by industry: relations are known as of one day.
    """
    metrics = list(_by_industry(context))
    if not _may_have_relations(context):
        return tuple(metrics)
    network = customer_network(context.tables, context.ledger, context.period, context.compared)
    if network.relations.frame.is_empty():
        return tuple(metrics)
    return (*_of_relations(network), *metrics)


def _may_have_relations(context: ReportContext) -> bool:
    if RELATIONSHIPS in context.tables:
        return True
    return CUSTOMERS in context.tables and "parent_id" in context.tables[CUSTOMERS].collect_schema()


def _of_relations(network: CustomerNetwork) -> list[Metric]:
    metrics = []
    active, revenue = network.values[:, 1], network.values[:, 2]
    relations = network.relations.frame.filter(pl.col("relation") != "refers")
    both = pl.concat([relations["customer_id"], relations["related_id"]]).unique()
    grouped = network.places(both)
    if len(grouped):
        count = int(active[grouped].sum())
        metrics.append(Metric("grouped_customers", count, n=count))
        metrics.append(Metric("grouped_revenue", round(float(revenue[grouped].sum()), 4), n=count))
    disclosure = Disclosure(network, EVERY_GROUP, names=False)
    found = partners(network, disclosure)
    if found.height:
        largest = found.row(0, named=True)
        behind = largest["dependent_customers"] + 1
        metrics.append(Metric("partner_revenue", largest["revenue_lost"], n=behind))
        metrics.append(Metric("partner_customers", largest["dependent_customers"], n=behind))
    accounts = single_contacts(network, disclosure)
    if network.employed.uppers.size:
        metrics.append(Metric("single_contact_accounts", accounts.height, n=accounts.height))
        amount = round(float(accounts["revenue"].sum()), 4)
        metrics.append(Metric("single_contact_revenue", amount, n=accounts.height))
    referred = np.unique(network.referred.below)
    if len(referred):
        count = int(active[referred].sum())
        metrics.append(Metric("referred_customers", count, n=count))
        metrics.append(Metric("referred_revenue", round(float(revenue[referred].sum()), 4), n=count))
    return metrics


def _by_industry(context: ReportContext) -> list[Metric]:
    """Return active customers and revenue by industry; :data:`NO_VALUE` is the unknown industry."""
    customers = context.tables.get(CUSTOMERS)
    if customers is None or "industry" not in customers.collect_schema():
        return []
    attributes = customers.select(pl.col("customer_id", "industry").cast(pl.String)).drop_nulls()
    codes = context.ledger.customers.cast(pl.String).to_frame("customer_id").lazy()
    joined = codes.join(attributes, on="customer_id", how="left", maintain_order="left").collect()["industry"]
    names = joined.drop_nulls().unique().sort().to_list()
    if not names:
        return []
    names.append(NO_VALUE)
    place = joined.fill_null(NO_VALUE).replace_strict({name: n for n, name in enumerate(names)}, return_dtype=pl.Int64)
    contexts = [context, *([context.before] if context.before else [])]
    sums = np.zeros((len(contexts), 2, len(names)), dtype=np.int64)
    for number, each in enumerate(contexts):
        np.add.at(sums[number, 0], place.to_numpy(), each.ledger.bought_between(each.period))
        np.add.at(sums[number, 1], place.to_numpy(), each.ledger.net_between(each.period))
    order = np.lexsort((np.arange(len(names)), -sums[0, 1])).tolist()
    found = []
    for column, metric in enumerate(("industry_customers", "industry_revenue")):
        unit = context.ledger.scale if column else 1
        for row in order:
            if sums[:, :, row].any():
                previous = int(sums[1, column, row]) / unit if len(contexts) > 1 else None
                value = int(sums[0, column, row]) / unit
                found.append(Metric(metric, value, (("industry", names[row]),), previous=previous))
    return found
