"""Customer network: the function of ``ckm network``, for groups, dependencies and referrals of customers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.saved_warnings import newest_warnings
from ckm._network import roll_ups
from ckm._network.customer_network import CustomerNetwork, customer_network
from ckm._network.findings import findings
from ckm._network.picture import group_pictures
from ckm._network.result import Network, NetworkTables
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.period import MONTHS_OF_A_YEAR, period_until
from ckm.dataset import TRANSACTIONS
from ckm.dataset.source import dataset_of
from ckm.errors import NotEnoughDataError, UsageError, no_amounts
from ckm.remark import assumption, basis, doubt
from ckm.schema import NO_CURRENCY, RELATIONS
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from ckm._network.roll_ups import Disclosure
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source

__all__ = ["Network", "network"]

MIN_GROUP_SIZE = 5
"""Default of ``--min-group-size``: fewest customers of a group that is named after a person, and of an industry."""


def network(
    source: Source = None,
    *,
    as_of: date | None = None,
    min_group_size: int = MIN_GROUP_SIZE,
    names: bool = False,
    keep: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Network:
    """Return groups, dependencies and referrals of customers, with findings, largest amount first.

    Relations come from the table ``relationships`` and from ``parent_id`` of the customers. Revenue is net sales of 12
    months. Warnings and value at risk come from the newest saved run of ``ckm churn-warn``; null without a saved run.

    Parameters
    ----------
    source
        A workspace, file or table (:func:`ckm.dataset.source.dataset_of`); only a workspace has relations.
    as_of
        As-of date: relations that are not valid on this day are left out. Default: the newest usual day.
    min_group_size
        Minimum number of customers of a group that is named after a person, and of an industry. Smaller groups are left
        out, and smaller industries are combined.
    names
        Whether to show the names of persons.
    keep
        Whether to save the customer ledger in the workspace.
    progress
        Called with the name of each stage.

    Raises
    ------
    NotEnoughDataError
        There are neither relations nor industries, no purchases by the as-of date, or no amounts.
    UsageError
        ``min_group_size`` is negative, or amounts are of several currencies.

    Examples
    --------
    >>> network("shop").save("network.html")  # doctest: +SKIP
    """
    if min_group_size < 0:
        raise UsageError(f"groups have at least 0 customers, not {min_group_size}", hint="name a min_group_size of 5")
    say = progress or (lambda _: None)
    dataset = dataset_of(source, by_customer=True)
    say("reading")
    whole = _network(dataset, as_of, keep=keep)
    if whole.relations.frame.is_empty() and not whole.parties["industry"].drop_nulls().len():
        raise NotEnoughDataError(
            f"'{dataset.label}' has no relations valid on {whole.period.last}, and no industries",
            hint="load some: ckm ingest FILE --as relationships, or customers with a parent_id; see 'ckm help network'"
            if dataset.workspace is not None
            else "relations are read from a workspace: ckm init DIR, then ckm ingest FILE --as relationships",
            relations=0,
        )
    say("rolling up")
    disclosure = roll_ups.Disclosure(whole, min_group_size, names=names)
    tables = NetworkTables(
        groups=roll_ups.groups(whole, disclosure),
        distributors=roll_ups.distributors(whole, disclosure),
        partners=roll_ups.partners(whole, disclosure),
        single_contacts=roll_ups.single_contacts(whole, disclosure),
        referrals=roll_ups.referrals(whole, disclosure),
        industries=roll_ups.industries(whole, disclosure),
        cycles=roll_ups.cycles(whole, disclosure),
    )
    counts = whole.relations.frame.group_by("relation").len()
    number = dict(counts.iter_rows())
    return Network(
        frame=findings(whole, tables),
        tables=tables.shown(),
        label=dataset.label,
        as_of=whole.period.last,
        period=whole.period,
        compared=whole.compared,
        currency=whole.currency,
        revenue=whole.revenue,
        churn_as_of=whole.churn_as_of,
        relations={relation: number.get(relation, 0) for relation in RELATIONS},
        pictures=group_pictures(whole, tables.groups, min_group_size),
        remarks=(*dataset.remarks, *_remarks(whole, disclosure)),
    )


def _network(dataset: Dataset, as_of: date | None, *, keep: bool) -> CustomerNetwork:
    dataset = dataset.known_on(as_of)
    config = dataset.config
    ledger = cached_ledger(
        {**dataset.tables, TRANSACTIONS: dataset.transactions},
        find_cache(dataset, keep=keep),
        as_of=as_of,
        time_zone=config.time_zone,
        keep_stray_dates=config.keeps_stray_dates,
    )
    if ledger.currency == NO_CURRENCY:
        raise no_amounts("the findings of a network")
    period = period_until(ledger.as_of, MONTHS_OF_A_YEAR)
    compared = period_until(period.first - timedelta(1), MONTHS_OF_A_YEAR)
    return customer_network(dataset.tables, ledger, period, compared, *_churn(dataset, ledger.as_of))


def _churn(dataset: Dataset, as_of: date) -> tuple[pl.DataFrame | None, date | None]:
    """Return customers with a churn warning in the newest saved run, with person ids, and the as-of date of the run."""
    if dataset.workspace is None:
        return None, None
    from ckm.store import Store  # imported late: a file needs no deltalake

    saved = newest_warnings(Store(dataset.workspace.store_dir), as_of)
    if saved is None:
        return None, None
    persons = dict(dataset.persons)
    return saved.frame.select(pl.col("customer_id").replace(persons), "value_at_risk"), saved.as_of


def _remarks(whole: CustomerNetwork, disclosure: Disclosure) -> Iterator[str]:
    relations = whole.relations
    count = relations.frame.height
    yield basis(
        f"as of {whole.period.last}: {counted(count, 'valid relation')}; net sales of {whole.period}, compared with "
        f"{whole.compared}, in {whole.currency}"
    )
    if whole.churn_as_of is None:
        yield assumption("churn warnings are left out: ckm churn-warn has saved none by that day")
    else:
        yield basis(f"churn from the saved run of churn-warn of {whole.churn_as_of}")
    unknown = whole.parties.filter(~pl.col("is_known")).height
    if unknown:
        yield doubt(
            f"{counted(unknown, 'id', 'is', 'are')} in relations only, neither in customers nor in transactions"
        )
    if relations.of_itself:
        yield doubt(f"{counted(relations.of_itself, 'relation')} of a party to itself left out")
    several = sum(each.with_two_parents for each in (whole.owned, whole.distributed))
    if several:
        yield doubt(f"{counted(several, 'id')} below several others: counted in the group of each")
    if relations.expired or relations.future:
        yield basis(f"{relations.expired:,} relations have ended and {relations.future:,} begin later")
    if disclosure.withheld:
        yield basis(
            f"{counted(disclosure.withheld, 'row')} on groups of persons with fewer than {disclosure.min_group_size} "
            "customers not shown (--min-group-size)"
        )
