"""Find and replace quoted names, and words outside of quotes, in the text of SQL expressions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""String literals, quoted names and comments."""
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_NAME = re.compile(r'"((?:[^"]|"")*)"')
_LITERAL_OR_NAME = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")")


def outside_quotes(sql: str) -> str:
    """Return SQL without string literals, quoted names and comments."""
    return QUOTED.sub(" ", sql)


def quoted_names(sql: str) -> list[str]:
    """Return the names in double quotes of an expression."""
    return [_name(found) for found in _NAME.finditer(_LITERAL.sub("''", sql))]


def with_names(sql: str, replacement: Callable[[str], str]) -> str:
    """Return an expression with each quoted name replaced by the SQL that ``replacement`` returns for it."""
    parts = re.split(r"('(?:[^']|'')*')", sql)
    return "".join(
        part if part.startswith("'") else _NAME.sub(lambda found: replacement(_name(found)), part) for part in parts
    )


def with_words(sql: str, word: re.Pattern[str], replacement: str) -> str:
    """Return an expression with the words that match ``word`` replaced, except in literals and quoted names."""
    parts = _LITERAL_OR_NAME.split(sql)
    return "".join(part if part[:1] in {"'", '"'} else word.sub(replacement, part) for part in parts)


def _name(found: re.Match[str]) -> str:
    return found[1].replace('""', '"')
