"""Parse SQL expressions of mappings; an expression may read one row only, and never fails on a value."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs
from polars.exceptions import PanicException, PolarsError

from ckm.errors import UsageError
from ckm.io.mapping.expression_limits import (
    DEEPEST,
    balanced,
    depth_of,
    growth_of,
    refuse_large,
    too_many_parts,
)
from ckm.io.mapping.sql_text import QUOTED, outside_quotes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROW_WISE = frozenset({"Alias", "BinaryExpr", "Cast", "Column", "Function", "Literal", "Ternary"})
"""Row-wise kinds of expression; others are refused, because a file is converted in batches."""
ROW_WISE_FUNCTIONS = frozenset(
    {
        *("Sql", "Abs", "Sign", "Negate", "Floor", "Ceil", "Round", "Truncate", "Pow", "Log", "Log1p", "Exp"),
        *("Trigonometry", "Atan2", "Bitwise", "StringExpr", "TemporalExpr", "ListExpr", "StructExpr"),
        *("Coalesce", "FillNull", "MinHorizontal", "MaxHorizontal"),
    }
)
"""Row-wise functions of polars; for ``Boolean`` see :data:`ROW_WISE_TESTS`."""
ROW_WISE_TESTS = frozenset(
    {"IsNull", "IsNotNull", "IsFinite", "IsInfinite", "IsNan", "IsNotNan", "Not", "IsIn", "IsBetween"}
)
"""Row-wise Boolean functions of polars; others aggregate, such as "any"."""
MOST_DIGITS = 38
"""Maximum digits of a polars decimal."""
SHOWN = 200
"""Maximum characters of a polars error message, which may quote the whole expression."""

_HELP = "see 'ckm help mapping'"
_QUERY = re.compile(r"\bselect\b|\(\s*(?:from|with|values|table)\b|\b(?:read|scan)_\w+\s*\(", re.IGNORECASE)
_CLOCK = re.compile(
    r"\b(now\s*\(|current_date\b|current_time\b|current_timestamp\b|localtime\b|localtimestamp\b)", re.IGNORECASE
)
_EMPTY_CALL = re.compile(r"\b(?!pi\b|count\b|rank\b|\w+_rank\b|row_number\b|in\b)(\w+)\s*\(\s*\)", re.IGNORECASE)
"""A function call without arguments: only pi is valid; polars panics at ``greatest()``."""


def parse_sql(text: str, *, where: str) -> pl.Expr:
    """Parse a SQL expression, or raise a UsageError with its location.

    An expression is refused if it is too long for polars' parser, reads the clock or other rows, or exceeds the
    limits of :mod:`ckm.io.mapping.expression_limits`. A failed cast gives null, as SQL's ``TRY_CAST`` does, so that an
    invalid value does not stop a load.

    Parameters
    ----------
    text
        An expression, not a query: ``quantity * unit_price``.
    where
        Location for errors: ``file:line``, or the mapping and the target.
    """
    if _QUERY.search(outside_quotes(text)) or (_QUERY.search(text) and re.search("read_|scan_", text, re.IGNORECASE)):
        # Checked before parsing, because polars opens the file of a read_csv while parsing. The test of the whole text
        # finds queries hidden by quotes of another dialect.
        raise UsageError(
            f"{where}: the expression contains a query", hint="an expression can use only the columns of its row"
        )
    words = outside_quotes(text)
    refuse_large(words, text, where=where)
    if clock := _CLOCK.search(words):
        message = f"{where}: the expression reads the clock ('{clock[1].rstrip(' (')}')"
        raise UsageError(
            message, hint="the same file must always give the same rows; use a constant such as DATE '2025-12-31'"
        )
    if empty := _EMPTY_CALL.search(QUOTED.sub(_placeholder, text)):
        raise UsageError(f"{where}: bad SQL expression: '{empty[1]}' without an argument", hint=_HELP)
    try:
        tree = balanced(json.loads(pl.sql_expr(text).meta.serialize(format="json")))
        _refuse_other_rows(tree, where)
    except RecursionError:
        raise too_many_parts(where) from None
    except PolarsError as error:
        raise UsageError(f"{where}: bad SQL expression: {_shortened(str(error))}", hint=_HELP) from None
    if depth_of(tree) > DEEPEST:
        raise too_many_parts(where)
    _check_patterns(tree, where)
    _refuse_impossible_decimals(tree, where)
    try:
        expression = pl.Expr.deserialize(io.StringIO(json.dumps(_lenient(tree))), format="json")
    except PolarsError:  # such as 1e400, which polars cannot write as JSON
        raise UsageError(f"{where}: bad SQL expression: a constant is too large") from None
    growth_of(expression, {}, where=where)
    return expression


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def unworkable(where: str, error: PolarsError | PanicException, rows: int) -> UsageError:
    """Return the error for an expression that polars cannot evaluate over ``rows`` rows.

    The message of polars may quote values of rows, so it is included only if there were no rows.
    """
    why = " with the values of this file" if rows else f": {_reason(error)}"
    return UsageError(f"{where}: the expression failed{why}", hint=_HELP, where=where)


def _reason(error: PolarsError | PanicException) -> str:
    """Return the message of a polars error in one line; for a regular expression, what is wrong in it."""
    text = str(error)
    pattern = re.search(r"^error: (.+)$", text, re.MULTILINE) if "regex" in text else None
    return f"bad regular expression: {pattern[1]}" if pattern else text.partition("\n")[0]


def _calls(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in the polars JSON of an expression, outer ones first."""
    if isinstance(tree, dict):
        yield tree
    for each in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _calls(each)


def _refuse_impossible_decimals(tree: Any, where: str) -> None:
    """Refuse a decimal type with too many digits, for which polars panics on the first row."""
    for call in _calls(tree):
        match call.get("Decimal"):
            case [int(digits), int(decimals)] if not 0 <= decimals <= digits <= MOST_DIGITS or digits == 0:
                message = (
                    f"{where}: DECIMAL({digits},{decimals}) is not a valid type: it can have 1 to {MOST_DIGITS} digits"
                )
                raise UsageError(message, hint="including the decimals, such as DECIMAL(38,10)")


def _check_patterns(tree: Any, where: str) -> None:
    """Refuse an invalid regular expression, which otherwise silently matches nothing."""
    for call in _calls(tree):
        function = call.get("function")
        test = function.get("StringExpr") if isinstance(function, dict) else None
        if not isinstance(test, dict) or test.get("Contains", {}).get("literal", True):
            continue
        pattern = call["input"][1]
        if "Literal" not in pattern:
            continue
        try:
            literal = pl.Expr.deserialize(io.StringIO(json.dumps(pattern)), format="json")
            pl.select(pl.lit("").str.contains(literal, strict=True))
        except PolarsError as error:
            raise UsageError(f"{where}: {_reason(error)}", hint=_HELP, where=where) from None


def _placeholder(quoted: re.Match[str]) -> str:
    """Return a placeholder argument for a text or a quoted name; nothing for a comment."""
    return " " if quoted[0].startswith(("--", "/*")) else "''"


def exactly(name: str) -> pl.Expr:
    """Return the column with exactly this name; ``pl.col`` interprets ``*`` and ``^a.*$`` as patterns."""
    return cs.by_name(name).as_expr()


def column_names(expression: pl.Expr) -> list[str]:
    """Return the columns that an expression reads, each once."""
    return list(dict.fromkeys(expression.meta.root_names()))


def _refuse_other_rows(tree: Any, where: str) -> None:
    """Refuse an expression unless all its parts are row-wise."""
    if not isinstance(tree, dict) or not tree.keys() <= ROW_WISE:
        raise _not_row_wise(where)
    (kind, body), *_ = tree.items()
    if kind == "Function":
        function = body["function"]
        family, member = next(iter(function.items())) if isinstance(function, dict) else (function, None)
        member = next(iter(member)) if isinstance(member, dict) else member
        row_wise = member in ROW_WISE_TESTS if family == "Boolean" else family in ROW_WISE_FUNCTIONS
        if not row_wise or member == "ConcatVertical":
            raise _not_row_wise(where)
    for part in _parts(kind, body):
        _refuse_other_rows(part, where)


def _parts(kind: str, body: Any) -> list[Any]:
    """Return the operands of an expression."""
    match kind:
        case "Function":
            return list(body["input"])
        case "BinaryExpr":
            return [body["left"], body["right"]]
        case "Ternary":
            return [body["predicate"], body["truthy"], body["falsy"]]
        case "Cast":
            return [body["expr"]]
        case "Alias":
            return [body[0]]
    return []


def _not_row_wise(where: str) -> UsageError:
    return UsageError(
        f"{where}: the expression uses other rows",
        hint="sums, counts and windows belong in an analysis, not in a mapping",
    )


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
