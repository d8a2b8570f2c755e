"""Exports that other tools saved again: another format gives the same figures, and missing columns are reported."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from ckm.errors import CkmError
from ckm.ingest.options import IngestOptions
from ckm.ingest.plan import NameMatchingPlan
from ckm.ingest.schema_validator import SchemaValidator
from ckm.ingest.validation import validated
from ckm.io.mapping.planning import plan_conversion
from ckm.io.readers.read import open_source
from tests.ingest.exports_by_platform import ORDERS, Export

Cells = list[list[str]]
FORMS = {
    "semicolons": lambda rows: dumped(rows, ";").encode(),
    "tabs": lambda rows: dumped(rows, "\t").encode(),
    "byte order mark": lambda rows: b"\xef\xbb\xbf" + dumped(rows).encode(),
    "utf-16": lambda rows: dumped(rows).encode("utf-16"),
    "utf-16 without a mark": lambda rows: dumped(rows).encode("utf-16-be"),
    "other order": lambda rows: dumped(in_other_order(rows)).encode(),
    "columns added": lambda rows: dumped(
        [["Own 1", *rows[0], "Own 2"], *(["a", *row, "7"] for row in rows[1:])]
    ).encode(),
    "capitals": lambda rows: dumped([[name.upper() for name in rows[0]], *rows[1:]]).encode(),
    "blank lines": lambda rows: dumped([*rows, [""] * len(rows[0]), [""] * len(rows[0])]).encode(),
}


@dataclass(frozen=True)
class Reading:
    """Figures of a file (orders, customers, net, returned, days, currencies), its failed rows and its remarks."""

    figures: tuple[object, ...]
    failed: int
    said: frozenset[str]


def dumped(rows: Cells, delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def in_other_order(rows: Cells) -> Cells:
    order = random.Random(3).sample(range(len(rows[0])), len(rows[0]))
    return [[row[at] for at in order] for row in rows]


def cells(export: Export) -> Cells:
    text = export.content.decode("gb18030" if b"\xb6\xa9" in export.content[:40] else "utf-8-sig")
    first = text.partition("\n")[0]
    rows = list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count)))
    return [row for row in rows if len(row) == len(rows[0])]  # without footers


def options(export: Export) -> IngestOptions:
    given = dict(zip(export.options[::2], export.options[1::2], strict=True))
    pairs = [given["--column"].split("=", 1)] if "--column" in given else []
    return IngestOptions(currency=given.get("--currency"), overrides=dict(pairs))


def read(path: Path, said: IngestOptions) -> Reading:
    with open_source(path) as source:
        found = source.format
        mapping, told = NameMatchingPlan.of("transactions", said, "EUR").mapping(found.columns, sample=source.sample)
        conversion = plan_conversion(
            mapping, found, source.sample, more=lambda: (batch.records for batch in source.batches())
        )
        pieces = [
            validated(batch, conversion, SchemaValidator(mapping.target))
            for batch in conversion.pieces(source.batches())
        ]
    rows = pl.concat(piece.good for piece in pieces).filter(pl.col("type") != "cancel")
    sales, returns = (rows.filter(pl.col("type") == kind) for kind in ("sale", "return"))
    figures = (
        sales["order_id"].n_unique(),
        sales["customer_id"].drop_nulls().n_unique(),
        round(rows["net"].sum(), 2),
        round(returns["net"].sum(), 2),
        frozenset(rows["ordered_at"].dt.date()),
        frozenset(rows["currency"]),
    )
    remarks = {*told, *conversion.remarks, *conversion.cleaning_remarks()}
    return Reading(figures, sum(piece.failed.height for piece in pieces), frozenset(remarks))


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDERS)
def test_an_export_in_another_format_gives_the_same_figures(tmp_path: Path, name: str) -> None:
    export = ORDERS[name]()
    path = tmp_path / export.file
    path.write_bytes(export.content)
    expected = read(path, options(export)).figures
    for form, write in FORMS.items():
        path.write_bytes(write(cells(export)))
        assert read(path, options(export)).figures == expected, form


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDERS)
def test_a_missing_column_that_changes_the_figures_is_refused_or_remarked(tmp_path: Path, name: str) -> None:
    export = ORDERS[name]()
    path = tmp_path / export.file
    path.write_bytes(export.content)
    whole, rows = read(path, options(export)), cells(export)
    for at, column in enumerate(rows[0]):
        path.write_text(dumped([row[:at] + row[at + 1 :] for row in rows]), encoding="utf-8")
        try:
            part = read(path, options(export))
        except CkmError:
            continue
        changed = part.figures != whole.figures
        is_blank_elsewhere = part.figures[0] and not part.figures[1]  # the column that replaces it exists and is empty
        assert not changed or part.failed or part.said - whole.said or is_blank_elsewhere, column
