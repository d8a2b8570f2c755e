"""Access to personal data: all rows of a workspace on one person, with sources and purposes (GDPR, art. 15, 20)."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm._privacy.erasure import person_of
from ckm._privacy.person import refuse_uncertain_links
from ckm.assignments import FOLDER as AUDIENCES
from ckm.assignments import MEMBERS
from ckm.identities import FILE as IDENTITIES
from ckm.identities import read_identities
from ckm.io.values.word_lists import load_data
from ckm.paths import openable
from ckm.render.document import Document, Facts, ReportTable, Section, TableColumn, Text
from ckm.store import Store
from ckm.store.damage import table_folders
from ckm.store.delta import StoredTable
from ckm.store.side_tables import QUARANTINE
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckm.config import Workspace

CUSTOMER = "customer_id"
PURPOSES = "privacy_purposes.yaml"
ORDER = ("run_as_of", "ordered_at", "at", CUSTOMER, "source_file", "source_row")
"""Columns by which the rows of a place are sorted."""
TECHNICAL = frozenset({"load_id", "repeat_no", "file_id", "replaced_by", "run_number"})
"""Columns for the operation of the store; the page leaves them out."""


@dataclass(frozen=True)
class Place:
    """The person's rows in one table of the store or one file of the workspace.

    Attributes
    ----------
    name
        ``store/TABLE`` or the name of a file.
    purpose
        Purpose of the processing, as a sentence.
    rows
        The rows, with every column that has a value.
    sources
        Name of the source, name of the file, and number of rows from it; empty if the place does not record sources.
    """

    name: str
    purpose: str
    rows: pl.DataFrame
    sources: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class PersonalData:
    """All that a workspace has on one person.

    Attributes
    ----------
    ids
        Customer ids of the person, with linked ids.
    places
        Rows by table or file.
    retention
        How long the rows are kept, as sentences.
    """

    ids: tuple[str, ...]
    places: tuple[Place, ...]
    retention: str

    def to_dict(self) -> dict[str, Any]:
        """Return the personal data as values that JSON can represent; the format of ``ckm privacy export``."""
        return {
            "customer_ids": list(self.ids),
            "retention": self.retention,
            "places": [
                {
                    "place": place.name,
                    "purpose": place.purpose,
                    "sources": [{"source": source, "file": file, "rows": rows} for source, file, rows in place.sources],
                    "rows": [_plain(row) for row in place.rows.iter_rows(named=True)],
                }
                for place in self.places
            ],
        }

    def document(self) -> Document:
        """Return the personal data as a document with one section per place, for an HTML page."""
        return Document(
            "Personal data",
            f"All rows on {', '.join(self.ids)} in this workspace.",
            tuple(_section(place) for place in self.places),
            subtitle=self.retention,
        )


def personal_data(workspace: Workspace, ids: Iterable[str]) -> PersonalData:
    """Return all rows on the person with these customer ids, and on all ids linked to them.

    Rows without a customer id that have a contact of the person are included, as in an erasure.

    Raises
    ------
    RefusedError
        A link of the person is uncertain, and nobody reviewed it.
    """
    store = Store(workspace.store_dir)
    identities = read_identities(workspace.root / IDENTITIES)
    refuse_uncertain_links(ids, identities)
    person = person_of(store, ids, identities)
    places = []
    for folder in table_folders(store.root):
        table = StoredTable(folder)
        if CUSTOMER not in table.schema:
            continue
        condition = person.condition(table.schema)
        if table.name == QUARANTINE:
            records = table.scan().collect()
            found = _sorted(records.filter(condition | person.records(records["raw"])))
        else:
            found = _sorted(table.scan().filter(condition).collect(engine="streaming"))
        if len(found):
            places.append(Place(f"store/{table.name}", purpose_of(table.name), found, _sources(found)))
    links = [link for link in identities.links if {link.left, link.right} & set(person.ids)]
    if links:
        places.append(Place(IDENTITIES, purpose_of(IDENTITIES), pl.DataFrame([vars(link) for link in links])))
    places += _of_audiences(workspace, person.ids)
    ages = [f"{name} {age.days:,} days" for name, age in sorted(workspace.config.privacy.retention.items())]
    limits = f" Maximum ages: {', '.join(ages)}." if ages else " No maximum age is set."
    return PersonalData(person.ids, tuple(places), f"{load_data(PURPOSES)['retention']}{limits}")


def _of_audiences(workspace: Workspace, ids: Iterable[str]) -> Iterator[Place]:
    """Yield the person's rows in each file of audience members."""
    for path in sorted((workspace.root / AUDIENCES).glob(f"*/{MEMBERS}")):
        rows = pl.read_csv(openable(path), infer_schema=False).filter(pl.col(CUSTOMER).is_in(sorted(ids)))
        if len(rows):
            name = path.relative_to(workspace.root).as_posix()
            yield Place(name, purpose_of(name), _sorted(rows))


def purpose_of(place: str) -> str:
    """Return the purpose of the processing of a place (``store/TABLE`` or a file), as a sentence."""
    return next(str(text) for name, text in load_data(PURPOSES)["purposes"].items() if fnmatchcase(place, str(name)))


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows sorted by :data:`ORDER`, without columns that have no value."""
    filled = rows.select(name for name in rows.columns if rows[name].null_count() < len(rows))
    return filled.sort([name for name in ORDER if name in filled], nulls_last=True, maintain_order=True)


def _sources(rows: pl.DataFrame) -> tuple[tuple[str, str, int], ...]:
    if not {"source", "source_file"} <= {*rows.columns}:
        return ()
    return tuple(rows.group_by("source", "source_file").len().sort("source", "source_file").iter_rows())


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a row that JSON can represent, without nulls; dates and times are ISO 8601 texts."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
        if value is not None
    }


def _section(place: Place) -> Section:
    sources = tuple((f"{source}: {file}", counted(rows, "row")) for source, file, rows in place.sources)
    shown = place.rows.select(name for name in place.rows.columns if name not in TECHNICAL)
    columns = tuple(TableColumn(name, numeric=dtype.is_numeric()) for name, dtype in shown.schema.items())
    cells = tuple(tuple(_cell(value) for value in row) for row in shown.iter_rows())
    table = ReportTable(counted(len(cells), "row"), columns, cells)
    facts = (Facts(sources),) if sources else ()
    return Section(place.name, (Text(place.purpose), *facts, table))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.isoformat(" ") if hasattr(value, "tzinfo") else str(value)
