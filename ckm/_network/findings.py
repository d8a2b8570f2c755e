"""Findings of a customer network, largest amount first, each with its computation and its source rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._network.customer_network import CustomerNetwork
    from ckm._network.result import NetworkTables

FINDINGS = {
    "finding": pl.String(), "party_id": pl.String(), "name": pl.String(), "customers": pl.Int64(),
    "money": pl.Float64(), "revenue_share": pl.Float64(), "text": pl.String(), "computation": pl.String(),
    "evidence": pl.String(),
}  # fmt: skip


def findings(network: CustomerNetwork, tables: NetworkTables) -> pl.DataFrame:
    """Return the findings, largest amount first (:data:`FINDINGS`).

    ``finding`` is ``partner_dependency``, ``single_contact``, ``group_at_risk``, ``group_decline``, ``referrals`` or
    ``cycle``. ``money`` is the amount of the finding in the network's currency; ``computation`` is the formula of the
    amount as a text; ``evidence`` names the source rows of the relations.
    """
    rows = [row for make in _KINDS for row in make(network, tables)]
    frame = pl.DataFrame(rows, FINDINGS, orient="row")
    return frame.sort("money", "finding", "party_id", descending=[True, False, False])


def label(row: dict[str, Any]) -> str:
    """Return the name of the party of a row; its id if the name is unknown or hidden."""
    return str(row["name"] or row["party_id"])


class _Writer:
    """Formats amounts and periods of a network for sentences."""

    def __init__(self, network: CustomerNetwork) -> None:
        self.currency = network.currency
        self.period, self.compared = f"net sales {network.period}", f"{network.compared}"

    def money(self, amount: float) -> str:
        return f"{amount:,.2f} {self.currency}"


def _dependencies(network: CustomerNetwork, tables: NetworkTables) -> Iterator[tuple[Any, ...]]:
    write = _Writer(network)
    for row in tables.partners.iter_rows(named=True):
        if row["dependent_revenue"] <= 0:
            continue
        count = row["dependent_customers"]
        yield (
            "partner_dependency",
            row["party_id"],
            row["name"],
            count,
            row["revenue_lost"],
            row["revenue_share"],
            f"{_customers(count)} {'has' if count == 1 else 'have'} no recorded distributor or supplier besides "
            f"{label(row)}",
            f"{write.period}: {write.money(row['own_revenue'])} of its own + {write.money(row['dependent_revenue'])} "
            "of those whom no other distributor or supplier reaches",
            network.evidence(row["place"], "buys_through", "supplies"),
        )


def _contacts(network: CustomerNetwork, tables: NetworkTables) -> Iterator[tuple[Any, ...]]:
    write = _Writer(network)
    for row in tables.single_contacts.iter_rows(named=True):
        if row["revenue"] > 0:
            yield (
                "single_contact",
                row["party_id"],
                row["name"],
                1,
                row["revenue"],
                row["revenue_share"],
                f"Only one person is known at {label(row)}",
                f"{write.period} of the account and its contact; one valid works_at relation",
                network.evidence(row["place"], "works_at"),
            )


def _at_risk(network: CustomerNetwork, tables: NetworkTables) -> Iterator[tuple[Any, ...]]:
    for row in tables.groups.iter_rows(named=True):
        if row["value_at_risk"] and row["value_at_risk"] > 0:
            yield (
                "group_at_risk",
                row["party_id"],
                row["name"],
                row["customers"],
                row["value_at_risk"],
                row["revenue_share"],
                f"{row['warned']:,} of {_customers(row['customers'])} of {label(row)} ({row['kind']}) "
                f"{'has' if row['warned'] == 1 else 'have'} a churn warning",
                f"sum of value_at_risk in the saved run of churn-warn of {network.churn_as_of}",
                network.evidence(row["place"], *_RELATIONS_OF[row["kind"]]),
            )


def _decline(network: CustomerNetwork, tables: NetworkTables) -> Iterator[tuple[Any, ...]]:
    write = _Writer(network)
    for row in tables.groups.iter_rows(named=True):
        if row["change"] < 0:
            yield (
                "group_decline",
                row["party_id"],
                row["name"],
                row["customers"],
                -row["change"],
                row["revenue_share"],
                f"{label(row)} ({row['kind']}, {_customers(row['customers'])}) buys less than a year before",
                f"{write.money(row['previous_revenue'])} in {write.compared} - {write.money(row['revenue'])} in "
                f"{network.period}",
                network.evidence(row["place"], *_RELATIONS_OF[row["kind"]]),
            )


def _referrals(network: CustomerNetwork, tables: NetworkTables) -> Iterator[tuple[Any, ...]]:
    write = _Writer(network)
    for row in tables.referrals.iter_rows(named=True):
        if row["referred_revenue"] > 0:
            yield (
                "referrals",
                row["party_id"],
                row["name"],
                row["referred_customers"],
                row["referred_revenue"],
                row["revenue_share"],
                f"{label(row)} brought {_customers(row['referred_customers'])}, "
                f"{row['referred_directly']:,} of them directly",
                f"{write.period} of all who were referred, without its own {write.money(row['own_revenue'])}",
                network.evidence(row["place"], "refers"),
            )


def _cycles(network: CustomerNetwork, tables: NetworkTables) -> Iterator[tuple[Any, ...]]:
    write = _Writer(network)
    for row in tables.cycles.iter_rows(named=True):
        ids = row["party_ids"]
        shown = ", ".join(ids[:MOST_IN_CYCLE]) + (
            f" and {len(ids) - MOST_IN_CYCLE:,} more" if len(ids) > MOST_IN_CYCLE else ""
        )
        yield (
            "cycle",
            ids[0],
            None,
            len(ids),
            row["revenue"],
            network.share(row["revenue"]),
            f"Cycle of {row['relation']}: {shown}; one of the relations is wrong",
            f"{write.period} of the {len(ids):,} parties, which count as one group",
            network.evidence(row["place"], row["relation"]),
        )


MOST_IN_CYCLE = 5
"""Maximum number of ids that the sentence on a cycle names."""
_KINDS = (_dependencies, _contacts, _at_risk, _decline, _referrals, _cycles)
_RELATIONS_OF = {"parent": ("owns", "works_at"), "account": ("works_at",), "distributor": ("buys_through",)}


def _customers(count: int) -> str:
    return f"{count:,} customer{'' if count == 1 else 's'}"
