"""Conditions of segment rules: SQL over the features of one customer, checked before any customer is read."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PolarsError

from ckm.customers.dictionary import load_dictionary
from ckm.errors import UnknownNameError, UsageError
from ckm.io.mapping.expressions import column_names, parse_sql
from ckm.io.mapping.sql_text import outside_quotes

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELP = "see 'ckm help segment-rules'"
EQUALITIES = frozenset({"Eq", "NotEq", "EqValidity", "NotEqValidity"})
COMPARISONS = EQUALITIES | {"Lt", "LtEq", "Gt", "GtEq"}
CONNECTIVES = {"And": "AND", "Or": "OR", "Xor": "XOR", "Not": "NOT"}
ROW_WISE_NODES = frozenset({"Column", "Literal", "BinaryExpr", "Cast", "Ternary", "Function"})
"""Kinds of polars expressions allowed in a condition; other kinds could use other rows or external data."""
ROW_WISE_FUNCTIONS = frozenset(
    {
        *("Sql", "Abs", "Sign", "Negate", "Floor", "Ceil", "Round", "Truncate", "Pow", "Log", "Exp"),
        *("StringExpr", "TemporalExpr", "ListExpr", "Coalesce", "MinHorizontal", "MaxHorizontal"),
    }
)
ROW_WISE_TESTS = frozenset({"IsNull", "IsNotNull", "Not", "IsIn", "IsBetween"})
"""Allowed Boolean functions of polars; others aggregate, such as "any"."""
ACROSS_ROWS_STRINGS = frozenset({"ConcatVertical"})
NUMBER, TEXT, DATE, TRUTH, NOTHING = "a number", "a text", "a date", "true or false", "nothing"
"""Kinds of values, with their names in errors."""

_CLOCK = re.compile(r"\b(now|current_date|current_time|current_timestamp|localtime|localtimestamp)\b", re.IGNORECASE)
_COMPARE = "compare something, as in frequency > 3"
_HOW_TO_WRITE = {DATE: "write a date as DATE '2024-12-31'", TEXT: "write texts in quotes '', numbers without"}
_SAMPLES = {NUMBER: 1, TEXT: "a", DATE: date(2024, 1, 31), TRUTH: True}


@dataclass(frozen=True, eq=False)
class Condition:
    """A condition that can be evaluated for any customer.

    Attributes
    ----------
    expression
        Boolean; null where the condition is undefined.
    features
        Features that the condition uses, without duplicates.
    tree
        The expression as serialized by polars.
    """

    expression: pl.Expr
    features: tuple[str, ...]
    tree: Any


def parse_condition(text: str, *, where: str) -> Condition:
    """Parse a condition, and check that it uses only existing features of a single customer.

    Parameters
    ----------
    text
        SQL, such as ``spend_12mo >= 1000 AND recency_days < gap_p80_days``.
    where
        ``file:line`` for errors.

    Raises
    ------
    UsageError
        The SQL cannot be parsed, uses other rows or the clock, contains an unknown feature (a similar one is
        suggested), compares values of two types, or is not Boolean.
    """
    if clock := _CLOCK.search(outside_quotes(text)):
        raise _mistake(where, f"'{clock[0]}' reads the clock", "recency_days and tenure_days count from the as-of date")
    try:
        expression = parse_sql(text, where=where)
    except UsageError as error:
        hint = "a rule looks at one customer" if "other rows" in str(error) else _HELP
        raise UsageError(str(error), hint=hint, where=where) from None
    except RecursionError:
        raise _mistake(where, "the condition has too many parts", "write x IN (1, 2, …), or several rules") from None
    features = tuple(column_names(expression))
    for name in features:
        if feature_type(name) is None:
            raise _unknown_feature(name, text, where)
    condition = Condition(expression, features, json.loads(expression.meta.serialize(format="json")))
    _check_nodes(condition.tree, where)
    _check_types(condition, where)
    return condition


@cache
def feature_type(name: str) -> pl.DataType | None:
    """Return the type of the feature ``name``; None where the dictionary has no such feature.

    A feature with one column per channel matches any name that continues ``channel_share_``, because the dictionary
    does not list the channels.
    """
    found = (feature for feature in load_dictionary() if feature.names(name) and f"{name}*" != feature.name)
    feature = next(found, None)
    dtype: pl.DataType | None = None if feature is None else getattr(pl, feature.dtype)()
    return dtype


def _known_features() -> list[str]:
    return [feature.name for feature in load_dictionary()]


def _subexpression(tree: Any) -> pl.Expr:
    """Return the expression for a node of a condition's tree."""
    return pl.Expr.deserialize(io.StringIO(json.dumps(tree)), format="json")


def _operation(tree: Any) -> tuple[str, list[Any]]:
    """Return the operation of a node of a condition's tree, and its operands.

    polars serializes comparisons with integers as ``BinaryExpr`` and those with decimals as a function of its SQL
    dialect; both are returned as ``("Gt", [left, right])``. A function without parameters is its own name.
    """
    (kind, body), *_ = tree.items()
    if kind == "BinaryExpr":
        return body["op"], [body["left"], body["right"]]
    if kind == "Function":
        function = body["function"]
        while isinstance(function, dict) and len(function) == 1:
            (name, function), *_ = function.items()
            if name not in {"Sql", "Binary", "Boolean"}:
                return name, body["input"]
        return str(function), body["input"]
    if kind == "Cast":
        return f"Cast:{body['dtype'].get('Literal')}", [body["expr"]]
    if kind == "Ternary":
        return kind, [body["predicate"], body["truthy"], body["falsy"]]
    return kind, []


def _unknown_feature(name: str, text: str, where: str) -> UnknownNameError:
    error = UnknownNameError("feature", name, _known_features(), where=where)
    if f'"{name}"' in text:
        error.hint = f"SQL reads double quotes as a name; write the text as '{name}'"
    elif name.lower() in _known_features():
        error.hint = f"did you mean '{name.lower()}'?"
    return error


def _check_nodes(tree: Any, where: str) -> None:
    if isinstance(tree, dict) and "Alias" in tree:
        name = tree["Alias"][1]
        raise _mistake(where, f"unexpected '{name}' after the condition", "leave it out; write 1000, not 1_000")
    if not isinstance(tree, dict) or not tree.keys() <= ROW_WISE_NODES:
        raise _mistake(where, "the condition may only use features", "queries and name patterns are not supported")
    if "Function" in tree:
        _check_function(tree["Function"], where)
    for part in _operation(tree)[1]:
        _check_nodes(part, where)


def _check_function(call: Any, where: str) -> None:
    function = call["function"]
    family, member = next(iter(function.items())) if isinstance(function, dict) else (function, None)
    member = next(iter(member)) if isinstance(member, dict) else member
    row_wise = member in ROW_WISE_TESTS if family == "Boolean" else family in ROW_WISE_FUNCTIONS
    if not row_wise or member in ACROSS_ROWS_STRINGS:
        name = member if family in {"Boolean", "StringExpr"} else family
        raise _mistake(where, f"the condition uses an unsupported function: {name}", _HELP)


def _check_types(condition: Condition, where: str) -> None:
    schema = {name: dtype for name in condition.features if (dtype := feature_type(name))}
    for name, parts in _operations(condition.tree):
        if name == "Not" and "Cast" in parts[0]:  # polars adds this around a negated expression
            parts = [parts[0]["Cast"]["expr"]]
        kinds = [_kind(part, schema, where) for part in parts]
        known = {kind for kind in kinds if kind != NOTHING}
        if name in COMPARISONS | {"IsIn"} and len(known) > 1:
            hint = next((hint for kind, hint in _HOW_TO_WRITE.items() if kind in known), _HELP)
            raise _mistake(where, f"the condition compares {' with '.join(kinds)}", hint)
        if name in COMPARISONS - EQUALITIES and TRUTH in known:
            raise _mistake(
                where, "the condition compares true and false by size", "write 1 < x AND x < 5 for 1 < x < 5"
            )
        if name in CONNECTIVES and not known <= {TRUTH}:
            other = min(known - {TRUTH})
            raise _mistake(where, f"{CONNECTIVES[name]} connects conditions, not {other}", _COMPARE)
    kind = _kind(condition.tree, schema, where)
    if kind != TRUTH:
        raise _mistake(where, f"not a condition: the value is {kind}", _COMPARE)
    _compute_once(condition.expression, schema, where)


def _operations(tree: Any) -> Iterator[tuple[str, list[Any]]]:
    name, parts = _operation(tree)
    yield name, parts
    for part in parts:
        yield from _operations(part)


def _kind(tree: Any, schema: dict[str, pl.DataType], where: str) -> str:
    try:
        dtype = pl.LazyFrame(schema=schema).select(_subexpression(tree).alias("_")).collect_schema()["_"]
    except PolarsError as error:
        raise _cannot_compute(error, where) from None
    return _kind_of(dtype.inner if isinstance(dtype, pl.List) else dtype)


def _kind_of(dtype: Any) -> str:
    if dtype.is_numeric():
        return NUMBER
    named = {pl.String: TEXT, pl.Date: DATE, pl.Boolean: TRUTH, pl.Null: NOTHING}
    return named.get(dtype.base_type(), f"a {dtype.base_type().__name__.lower()}")


def _compute_once(expression: pl.Expr, schema: dict[str, pl.DataType], where: str) -> None:
    """Raise errors that polars raises only on evaluation, such as for an invalid regular expression."""
    samples = {name: pl.Series([None, _SAMPLES[_kind_of(dtype)]], dtype=dtype) for name, dtype in schema.items()}
    try:
        pl.DataFrame(samples or {"": [None, None]}).select(expression.alias("_"))
    except PolarsError as error:
        raise _cannot_compute(error, where) from None


def _cannot_compute(error: PolarsError, where: str) -> UsageError:
    first_line = str(error).splitlines()[0]
    return _mistake(where, f"the condition cannot be computed: {first_line}", _HELP)


def _mistake(where: str, message: str, hint: str) -> UsageError:
    return UsageError(f"{where}: {message}", hint=hint, where=where)
