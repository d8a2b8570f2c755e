r"""Cell texts in formats without types, for tables of any kind.

A spreadsheet runs a cell of a CSV file that starts with ``= + - @``, a tab or a carriage return as a formula. These
texts get an apostrophe in front, as OWASP recommends (https://owasp.org/www-community/attacks/CSV_Injection). Numbers,
and texts that are plain numbers such as ``-12.50``, do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckm.plaintext import markdown_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMULA_START = r"^[=+\-@\t\r\n＝＋－＠]"
PLAIN_NUMBER = r"^[+-]?(\d+([.,]\d+)*)?$"
"""Pattern of texts that start like a formula but are none: a number, or a dash for a missing value."""
LIST_SEPARATOR = "; "
SEPARATORS = {".csv": ",", ".tsv": "\t"}


def shown(cell: Any, template: str) -> str:
    """Return a cell as text for readers; a missing value is empty."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else template.format(cell)


def markdown_table(names: Sequence[str], numeric: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; numbers are right-aligned."""
    head = "| " + " | ".join(markdown_cell(name) for name in names) + " |"
    rule = "| " + " | ".join("---:" if number else "---" for number in numeric) + " |"
    lines = ("| " + " | ".join(markdown_cell(cell) for cell in row) + " |" for row in rows)
    return "\n".join((head, rule, *lines)) + "\n"


def markdown_cell(text: str) -> str:
    """Return a text for a Markdown cell: in one line, and with markup escaped."""
    return "<br>".join(markdown_text(line).strip() for line in text.splitlines())
