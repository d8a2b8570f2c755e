"""Audiences: frozen lists of customers with a randomised holdout, and contact files for e-mail and advertising.

>>> import ckm
>>> found = ckm.audience.new("shop", "win-back", origin="churn-warn", budget=500)  # doctest: +SKIP
>>> ckm.audience.export("shop", "win-back", to="klaviyo").save("klaviyo.csv")       # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._audience.candidates import CHURN, Candidates, find_candidates
from ckm._audience.design import (
    MONEY_DIGITS,
    WINDOW_DAYS,
    AudienceOptions,
    assigned,
    baseline_of,
    detectable_effect,
    holdout_share,
    with_figures,
)
from ckm._audience.export_files import TARGETS, ContactList, contact_list
from ckm._audience.linked_members import as_persons, crossed_remark
from ckm._audience.remarks import design_remarks, file_remarks, gain_remarks, power_sentence
from ckm._audience.suppressions import suppressions
from ckm._outcome.metric_values import ShopRecord, read_shop
from ckm.assignments import FOLDER as AUDIENCES
from ckm.assignments import (
    FROM_FILE,
    HOLDOUT,
    RULE,
    TREATED,
    Assignment,
    audience_folder,
    audience_names,
    check_name,
    commit,
    read_assignment,
    read_members,
)
from ckm.dataset.source import dataset_of
from ckm.errors import NotEnoughDataError, UnknownNameError, UsageError
from ckm.models.experiments.power import audience_size
from ckm.remark import basis
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from ckm.config import Workspace
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source

__all__ = ["TARGETS", "Audience", "ContactList", "export", "list_audiences", "new", "show"]

COVARIATES = ("before", "value", "risk")
"""Columns of the members that an adjusted effect uses as covariates."""
MEMBER_COLUMNS = (
    "customer_id",
    "arm",
    "stratum",
    "why",
    "entry",
    "value",
    "risk",
    "before",
    "expected_gain",
    "segment",
)
LIST_COLUMNS = {
    "audience": pl.String,
    "origin": pl.String,
    "assigned_on": pl.Date,
    "last_day": pl.Date,
    "metric": pl.String,
    "treated": pl.Int64,
    "holdout": pl.Int64,
    "entry": pl.String,
}


@dataclass(frozen=True)
class Audience(Result):
    """A frozen list of persons in two arms, treated and holdout.

    Attributes
    ----------
    assignment
        The design of the experiment, fixed before the list of members was written.
    members
        One row per person, sorted by customer_id: customer_id, arm (``treated`` or ``holdout``), stratum, why (reason
        for being in the list), entry (id of a knowledge entry; empty without one), value (net sales of the last 365
        days, in the currency of the shop), risk (churn probability, or days since the last purchase; null without a
        purchase), before (the metric in the window of equal length that ends with the assignment), expected_gain (in
        the currency; null if unknown) and segment (null if unknown).
    remarks
        Remarks for the user.
    folder
        Folder of the audience; None after a dry run.
    """

    assignment: Assignment
    members: pl.DataFrame
    remarks: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """Same as :attr:`members`."""
        return self.members

    @property
    def power(self) -> str:
        """A sentence with the smallest effect that the audience can detect (power 80 %, two-sided test at 5 %)."""
        return power_sentence(self.assignment)

    @property
    def summary(self) -> pl.DataFrame:
        """One row per arm: arm, customers, share of all members, value (mean) and risk (mean; null without values)."""
        total = max(1, self.members.height)
        rows = []
        for arm in (TREATED, HOLDOUT):
            mine = self.members.filter(pl.col("arm") == arm)
            means = [_mean(mine[name], digits) for name, digits in (("value", MONEY_DIGITS), ("risk", 3))]
            rows.append((arm, mine.height, round(mine.height / total, 4), *means))
        names = {"arm": pl.String, "customers": pl.Int64, "share": pl.Float64, "value": pl.Float64, "risk": pl.Float64}
        return pl.DataFrame(rows, schema=names, orient="row")


@dataclass(frozen=True)
class AudienceList(Result):
    """All audiences of a workspace.

    Attributes
    ----------
    frame
        One row per audience, sorted by name: audience, origin, assigned_on, last_day (of the window), metric, treated
        and holdout (numbers of persons), entry (id of a knowledge entry; ``by person`` if persons have different
        entries; empty without one).
    remarks
        Remarks for the user.
    """

    frame: pl.DataFrame
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """Same as :attr:`frame`."""
        return self.frame


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
        Whether the effect will also be adjusted by the covariates :data:`COVARIATES`, which must be declared now.
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
    assignment, members = _designed(name, listed, found, shop, options)
    if not dry_run:
        progress("writing")
        assignment = commit(folder, assignment, members)
    notes = (*design_remarks(assignment), *unknown, *gain_remarks(members), *remarks, *found.remarks)
    return Audience(assignment, members, notes, None if dry_run else folder)


def _designed(
    name: str, listed: pl.DataFrame, found: Candidates, shop: ShopRecord, options: AudienceOptions
) -> tuple[Assignment, pl.DataFrame]:
    """Return the assignment and the members of a new audience.

    Parameters
    ----------
    name, options
        Name and options of the audience.
    listed
        Candidates with the reason of suppression (null if the person may be contacted).
    found
        The candidates before suppressions, with the facts of their origin.
    shop
        Ledger and tables as of the day of the assignment.

    Returns
    -------
    tuple
        The assignment; and one row per member with the columns of :data:`MEMBER_COLUMNS`, sorted by customer_id.
    """
    metric, window = options.metric, options.window
    eligible = with_figures(listed.filter(pl.col("suppressed").is_null()), shop, metric, window)
    if eligible.height < 2:
        left = ", ".join(f"{reason} {count:,}" for reason, count in _counts(listed).items())
        found_of = f"{counted(eligible.height, 'person')} of {listed.height:,} may be contacted"
        raise NotEnoughDataError(
            f"{found_of}{f' (left out: {left})' if left else ''}, 2 are needed",
            hint="choose another origin, or wait until the reasons no longer apply"
            if left
            else "choose another origin",
        )
    baseline = baseline_of(eligible, shop, metric, window, by_risk=options.origin == CHURN)
    share = holdout_share(eligible, options, baseline)
    budget = None if found.has_arms else options.budget
    chosen = eligible.head(audience_size(eligible.height, share, budget))
    salt = options.salt if options.salt is not None else f"{name} {shop.as_of}"
    members, strata = assigned(chosen, salt, share)
    held = sum(each.holdout for each in strata)
    if not 0 < held < members.height:
        raise NotEnoughDataError(
            f"{counted(members.height, 'person')}: one of the arms would be empty", hint="choose another holdout"
        )
    members = members.with_columns(
        entry=pl.coalesce(pl.lit(options.entry or None, pl.String), "entry").fill_null("")
    ).select(MEMBER_COLUMNS)
    detectable = detectable_effect(metric, baseline, members.height - held, held)
    path = Path(options.origin)
    return Assignment(
        name=name,
        origin=path.name if path.exists() else options.origin,
        assigned_on=shop.as_of,
        metric=metric,
        window_days=window,
        share=share,
        salt="" if found.has_arms else salt,
        rule=FROM_FILE if found.has_arms else RULE,
        strata=tuple(strata),
        entry=options.entry,
        offer=options.offer,
        entries=not options.entry and bool((members["entry"] != "").any()),
        covariates=COVARIATES if options.adjust else (),
        baseline=baseline,
        detectable=detectable if isfinite(detectable) else None,
        suppressed=_counts(listed),
    ), members


def _counts(listed: pl.DataFrame) -> Mapping[str, int]:
    """Return the number of suppressed persons by reason."""
    return dict(listed.drop_nulls("suppressed").group_by("suppressed").len().sort("suppressed").rows())


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


def _mean(values: pl.Series, digits: int) -> float | None:
    """Return the mean, rounded to a number of decimals; None if there are no values."""
    mean = values.mean()
    return round(mean, digits) if isinstance(mean, float) else None
