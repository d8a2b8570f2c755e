"""OpenDocument spreadsheets are read like Excel: types of values, merged cells, visible sheets, limits."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from ckm.errors import CkmError
from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source
from ckm.io.values.numbers import NumberStyle, parse_numbers

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table", "style")
)
HIDDEN = (
    '<style:style style:name="gone" style:family="table"><style:table-properties table:display="false"/></style:style>'
)


def document(path: Path, *tables: str) -> Path:
    body = f"<office:body><office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
    styles = f"<office:automatic-styles>{HIDDEN}</office:automatic-styles>"
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        written.writestr(
            "content.xml",
            f'<office:document-content {NAMES} office:version="1.2">{styles}{body}</office:document-content>',
        )
        manifest = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
        written.writestr("META-INF/manifest.xml", f"<manifest:manifest {manifest}/>")
    return path


def table(name: str, *rows: str, hidden: bool = False) -> str:
    style = ' table:style-name="gone"' if hidden else ""
    return f'<table:table table:name="{name}"{style}>{"".join(rows)}</table:table>'


def row(*cells: str | float, repeated: int = 1) -> str:
    inside = "".join(cell if isinstance(cell, str) and cell.startswith("<") else _cell(cell) for cell in cells)
    return f'<table:table-row table:number-rows-repeated="{repeated}">{inside}</table:table-row>'


def _cell(value: str | float, kind: str = "", more: str = "") -> str:
    kind = kind or ("string" if isinstance(value, str) else "float")
    typed = "" if kind == "string" else f' office:{"date-" if kind == "date" else ""}value="{value}"'
    shown = "as shown" if kind == "date" else str(value).replace(".", ",")
    return f'<table:table-cell office:value-type="{kind}"{typed} {more}><text:p>{shown}</text:p></table:table-cell>'


HEADER = row("order_id", "customer_id", "ordered_at", "net")


def read(path: Path, **hints: Any) -> tuple[list[dict[str, Any]], str]:
    with open_source(path, Hints(**hints)) as source:
        rows = [each for batch in source.batches() for each in batch.records.to_dicts()]
        return rows, "\n".join(text for _, text in source.problems)


def test_stored_values_are_read_and_not_displayed_ones(tmp_path: Path) -> None:
    path = document(
        tmp_path / "a.ods",
        table(
            "Orders",
            HEADER,
            row("0001", "C1", _cell("2025-03-04", "date"), 1.125),
            row("0002", "C2", _cell("2025-03-05T10:11:12", "date"), 1234.5),
            row('<table:table-cell table:number-columns-repeated="16384"/>', repeated=1_048_570),
        ),
    )
    rows, said = read(path)
    assert [list(each.values()) for each in rows] == [
        ["0001", "C1", "2025-03-04", "1.125"],
        ["0002", "C2", "2025-03-05T10:11:12", "1234.5"],
    ]
    assert said == ""
    with open_source(path) as source:
        assert source.format.numeric == ("net",)


def test_numbers_beside_texts_keep_their_point(tmp_path: Path) -> None:
    amounts = [1.125, "12,50", 1234.567]
    path = document(tmp_path / "a.ods", table("O", HEADER, *(row("A", "C", "2025-03-04", each) for each in amounts)))
    with open_source(path) as source:
        [batch] = source.batches()
    assert parse_numbers(batch.records["net"], NumberStyle(",")).to_list() == [1.125, 12.5, 1234.567]


def test_a_merged_text_is_copied_to_every_row_of_the_merged_cell(tmp_path: Path) -> None:
    merged = _cell("C1", more='table:number-rows-spanned="2"')
    rows = [row("A1", merged, "2025-03-04", 1), row("A2", "<table:covered-table-cell/>", "2025-03-04", 2)]
    found, said = read(document(tmp_path / "a.ods", table("Orders", HEADER, *rows)))
    assert [each["customer_id"] for each in found] == ["C1", "C1"]
    assert "merged cells" in said


def test_a_hidden_sheet_is_read_only_if_it_is_named(tmp_path: Path) -> None:
    path = document(
        tmp_path / "a.ods",
        table("Old", HEADER, row("A1", "C1", "2025-03-04", 1), hidden=True),
        table("New", HEADER, row("A2", "C2", "2025-03-05", 2)),
    )
    rows, said = read(path)
    assert [each["order_id"] for each in rows] == ["A2"]
    assert "hidden" in said
    assert [each["order_id"] for each in read(path, sheet="Old")[0]] == ["A1"]


def test_a_small_file_with_a_billion_cells_is_refused(tmp_path: Path) -> None:
    cell = _cell("x", more='table:number-columns-repeated="16384"')
    path = document(tmp_path / "a.ods", table("Orders", row(cell, repeated=1_048_576)))
    with pytest.raises(CkmError, match="more than 25,000,000 cells"):
        open_source(path)


@pytest.mark.parametrize("content", [b"<a", b"", b"<a/>"], ids=["broken", "empty", "no sheet"])
def test_a_broken_document_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        written.writestr("content.xml", content)
    with pytest.raises(CkmError):
        open_source(path)


def test_currencies_and_percentages_of_amounts_are_read(tmp_path: Path) -> None:
    dollars = _cell(1.5, "currency", 'office:currency="USD"')
    path = document(
        tmp_path / "a.ods",
        table(
            "Orders",
            row("order_id", "customer_id", "ordered_at", "net", "discount"),
            row("0001", "C1", _cell("2025-03-04", "date"), dollars, _cell(0.1, "percentage")),
            row("0002", "C2", _cell("2025-03-05", "date"), 2.5, _cell(0.2, "percentage")),
        ),
    )
    with open_source(path) as source:
        assert source.format.shown == (("net", ("USD",)), ("discount", ("%",)))
