"""Audiences: frozen lists of customers with a randomised holdout, and contact files for e-mail and advertising.

>>> import ckm
>>> found = ckm.audience.new("shop", "win-back", origin="churn-warn", budget=500)  # doctest: +SKIP
>>> ckm.audience.export("shop", "win-back", to="klaviyo").save("klaviyo.csv")       # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from ckm._audience.candidates import find_candidates
from ckm._audience.design import WINDOW_DAYS, AudienceOptions, designed
from ckm._audience.export_files import TARGETS, ContactList, contact_list
from ckm._audience.linked_members import as_persons, crossed_remark
from ckm._audience.remarks import design_remarks, file_remarks, gain_remarks
from ckm._audience.result import LIST_COLUMNS, Audience, AudienceList
from ckm._audience.suppressions import suppressions
from ckm._outcome.metric_values import read_shop
from ckm.assignments import FOLDER as AUDIENCES
from ckm.assignments import (
    TREATED,
    audience_folder,
    audience_names,
    check_name,
    commit,
    read_assignment,
    read_members,
)
from ckm.dataset.source import dataset_of
from ckm.errors import UnknownNameError, UsageError
from ckm.remark import basis
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from ckm.config import Workspace
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source

__all__ = ["TARGETS", "Audience", "ContactList", "export", "list_audiences", "new", "show"]


def new(
    source: Source,
    name: str,
    *,
    origin: str,
    as_of: date | None = None,
    budget: int | None = None,
    metric: str = "order",
    window: int = WINDOW_DAYS,
    holdout: float | None = None,
    smallest_effect: float | None = None,
    entry: str = "",
    offer: str = "",
    salt: str | None = None,
    adjust: bool = False,
    dry_run: bool = False,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Audience:
    """Create a frozen audience with a randomised holdout, in the folder ``audiences/NAME/`` of the workspace.

    Members are the persons of ``origin`` who may be contacted. The persons with the smallest hashes of salt and id are
    the holdout, within strata of value and risk. ``assignment.json`` is flushed to the disk before ``members.csv`` is
    written.

    Parameters
    ----------
    source
        A workspace; None for the workspace that contains the current folder.
    name
        Name of the audience. Repeating a call changes nothing; an audience with other members or options needs another
        name.
    origin
        One of :data:`ckm._audience.candidates.ORIGINS`. If a file has a column ``arm``, its arms are used and no
        holdout is drawn.
    as_of
        Day of the assignment: the window begins on the next day. Default: the day in the column ``assigned_at`` of a
        file; else the newest usual day with a transaction.
    budget
        Maximum number of treated persons; None means no limit.
    metric
        Primary metric, one of :data:`ckm.names.METRICS`.
    window
        Length of the window in days.
    holdout
        Share of the holdout, in (0, 1). Default: computed from ``smallest_effect``; without it 0.2.
    smallest_effect
        Smallest effect per person that matters, above 0: a difference of shares for a rate, of amounts for ``net`` and
        ``margin``. The holdout gets the smallest share with which this effect is detected with a power of 80 %.
    entry
        Id of the knowledge entry that the treated persons get. Default: for ``churn-warn`` and ``you-said-we-did``,
        each person's first answering entry; for a file, its column ``entry``.
    offer
        Name of the offer that the treated persons get.
    salt
        Salt of the hashes. Default: name and day of the assignment.
    adjust
        Whether the effect will also be adjusted by the covariates before, value and risk, which must be declared now.
    dry_run
        Whether to return the audience without writing it.
    seed
        Random seed of the churn model.
    progress
        Called with the name of each stage.

    Returns
    -------
    Audience
        The members with their arms, the assignment, and remarks.

    Raises
    ------
    UsageError
        The name is taken or invalid, an option is out of range, or the source is not a workspace.
    UnknownNameError
        The metric, the origin, its segment or a knowledge entry does not exist.
    NotEnoughDataError
        Fewer than two persons may be contacted, an arm would be empty, or the smallest effect that matters cannot be
        detected.
    InputError
        A file is invalid; see :func:`ckm._audience.candidates.of_file`.
    VerificationError
        The existing audience of this name, or another one, was changed after its assignment.
    """
    options = AudienceOptions(
        origin, as_of, budget, metric, window, holdout, smallest_effect, entry, offer, salt, adjust, seed
    )
    options.check()
    check_name(name)
    dataset = dataset_of(source, by_customer=True)
    workspace = _workspace(dataset)
    folder = workspace.root / AUDIENCES / name
    _check_entries(workspace, entry)
    progress("listing")
    found = find_candidates(origin, dataset, as_of, lambda: read_shop(dataset, as_of), seed=seed)
    progress("assigning")
    shop = read_shop(dataset, as_of or found.assigned_on)
    unknown = tuple(file_remarks(found, shop)) if found.by_file else ()
    if found.by_file:
        _check_entries(workspace, *found.frame["entry"].drop_nulls().unique().sort())
    listed, remarks = (found.frame, ()) if found.has_arms else suppressions(found.frame, shop, name)
    assignment, members = designed(name, listed, found, shop, options)
    if not dry_run:
        progress("writing")
        assignment = commit(folder, assignment, members)
    notes = (*design_remarks(assignment), *unknown, *gain_remarks(members), *remarks, *found.remarks)
    return Audience(assignment, members, notes, None if dry_run else folder)


def show(source: Source, name: str) -> Audience:
    """Read an audience, and verify its files against the digests and the rule of its assignment.

    Parameters
    ----------
    source
        A workspace; None for the workspace that contains the current folder.
    name
        Name of the audience.

    Raises
    ------
    UsageError
        The source is not a workspace.
    UnknownNameError
        No audience has this name.
    VerificationError
        A file of the audience was changed after the assignment, or is missing.
    """
    dataset = dataset_of(source, by_customer=True)
    folder = audience_folder(_workspace(dataset).root, name)
    assignment = read_assignment(folder)
    members, erased = read_members(folder, assignment)
    remarks: list[str] = [basis(f"the files agree with the assignment of {assignment.assigned_on}")]
    if erased:
        remarks.append(basis(f"{counted(erased, 'person')} erased since the assignment"))
    return Audience(assignment, members, tuple(remarks), folder)


def list_audiences(source: Source = None) -> AudienceList:
    """Return all audiences of a workspace, sorted by name.

    Parameters
    ----------
    source
        A workspace; None for the workspace that contains the current folder.

    Raises
    ------
    UsageError
        The source is not a workspace.
    VerificationError
        An ``assignment.json`` was changed after the assignment.
    """
    root = _workspace(dataset_of(source, by_customer=True)).root
    all_of = [read_assignment(root / AUDIENCES / name) for name in audience_names(root)]
    rows = [
        (
            each.name,
            each.origin,
            each.assigned_on,
            each.last_day,
            each.metric,
            each.treated,
            each.holdout,
            each.entry or ("by person" if each.entries else ""),
        )
        for each in all_of
    ]
    return AudienceList(pl.DataFrame(rows, schema=LIST_COLUMNS, orient="row"))


def export(source: Source, name: str, *, to: str = "csv") -> ContactList:
    """Return the contacts of the treated persons of an audience, in the format of another program.

    Customer ids that were linked since the assignment are one person; a person with an id in the holdout is left out.
    Persons whose newest consents do not allow marketing are left out.

    Parameters
    ----------
    source
        A workspace; None for the workspace that contains the current folder.
    name
        Name of the audience.
    to
        Target, one of :data:`TARGETS`.

    Raises
    ------
    UsageError
        The source is not a workspace.
    UnknownNameError
        The audience or the target does not exist.
    VerificationError
        A file of the audience was changed after the assignment, or is missing.
    RefusedError
        A combination of quasi-identifiers belongs to fewer persons than ``privacy.min_group_size``.
    """
    if to not in TARGETS:
        raise UnknownNameError("target", to, TARGETS, where="--to")
    found = show(source, name)
    dataset = dataset_of(source, by_customer=True)
    members, crossed = as_persons(found.members, dataset.persons)
    made = contact_list(to, found.assignment, members.filter(pl.col("arm") == TREATED), dataset)
    return replace(made, remarks=(*made.remarks, *crossed_remark(crossed)))


def _workspace(dataset: Dataset) -> Workspace:
    if dataset.workspace is None:
        raise UsageError("an audience needs a workspace", hint="create one: ckm init DIR")
    return dataset.workspace


def _check_entries(workspace: Workspace, *entries: str) -> None:
    """Raise UnknownNameError if one of the ids (empty ones aside) is not the id of a knowledge entry."""
    if not any(entries):
        return
    from ckm._kb.entry_files import read_folder

    ids = [each.id for each in read_folder(workspace.kb_dir).entries]
    for entry in entries:
        if entry and entry not in ids:
            raise UnknownNameError("knowledge entry", entry, ids, where="--entry")
