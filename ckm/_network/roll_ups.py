"""Roll-ups of a customer network: groups, distributors, partners, accounts with one contact, referrals, industries.

Each function returns a frame sorted by an amount, largest first. ``party_id`` is a pseudonym if the id is an e-mail
address or telephone number. The name of a person is null unless ``names`` is set. A row about a person's group of fewer
than ``min_group_size`` customers is left out (:class:`Disclosure`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm._network.customer_network import SUMS
from ckm._network.dominators import dominators

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckm._network.customer_network import CustomerNetwork, Floats, Numbers
    from ckm._network.hierarchy import Hierarchy

MONEY_DIGITS = 4
NO_VALUE, OTHER = "(none)", "(smaller industries)"
PARTY = {"place": pl.Int64(), "party_id": pl.String(), "name": pl.String(), "party_type": pl.String()}
"""Columns that identify a party; ``place`` is its position in the network."""
ROLL_UP = {
    "customers": pl.Int64(), "active": pl.Int64(), "revenue": pl.Float64(), "previous_revenue": pl.Float64(),
    "change": pl.Float64(), "revenue_share": pl.Float64(), "warned": pl.Int64(), "value_at_risk": pl.Float64(),
}  # fmt: skip
GROUPS = {"kind": pl.String(), **PARTY, **ROLL_UP, "levels": pl.Int64()}
DISTRIBUTORS = {
    **PARTY, "direct_customers": pl.Int64(), "customers": pl.Int64(), "levels": pl.Int64(), "countries": pl.Int64(),
    "industries": pl.Int64(), "own_revenue": pl.Float64(), "reached_revenue": pl.Float64(),
    "revenue_share": pl.Float64(),
}  # fmt: skip
PARTNERS = {
    **PARTY, "dependent_customers": pl.Int64(), "own_revenue": pl.Float64(), "dependent_revenue": pl.Float64(),
    "revenue_lost": pl.Float64(), "revenue_share": pl.Float64(),
}  # fmt: skip
ACCOUNTS = {
    **PARTY, "contact_id": pl.String(), "contact": pl.String(), "revenue": pl.Float64(),
    "previous_revenue": pl.Float64(), "revenue_share": pl.Float64(), "value_at_risk": pl.Float64(),
}  # fmt: skip
REFERRALS = {
    **PARTY, "referred_directly": pl.Int64(), "referred_customers": pl.Int64(), "levels": pl.Int64(),
    "own_revenue": pl.Float64(), "referred_revenue": pl.Float64(), "revenue_share": pl.Float64(),
}  # fmt: skip
INDUSTRIES = {"industry": pl.String(), **ROLL_UP}
CYCLES = {
    "place": pl.Int64(), "relation": pl.String(), "parties": pl.Int64(), "party_ids": pl.List(pl.String()),
    "revenue": pl.Float64(),
}  # fmt: skip
TABLES = (GROUPS, DISTRIBUTORS, PARTNERS, ACCOUNTS, REFERRALS, INDUSTRIES, CYCLES)
"""Columns of all roll-ups."""


class Disclosure:
    """Rules on persons in a result: names, pseudonyms and minimum group size; counts the rows left out.

    Parameters
    ----------
    network
        The customer network.
    min_group_size
        Fewest customers of a group that is named after a person, and of an industry.
    names
        Whether the names of persons may be shown.
    """

    def __init__(self, network: CustomerNetwork, min_group_size: int, *, names: bool) -> None:
        self.network = network
        self.min_group_size = min_group_size
        self.names = names
        self.withheld = 0

    def name(self, place: int) -> str | None:
        """Return the name of the party at a row number; None if it is unknown, or is a person's name and hidden."""
        name: str | None = self.network.parties["display_name"][place]
        return None if self.network.is_person[place] and not self.names else name

    def id(self, place: int) -> str:
        """Return the id of the party at a row number; unless ``names``, a pseudonym for an e-mail address or number."""
        return str(self.network.ids[place]) if self.names else self.network.shown_ids[place]

    def party(self, place: int) -> tuple[int, str, str | None, str | None]:
        """Return row number, id, name and type of a party: the values of the columns :data:`PARTY`."""
        party_type = self.network.parties["party_type"][place]
        return place, self.id(place), self.name(place), party_type

    def disclosed(self, places: Iterable[int], customers: Sequence[float] | Numbers | Floats) -> list[int]:
        """Return the row numbers of the groups that may be shown; add the number of hidden groups to ``withheld``.

        A group that is named after a person is hidden if it has fewer than ``min_group_size`` customers.

        Parameters
        ----------
        places
            Row numbers in the network of the parties after which the groups are named.
        customers
            Number of customers in the group of each party of the network; shape (parties,).
        """
        found = []
        for place in places:
            if self.network.is_person[place] and customers[place] < self.min_group_size:
                self.withheld += 1
            else:
                found.append(place)
        return found


def groups(network: CustomerNetwork, disclosure: Disclosure) -> pl.DataFrame:
    """Return revenue and churn risk per group, one row per group (columns :data:`GROUPS`).

    Kinds of groups:

    - ``parent``: a party that nobody owns, with all parties that it owns, directly or through others, and their
      employees;
    - ``account``: a party with the persons who work at it;
    - ``distributor``: a party with all customers that buy through it, directly or through others.

    A customer in two groups counts in both.
    """
    owners, _ = network.ends("owns")
    rows = []
    for kind, hierarchy, chosen in (
        ("parent", network.owned, np.intersect1d(network.owned.roots, _with_cycle(network, owners))),
        ("account", network.employed, network.employed.uppers),
        ("distributor", network.distributed, network.distributed.uppers),
    ):
        if not len(chosen):
            continue
        sums, levels = hierarchy.totals(network.values), hierarchy.depths()
        rows += [
            (kind, *disclosure.party(place), *_rolled_up(network, sums[place]), int(levels[place]))
            for place in disclosure.disclosed(chosen.tolist(), sums[:, 0])
        ]
    return _by_money(rows, GROUPS, "revenue", "kind")


def _with_cycle(network: CustomerNetwork, owners: Numbers) -> Numbers:
    """Return the row numbers of the owners and of all parties in a cycle with an owner, ascending."""
    part = network.owned.part
    return np.flatnonzero(np.isin(part, part[owners]))


def _rolled_up(network: CustomerNetwork, sums: Floats) -> tuple[Any, ...]:
    """Return the values of the columns :data:`ROLL_UP`, from the sums of the columns :data:`SUMS`; shape (6,)."""
    of = dict(zip(SUMS, sums.tolist(), strict=True))
    revenue, previous = round(of["revenue"], MONEY_DIGITS), round(of["previous_revenue"], MONEY_DIGITS)
    churn = (
        (None, None) if network.churn_as_of is None else (int(of["warned"]), round(of["value_at_risk"], MONEY_DIGITS))
    )
    change = round(revenue - previous, MONEY_DIGITS)
    return int(of["customers"]), int(of["active"]), revenue, previous, change, network.share(revenue), *churn


def distributors(network: CustomerNetwork, disclosure: Disclosure) -> pl.DataFrame:
    """Return customers and revenue that each distributor reaches, one row per distributor (:data:`DISTRIBUTORS`).

    The column ``customers`` and the following columns count all customers that buy through the distributor, directly or
    through others, without the distributor itself.
    """
    hierarchy: Hierarchy = network.distributed
    if not len(hierarchy.uppers):
        return pl.DataFrame(schema=DISTRIBUTORS)
    sums, levels, direct = hierarchy.totals(network.values), hierarchy.depths(), hierarchy.direct()
    spread = {name: hierarchy.distinct(_numbered(network, name, hierarchy)) for name in ("country", "industry")}
    rows = []
    for place in disclosure.disclosed(hierarchy.uppers.tolist(), sums[:, 0]):
        own = network.values[place]
        revenue = float(own[2])
        reached = round(float(sums[place, 2]) - revenue, MONEY_DIGITS)
        rows.append(
            (
                *disclosure.party(place),
                int(direct[place]),
                int(sums[place, 0] - own[0]),
                int(levels[place]),
                spread["country"][place],
                spread["industry"][place],
                round(revenue, MONEY_DIGITS),
                reached,
                network.share(reached),
            )
        )
    return _by_money(rows, DISTRIBUTORS, "reached_revenue")


def _numbered(network: CustomerNetwork, name: str, hierarchy: Hierarchy) -> list[int | None]:
    """Return the value of a column of each party as a number from 0, equal for equal values.

    None for a party without a value, and for a party that is not below another party in the hierarchy.
    """
    column = network.parties[name]
    number = {value: place for place, value in enumerate(column.drop_nulls().unique().sort())}
    below = np.bincount(hierarchy.below, minlength=hierarchy.size) > 0
    return [number.get(value) if is_below else None for value, is_below in zip(column, below.tolist(), strict=True)]


def partners(network: CustomerNetwork, disclosure: Disclosure) -> pl.DataFrame:
    """Return the revenue that would be lost with each partner, one row per partner (columns :data:`PARTNERS`).

    A partner is a distributor or a supplier. Every supply path to a customer of ``dependent_customers`` leads through
    the partner (:mod:`ckm._network.dominators`). ``revenue_lost`` is the revenue of these customers and of the partner.
    """
    customer, distributor = network.ends("buys_through")
    supplier, supplied = network.ends("supplies")
    pairs = np.unique(np.stack([np.concatenate([distributor, supplier]), np.concatenate([customer, supplied])]), axis=1)
    if not pairs.size:
        return pl.DataFrame(schema=PARTNERS)
    sums = dominators(pairs[0], pairs[1], len(network.ids)).totals(network.values)
    rows = []
    for place in disclosure.disclosed(np.unique(pairs[0]).tolist(), sums[:, 0]):
        own, lost = float(network.values[place, 2]), float(sums[place, 2])
        amounts = (round(each, MONEY_DIGITS) for each in (own, lost - own, lost))
        count = int(sums[place, 0] - network.values[place, 0])
        rows.append((*disclosure.party(place), count, *amounts, network.share(lost)))
    return _by_money(rows, PARTNERS, "revenue_lost")


def single_contacts(network: CustomerNetwork, disclosure: Disclosure) -> pl.DataFrame:
    """Return the accounts with a single contact, one row each (columns :data:`ACCOUNTS`).

    A contact is a person who works at the account. The revenue is that of the account and of the contact.
    """
    hierarchy = network.employed
    single = np.flatnonzero(hierarchy.direct() == 1)
    contact_of = dict(zip(hierarchy.above.tolist(), hierarchy.below.tolist(), strict=True))
    rows = []
    for place in disclosure.disclosed(single.tolist(), np.full(len(network.ids), 2)):
        contact = contact_of[place]
        sums = network.values[[place, contact]].sum(axis=0)
        revenue, at_risk = round(float(sums[2]), MONEY_DIGITS), round(float(sums[5]), MONEY_DIGITS)
        rows.append(
            (
                *disclosure.party(place),
                disclosure.id(contact),
                disclosure.name(contact),
                revenue,
                round(float(sums[3]), MONEY_DIGITS),
                network.share(revenue),
                None if network.churn_as_of is None else at_risk,
            )
        )
    return _by_money(rows, ACCOUNTS, "revenue")


def referrals(network: CustomerNetwork, disclosure: Disclosure) -> pl.DataFrame:
    """Return the referral trees, one row per referrer whom nobody referred (columns :data:`REFERRALS`)."""
    hierarchy = network.referred
    if not len(hierarchy.roots):
        return pl.DataFrame(schema=REFERRALS)
    sums, levels, direct = hierarchy.totals(network.values), hierarchy.depths(), hierarchy.direct()
    rows = []
    for place in disclosure.disclosed(hierarchy.roots.tolist(), sums[:, 0]):
        own = float(network.values[place, 2])
        referred = round(float(sums[place, 2]) - own, MONEY_DIGITS)
        count = int(sums[place, 0] - network.values[place, 0])
        counts = int(direct[place]), count, int(levels[place])
        amounts = round(own, MONEY_DIGITS), referred, network.share(referred)
        rows.append((*disclosure.party(place), *counts, *amounts))
    return _by_money(rows, REFERRALS, "referred_revenue")


def industries(network: CustomerNetwork, disclosure: Disclosure) -> pl.DataFrame:
    """Return revenue and churn risk by industry, one row each (:data:`INDUSTRIES`); ``(none)`` is an unknown industry.

    Industries of fewer than ``min_group_size`` customers are combined in one row (:data:`OTHER`). If this row has too
    few customers, the next smallest industries are added. The frame is empty if no party has an industry.
    """
    column = network.parties["industry"]
    known = network.parties.select(pl.col("industry").filter("is_known")).to_series()
    if not known.drop_nulls().len():
        return pl.DataFrame(schema=INDUSTRIES)
    names = known.fill_null(NO_VALUE).unique().sort().to_list()
    position = {name: place for place, name in enumerate(names)}
    sums = np.zeros((len(names), len(SUMS)))
    chosen = network.parties["is_known"].to_numpy()
    places = np.array([position.get(each, 0) for each in column.fill_null(NO_VALUE)], dtype=np.int64)
    np.add.at(sums, places[chosen], network.values[chosen])
    by_size = sorted(position.values(), key=lambda place: (sums[place, 0], names[place]))
    small: list[int] = []
    for place in by_size:
        together = sums[small, 0].sum() if small else 0
        if sums[place, 0] < disclosure.min_group_size or 0 < together < disclosure.min_group_size:
            small.append(place)
    rows = [(names[place], *_rolled_up(network, sums[place])) for place in range(len(names)) if place not in small]
    if small and sums[small, 0].sum() >= disclosure.min_group_size:
        rows.append((OTHER, *_rolled_up(network, sums[small].sum(axis=0))))
    elif small:
        disclosure.withheld += len(small)
    return _by_money(rows, INDUSTRIES, "revenue", "industry")


def cycles(network: CustomerNetwork, disclosure: Disclosure) -> pl.DataFrame:
    """Return the cycles of relations, one row each (:data:`CYCLES`): parties that own, supply or refer each other."""
    rows = []
    for relation, hierarchy in (
        ("owns", network.owned), ("buys_through", network.distributed), ("supplies", network.supplied),
        ("refers", network.referred),
    ):  # fmt: skip
        for members in hierarchy.cycles:
            ids = [disclosure.id(place) for place in members]
            rows.append(
                (members[0], relation, len(ids), ids, round(float(network.values[members, 2].sum()), MONEY_DIGITS))
            )
    frame = pl.DataFrame(rows, CYCLES, orient="row")
    return frame.sort("revenue", "relation", pl.col("party_ids").list.first(), descending=[True, False, False])


def _by_money(rows: list[Any], schema: Mapping[str, Any], money: str, tie: str = "party_id") -> pl.DataFrame:
    frame = pl.DataFrame(rows, dict(schema), orient="row")
    keys = dict.fromkeys([money, tie, *(["party_id"] if "party_id" in schema else [])])
    return frame.sort(list(keys), descending=[name == money for name in keys])
