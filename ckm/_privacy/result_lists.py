"""Removal of a person from result files.

Rows of CSV files, Parquet files, Excel files of ckm and Markdown tables, lines of NDJSON, and objects in JSON lists are
removed. Files about the person as a whole (profiles, exports of personal data) are detected, so that the erasure
deletes them.
"""

from __future__ import annotations

import csv
import html
import json
import re
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.files import replacing
from ckm.io.mapping.synonyms import normalise
from ckm.paths import openable
from ckm.render.writers import SHEET, save

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ckm._privacy.traces import Traces

ID_COLUMNS = frozenset({"customer_id", "person_id", "left", "right"})
"""Columns of ids in the lists that ckm writes."""
DELIMITERS = {".csv": ",", ".tsv": "\t"}
EDITABLE = (*DELIMITERS, ".parquet", ".xlsx", ".ndjson", ".jsonl", ".json", ".md")
PAGES = (".html", ".md")
LONGEST_HEAD = 100_000
"""Characters at the start of a page, style sheet included, in which its customer is named."""
ABOUT = re.compile(
    r"(?:^|– )Customer (\S[^\n<]*?)(?:</title>|$)|All rows on ([^\n<]+?) in this workspace\.", re.MULTILINE
)
"""Where ``ckm profile`` and ``ckm privacy export`` name their customer on a page."""


def is_about(path: Path, traces: Traces) -> bool:
    """Return whether a file is a profile (``ckm profile -o``) or export (``ckm privacy export -o``) of the person."""
    ids = set(traces.person.ids)
    if path.suffix == ".json":
        document = _json(path)
        named = (
            [document.get("customer_id"), *(document.get("customer_ids") or ())] if isinstance(document, dict) else []
        )
        return bool(ids & {str(each) for each in named if each})
    if path.suffix not in PAGES:
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        head = html.unescape(file.read(LONGEST_HEAD)).replace("\\", "")
    return any(ids & {one, *several.split(", ")} for one, several in ABOUT.findall(head))


def remove_from_list(path: Path, traces: Traces) -> int:
    """Remove the person's rows from a result file; return the number of removed rows.

    A row with ids (:data:`ID_COLUMNS`) is of the person if one of these is an id of the person. A row without ids is of
    the person if a text in it contains an id, a contact or a name of the person (:class:`Traces`). A file of another
    format is not changed, nor an Excel file with other sheets than ckm writes.
    """
    if path.suffix in DELIMITERS:
        return _from_csv(path, traces)
    if path.suffix == ".parquet":
        return _from_parquet(path, traces)
    if path.suffix == ".xlsx":
        return _from_excel(path, traces)
    if path.suffix in (".ndjson", ".jsonl"):
        return _from_lines(path, traces)
    if path.suffix == ".md":
        return _from_markdown(path, traces)
    return _from_json(path, traces) if path.suffix == ".json" else 0


def _is_theirs(row: Mapping[str, Any], traces: Traces) -> bool:
    ids = [value for name, value in row.items() if normalise(name) in _ID_NAMES and value not in (None, "")]
    if ids:
        return any(str(each).removeprefix("'") in traces.person.ids or str(each) in traces.distinctive for each in ids)
    return any(traces.in_text(value) for value in row.values() if isinstance(value, str))


_ID_NAMES = frozenset(map(normalise, ID_COLUMNS))


def _from_csv(path: Path, traces: Traces) -> int:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = file.readlines()
    first = lines[0] if lines else ""
    delimiter = ";" if path.suffix == ".csv" and first.count(";") > first.count(",") else DELIMITERS[path.suffix]
    reader = csv.reader(lines, delimiter=delimiter)
    header = [name.removeprefix("\ufeff") for name in next(reader, [])]
    kept = lines[: reader.line_num]
    before, removed = reader.line_num, 0
    for record in reader:
        if _is_theirs(dict(zip(header, record, strict=False)), traces):
            removed += 1
        else:
            kept += lines[before : reader.line_num]
        before = reader.line_num
    if removed:
        with replacing(path) as draft:
            draft.write_text("".join(kept), encoding="utf-8", errors="surrogateescape", newline="")
    return removed


def _from_parquet(path: Path, traces: Traces) -> int:
    frame = pl.read_parquet(openable(path), glob=False, hive_partitioning=False)
    return _without_theirs(frame, path, traces)


def _from_excel(path: Path, traces: Traces) -> int:
    from fastexcel import FastExcelError

    try:
        sheets = pl.read_excel(path, sheet_id=0, raise_if_empty=False)
    except (OSError, ValueError, pl.exceptions.PolarsError, FastExcelError):
        return 0  # not a workbook: its traces are reported
    return _without_theirs(sheets[SHEET], path, traces) if [*sheets] == [SHEET] else 0


def _without_theirs(frame: pl.DataFrame, path: Path, traces: Traces) -> int:
    """Write a table without the person's rows, if it has any, in the format of the suffix; return their number."""
    texts = frame.select(name for name, dtype in frame.schema.items() if not dtype.is_nested())
    theirs = pl.Series([_is_theirs(row, traces) for row in texts.iter_rows(named=True)], dtype=pl.Boolean)
    if theirs.any():
        with replacing(path) as draft:
            save(frame.filter(~theirs), draft, path.suffix)
    return int(theirs.sum())


def _from_lines(path: Path, traces: Traces) -> int:
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _line_is_theirs(line, traces)]
    if len(kept) < len(lines):
        with replacing(path) as draft:
            draft.write_bytes(b"".join(kept))
    return len(lines) - len(kept)


def _line_is_theirs(line: bytes, traces: Traces) -> bool:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return traces.in_text(line.decode("utf-8", "replace"))
    return isinstance(row, dict) and _is_theirs(row, traces)


def _from_markdown(path: Path, traces: Traces) -> int:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = file.readlines()
    kept: list[str] = []
    header: list[str] = []
    for line in lines:
        cells = [cell.strip().replace("\\", "") for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif _is_theirs(dict(zip(header, cells, strict=False)), traces):
            continue
        kept.append(line)
    if len(kept) < len(lines):
        with replacing(path) as draft:
            draft.write_text("".join(kept), encoding="utf-8", errors="surrogateescape", newline="")
    return len(lines) - len(kept)


def _json(path: Path) -> Any:
    """Return the content of a JSON file; None if the file is not valid JSON."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _from_json(path: Path, traces: Traces) -> int:
    document = _json(path)
    rest, removed = _without(document, traces)
    if removed:
        with replacing(path) as draft:
            draft.write_text(f"{json.dumps(rest, ensure_ascii=False, indent=2)}\n", encoding="utf-8", newline="")
    return removed


def _without(value: Any, traces: Traces) -> tuple[Any, int]:
    """Return a JSON value without the person's objects in its lists, and the number of removed objects."""
    if isinstance(value, list):
        kept = [each for each in value if not (isinstance(each, dict) and _is_theirs(each, traces))]
        inner = [_without(each, traces) for each in kept]
        return [each for each, _ in inner], len(value) - len(kept) + sum(count for _, count in inner)
    if isinstance(value, dict):
        found = {name: _without(each, traces) for name, each in value.items()}
        return {name: each for name, (each, _) in found.items()}, sum(count for _, count in found.values())
    return value, 0
