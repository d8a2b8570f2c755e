"""Link customer ids of one person, across sources and channels.

>>> import ckm
>>> found = ckm.link.link("shop")          # writes identities.csv of the workspace  # doctest: +SKIP
>>> found.summary                           # doctest: +SKIP
>>> ckm.link.explain("shop", "cus_42", "ann@example.com").frame  # doctest: +SKIP
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._link.linkage import OF_RELATIVES, Linkage, link_records, probability_of
from ckm._link.persons import changed_persons, person_ids, spanning_links, uncertain_pairs
from ckm._link.records import ID, comparable
from ckm._link.verdicts import Verdict, check_verdicts, read_verdicts
from ckm.config import open_workspace
from ckm.dataset.link_records import customer_ids, records_of_source
from ckm.errors import UnknownNameError, UsageError
from ckm.identities import FILE, MODEL, SAME, Identities, Link, ordered, read_identities
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    Progress = Callable[[str], None]
    Indices = NDArray[np.int64]

SIMILAR = 3
"""Lowest level that an explanation calls similar: three quarters of the characters are equal."""
LINK_COLUMNS = ("person_id", "left", "right", "probability", "weight", "fields", "by")


@dataclass(frozen=True)
class LinkResult(Result):
    """Links between customer ids.

    Attributes
    ----------
    frame
        One row per link: ``person_id``, ``left`` and ``right`` (customer ids), ``probability`` of a match, ``weight``
        in bits, ``fields`` (names of the agreeing fields), and ``by`` (who decided: ``ckm link`` or a person).
    persons
        One row per customer id: ``customer_id``, ``person_id``.
    changes
        Changes since the earlier links, one row per person: ``change`` (new, merged, split), ``person_id`` and
        ``customers`` (ids, separated by spaces).
    uncertain
        Pairs for review, which are not linked, most uncertain first: ``left``, ``right``, ``probability``, ``agree``,
        ``differ`` (names of fields), ``verdict`` (empty).
    identities
        Content of ``identities.csv``.
    remarks
        Remarks on the result, as sentences.
    path
        The written file; None for a file of records, a dry run, or a workspace without links.
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
        """One row each (``what``, ``count``): customer ids, persons, links, wrong links to expect, pairs for review."""
        counts = {
            "customer ids": self.persons.height,
            "persons": self.persons["person_id"].n_unique(),
            "links": self.frame.height,
            "wrong links to expect": math.ceil(self.expected_wrong),
            "pairs for review": self.uncertain.height,
        }
        return pl.DataFrame({"what": [*counts], "count": [*counts.values()]})

    @property
    def expected_wrong(self) -> float:
        """Expected number of wrong links: the sum of 1 - probability over the links that the model found."""
        return float((1 - self.frame["probability"]).sum())


@dataclass(frozen=True)
class LinkExplanation(Result):
    """Why two customer ids are linked or not linked.

    Attributes
    ----------
    frame
        One row per field: ``field``, ``agreement`` (equal, similar, different, missing), ``weight`` in bits
        (positive: evidence for one person; null if missing). The values of the fields are not shown.
    probability
        Probability that both ids are of one person.
    verdict
        Decision of a person: ``same`` or ``different``; empty without a decision.
    remarks
        Remarks on the result, as sentences.
    """

    frame: pl.DataFrame
    probability: float
    verdict: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """One row: ``probability``, ``verdict``."""
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

    Names, e-mail addresses, telephone numbers, addresses, dates of birth and ids are compared by probabilistic record
    linkage (:mod:`ckm.models.linkage`), without labelled pairs. Pairs with a probability of at least
    :data:`ckm._link.linkage.AUTOMATIC` are linked; less probable pairs are for review. Decisions of people in
    ``identities.csv`` are kept: ``same`` links two ids, ``different`` forbids the link. A person keeps its id from run
    to run.

    Parameters
    ----------
    source
        A workspace; a file or a table of records, for which nothing is written; None for the workspace around the
        current folder.
    dry_run
        Whether to leave ``identities.csv`` unchanged.
    on
        Date of new links in ``identities.csv``. Default: today.
    seed
        Seed of the sample of random pairs.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError
        There is no workspace, or ``identities.csv`` is invalid.
    NotEnoughDataError
        There are fewer than two records, or no field can be compared.
    """
    tell = progress or (lambda _: None)
    tell("reading")
    records, workspace = records_of_source(source)
    known = read_identities(workspace.root / FILE) if workspace is not None else Identities()
    found = _linkage(records, known, seed, tell)
    result = _result(records, found, known, on or date.today())  # written to the file; no link depends on it
    if workspace is None or dry_run:
        return result
    path = workspace.root / FILE
    result.identities.write(path)
    return replace(result, path=path if path.exists() else None)


def explain(
    source: str | os.PathLike[str] | pl.DataFrame | None, left: str, right: str, *, seed: int = 0
) -> LinkExplanation:
    """Return why two customer ids are linked or not: agreement and weight of each field, without values.

    Raises
    ------
    UnknownNameError
        A customer id is unknown.
    UsageError, NotEnoughDataError
        Same errors as of :func:`link`.
    """
    records, workspace = records_of_source(source)
    known = read_identities(workspace.root / FILE) if workspace is not None else Identities()
    places = {customer: place for place, customer in enumerate(records[ID])}
    for each in (left, right):
        if each not in places:
            raise UnknownNameError("customer id", each, [])
    found = _linkage(records, known, seed, lambda _: None)
    rows: list[tuple[str, str, float | None]] = []
    probability = 0.0
    remarks: list[str] = []
    if found.model is not None and found.comparer is not None:
        pair = np.array([places[left]]), np.array([places[right]])
        compared = found.comparer.compare(*pair)
        probability = float(probability_of(found.model, compared)[0])
        for name, levels, weights in zip(compared.names, compared.levels, found.model.weights(), strict=True):
            level = int(levels[0])
            weight = None if level < 0 else float(weights[level] / np.log(2))
            rows.append((name, _agreement(level, len(weights)), weight))
        rarity = float((compared.rarity.of_person + compared.rarity.of_household)[0] / np.log(2))
        rows.append(("rarity of equal values", "", rarity))
        if compared.may_be_relatives[0]:
            remarks.append(
                doubt(
                    "both may be of one household (a contact or street is equal, and a name or birth differs) "
                    "or two firms (mailboxes of a role at two hosts); the probability is limited to "
                    f"{OF_RELATIVES:.0%}, so that only a person's decision links them"
                )
            )
    one = ordered(Link(left, right))
    verdict = next((each.verdict for each in known.decided if (each.left, each.right) == (one.left, one.right)), "")
    persons = known.persons
    together = persons.get(left, left) == persons.get(right, right)
    return LinkExplanation(
        pl.DataFrame(rows, schema={"field": pl.String, "agreement": pl.String, "weight": pl.Float64}, orient="row"),
        probability,
        verdict,
        (basis("linked in identities.csv" if together else "not linked in identities.csv"), *remarks),
    )


def review(
    source: str | os.PathLike[str] | None,
    verdicts: Mapping[tuple[str, str], str] | Path,
    *,
    by: str,
    on: date | None = None,
) -> Identities:
    """Write a person's decisions on pairs of customer ids to ``identities.csv``; return all links of the file.

    The next :func:`link` applies the decisions to all ids of the persons.

    Parameters
    ----------
    source
        A workspace; None for the workspace around the current folder.
    verdicts
        ``same`` or ``different`` by pair of customer ids; or a CSV file with the columns ``left``, ``right`` and
        ``verdict``; lines without a verdict are ignored.
    by
        Name of the person who decided.
    on
        Date of the decisions. Default: today.

    Raises
    ------
    UsageError
        There is no workspace; a verdict or a customer id is unknown. For a file, the error names the line.
    """
    workspace = open_workspace(None if source is None else Path(source))
    if by == MODEL:
        raise UsageError(f"'{MODEL}' is the program", hint="--by NAME says who decided")
    if isinstance(verdicts, Path):
        decided, path = read_verdicts(verdicts), verdicts
    else:
        decided, path = [Verdict(left, right, verdict) for (left, right), verdict in verdicts.items()], None
    check_verdicts(decided, customer_ids(workspace), path)
    day = (on or date.today()).isoformat()
    known = read_identities(workspace.root / FILE)
    persons = known.persons
    links = []
    for each in decided:
        one = ordered(Link(each.left, each.right, each.verdict, by=by, on=day))
        is_same = each.verdict == SAME
        person = min(persons.get(one.left, one.left), persons.get(one.right, one.right)) if is_same else ""
        links.append(replace(one, person_id=person))
    made = known.having(links)
    made.write(workspace.root / FILE)
    return made


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
    persons = person_ids(records, found.cluster, known.persons)
    person_of = dict(persons.rows())
    decided = [
        replace(each, person_id=person_of.get(each.left, each.person_id)) if each.verdict == SAME else each
        for each in known.decided
    ]
    identities = Identities().having([*spanning_links(persons, found, known, day.isoformat()), *decided])
    uncertain = uncertain_pairs(persons[ID], found, known)
    links = _links(identities)
    of_model = links["probability"].drop_nulls()
    remarks = [_persons_remark(persons, of_model)]
    if found.fields:
        remarks.append(f"compared: {', '.join(found.fields)}")
    findings = [] if len(of_model) else ["no two customer ids agree clearly more than chance would give"]
    if uncertain.height:
        findings.append(f"{counted(uncertain.height, 'pair')} to decide, which are not linked: ckm link review")
    if findings:
        remarks.append(doubt("; ".join(findings)))
    changes = changed_persons(persons, known.persons)
    return LinkResult(links, persons, changes, uncertain, identities, tuple(remarks))


def _persons_remark(persons: pl.DataFrame, probability: pl.Series) -> str:
    several = persons.group_by("person_id").len().filter(pl.col("len") > 1).height
    text = (
        f"{counted(persons.height, 'customer id')} of {counted(persons['person_id'].n_unique(), 'person')}; "
        f"{counted(several, 'person')} with several ids"
    )
    if len(probability):
        wrong = float((1 - probability).sum())
        text += f"; of {counted(len(probability), 'link')} by the model {wrong:.1f} are expected to be wrong"
    return basis(text)


def _links(identities: Identities) -> pl.DataFrame:
    linked = [each for each in identities.links if each.verdict == SAME]
    texts = pl.DataFrame(
        {name: [getattr(each, name) for each in linked] for name in LINK_COLUMNS},
        schema=dict.fromkeys(LINK_COLUMNS, pl.String),
    )
    numbers = pl.col("probability", "weight").replace("", None).cast(pl.Float64)
    return texts.with_columns(numbers).sort("person_id", "left", "right")


def _agreement(level: int, levels: int) -> str:
    if level < 0:
        return "missing"
    if level == levels - 1:
        return "equal" if levels > 2 else "yes"  # the field on exchanged names has two levels: no and yes
    if levels == 2:
        return "no"
    return "similar" if level >= SIMILAR else "different"
