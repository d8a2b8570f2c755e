"""SQL expressions of mappings: parsed by polars, kept to one row at a time, and never failing on a value."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import polars as pl
import polars.selectors as cs
from polars.exceptions import PolarsError

from ckm.errors import UsageError

ACROSS_ROWS = frozenset({"Agg", "Over", "Window", "Rolling", "Explode", "Sort", "SortBy", "Gather", "Filter"})
"""Expressions whose result for a row depends on other rows. A file is converted in pieces: they would be wrong."""
FUNCTIONS_ACROSS_ROWS = frozenset({"Rank", "Shift", "ShiftAndFill", "Range", "CumSum", "CumCount", "CumMin", "CumMax"})
"""The same among polars' functions."""

_QUERY = re.compile(r"\bselect\b|\(\s*(?:from|with|values|table)\b|\b(?:read|scan)_\w+\s*\(", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


def parse_sql(text: str, *, where: str) -> pl.Expr:
    """Return a SQL expression as polars', or raise a UsageError that says where it stands.

    A cast that fails gives null, as SQL's ``TRY_CAST`` does: one odd value must not stop a load.

    Parameters
    ----------
    text
        An expression, not a query: ``quantity * unit_price``.
    where
        What to name in the error: ``file:line``, or the mapping and the target.
    """
    if _QUERY.search(outside_quotes(text)) or (_QUERY.search(text) and re.search("read_|scan_", text, re.IGNORECASE)):
        # Before it is parsed, because polars opens the file of a read_csv while it parses. The second test is for what
        # a text with quotes of another dialect may hide from the first.
        raise UsageError(f"{where}: the expression holds a query", hint="an expression reads the columns of its row")
    try:
        tree = json.loads(pl.sql_expr(text).meta.serialize(format="json"))
    except PolarsError as error:
        raise UsageError(f"{where}: bad SQL expression: {error}", hint="see docs/mapping.md") from None
    _check_patterns(tree, where)
    if _looks_at_other_rows(tree):
        raise UsageError(
            f"{where}: the expression looks at other rows than its own",
            hint="sums, counts and windows belong in an analysis, not in a mapping",
        )
    try:
        return pl.Expr.deserialize(io.StringIO(json.dumps(_lenient(tree))), format="json")
    except PolarsError:  # such as of 1e400, for which polars' own JSON has no word
        raise UsageError(f"{where}: bad SQL expression: a constant is too large") from None


def unworkable(where: str, error: PolarsError, rows: int) -> UsageError:
    """Return the error of an expression that polars cannot compute over ``rows`` rows.

    polars says why, and quotes values of rows for it: its words are passed on only where it saw no row.
    """
    why = " with the values of this file" if rows else f": {_reason(error)}"
    return UsageError(f"{where}: the expression cannot work{why}", hint="see docs/mapping.md", where=where)


def _reason(error: PolarsError) -> str:
    """Return what polars says in one line; of a regular expression, what is wrong with it."""
    text = str(error)
    pattern = re.search(r"^error: (.+)$", text, re.MULTILINE) if "regex" in text else None
    return f"bad regular expression: {pattern[1]}" if pattern else text.partition("\n")[0]


def _check_patterns(tree: Any, where: str) -> None:
    """Refuse a regular expression that is none: without strict, as values are read, it finds nothing in silence."""
    if isinstance(tree, list):
        for item in tree:
            _check_patterns(item, where)
    if not isinstance(tree, dict):
        return
    for value in tree.values():
        _check_patterns(value, where)
    function = tree.get("function")
    test = function.get("StringExpr") if isinstance(function, dict) else None
    if isinstance(test, dict) and not test.get("Contains", {}).get("literal", True):
        pattern = tree["input"][1]
        if "Literal" not in pattern:
            return
        try:
            literal = pl.Expr.deserialize(io.StringIO(json.dumps(pattern)), format="json")
            pl.select(pl.lit("").str.contains(literal, strict=True))
        except PolarsError as error:
            raise UsageError(f"{where}: {_reason(error)}", hint="see docs/mapping.md", where=where) from None


def outside_quotes(text: str) -> str:
    """Return SQL without its texts, quoted names and comments: its own words."""
    return _QUOTED.sub(" ", text)


def exactly(name: str) -> pl.Expr:
    """Return the column of this very name: ``pl.col`` takes ``*`` and ``^a.*$`` for patterns, and headers hold both."""
    return cs.by_name(name).as_expr()


def column_names(expression: pl.Expr) -> list[str]:
    """Return the columns that an expression reads, each once."""
    return list(dict.fromkeys(expression.meta.root_names()))


def _looks_at_other_rows(tree: Any) -> bool:
    if tree == "Len":
        return True
    if isinstance(tree, list):
        return any(map(_looks_at_other_rows, tree))
    if not isinstance(tree, dict) or "Literal" in tree or "Column" in tree:
        return False
    if tree.keys() & ACROSS_ROWS:
        return True
    function = tree.get("function")
    names = set(function) if isinstance(function, dict) else {function} if isinstance(function, str) else set()
    if names & FUNCTIONS_ACROSS_ROWS:
        return True
    return any(_looks_at_other_rows(value) for name, value in tree.items() if name != "function")


def _lenient(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_lenient(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    loosened = {name: _lenient(value) for name, value in tree.items()}
    if isinstance(loosened.get("strict"), bool):
        loosened["strict"] = False
    if loosened.get("options") == "Strict":
        loosened["options"] = "NonStrict"
    return loosened
