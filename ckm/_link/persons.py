"""Persons of a linkage: their ids, their links, the pairs for review, and the changes since the last links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._link.records import ID, RANK
from ckm.identities import MODEL, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ckm._link.linkage import Linkage
    from ckm.identities import Identities

    Indices = NDArray[np.int64]

PERSON = "person_id"
UNCERTAIN = 0.1
"""Probability from which a pair that is not linked is for review."""


def person_ids(records: pl.DataFrame, cluster: Indices, before: Mapping[str, str]) -> pl.DataFrame:
    """Return ``customer_id`` and ``person_id`` of each record.

    A cluster keeps the earlier person id that most of its customers had, if that is a customer id of the cluster. Else
    its first customer id becomes the person id. Ids in orders come first, then ids in payments, then other ids, each in
    alphabetical order. So lists of persons have the customer ids of the shop's export of orders.

    Parameters
    ----------
    records
        Records to link, with customer id and rank.
    cluster
        Number of the cluster of each record; shape (records,).
    before
        Earlier person id by customer id.
    """
    frame = records.select(ID, RANK, cluster=pl.Series(cluster))
    first = frame.sort(RANK, ID).unique("cluster", keep="first", maintain_order=True).select("cluster", first=ID)
    earlier = pl.DataFrame({ID: [*before], "earlier": [*before.values()]}, schema={ID: pl.String, "earlier": pl.String})
    kept = (
        frame.join(earlier, on=ID)
        .join(frame.select(earlier=ID, cluster="cluster"), on=["earlier", "cluster"])
        .group_by("cluster", "earlier")
        .len()
        .sort(pl.col("len"), "earlier", descending=[True, False])
        .unique("cluster", keep="first", maintain_order=True)
        .select("cluster", "earlier")
    )
    found = frame.join(first, on="cluster", maintain_order="left")
    found = found.join(kept, on="cluster", how="left", maintain_order="left")
    return found.select(ID, pl.coalesce("earlier", "first").alias(PERSON))


def spanning_links(persons: pl.DataFrame, found: Linkage, known: Identities, day: str) -> list[Link]:
    """Return the most probable links that connect the customers of each cluster (its maximum spanning tree).

    A link that already exists keeps its date.

    Parameters
    ----------
    persons
        Result of :func:`person_ids`.
    found
        Result of record linkage.
    known
        Links of the earlier run.
    day
        Date of new links.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    scored, n = found.pairs, persons.height
    pairs = np.flatnonzero(found.cluster[scored.left] == found.cluster[scored.right])
    ends = tuple(each[pairs].astype(np.int32) for each in (scored.left, scored.right))
    graph = coo_array((2.0 - scored.probability[pairs], ends), shape=(n, n))
    tree = minimum_spanning_tree(graph.tocsr()).tocoo()
    keys = scored.left[pairs] * n + scored.right[pairs]
    order = np.argsort(keys)
    low, high = np.minimum(tree.row, tree.col).astype(np.int64), np.maximum(tree.row, tree.col)
    chosen = pairs[order[np.searchsorted(keys, low * n + high, sorter=order)]]
    ids, person_of = persons[ID].to_list(), persons[PERSON].to_list()
    since = {(each.left, each.right): each.on for each in known.links if each.of_model}
    forbidden = known.forbidden
    agreeing = _by_pattern(found, chosen, found.agreeing)
    links: list[Link] = []
    for place, pair in enumerate(chosen.tolist()):
        one, other = int(scored.left[pair]), int(scored.right[pair])
        ends_of = (min(ids[one], ids[other]), max(ids[one], ids[other]))
        if ends_of in forbidden:
            continue
        links.append(
            Link(
                *ends_of,
                person_id=person_of[one],
                rule="model",
                probability=f"{scored.probability[pair]:.4f}",
                weight=f"{scored.weight[pair]:.1f}",
                fields=agreeing[place],
                by=MODEL,
                on=since.get(ends_of, day),
            )
        )
    return links


def uncertain_pairs(ids: pl.Series, found: Linkage, known: Identities) -> pl.DataFrame:
    """Return the pairs for review, most uncertain first.

    These are pairs of customers of two persons with a probability of at least :data:`UNCERTAIN`, without a decision.

    Columns: ``left``, ``right``, ``probability``, ``agree``, ``differ`` (names of fields), ``verdict`` (empty).
    """
    decided = {(each.left, each.right) for each in known.decided}
    probability, cluster = found.pairs.probability, found.cluster
    is_apart = cluster[found.pairs.left] != cluster[found.pairs.right]
    chosen = np.flatnonzero((probability >= UNCERTAIN) & is_apart)
    chosen = chosen[np.argsort(np.abs(probability[chosen] - 0.5), kind="stable")]
    ends = pl.DataFrame({"one": ids.gather(found.pairs.left[chosen]), "other": ids.gather(found.pairs.right[chosen])})
    table = ends.select(
        pl.min_horizontal("one", "other").alias("left"),
        pl.max_horizontal("one", "other").alias("right"),
        pl.Series("probability", probability[chosen].round(4)),
        pl.Series("agree", _by_pattern(found, chosen, found.agreeing), dtype=pl.String),
        pl.Series("differ", _by_pattern(found, chosen, found.differing), dtype=pl.String),
        verdict=pl.lit(""),
    )
    is_open = [pair not in decided for pair in table.select("left", "right").iter_rows()]
    return table.filter(pl.Series(is_open, dtype=pl.Boolean))


def _by_pattern(found: Linkage, pairs: Indices, names: Callable[[int], list[str]]) -> list[str]:
    """Return the result of ``names`` for each pair, joined by spaces; computed once for pairs with equal levels."""
    texts: dict[bytes, str] = {}
    patterns = [row.tobytes() for row in found.pairs.agreement[pairs]]
    for pattern, pair in zip(patterns, pairs.tolist(), strict=True):
        if pattern not in texts:
            texts[pattern] = " ".join(names(pair))
    return [texts[pattern] for pattern in patterns]


def changed_persons(persons: pl.DataFrame, before: Mapping[str, str]) -> pl.DataFrame:
    """Return the persons that are new, merged from several persons, or split from one, since the earlier links.

    ``before`` has the earlier person id by customer id.

    Columns: ``change`` (new, merged, split), ``person_id``, ``customers`` (ids, separated by spaces).
    """
    earlier = pl.DataFrame({ID: [*before], "earlier": [*before.values()]}, schema={ID: pl.String, "earlier": pl.String})
    each = persons.join(earlier, on=ID, how="left", maintain_order="left")
    parts = each.drop_nulls("earlier").group_by("earlier").agg(pl.col(PERSON).n_unique().alias("parts"))
    found = (
        each.join(parts, on="earlier", how="left")
        .group_by(PERSON)
        .agg(
            was_linked=pl.col("earlier").is_not_null().any(),
            is_part=(pl.col("parts") > 1).any(),
            several=pl.coalesce("earlier", ID).n_unique() > 1,
            customers=pl.col(ID).sort().str.join(" "),
        )
        .filter(pl.col("is_part") | pl.col("several"))
    )
    change = pl.when("is_part").then(pl.lit("split")).when("was_linked").then(pl.lit("merged")).otherwise(pl.lit("new"))
    return found.select(change.alias("change"), PERSON, "customers").sort(PERSON)
