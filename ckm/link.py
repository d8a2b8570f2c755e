"""Link customer ids of one person, across sources and channels.

>>> import ckm
>>> found = ckm.link.link("shop")          # writes identities.csv of the workspace  # doctest: +SKIP
>>> found.summary                           # doctest: +SKIP
>>> ckm.link.explain("shop", "cus_42", "ann@example.com").frame  # doctest: +SKIP
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._link.linkage import Linkage, link_records
from ckm._link.records import ID, RANK, comparable, records_of_file, records_of_tables
from ckm.config import Workspace, find_workspace, open_workspace
from ckm.errors import UnknownNameError, UsageError
from ckm.identities import FILE, MODEL, SAME, VERDICTS, Identities, Link, ordered, read_identities
from ckm.io.mapping.synonyms import normalise
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    Progress = Callable[[str], None]
    Indices = NDArray[np.int64]

UNCERTAIN = (0.1, 0.9)
"""Probabilities between which a pair is for review."""
ID_COLUMNS = ("customer_id", "unique_id", "record_id", "rec_id", "id")
"""Column names of a file's record id, in order of preference; without one the row number is the id."""
LINK_COLUMNS = {
    "person_id": pl.String,
    "left": pl.String,
    "right": pl.String,
    "probability": pl.Float64,
    "weight": pl.Float64,
    "fields": pl.String,
    "by": pl.String,
}


@dataclass(frozen=True)
class LinkResult(Result):
    """Links between customer ids.

    Attributes
    ----------
    frame
        One row per link: ``person_id``, ``left`` and ``right`` (customer ids), ``probability`` of a match, ``weight``
        in bits, names of the agreeing ``fields``, and ``by`` whom.
    persons
        ``customer_id`` and ``person_id`` of every customer id.
    changes
        ``change`` (new, merged, split), ``person_id`` and ``customers`` (ids, separated by spaces), against the links
        that were there before.
    uncertain
        Pairs for review, most uncertain first: ``left``, ``right``, ``probability``, ``agree``, ``differ`` (names of
        fields), ``verdict`` (empty).
    identities
        Content of ``identities.csv``.
    remarks
        Remarks.
    path
        The written file; None for a file of records, or a dry run.
    """

    frame: pl.DataFrame
    persons: pl.DataFrame
    changes: pl.DataFrame
    uncertain: pl.DataFrame
    identities: Identities
    remarks: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def summary(self) -> pl.DataFrame:
        """Counts: customer ids, persons, links, pairs for review."""
        return pl.DataFrame(
            {
                "what": ["customer ids", "persons", "links", "pairs for review"],
                "count": [
                    self.persons.height,
                    self.persons["person_id"].n_unique(),
                    self.frame.height,
                    self.uncertain.height,
                ],
            }
        )


@dataclass(frozen=True)
class LinkExplanation(Result):
    """Why two customer ids are linked, or not.

    Attributes
    ----------
    frame
        One row per field: ``field``, ``agreement`` (equal, similar, different, missing), ``weight`` in bits (positive:
        for one person). No value of a customer.
    probability
        Probability that both are of one person.
    verdict
        Decision of a person: ``same``, ``different`` or empty.
    remarks
        Remarks.
    """

    frame: pl.DataFrame
    probability: float
    verdict: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """Probability and verdict."""
        return pl.DataFrame({"probability": [self.probability], "verdict": [self.verdict]})


def link(
    source: str | os.PathLike[str] | pl.DataFrame | None = None,
    *,
    dry_run: bool = False,
    on: date | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> LinkResult:
    """Find the customer ids that are of one person, and write them to ``identities.csv`` of the workspace.

    Names, e-mail addresses, telephone numbers, addresses, dates of birth and ids are compared as a probabilistic record
    linkage (:mod:`ckm.models.linkage`); nothing is labelled and no threshold is set. Decisions of people in
    ``identities.csv`` are kept: ``same`` links, ``different`` forbids. A person keeps its id from run to run.

    Parameters
    ----------
    source
        A workspace; a file or a table of records, which is linked without writing anything; None for the workspace
        around the current folder.
    dry_run
        Write nothing.
    on
        Date that is written beside new links. Default: today.
    seed
        Seed of the sample of random pairs.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError
        There is no workspace, or ``identities.csv`` is invalid.
    NotEnoughDataError
        There are fewer than two records, or nothing that can be compared.
    """
    tell = progress or (lambda _: None)
    tell("reading")
    records, workspace = _records(source)
    known = read_identities(workspace.root / FILE) if workspace is not None else Identities()
    found = _linkage(records, known, seed, tell)
    result = _result(records, found, known, on or date.today())  # a date for people; no result depends on it
    if workspace is None or dry_run:
        return result
    path = workspace.root / FILE
    result.identities.write(path)
    return replace(result, path=path)


def explain(
    source: str | os.PathLike[str] | pl.DataFrame | None, left: str, right: str, *, seed: int = 0
) -> LinkExplanation:
    """Return why two customer ids are linked, or not: agreement and weight of each field, without values.

    Raises
    ------
    UnknownNameError
        A customer id is unknown.
    UsageError, NotEnoughDataError
        As :func:`link`.
    """
    records, workspace = _records(source)
    known = read_identities(workspace.root / FILE) if workspace is not None else Identities()
    places = {customer: place for place, customer in enumerate(records[ID])}
    for each in (left, right):
        if each not in places:
            raise UnknownNameError("customer id", each, [])
    found = _linkage(records, known, seed, lambda _: None)
    rows: list[tuple[str, str, float | None]] = []
    probability = 0.0
    if found.model is not None and found.comparer is not None:
        pair = np.array([places[left]]), np.array([places[right]])
        compared = found.comparer.compare(*pair)
        probability = float(found.model.posterior(compared.levels, compared.rarity)["match"][0])
        for name, levels, weights in zip(compared.names, compared.levels, found.model.weights(), strict=True):
            level = int(levels[0])
            weight = None if level < 0 else float(weights[level] / np.log(2))
            rows.append((name, _agreement(level, len(weights)), weight))
        rarity = float((compared.rarity.of_person + compared.rarity.of_household)[0] / np.log(2))
        rows.append(("rarity of equal values", "", rarity))
    one = ordered(Link(left, right))
    verdict = next((each.verdict for each in known.decided if (each.left, each.right) == (one.left, one.right)), "")
    persons = known.persons
    together = persons.get(left, left) == persons.get(right, right)
    return LinkExplanation(
        pl.DataFrame(rows, schema={"field": pl.String, "agreement": pl.String, "weight": pl.Float64}, orient="row"),
        probability,
        verdict,
        (basis("linked in identities.csv" if together else "not linked in identities.csv"),),
    )


def review(
    source: str | os.PathLike[str] | None, verdicts: Mapping[tuple[str, str], str], *, by: str, on: date | None = None
) -> Identities:
    """Write decisions of a person on pairs of customer ids to ``identities.csv``.

    The next :func:`link` forms the persons with them.

    Parameters
    ----------
    source
        A workspace; None for the one around the current folder.
    verdicts
        ``same`` or ``different`` by pair of customer ids.
    by
        Who decided.
    on
        Date of the decisions. Default: today.

    Raises
    ------
    UsageError
        There is no workspace, or a verdict is unknown.
    """
    workspace = open_workspace(None if source is None else Path(source))
    unknown = sorted({verdict for verdict in verdicts.values() if verdict not in VERDICTS})
    if unknown:
        raise UsageError(f"unknown verdict '{unknown[0]}'", hint=f"use {' or '.join(VERDICTS)}")
    if by == MODEL:
        raise UsageError(f"'{MODEL}' is the program", hint="--by NAME says who decided")
    day = (on or date.today()).isoformat()
    known = read_identities(workspace.root / FILE)
    persons = known.persons
    links = []
    for (left, right), verdict in verdicts.items():
        one = ordered(Link(left, right, verdict, by=by, on=day))
        person = min(persons.get(one.left, one.left), persons.get(one.right, one.right)) if verdict == SAME else ""
        links.append(replace(one, person_id=person))
    made = known.having(links)
    made.write(workspace.root / FILE)
    return made


def _records(source: str | os.PathLike[str] | pl.DataFrame | None) -> tuple[pl.DataFrame, Workspace | None]:
    """Return the records of a workspace, with it, or those of a file or a table."""
    if isinstance(source, pl.DataFrame):
        return _with_ids(source), None
    path = None if source is None else Path(source)
    if path is not None and not (path.is_dir() and find_workspace(path) == path.resolve()):
        return _with_ids(_rows_of_file(path)), None
    workspace = open_workspace(path)
    from ckm.dataset.declared_payments import payments_beside_orders
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    store = Store(workspace.store_dir)
    payments = {*workspace.config.payments, *payments_beside_orders(workspace)}
    return records_of_tables({name: store.scan(name) for name in store.tables()}, payments), workspace


def _rows_of_file(path: Path) -> pl.DataFrame:
    from ckm.io.readers.hints import Hints
    from ckm.io.readers.read import open_source

    with open_source(path, Hints()) as opened:
        empty = opened.sample.clear()
        return pl.concat([empty, *(batch.records for batch in opened.batches())], how="diagonal_relaxed")


def _with_ids(rows: pl.DataFrame) -> pl.DataFrame:
    by_name = {normalise(name): name for name in rows.columns}
    for name in ID_COLUMNS:
        column = by_name.get(normalise(name))
        if column is not None and rows[column].is_unique().all() and not rows[column].null_count():
            return records_of_file(rows, column).sort(ID)  # the order of the rows has no influence
    numbered = rows.with_row_index("ckm row", offset=1).with_columns(pl.col("ckm row").cast(pl.String))
    return records_of_file(numbered, "ckm row")


def _linkage(records: pl.DataFrame, known: Identities, seed: int, progress: Progress) -> Linkage:
    places = {customer: place for place, customer in enumerate(records[ID])}
    same = [(each.left, each.right) for each in known.decided if each.verdict == SAME]
    return link_records(
        comparable(records),
        forbidden=_places(known.forbidden, places),
        required=_places(same, places),
        seed=seed,
        progress=progress,
    )


def _places(pairs: Iterable[tuple[str, str]], places: Mapping[str, int]) -> tuple[Indices, Indices]:
    found = sorted(tuple(sorted((places[a], places[b]))) for a, b in pairs if a in places and b in places)
    left, right = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return left, right


def _result(records: pl.DataFrame, found: Linkage, known: Identities, day: date) -> LinkResult:
    ids: list[str] = records[ID].to_list()
    person_of = _person_ids(ids, records[RANK].to_list(), found.cluster, known.persons)
    links = _spanning_links(ids, found, person_of, known, day.isoformat())
    decided = [
        replace(each, person_id=person_of.get(each.left, each.person_id)) if each.verdict == SAME else each
        for each in known.decided
    ]
    identities = Identities().having([*links, *decided])
    persons = pl.DataFrame({ID: ids, "person_id": [person_of[each] for each in ids]})
    linked = [each for each in identities.links if each.verdict == SAME]
    frame = pl.DataFrame(
        [
            (
                each.person_id,
                each.left,
                each.right,
                _number(each.probability),
                _number(each.weight),
                each.fields,
                each.by,
            )
            for each in linked
        ],
        schema=LINK_COLUMNS,
        orient="row",
    ).sort("person_id", "left", "right")
    uncertain = _uncertain(ids, found, known)
    several = persons.group_by("person_id").len().filter(pl.col("len") > 1)
    remarks: list[str] = [
        basis(
            f"{counted(len(ids), 'customer id')} of {counted(persons['person_id'].n_unique(), 'person')}; "
            f"{counted(several.height, 'person')} with several ids"
        )
    ]
    if found.fields:
        remarks.append(f"compared: {', '.join(found.fields)}")
    if uncertain.height:
        remarks.append(doubt(f"{counted(uncertain.height, 'pair')} with a probability of 10 to 90 %: ckm link review"))
    return LinkResult(frame, persons, _changes(persons, known.persons), uncertain, identities, tuple(remarks))


def _number(text: str) -> float | None:
    return float(text) if text else None


def _person_ids(ids: list[str], ranks: list[int], cluster: Indices, before: Mapping[str, str]) -> dict[str, str]:
    """Return the person id of each customer id: the earlier id of most of the cluster's customers, else its first id.

    The first id is one of the orders, then one of payments, then by its text: lists have the ids of the shop's export.

    An earlier id that two clusters claim stays with the one that has more of its customers.
    """
    rank = dict(zip(ids, ranks, strict=True))
    members: dict[int, list[str]] = defaultdict(list)
    for customer, number in zip(ids, cluster.tolist(), strict=True):
        members[number].append(customer)
    claims: list[tuple[int, str, int]] = []
    for number, customers in members.items():
        overlap: dict[str, int] = defaultdict(int)
        for customer in customers:
            if customer in before and before[customer] in customers:
                overlap[before[customer]] += 1
        claims += [(-count, person, number) for person, count in overlap.items()]
    given: dict[int, str] = {}
    for _, person, number in sorted(claims):
        if number not in given:
            given[number] = person
    return {
        customer: given.get(number, min(customers, key=lambda name: (rank[name], name)))
        for number, customers in members.items()
        for customer in customers
    }


def _spanning_links(
    ids: list[str], found: Linkage, person_of: Mapping[str, str], known: Identities, day: str
) -> list[Link]:
    """Return the most probable links that connect each cluster, one fewer than it has customers.

    A link that was there keeps its date.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    scored = found.pairs
    pairs = np.flatnonzero(found.cluster[scored.left] == found.cluster[scored.right])
    forbidden = known.forbidden
    graph = coo_array(
        (2.0 - scored.probability[pairs], tuple(each[pairs].astype(np.int32) for each in (scored.left, scored.right))),
        shape=(len(ids), len(ids)),
    )
    tree = minimum_spanning_tree(graph.tocsr()).tocoo()
    number = {(int(scored.left[pair]), int(scored.right[pair])): int(pair) for pair in pairs}
    since = {(each.left, each.right): each.on for each in known.links if each.of_model}
    links: list[Link] = []
    for a, b in zip(tree.row.tolist(), tree.col.tolist(), strict=True):
        pair = number[(min(a, b), max(a, b))]
        one = ordered(Link(ids[a], ids[b]))
        if (one.left, one.right) in forbidden:
            continue
        links.append(
            replace(
                one,
                person_id=person_of[one.left],
                rule="model",
                probability=f"{scored.probability[pair]:.4f}",
                weight=f"{scored.weight[pair]:.1f}",
                fields=" ".join(found.agreeing(pair)),
                by=MODEL,
                on=since.get((one.left, one.right), day),
            )
        )
    return links


def _uncertain(ids: list[str], found: Linkage, known: Identities) -> pl.DataFrame:
    """Return the pairs for review: uncertain, and not decided by a person."""
    decided = {(each.left, each.right) for each in known.decided}
    low, high = UNCERTAIN
    rows = []
    chosen = np.flatnonzero((found.pairs.probability >= low) & (found.pairs.probability <= high))
    for pair in chosen[np.argsort(np.abs(found.pairs.probability[chosen] - 0.5), kind="stable")].tolist():
        one = ordered(Link(ids[found.pairs.left[pair]], ids[found.pairs.right[pair]]))
        if (one.left, one.right) in decided:
            continue
        row = (
            round(float(found.pairs.probability[pair]), 4),
            *map(" ".join, (found.agreeing(pair), found.differing(pair))),
        )
        rows.append((one.left, one.right, *row, ""))
    schema = {
        "left": pl.String,
        "right": pl.String,
        "probability": pl.Float64,
        "agree": pl.String,
        "differ": pl.String,
        "verdict": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _changes(persons: pl.DataFrame, before: Mapping[str, str]) -> pl.DataFrame:
    """Return persons that are new, merged of several, or a part of one, compared with the links before."""
    rows: list[tuple[str, str, str]] = []
    after = dict(zip(persons[ID], persons["person_id"], strict=True))
    members: dict[str, list[str]] = defaultdict(list)
    for customer, person in after.items():
        members[person].append(customer)
    parts: dict[str, set[str]] = defaultdict(set)
    for customer, person in before.items():
        if customer in after:
            parts[person].add(after[customer])
    for person, customers in sorted(members.items()):
        earlier = {before.get(customer, customer) for customer in customers}
        linked = {before[customer] for customer in customers if customer in before}
        if any(len(parts[each]) > 1 for each in linked):
            rows.append(("split", person, " ".join(sorted(customers))))
        elif len(earlier) > 1:
            rows.append(("merged" if linked else "new", person, " ".join(sorted(customers))))
    return pl.DataFrame(
        rows, schema={"change": pl.String, "person_id": pl.String, "customers": pl.String}, orient="row"
    )


def _agreement(level: int, levels: int) -> str:
    if level < 0:
        return "missing"
    if level == levels - 1:
        return "equal" if levels > 2 else "yes"  # whether names are exchanged
    if levels == 2:
        return "no"
    return "different" if level == 0 else "similar"
