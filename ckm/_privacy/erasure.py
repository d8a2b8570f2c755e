"""Erasure of persons from a workspace, in steps that can be repeated, with a journal.

The journal contains the input of the steps, so that the next erasure or the next load completes an erasure that was
killed. It has the ids and contacts of the persons, is readable only for its owner, and is deleted at the end.

1. The journal is written. An erasure that is killed after this step is completed later.
2. Tombstones are added, so that no later load brings the persons back.
3. Rows are removed from the store, with old data files and the statistics (minimum, maximum) in the logs; with
   ``--keep-counts`` the rows are replaced by rows without the person.
4. Lines of ``identities.csv``, and rows of result files in ``out/`` and of members in ``audiences/``, are removed.
5. The remaining files of the workspace are searched; the receipt is written; the journal is deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm._privacy.contacts import contact_columns
from ckm._privacy.kept_counts import KeptCounts, kept_counts
from ckm._privacy.person import (
    CUSTOMER,
    Person,
    find_person,
    linked_ids,
    refuse_uncertain_links,
    same_address,
    tables_with_customers,
)
from ckm._privacy.result_lists import EDITABLE, is_about, remove_from_list
from ckm._privacy.tombstones import (
    FOLDER,
    ID,
    Tombstones,
    add_tombstones,
    make_private,
    read_tombstones,
    write_private,
)
from ckm._privacy.traces import Traces
from ckm.assignments import FOLDER as AUDIENCES
from ckm.errors import UsageError
from ckm.files import OWNER_ONLY_FOLDER
from ckm.identities import FILE as IDENTITIES
from ckm.identities import Identities, read_identities
from ckm.schema import RESERVED_COLUMNS, TABLES, Exposure
from ckm.store import Store
from ckm.store.damage import table_folders
from ckm.store.quarantine_search import names_customer
from ckm.store.runs import is_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ckm.config import Workspace

    Progress = Callable[[str], None]

JOURNAL, RECEIPTS = "erasure.json", "receipts"
INCOMING = "incoming"
DIGEST_LENGTH = 12
NOT_SEARCHED = frozenset({"store", FOLDER, INCOMING, ".git"})
"""Folders of a workspace that the search for remaining traces leaves out: the store is rewritten, the privacy folder
has no values, and the others are searched or named on their own."""


@dataclass(frozen=True)
class Receipt:
    """What an erasure removed, and where the person remains; without ids and other values of the person.

    Attributes
    ----------
    erased_on
        Date of the erasure (``YYYY-MM-DD``).
    customer_ids
        Number of erased customer ids, with linked ids.
    removed
        Number of removed rows, lines or objects by place: a table, or the path of a file in the workspace.
    pseudonymised
        Number of rows by table that are kept under a random id (``--keep-counts``).
    contacts_kept
        Number of contacts and names that other customers have too; by these, later loads do not recognise the person.
    sources
        Loaded files that contained the person, as the store names them. ckm does not change them.
    remaining
        Files of the workspace that still contain the person, and must be edited by hand; ``store/TABLE.COLUMN`` for
        free texts of other customers that name the person.
    in_git
        Whether the workspace is in a git repository, whose history ckm does not change.
    members
        SHA-256 of each file of audience members after its rows were removed, so that a later change of the file is
        detected.
    receipt
        Path of the receipt in the workspace; empty if the ids were erased before and nothing was left to remove.
    """

    erased_on: str
    customer_ids: int
    removed: dict[str, int] = field(default_factory=dict)
    pseudonymised: dict[str, int] = field(default_factory=dict)
    contacts_kept: int = 0
    sources: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    in_git: bool = False
    members: dict[str, str] = field(default_factory=dict)
    receipt: str = ""


@dataclass
class _Erasure:
    """An erasure in progress, as the journal has it.

    Attributes
    ----------
    person
        Ids, contacts and names to erase.
    erased_on
        Date of the erasure (``YYYY-MM-DD``).
    repeats
        Whether all ids were erased before.
    kept
        How rows are kept without the person (``--keep-counts``); None if they are removed.
    removed, pseudonymised
        Number of rows by place, so far.
    sources
        Source files that contained the person, so far.
    receipt
        Path of the receipt; empty before the path is chosen.
    """

    person: Person
    erased_on: str
    repeats: bool
    kept: KeptCounts | None = None
    removed: dict[str, int] = field(default_factory=dict)
    pseudonymised: dict[str, int] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    receipt: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, text: str) -> _Erasure:
        record: dict[str, Any] = json.loads(text)
        person = record.pop("person")
        kept = record.pop("kept", None)
        kept = None if kept is None else KeptCounts(kept["aliases"], kept["key"], tuple(kept["masters"]))
        keys = {kind: tuple(values) for kind, values in person["keys"].items()}
        return cls(Person(tuple(person["ids"]), keys, tuple(person["texts"]), person["shared"]), kept=kept, **record)


def erase(
    workspace: Workspace,
    ids: Iterable[str],
    erased_on: str,
    *,
    force: bool = False,
    keep_counts: bool = False,
    progress: Progress,
) -> Receipt:
    """Erase the persons with these customer ids, and all ids linked to them; complete an interrupted erasure first.

    Parameters
    ----------
    workspace
        The workspace.
    ids
        Customer ids.
    erased_on
        Date for the receipt and the tombstones (``YYYY-MM-DD``).
    force
        Whether to erase an id that the workspace does not have, so that later loads drop its rows.
    keep_counts
        Whether rows are kept under a random id (:mod:`ckm._privacy.kept_counts`).
    progress
        Called with the name of each step.

    Raises
    ------
    UsageError
        The workspace has no row, link or tombstone of an id.
    RefusedError
        A link of the person is uncertain, and nobody reviewed it.
    """
    store = Store(workspace.store_dir)
    with store.held():
        completed = complete(workspace, progress=progress)
        progress("finding the person")
        identities = read_identities(workspace.root / IDENTITIES)
        given = tuple(dict.fromkeys(ids))
        if not force:
            _refuse_unknown(workspace, store, given, identities)
        refuse_uncertain_links(given, identities)
        person = person_of(store, given, identities)
        make_private(workspace.root / FOLDER)
        tombstones = read_tombstones(workspace.root / FOLDER)
        repeats = tombstones is not None and all(tombstones.has(ID, each) for each in person.ids)
        kept = kept_counts(store, person.ids, identities) if keep_counts else None
        begun = _Erasure(person, erased_on, repeats, kept)
        _write_journal(workspace, begun)
        receipt = _finish(workspace, store, begun, progress)
        return receipt if receipt.receipt or completed is None else completed


def person_of(store: Store, ids: Iterable[str], identities: Identities) -> Person:
    """Return the person with these customer ids, all linked ids, and ids that are an e-mail address of the person."""
    person = find_person(store, linked_ids(ids, identities))
    more = same_address(store, person)
    return find_person(store, linked_ids({*person.ids, *more}, identities)) if more else person


def complete(
    workspace: Workspace, *, wait: float | None = None, progress: Progress = lambda step: None
) -> Receipt | None:
    """Complete an interrupted erasure and return its receipt; None if no erasure was interrupted.

    ``wait`` is the longest time in seconds to wait for another writer of the store; None waits without limit.
    """
    path = workspace.root / FOLDER / JOURNAL
    if not path.exists():
        return None
    store = Store(workspace.store_dir, wait=wait)
    with store.held():
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if not text:  # completed by another process meanwhile, or killed before the first step
            path.unlink(missing_ok=True)
            return None
        return _finish(workspace, store, _Erasure.of(text), progress)


def _refuse_unknown(workspace: Workspace, store: Store, ids: tuple[str, ...], identities: Identities) -> None:
    tombstones = read_tombstones(workspace.root / FOLDER)
    linked = {each for link in identities.links for each in (link.left, link.right)}
    unknown = {each for each in ids if each not in linked and not (tombstones and tombstones.has(ID, each))}
    for _, frame in tables_with_customers(store):
        if unknown:
            found = frame.filter(pl.col(CUSTOMER).is_in(sorted(unknown))).select(pl.col(CUSTOMER).unique()).collect()
            unknown -= {*found[CUSTOMER]}
    quarantine = store.quarantine()
    if unknown and quarantine is not None:
        records = quarantine.select(CUSTOMER, "raw").collect()
        unknown -= {*records[CUSTOMER]}
        unknown -= {each for each in unknown if names_customer(records["raw"], each).any()}
    if unknown:
        raise UsageError(
            f"the store has no customer '{next(each for each in ids if each in unknown)}'",
            hint="write the id as the store has it; --force drops it from later loads all the same",
        )


def _finish(workspace: Workspace, store: Store, erasure: _Erasure, progress: Progress) -> Receipt:
    root = workspace.root
    person, traces = erasure.person, Traces(erasure.person)

    kept_places: set[str] = set()

    def found(place: str, rows: int, sources: Iterable[str] = ()) -> None:
        """Write a number of rows to the journal before their removal; of a repeated step the larger number counts."""
        place = traces.masked(place)
        counts = erasure.pseudonymised if place in kept_places else erasure.removed
        counts[place] = max(rows, counts.get(place, 0))
        erasure.sources = sorted({*erasure.sources, *map(traces.masked, sources)})
        _write_journal(workspace, erasure)

    progress("recording tombstones")
    values = [(ID, text) for each in person.ids for text in {each, unicodedata.normalize("NFKC", each)}]
    values += [(kind, key) for kind, keys in person.keys.items() for key in keys]
    tombstones = add_tombstones(root / FOLDER, values, erasure.erased_on)
    progress("erasing from the store")
    if erasure.kept is not None:
        kept_places = {f"store/{table}" for table, _ in tables_with_customers(store)}
        kept_places |= {f"store/{folder.name}" for folder in table_folders(store.root) if is_runs(folder.name)}
    store.erase_customers(
        person,
        lambda table, lineage: found(f"store/{table}", len(lineage), _files(lineage)),
        None if erasure.kept is None else erasure.kept.rows,
    )
    progress("erasing from results")
    _erase_links(root / IDENTITIES, person, found)
    lists = (each for folder in (workspace.out_dir, root / AUDIENCES) for each in _files_below(folder))
    for path in lists:
        if is_about(path, traces):  # a profile, or an export of personal data
            found(_name(path, root), 1)
            path.unlink()
        elif path.suffix in EDITABLE and (rows := remove_from_list(path, traces)):
            found(_name(path, root), rows)
    for path in _files_below(workspace.runs_dir):
        if traces.in_file(path):  # a manifest whose arguments name the person
            found(_name(path, root), 1)
            path.unlink()
    progress("searching for traces")
    remaining = (
        *(traces.masked(_name(path, root)) for path in _workspace_files(root) if traces.in_file(path)),
        *_texts_with_traces(store, traces),
    )
    incoming = {traces.masked(_name(path, root)) for path in _files_below(root / INCOMING) if traces.in_bytes(path)}
    receipt = Receipt(
        erasure.erased_on,
        len(person.ids),
        {place: rows for place, rows in sorted(erasure.removed.items()) if rows},
        dict(sorted(erasure.pseudonymised.items())),
        person.shared,
        tuple(sorted({*erasure.sources, *incoming})),
        remaining,
        in_git=any((folder / ".git").exists() for folder in (root, *root.parents)),
        members={
            place: hashlib.sha256((root / place).read_bytes()).hexdigest()
            for place in sorted(erasure.removed)
            if place.startswith(f"{AUDIENCES}/") and (root / place).is_file()
        },
    )
    if receipt.removed or receipt.pseudonymised or not erasure.repeats:
        if not erasure.receipt:  # else a killed process has chosen the receipt already
            erasure.receipt = _name(_receipt_of(root, person, erasure.erased_on, tombstones), root)
            _write_journal(workspace, erasure)
        receipt = replace(receipt, receipt=erasure.receipt)
        text = json.dumps(asdict(receipt), ensure_ascii=False, indent=2)
        write_private(root / receipt.receipt, f"{text}\n")
    (root / FOLDER / JOURNAL).unlink(missing_ok=True)
    return receipt


def _texts_with_traces(store: Store, traces: Traces) -> Iterator[str]:
    """Yield ``store/TABLE.COLUMN`` for each text column in which rows of other customers contain the person.

    Searched are columns that the schema marks as personal, such as notes, and columns that only a source has. Columns
    of ids and contacts are not searched, because rows with the person's ids and contacts are erased.
    """
    for name in store.tables():
        rows = store.scan(name)
        for column, dtype in rows.collect_schema().items():
            if dtype == pl.String and _may_name_others(name, column) and traces.in_column(rows, column):
                yield f"store/{name}.{column}"


def _may_name_others(table: str, column: str) -> bool:
    if column in RESERVED_COLUMNS or column.endswith("_id") or column == "line_no" or contact_columns([column]):
        return False
    schema = TABLES.get(table)
    return schema is None or schema.exposure(column) in (Exposure.personal, Exposure.identity)


def _files(lineage: pl.DataFrame) -> Iterable[str]:
    return lineage["source_file"].drop_nulls().unique() if "source_file" in lineage.columns else ()


def _erase_links(path: Path, person: Person, found: Callable[[str, int], None]) -> None:
    """Remove the lines of ``identities.csv`` with an id of the person."""
    identities = read_identities(path)
    kept = tuple(link for link in identities.links if not {link.left, link.right, link.person_id} & set(person.ids))
    if len(kept) < len(identities.links):
        found(IDENTITIES, len(identities.links) - len(kept))
        Identities(kept).write(path)


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _workspace_files(root: Path) -> Iterator[Path]:
    """Yield the files of a workspace outside of :data:`NOT_SEARCHED`."""
    for here, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - NOT_SEARCHED) if here == str(root) else sorted(set(folders) - {".git"})
        yield from (root.joinpath(here, name) for name in sorted(names))


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _write_journal(workspace: Workspace, erasure: _Erasure) -> None:
    write_private(workspace.root / FOLDER / JOURNAL, erasure.to_json())


def write_receipt(workspace: Workspace, name: str, facts: Mapping[str, Any]) -> str:
    """Write a receipt with a new name that starts with ``name``; return its path in the workspace."""
    make_private(workspace.root / FOLDER)
    path = _new_receipt(workspace.root, name)
    write_private(path, f"{json.dumps(facts, ensure_ascii=False, indent=2)}\n")
    return _name(path, workspace.root)


def _receipt_of(root: Path, person: Person, day: str, tombstones: Tombstones) -> Path:
    """Return the path of a new receipt, named by the day and the tombstones of the person."""
    digests = "".join(sorted(tombstones.digest(ID, each) for each in person.ids))
    return _new_receipt(root, f"{day}-{hashlib.sha256(digests.encode()).hexdigest()[:DIGEST_LENGTH]}")


def _new_receipt(root: Path, name: str) -> Path:
    folder = root / FOLDER / RECEIPTS
    folder.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
    names = (f"{name}{f'-{number}' if number > 1 else ''}.json" for number in count(1))
    return next(folder / each for each in names if not (folder / each).exists())
