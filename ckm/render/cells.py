r"""What a value looks like in a cell, in formats that have no types. Shared by tables of any kind.

Formulas: a spreadsheet runs a cell of a CSV file that starts with ``= + - @``, a tab or a carriage return. Texts that
do get an apostrophe in front, as OWASP advises (https://owasp.org/www-community/attacks/CSV_Injection); numbers never
do, nor does a text that is a plain number such as ``-12.50``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckm.plaintext import markdown_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMULA_START = r"^[=+\-@\t\r\n＝＋－＠]"
PLAIN_NUMBER = r"^[+-]?(\d+([.,]\d+)*)?$"
"""What starts like a formula and is none: a number, or a dash that stands for nothing."""
LIST_SEPARATOR = "; "
SEPARATORS = {".csv": ",", ".tsv": "\t"}


def shown(cell: Any, template: str) -> str:
    """Return one cell as a person reads it; a missing value is empty."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else template.format(cell)


def markdown_table(names: Sequence[str], numeric: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; numbers stand to the right."""
    head = "| " + " | ".join(markdown_cell(name) for name in names) + " |"
    rule = "| " + " | ".join("---:" if number else "---" for number in numeric) + " |"
    lines = ("| " + " | ".join(markdown_cell(cell) for cell in row) + " |" for row in rows)
    return "\n".join((head, rule, *lines)) + "\n"


def markdown_cell(text: str) -> str:
    """Return a text that stays in its cell, its lines parted, and of which no reader of Markdown makes markup."""
    return "<br>".join(markdown_text(line).strip() for line in text.splitlines())
