"""Erase a customer from a workspace for good, or export all that is known about one.

>>> import ckm
>>> ckm.privacy.erase("shop", "cus_42").frame   # doctest: +SKIP
>>> ckm.privacy.export("shop", "cus_42").save("cus_42.json")  # doctest: +SKIP
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._privacy import erasure
from ckm._privacy.access import PersonalData, personal_data
from ckm._privacy.erasure import Receipt
from ckm.config import open_workspace
from ckm.errors import UsageError
from ckm.files import replacing
from ckm.remark import basis, doubt
from ckm.render.page import render_page
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    Progress = Callable[[str], None]

__all__ = ["ErasureResult", "PersonalDataResult", "Receipt", "erase", "export"]

RESULTS_NOT_SEARCHED = "result files in out/ are not searched"
REMOVED, REMAINS, BEYOND = "removed", "remains", "beyond reach"


@dataclass(frozen=True)
class ErasureResult(Result):
    """Result of an erasure.

    Attributes
    ----------
    receipt
        What was removed, and what is beyond reach.
    remarks
        Remarks.
    """

    receipt: Receipt
    remarks: tuple[str, ...] = ()

    @property
    def frame(self) -> pl.DataFrame:
        """One row per place: ``place``, ``status`` (removed, remains, beyond reach), ``rows`` (null if not counted)."""
        receipt = self.receipt
        rows = [
            *((place, REMOVED, count) for place, count in receipt.removed.items()),
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
    on: date | None = None,
    progress: Progress = lambda step: None,
) -> ErasureResult:
    """Erase persons from a workspace, and drop their rows from every later load.

    All ids that ``identities.csv`` links to the given ones are erased too. Rows are removed from the store with its
    quarantine, replaced rows, run history and cached ledger, from ``identities.csv`` and from the lists in ``out/``. A
    receipt is written to ``privacy/receipts/``. An erasure that was killed is completed by the next one, or by the
    next load.

    Parameters
    ----------
    source
        Folder of the workspace. Default: the workspace around the current folder.
    *ids
        Customer ids as in the store.
    force
        Whether to erase an id that the store does not have, so that later loads drop it.
    on
        Date of the erasure, for the receipt. Default: today.
    progress
        Called with the name of each step.

    Raises
    ------
    UsageError
        No id is given, or the store has no such customer.
    BusyError
        Another writer holds the store.
    """
    if not all(ids or [""]):
        raise UsageError("no customer id is given, or an empty one", hint="ckm privacy erase ID")
    workspace = open_workspace(None if source is None else Path(source))
    day = (on or date.today()).isoformat()  # a date for people; no result depends on it
    receipt = erasure.erase(workspace, ids, day, force=force, progress=progress)
    return ErasureResult(receipt, tuple(_remarks(receipt)))


@dataclass(frozen=True)
class PersonalDataResult(Result):
    """All that a workspace has on one person.

    Attributes
    ----------
    data
        The rows by place, with purposes and sources.
    remarks
        Remarks.
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
        """Return all rows, sources and purposes as JSON."""
        return f"{json.dumps(self.data.to_dict(), ensure_ascii=False, indent=2)}\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all rows as JSON (``.json``) or as a readable page (``.html``) that only its owner can read.

        Raises
        ------
        UsageError
            The suffix is another one, or the file cannot be written.
        """
        target = Path(path)
        if target.suffix not in (".json", ".html"):
            raise UsageError(f"{target}: personal data are written as .json or .html", hint="-o person.json")
        text = self.to_json() if target.suffix == ".json" else render_page(self.data.document())
        with replacing(target, owner_only=True) as draft:
            draft.write_text(text, encoding="utf-8", newline="")
        return target


def export(source: str | os.PathLike[str] | None, *ids: str) -> PersonalDataResult:
    """Return all that a workspace has on a person, with all ids that ``identities.csv`` links.

    Rows of all tables with the quarantine, replaced rows and earlier states, results of saved runs (segments, churn
    probabilities, reasons), and links. Each place has its purpose, and the files that the rows came from.

    Parameters
    ----------
    source
        Folder of the workspace. Default: the workspace around the current folder.
    *ids
        Customer ids as in the store.

    Raises
    ------
    UsageError
        No id is given, or the workspace has nothing on it.
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
