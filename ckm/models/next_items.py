"""Next items of each customer, by the customer's own purchases and by items that are bought with them in one basket.

The score of an item for a customer is the sum of ``DECAY ** n`` over the customer's baskets with the item, n = 0 for
the newest basket, plus ``NEIGHBOURS`` times the probability of the item in baskets with the customer's items. Each of
the two terms is divided by its largest value for the customer. Most of the purchases that can be predicted in a shop
are repeat purchases (Hu et al. 2020, TIFU-kNN; Faggioli et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]

DECAY = 0.9
NEIGHBOURS = 0.3
MOST_NEIGHBOURS = 100
SHRINKAGE = 10.0
"""Number added to the baskets with an item in the denominator of probabilities, to shrink those of rare items."""
CUSTOMERS_AT_ONCE = 2048


@dataclass(frozen=True)
class NextItems:
    """Ranked items of each customer: one entry per customer and rank, best item first; all arrays of shape (n,).

    Attributes
    ----------
    customers, items
        Numbers of the customer and of the item.
    scores
        Scores; a larger one is likelier. They are comparable only between items of the same customer.
    baskets
        Number of the customer's baskets with the item; 0 for an item that the customer has not bought yet.
    partners
        Item of the customer that adds most to the score by co-purchases, where co-purchases are more than half of the
        score; -1 where the customer's own frequency is.
    partner_baskets, shared_baskets
        Number of all customers' baskets with the partner, and with partner and item; 0 without a partner.
    """

    customers: Integers
    items: Integers
    scores: Floats
    baskets: Integers
    partners: Integers
    partner_baskets: Integers
    shared_baskets: Integers


def next_items(customer: Integers, basket: Integers, item: Integers, most: int = 10) -> NextItems:
    """Rank the items that each customer will probably buy next.

    Parameters
    ----------
    customer, basket, item
        One entry per item in a basket: number of the customer (from 0), number of the basket among the customer's
        baskets from the oldest one (0, 1, …), and number of the item (from 0). Equal entries count once.
    most
        Largest number of items per customer.
    """
    entries = np.unique(np.stack([customer, basket, item]), axis=1)
    customer, basket, item = entries
    shape = (int(customer.max(initial=-1)) + 1, int(item.max(initial=-1)) + 1)
    last = np.zeros(shape[0], dtype=np.int64)
    np.maximum.at(last, customer, basket)
    own = sparse.csr_matrix((DECAY ** (last[customer] - basket), (customer, item)), shape=shape)
    counts = sparse.csr_matrix((np.ones(len(item)), (customer, item)), shape=shape)
    together, frequency = _together(customer, basket, item, shape[1])
    popular = np.asarray(counts.sum(axis=0)).ravel()
    found = list(_ranked(own, counts, together, popular / max(popular.max(initial=1.0), 1.0), most))
    columns = [np.concatenate(each) for each in zip(*found, strict=True)] if found else [np.empty(0)] * 6
    customers, items, baskets, partners = (columns[place].astype(np.int64) for place in (0, 1, 3, 4))
    partner_baskets = np.where(partners >= 0, frequency[partners], 0)
    return NextItems(
        customers,
        items,
        scores=columns[2],
        baskets=baskets,
        partners=partners,
        partner_baskets=partner_baskets.astype(np.int64),
        shared_baskets=np.rint(columns[5] * (partner_baskets + SHRINKAGE)).astype(np.int64),
    )


def _together(customer: Integers, basket: Integers, item: Integers, items: int) -> tuple[sparse.csr_matrix, Floats]:
    """Return the probability of an item (column) in baskets with another item (row), and the baskets of each item.

    The probabilities are sparse, shape (items, items). They are shrunk towards 0, and each row has only the
    ``MOST_NEIGHBOURS`` largest ones. The baskets have the shape (items,).
    """
    _, number = np.unique(np.stack([customer, basket]), axis=1, return_inverse=True)
    baskets = number.max(initial=-1) + 1
    contents = sparse.csr_matrix((np.ones(len(item)), (number.ravel(), item)), shape=(baskets, items))
    frequency = np.asarray(contents.sum(axis=0)).ravel()
    pairs = (contents.T @ contents).tocsr()
    pairs.setdiag(0)
    pairs.eliminate_zeros()
    pairs = sparse.diags(1 / (frequency + SHRINKAGE)) @ pairs
    pairs = pairs.tocsr()
    for row in np.flatnonzero(np.diff(pairs.indptr) > MOST_NEIGHBOURS):
        values = pairs.data[pairs.indptr[row] : pairs.indptr[row + 1]]
        values[values < np.partition(values, -MOST_NEIGHBOURS)[-MOST_NEIGHBOURS]] = 0
    pairs.eliminate_zeros()
    return pairs, frequency


def _ranked(
    own: sparse.csr_matrix, counts: sparse.csr_matrix, together: sparse.csr_matrix, popular: Floats, most: int
) -> Iterator[tuple[Integers, Integers, Floats, Integers, Integers, Floats]]:
    """Return customers, items, scores, baskets, partners and probabilities of the partners, by group of customers."""
    partners_of = together.T.tocsr()
    for first in range(0, own.shape[0], CUSTOMERS_AT_ONCE):
        rows = slice(first, first + CUSTOMERS_AT_ONCE)
        mine, near = own[rows].toarray(), (own[rows] @ together).toarray()
        near /= np.maximum(near.max(axis=1, keepdims=True), 1e-12)
        mine /= np.maximum(mine.max(axis=1, keepdims=True), 1e-12)
        # ties: the more popular item first, then the item with the smaller number
        score = np.round(mine + NEIGHBOURS * near, 12) + popular * 1e-6
        best = np.argsort(-score, axis=1, kind="stable")[:, :most]
        who = np.repeat(np.arange(len(best)), best.shape[1])
        chosen = best.ravel()
        used = score[who, chosen] > popular[chosen] * 1e-6  # leave out items with popularity only
        who, chosen = who[used], chosen[used]
        by_partner = np.flatnonzero(NEIGHBOURS * near[who, chosen] > mine[who, chosen])
        partner, probability = np.full(len(who), -1), np.zeros(len(who))
        partner[by_partner] = _partners(own[rows][who[by_partner]], partners_of[chosen[by_partner]])
        probability[by_partner] = np.asarray(together[partner[by_partner], chosen[by_partner]]).ravel()
        baskets = counts[rows].toarray()[who, chosen].astype(np.int64)
        yield first + who, chosen, score[who, chosen], baskets, partner, probability


def _partners(own: sparse.csr_matrix, together: sparse.csr_matrix) -> Integers:
    """Return the item with the largest product of frequency and probability in each row; the smaller one if equal.

    Both matrices have one row per ranked item and one column per item of the shop; no row has only zeros in common.
    """
    products = own.multiply(together).tocoo()
    order = np.lexsort((products.col, -products.data, products.row))
    _, first = np.unique(products.row[order], return_index=True)
    best: Integers = products.col[order][first]
    return best
