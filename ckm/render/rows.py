"""Small tables in all output formats without polars, for commands that must start fast.

The output is the same as that of :mod:`ckm.render.writers` for the same values; tests compare both. Values are texts,
numbers, dates, lists and mappings of these, and None.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ckm.plaintext import harmless
from ckm.render.cells import FORMULA_START, LIST_SEPARATOR, PLAIN_NUMBER, SEPARATORS, markdown_table, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl

FRAME_ONLY = (".parquet", ".xlsx")
"""Suffixes of formats that only polars can write."""


@dataclass(frozen=True)
class ResultTable:
    """Rows with named columns.

    Attributes
    ----------
    columns
        Names with the type of their values: ``str``, ``int``, ``float``, ``bool``, ``date``, ``list`` (of texts) or
        ``dict``; any value may be None. The types determine the output of an empty table.
    rows
        Rows, each with one value per column.
    """

    columns: Mapping[str, type]
    rows: Sequence[Sequence[Any]]


def render(table: ResultTable, suffix: str, *, formats: Mapping[str, str] | None = None) -> str:
    """Return a table as the text of a ``.csv .tsv .json .ndjson`` or ``.md`` file, as :func:`writers.render`."""
    if suffix == ".json":
        lines = _json_lines(table)
        return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"
    if suffix == ".ndjson":
        return "".join(f"{line}\n" for line in _json_lines(table))
    if suffix == ".md":
        templates = [(formats or {}).get(name, "{}") for name in table.columns]
        numeric = [kind in (int, float) for kind in table.columns.values()]
        rows = [[shown(_flat(c), how) for c, how in zip(row, templates, strict=True)] for row in table.rows]
        return markdown_table(list(table.columns), numeric, rows)
    separator = SEPARATORS[suffix]
    lines = [separator.join(_quoted(_disarmed(name), separator) for name in table.columns)]
    lines += [separator.join(_csv(cell, separator) for cell in row) for row in table.rows]
    return "\n".join(lines) + "\n"


def save(table: ResultTable, path: Path, suffix: str, *, formats: Mapping[str, str] | None = None) -> None:
    """Write a table to a file in the format of ``suffix``."""
    if suffix in FRAME_ONLY:
        from ckm.render import writers

        writers.save(frame(table), path, suffix)
    else:
        path.write_text(render(table, suffix, formats=formats), encoding="utf-8", newline="\n")


def frame(table: ResultTable) -> pl.DataFrame:
    """Return a table as a polars frame; mappings become JSON texts."""
    import polars as pl

    types = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean, date: pl.Date, dict: pl.String}
    schema: dict[str, Any] = {
        name: pl.List(pl.String) if kind is list else types[kind] for name, kind in table.columns.items()
    }
    rows = [[_flat(cell) if isinstance(cell, dict) or _is_deep(cell) else cell for cell in row] for row in table.rows]
    return pl.DataFrame(rows, schema=schema, orient="row")


def safe(text: str) -> str:
    """Return an untrusted text in one line, with control characters and direction marks escaped."""
    return harmless(text.replace("\r\n", "↵").replace("\n", "↵").replace("\t", " "))


def plain(cell: Any, template: str | None = None) -> str:
    """Return a cell as formatted text: by its template, else as ``1,234``, ``1,234.56`` or ``0.00123``."""
    if template is not None:
        return shown(cell, template)
    if isinstance(cell, float | Decimal):
        return f"{cell:.3g}" if 0 < abs(float(cell)) < 1 else f"{cell:,.2f}"
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return shown(_flat(cell), "{}")


def _json_lines(table: ResultTable) -> list[str]:
    names = list(table.columns)
    return [_json(dict(zip(names, row, strict=True))) for row in table.rows]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _is_deep(cell: Any) -> bool:
    return isinstance(cell, list | tuple) and any(isinstance(each, list | tuple | dict) for each in cell)


def _flat(cell: Any) -> Any:
    """Return a list of texts as one text, and a nested value as JSON."""
    if isinstance(cell, dict) or _is_deep(cell):
        return _json(cell)
    return LIST_SEPARATOR.join(map(str, cell)) if isinstance(cell, list | tuple) else cell


def _csv(cell: Any, separator: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float | date):
        return str(cell)
    return _quoted(_disarmed(str(_flat(cell))), separator)


def _disarmed(text: str) -> str:
    return f"'{text}" if re.match(FORMULA_START, text) and not re.fullmatch(PLAIN_NUMBER, text) else text


def _quoted(text: str, separator: str) -> str:
    if not text or any(sign in text for sign in (separator, '"', "\n", "\r")):
        return '"' + text.replace('"', '""') + '"'
    return text
