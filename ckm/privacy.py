"""Erase a customer, export all rows on a customer, remove expired rows, and copy tables without persons.

>>> import ckm
>>> ckm.privacy.erase("shop", "cus_42").frame   # doctest: +SKIP
>>> ckm.privacy.export("shop", "cus_42").save("cus_42.json")  # doctest: +SKIP
>>> ckm.privacy.retention("shop").frame  # doctest: +SKIP
>>> ckm.privacy.pseudonymise("shop", "copy", key="/home/me/shop.key").frame  # doctest: +SKIP
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._privacy import erasure
from ckm._privacy import retention as old_rows
from ckm._privacy.access import PersonalData, personal_data
from ckm._privacy.erasure import Receipt
from ckm._privacy.pseudonymised import pseudonymised, read_key, refuse_full
from ckm.config import open_workspace
from ckm.errors import UsageError
from ckm.files import OWNER_ONLY_FOLDER, replacing
from ckm.group_size import refuse_small_groups
from ckm.remark import basis, doubt
from ckm.render.page import render_page
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    Progress = Callable[[str], None]

__all__ = [
    "ErasureResult",
    "PersonalDataResult",
    "PseudonymisedCopy",
    "Receipt",
    "RetentionResult",
    "erase",
    "export",
    "pseudonymise",
    "retention",
]

RESULTS_NOT_SEARCHED = "result files in out/ are not searched"
EXPIRED = "expired"
PSEUDONYMISED = "pseudonymised"
REMOVED, REMAINS, BEYOND = "removed", "remains", "beyond reach"


@dataclass(frozen=True)
class ErasureResult(Result):
    """Result of an erasure.

    Attributes
    ----------
    receipt
        Number of removed rows by place, and places where the person remains.
    remarks
        Remarks on the result, as sentences.
    """

    receipt: Receipt
    remarks: tuple[str, ...] = ()

    @property
    def frame(self) -> pl.DataFrame:
        """One row per place: ``place``, ``status``, ``rows``.

        The status is ``removed``, ``pseudonymised``, ``remains``, or ``beyond reach`` (source files, history of git);
        the number of rows is null if it is not counted.
        """
        receipt = self.receipt
        rows = [
            *((place, REMOVED, count) for place, count in receipt.removed.items()),
            *((place, PSEUDONYMISED, count) for place, count in receipt.pseudonymised.items()),
            *((place, REMAINS, None) for place in receipt.remaining),
            *((place, BEYOND, None) for place in receipt.sources),
            *([("git history", BEYOND, None)] if receipt.in_git else []),
        ]
        return pl.DataFrame(rows, schema={"place": pl.String, "status": pl.String, "rows": pl.Int64}, orient="row")

    @property
    def summary(self) -> pl.DataFrame:
        """Same as :attr:`frame`."""
        return self.frame


def erase(
    source: str | os.PathLike[str] | None,
    *ids: str,
    force: bool = False,
    keep_counts: bool = False,
    on: date | None = None,
    progress: Progress = lambda step: None,
) -> ErasureResult:
    """Erase persons from a workspace, and drop their rows from every later load.

    All ids that ``identities.csv`` links to the given ids are erased too. Rows are removed from the store with its
    quarantine, replaced rows, run history and cached ledger, from ``identities.csv``, from the result files in
    ``out/`` and from the audiences. A receipt is written to ``privacy/receipts/``. An erasure that was killed is
    completed by the next erasure or the next load.

    Parameters
    ----------
    source
        Folder of the workspace. Default: the workspace around the current folder.
    *ids
        Customer ids as in the store.
    force
        Whether to erase an id that the store does not have, so that later loads drop its rows.
    keep_counts
        Whether rows of tables, earlier states and saved runs are kept under a random id, without order numbers, names,
        contacts and texts, so that past totals do not change. Rows of the quarantine, links and result files are
        removed.
    on
        Date of the erasure, for the receipt. Default: today.
    progress
        Called with the name of each step.

    Raises
    ------
    UsageError
        No id is given, or the store has no such customer.
    RefusedError
        A link of the person in ``identities.csv`` has a probability below 90 %, and nobody reviewed it.
    BusyError
        Another writer holds the store.
    """
    if not all(ids or [""]):
        raise UsageError("no customer id is given, or an empty one", hint="ckm privacy erase ID")
    workspace = open_workspace(None if source is None else Path(source))
    day = (on or date.today()).isoformat()  # written to the receipt; no analysis depends on it
    receipt = erasure.erase(workspace, ids, day, force=force, keep_counts=keep_counts, progress=progress)
    return ErasureResult(receipt, tuple(_remarks(receipt)))


@dataclass(frozen=True)
class PersonalDataResult(Result):
    """All rows of a workspace on one person.

    Attributes
    ----------
    data
        The rows by place, with purposes and sources.
    remarks
        Remarks on the result, as sentences.
    """

    data: PersonalData
    remarks: tuple[str, ...] = ()

    @property
    def frame(self) -> pl.DataFrame:
        """One row per place: ``place``, ``rows``, ``purpose``."""
        places = [(place.name, place.rows.height, place.purpose) for place in self.data.places]
        return pl.DataFrame(places, schema={"place": pl.String, "rows": pl.Int64, "purpose": pl.String}, orient="row")

    @property
    def summary(self) -> pl.DataFrame:
        """Same as :attr:`frame`."""
        return self.frame

    def to_json(self) -> str:
        """Return all rows, sources and purposes as JSON text."""
        return f"{json.dumps(self.data.to_dict(), ensure_ascii=False, indent=2)}\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all rows as JSON (``.json``) or as a readable page (``.html``) that only its owner can read.

        Raises
        ------
        UsageError
            The suffix is neither ``.json`` nor ``.html``, or the file cannot be written.
        """
        target = Path(path)
        if target.suffix not in (".json", ".html"):
            raise UsageError(f"{target}: personal data are written as .json or .html", hint="-o person.json")
        text = self.to_json() if target.suffix == ".json" else render_page(self.data.document())
        with replacing(target, owner_only=True) as draft:
            draft.write_text(text, encoding="utf-8", newline="")
        return target


def export(source: str | os.PathLike[str] | None, *ids: str) -> PersonalDataResult:
    """Return all rows of a workspace on a person, with all ids that ``identities.csv`` links.

    The result has rows of all tables, with the quarantine, replaced rows and earlier states; results of saved runs
    (segments, churn probabilities, reasons); members of audiences; and links. Each table or file has its purpose and
    the source files of the rows.

    Parameters
    ----------
    source
        Folder of the workspace. Default: the workspace around the current folder.
    *ids
        Customer ids as in the store.

    Raises
    ------
    UsageError
        No id is given, or the workspace has no row on the person.
    RefusedError
        A link of the person in ``identities.csv`` has a probability below 90 %, and nobody reviewed it.
    """
    if not all(ids or [""]):
        raise UsageError("no customer id is given, or an empty one", hint="ckm privacy export ID")
    data = personal_data(open_workspace(None if source is None else Path(source)), ids)
    if not data.places:
        raise UsageError(f"the workspace has nothing on '{ids[0]}'", hint="write the id as the store has it")
    rows = sum(place.rows.height for place in data.places)
    return PersonalDataResult(
        data, (basis(f"{counted(rows, 'row')} on {counted(len(data.ids), 'customer id')}; {RESULTS_NOT_SEARCHED}"),)
    )


@dataclass(frozen=True)
class RetentionResult(Result):
    """Number of rows that are older than the maximum age of their table.

    Attributes
    ----------
    frame
        One row per table with a maximum age: ``table``, ``maximum_age`` (days), ``before`` (first day whose rows are
        kept), ``rows`` (number of older rows), ``undated`` (number of rows without a date, which are
        kept), ``status`` (expired, removed).
    applied
        Whether the rows were removed.
    receipt
        Path of the receipt in the workspace; empty if nothing was removed.
    remarks
        Remarks on the result, as sentences.
    """

    frame: pl.DataFrame
    applied: bool
    receipt: str
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """Same as :attr:`frame`."""
        return self.frame


def retention(
    source: str | os.PathLike[str] | None = None,
    *,
    apply: bool = False,
    on: date | None = None,
    progress: Progress = lambda step: None,
) -> RetentionResult:
    """Count or remove rows that are older than ``privacy.retention`` of ckm.yaml allows.

    Removed rows cannot be restored: old files of the tables are deleted too. A receipt with the counts is written to
    ``privacy/receipts/``. A removal that was killed is completed by the next removal.

    Parameters
    ----------
    source
        Folder of the workspace. Default: the workspace around the current folder.
    apply
        Whether to remove the rows.
    on
        Day from which ages are counted. Default: today.
    progress
        Called with the name of each step.

    Raises
    ------
    UsageError
        ``privacy.retention`` is empty, or has an unknown name.
    BusyError
        Another writer holds the store.
    """
    workspace = open_workspace(None if source is None else Path(source))
    if not workspace.config.privacy.retention:
        raise UsageError("ckm.yaml: privacy.retention is empty", hint="write a maximum age, such as interactions: 3y")
    day = on or date.today()  # retention counts from today by law; no analysis depends on it
    found = old_rows.remove(workspace, day, progress=progress) if apply else old_rows.find_expired(workspace, day)
    status = REMOVED if apply else EXPIRED
    rows = [(each.table, each.days, each.before, each.rows, each.undated, status) for each in found]
    types = {"table": pl.String, "maximum_age": pl.Int64, "before": pl.Date, "rows": pl.Int64, "undated": pl.Int64}
    frame = pl.DataFrame(rows, schema={**types, "status": pl.String}, orient="row")
    removed = {f"store/{each.table}": each.rows for each in found if each.rows}
    receipt = (
        erasure.write_receipt(workspace, f"{day}-retention", {"on": str(day), "removed": removed}) if apply else ""
    )
    return RetentionResult(frame, apply, receipt, tuple(_retention_remarks(frame, day, receipt)))


def _retention_remarks(frame: pl.DataFrame, day: date, receipt: str) -> list[str]:
    old, undated = int(frame["rows"].sum()), int(frame["undated"].sum())
    done = f"removed; receipt: {receipt}" if receipt else "expired; nothing was removed (--apply removes them)"
    remarks: list[str] = [basis(f"as of {day}: {counted(old, 'row')} {done}")]
    if undated:
        remarks.append(doubt(f"{counted(undated, 'row')} without a date kept"))
    if receipt and old:
        remarks.append(doubt("source files still have the rows; a file that is loaded anew brings them back"))
    return remarks


@dataclass(frozen=True)
class PseudonymisedCopy(Result):
    """Result of :func:`pseudonymise`: written files, with the treatment of each column.

    Attributes
    ----------
    frame
        One row per column: ``table``, ``column``, ``treatment`` (keyed hash, masked, decade, unchanged, dropped).
    summary
        One row per table: ``table``, ``rows``.
    files
        Written files.
    remarks
        Remarks on the result, as sentences.
    """

    frame: pl.DataFrame
    summary: pl.DataFrame
    files: tuple[Path, ...]
    remarks: tuple[str, ...] = ()


def pseudonymise(
    source: str | os.PathLike[str] | None,
    folder: str | os.PathLike[str],
    *,
    key: str | os.PathLike[str],
    progress: Progress = lambda step: None,
) -> PseudonymisedCopy:
    """Write a copy of all tables with keyed hashes instead of ids, without names, contacts and texts.

    Equal ids have equal hashes in all tables and in all copies with the same key. Linked customers have the hash of
    their person id. Columns that only a source has are dropped. The store is not changed.

    Parameters
    ----------
    source
        Folder of the workspace. Default: the workspace around the current folder.
    folder
        New or empty folder for the copy: one Parquet file per table.
    key
        File with the key, outside of the workspace and of the copy.
    progress
        Called with the name of each table.

    Raises
    ------
    RefusedError
        The key is inside of the workspace or of the copy, is too short, or can be read by other users; or a group of
        customers with equal quasi-identifiers is smaller than ``privacy.min_group_size``.
    UsageError
        The folder is not empty.
    """
    from ckm.dataset import open_dataset

    dataset = open_dataset(None if source is None else Path(source))
    if dataset.workspace is None:
        raise UsageError("only a workspace is pseudonymised", hint="ckm init DIR, then ckm ingest FILE")
    target = Path(folder)
    secret = read_key(Path(key), (dataset.workspace.root, target))
    refuse_full(target)
    copies, treated = {}, []
    for name, frame in sorted(dataset.tables.items()):
        progress(name)
        copies[name], columns = pseudonymised(name, frame, secret)
        treated += [(name, column, how) for column, how in columns.items()]
    for name, copied in copies.items():
        refuse_small_groups(copied, dataset.config.privacy, f"table {name}")
    target.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    for name, copied in copies.items():
        with replacing(target / f"{name}.parquet") as draft:
            copied.write_parquet(draft)
    table = pl.DataFrame(treated, schema=dict.fromkeys(("table", "column", "treatment"), pl.String), orient="row")
    sizes = [(name, copied.height) for name, copied in copies.items()]
    return PseudonymisedCopy(
        table,
        pl.DataFrame(sizes, schema={"table": pl.String, "rows": pl.Int64}, orient="row"),
        tuple(target / f"{name}.parquet" for name in copies),
        (
            *dataset.remarks,
            basis(
                f"{counted(len(copies), 'table')} written to {target}; whoever has the key can find known ids in them"
            ),
        ),
    )


def _remarks(receipt: Receipt) -> list[str]:
    ids = counted(receipt.customer_ids, "customer id")
    known = f"{ids} erased before; nothing was left to remove"
    remarks: list[str] = [basis(f"{ids} erased; receipt: {receipt.receipt}" if receipt.receipt else known)]
    if receipt.remaining:
        remarks.append(doubt(f"{counted(len(receipt.remaining), 'place')} in the workspace must be edited by hand"))
    if receipt.sources:
        files = counted(len(receipt.sources), "source file")
        remarks.append(doubt(f"{files} contained the person; delete or edit them"))
    if receipt.in_git:
        remarks.append(doubt("the history of git may contain the person; ckm does not change it"))
    if receipt.contacts_kept:
        shared = counted(receipt.contacts_kept, "contact or name", "is", "are")
        remarks.append(doubt(f"{shared} shared with other customers, and not used to recognise the person later"))
    return remarks
