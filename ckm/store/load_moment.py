"""The moment of a load whose export time was not given, by the changes of its orders.

A file that ends before known data is an older export, or a part of a newer one (only the refunded orders, for example).
Two signs distinguish them, in this order: refunds, cancellations and deliveries, which are added to an order and not
removed; and whether the file has every known order of its days, as an older full export has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from ckm.store.incomplete_orders import completed
from ckm.store.loads import last_pages, order_digest
from ckm.store.order_candidates import FILE, POSITION
from ckm.store.order_moments import is_older, just_before, progress
from ckm.store.order_states import ORDER, STORED_AMOUNTS
from ckm.store.replaced_states import in_scope

if TYPE_CHECKING:
    from ckm.store.loads import LoadFacts
    from ckm.store.order_candidates import OrderCandidates

MOST_VOTES = 20_000
"""Maximum number of changed orders that are examined for earlier or later states."""


@dataclass(frozen=True)
class LoadMoment:
    """Result of :func:`find_moment`.

    Attributes
    ----------
    moment
        Time at which the states of the file's orders were valid; None for a file without rows.
    is_older
        Whether the file is an older export than the known data.
    page_before
        Load of the preceding page of the same export; None without one.
    """

    moment: datetime | None
    is_older: bool = False
    page_before: LoadFacts | None = None


def find_moment(candidates: OrderCandidates) -> LoadMoment:
    """Return the moment of a load.

    The moment of an older export is its newest time; that of any other file is not before the moments of earlier loads.
    """
    found = _by_orders(candidates)
    before = candidates.loads.filter(pl.col("load_id").is_in(candidates.superseded))["moment"].max()
    last = candidates.orders.span.last
    if found.moment is None or last is None or not isinstance(before, datetime):
        return found
    return replace(found, moment=min(found.moment, max(before, last)))  # a file that is loaded again gets no later one


def _by_orders(candidates: OrderCandidates) -> LoadMoment:
    last, newest = candidates.orders.span.last, candidates.loads.filter("in_force")["moment"].max()
    page = _page_before(candidates)
    loads = pl.concat([pl.Series([], dtype=pl.String), *(rows["load_id"] for rows in candidates.known.values())])
    of_known = pl.col("load_id").is_in(loads.unique().implode())
    known = candidates.loads.filter(of_known)["moment"].drop_nulls().sort()
    if last is None or known.is_empty():
        return LoadMoment(last, page_before=page)
    assert isinstance(newest, datetime)
    if page is not None:
        return _of_page(candidates, page, last, newest, known[-1])
    is_newer = last > known[-1] or _continues_known_orders(candidates) or candidates.any_source
    if is_newer or not _is_older(candidates, last, known[-1]):
        return LoadMoment(max(last, newest))
    return LoadMoment(last if last < known[-1] else just_before(known[-1]), is_older=True)


def _of_page(
    candidates: OrderCandidates, page: LoadFacts, last: datetime, newest: datetime, known: datetime
) -> LoadMoment:
    """Return the moment of a page that continues the file of the load ``page``: the newer time of both files."""
    before = candidates.loads.filter(pl.col("load_id") == page.load_id)["moment"].item()
    if before is None or before >= newest:
        return LoadMoment(max(last, newest), page_before=page)
    moment = max(last, before)
    return LoadMoment(moment if moment < known else just_before(known), is_older=True, page_before=page)


def _page_before(candidates: OrderCandidates) -> LoadFacts | None:
    """Return the load of the preceding page: the last page of the source, if the file continues an order of it.

    The file then has further lines of that order, but not the first one, which has the order's amounts.
    """
    loads = (load for load in candidates.history if load.facts.load_id not in candidates.superseded)
    pages, reading = last_pages(loads, candidates.facts.source), candidates.reading
    shared = [order for order in reading.edges if pages and order_digest(order) in pages[-1].edges]
    if not shared or candidates.amounts is None or STORED_AMOUNTS not in reading.columns:
        return None
    with_amounts = {*candidates.new_rows(shared).filter(candidates.amounts.has_order_amounts())[ORDER]}
    return pages[-1] if any(order not in with_amounts for order in shared) else None


def _continues_known_orders(candidates: OrderCandidates) -> bool:
    """Return whether the file begins or ends with further lines of a known order, as a page does."""
    if not candidates.reading.whole:
        return False
    changed = candidates.changed
    edges = changed.filter(changed.is_in([*candidates.reading.edges]))
    return any(_has_further_lines(candidates, new, known) for new, known in candidates.parts(edges))


def _has_further_lines(candidates: OrderCandidates, new: pl.DataFrame, known: pl.DataFrame) -> bool:
    if new["line_no"].null_count() or known["line_no"].null_count():
        return False
    repeated = new.join(_of_first_file(candidates, known), on=[ORDER, "line_no"], how="semi")[ORDER].unique()
    whole = candidates.whole_orders(known)
    return bool((~new[ORDER].is_in(repeated.implode()) & ~new[ORDER].is_in(whole.implode())).any())


def _of_first_file(candidates: OrderCandidates, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that are from the same file as the first line of their order, which has the order's amounts."""
    if candidates.amounts is None or STORED_AMOUNTS not in rows.columns:
        return rows
    first = pl.col("source_file").filter(candidates.amounts.has_order_amounts()).first().over(ORDER)
    return rows.filter(pl.col("source_file") == first.fill_null(pl.col("source_file")))


def _is_older(candidates: OrderCandidates, last: datetime, known: datetime) -> bool:
    """Return whether the file is an older export than the known data, by the two signs of the module's docstring."""
    votes = _votes(candidates)
    known_orders = shared = 0
    if votes[0] == votes[1] and last < known and not _is_cut_at_newest(candidates):
        of_days = pl.col("ordered_at").is_between(candidates.orders.span.first, last)
        in_file = pl.concat([*candidates.ids.values()]).unique().implode()
        found = candidates.table.scan().filter(of_days, in_scope(candidates.facts.source, candidates.table.name))
        orders = found.select(pl.col(ORDER).unique()).collect()[ORDER]
        shared, known_orders = int(orders.is_in(in_file).sum()), len(orders)
    return is_older(votes, ends_before=last < known, orders_in_file=shared, orders_known=known_orders)


def _votes(candidates: OrderCandidates) -> tuple[int, int]:
    """Return two counts of changed orders: the state in the file is earlier than the known state, or later.

    At most about :data:`MOST_VOTES` orders are compared.
    """
    for new, known in islice(candidates.parts(candidates.changed.head(MOST_VOTES)), 1):
        # A page with a cut order may lack the first line, which has the order's status and amounts.
        reading = replace(candidates.reading, edges=candidates.cut_edges(new))
        parts = completed(new.drop(FILE, POSITION), known.drop(FILE, POSITION), reading, candidates.amounts)
        omitted = reading.edges - {*parts.orders}
        compared = parts.rows.filter(~pl.col(ORDER).is_in([*omitted]))
        found = progress(compared, known, refunds=reading.refunds)
        return len(found.filter("earlier")), len(found.filter("later"))
    return 0, 0


def _is_cut_at_newest(candidates: OrderCandidates) -> bool:
    """Return whether the first or last order of a page, whichever is newer, is incomplete: newer orders may follow."""
    if candidates.amounts is None or STORED_AMOUNTS not in candidates.reading.columns:
        return False
    rows = candidates.new_rows(candidates.orders.edges)
    newest = rows.filter(pl.col("ordered_at") == pl.col("ordered_at").max())
    with_amounts = newest.filter(candidates.amounts.has_order_amounts())[ORDER]
    is_without = not newest[ORDER].is_in(with_amounts.implode()).all()
    return is_without or not candidates.amounts.cut_orders(newest).is_empty()
