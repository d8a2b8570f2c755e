"""Audiences: frozen lists of persons with a holdout, and their files for other programs.

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
"""Columns of the members by which an effect is adjusted."""
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
    """A frozen list of persons in two arms.

    Attributes
    ----------
    assignment
        What was fixed before the list was made.
    members
        One row per person, sorted by customer_id: customer_id, arm (treated, holdout), stratum, why, entry (empty
        without one), value (net of the last 12 months), risk (churn probability, or days since the last purchase;
        null without one), before (the metric in a window of equal length before), expected_gain and segment (null if
        unknown).
    remarks
        Remarks.
    folder
        Folder of the audience; None for a dry run.
    """

    assignment: Assignment
    members: pl.DataFrame
    remarks: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """The members."""
        return self.members

    @property
    def power(self) -> str:
        """Which effects the audience can detect, as a sentence."""
        return power_sentence(self.assignment)

    @property
    def summary(self) -> pl.DataFrame:
        """One row per arm: arm, customers, share, value (mean net of the last 12 months), risk (mean)."""
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
        One row per audience: audience, origin, assigned_on, last_day, metric, treated, holdout, entry.
    remarks
        Remarks.
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
    """Make a frozen audience with a holdout in ``audiences/NAME/``.

    Persons are those of ``origin`` who may be contacted. The holdout is drawn by a hash of salt and id within strata of
    value and risk, and ``assignment.json`` is on the disk before ``members.csv`` is written.

    Parameters
    ----------
    source
        A workspace; None for the one around the current folder.
    name
        Name of the audience. The same call can be repeated; another audience needs another name.
    origin
        One of :data:`ckm._audience.candidates.ORIGINS`. A file with a column ``arm`` is a campaign that was assigned
        elsewhere: its arms are used.
    as_of
        Day of the assignment: the window begins on the next day. Default: the newest usual day; of a file with
        ``assigned_at``, that day.
    budget
        Largest number of treated persons.
    metric
        Primary metric, one of :data:`ckm.names.METRICS`.
    window
        Days of the window.
    holdout
        Share of the holdout. Default: 0.2, or by ``smallest_effect``.
    smallest_effect
        Smallest effect that matters, from which the share is computed.
    entry, offer
        Id of the knowledge entry that the treated persons get, and a name of the offer. Default of the entry: of
        ``churn-warn`` and ``you-said-we-did``, the first entry that answers each person.
    salt
        Salt of the hash. Default: name and day.
    adjust
        Declare that the effect will be adjusted by :data:`COVARIATES`.
    dry_run
        Write nothing.
    seed
        Seed of the churn model.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError
        The name is taken or invalid, an option is out of range, or there is no workspace or no such entry.
    NotEnoughDataError
        Nobody may be contacted, or the audience is too small for the smallest effect.
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
    """Return the assignment and the members, sorted by id, with the columns of :data:`MEMBER_COLUMNS`."""
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
    """Return an audience after checking it against its assignment.

    Raises
    ------
    UnknownNameError
        There is no such audience.
    VerificationError
        A file was changed after the assignment.
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
    """Return all audiences of a workspace."""
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
    """Return the treated persons of an audience as a file for another program.

    Ids that were linked since the assignment are one person, who is left out if one of the ids is in the holdout.
    Persons who may not be contacted by their present consents are left out.

    Parameters
    ----------
    source, name
        Workspace and audience.
    to
        One of :data:`TARGETS`.

    Raises
    ------
    UnknownNameError
        The audience or the target does not exist.
    VerificationError
        A file of the audience was changed after the assignment.
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
    """Refuse an id that no knowledge entry has."""
    if not any(entries):
        return
    from ckm._kb.entry_files import read_folder

    ids = [each.id for each in read_folder(workspace.kb_dir).entries]
    for entry in entries:
        if entry and entry not in ids:
            raise UnknownNameError("knowledge entry", entry, ids, where="--entry")


def _mean(values: pl.Series, digits: int) -> float | None:
    """Return the rounded mean; None without values."""
    mean = values.mean()
    return round(mean, digits) if isinstance(mean, float) else None
