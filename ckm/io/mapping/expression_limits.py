"""Limits on the size of SQL expressions, and on the growth of texts in them.

polars parses recursively, in time quadratic in the number of operators, and a stack overflow ends the process. The
maximum text length of an expression is known before a row is read, so that no file is needed to refuse it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ckm.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

MOST_CHARACTERS = 20_000
"""Maximum characters of an expression: enough for a list of 1,000 ids; longer lists belong in the data."""
MOST_OPERATIONS = 400
"""Maximum operators, brackets and keywords of an expression: polars needs 0.04 s for 500, 1 s for 2,000 and 50 s for
5,000; at 20,000 the process ends."""
DEEPEST = 120
"""Maximum depth of an expression in polars' JSON, whose limit is 128: about 60 nested operations."""
DEEPEST_BRACKETS = 12
"""Maximum nested brackets: polars needs minutes for 20 nested ``CAST(``; each doubles the time."""
MOST_COPIES = 20
"""Maximum growth factor of a text: a batch of 10 MB becomes 200 MB."""
LONGEST_PADDING = 1_000
"""Maximum characters added to a text: with half a million rows per batch, a column then needs 500 MB."""
OF_NUMBER = 40
"""Maximum characters of a number, a date or a Boolean as text."""

_OPERATION = re.compile(
    r"[-+*/%|&=<>!~:^]+|[(\[]|\b(?:and|or|not|is|in|like|ilike|rlike|regexp|between|case|when|div|mod)\b", re.IGNORECASE
)
_REFERENCE = re.compile(r"\$(?:\w+|\{\w+\})")
"""A group reference in the replacement of a regular expression."""
_CONNECTIVES = frozenset({"And", "Or"})


@dataclass(frozen=True)
class Growth:
    """The maximum text length of an expression.

    Attributes
    ----------
    copies
        Maximum number of copies of each column's text.
    added
        Additional characters.
    """

    copies: Mapping[str, int] = field(default_factory=dict)
    added: int = 0

    def times(self, factor: int) -> Growth:
        """Return the growth if each character becomes ``factor`` characters."""
        return Growth({name: count * factor for name, count in self.copies.items()}, self.added * factor)

    def plus(self, characters: int) -> Growth:
        """Return the growth with ``characters`` more."""
        return Growth(self.copies, self.added + characters)


def refuse_large(words: str, text: str, *, where: str) -> None:
    """Refuse an expression that is too long for polars' parser.

    Parameters
    ----------
    words
        The expression without string literals, quoted names and comments.
    text
        The expression.
    where
        Location of the expression for errors.

    Raises
    ------
    UsageError
        The expression is longer than :data:`MOST_CHARACTERS`, or has more than :data:`MOST_OPERATIONS` or
        :data:`DEEPEST_BRACKETS`.
    """
    if len(text) > MOST_CHARACTERS:
        raise _mistake(where, f"the expression has more than {MOST_CHARACTERS:,} characters", "split the expression")
    if sum(1 for _ in _OPERATION.finditer(words)) > MOST_OPERATIONS:
        raise too_many_parts(where)
    if _bracket_depth(words) > DEEPEST_BRACKETS:
        message = f"the expression has more than {DEEPEST_BRACKETS} nested brackets"
        raise _mistake(where, message, "compute a part of it in a column of its own")


def too_many_parts(where: str) -> UsageError:
    """Return the error for an expression with too many or too deeply nested parts."""
    return _mistake(
        where, "the expression has too many parts", "write x IN (1, 2, …), CONCAT(a, b, …), or several expressions"
    )


def balanced(tree: Any) -> Any:
    """Return an expression with balanced chains of AND and OR, which polars otherwise nests deeply.

    Both operators are associative, also with null (Kleene logic), so the value is the same.
    """
    if isinstance(tree, list):
        return [balanced(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    call = tree.get("BinaryExpr")
    if isinstance(call, dict) and call["op"] in _CONNECTIVES:
        links = [balanced(link) for link in _links(tree, call["op"])]
        while len(links) > 1:
            pairs = [links[at : at + 2] for at in range(0, len(links), 2)]
            links = [_joined(pair, call["op"]) for pair in pairs]
        return links[0]
    return {name: balanced(value) for name, value in tree.items()}


def depth_of(tree: Any) -> int:
    """Return the nesting depth of lists and mappings."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        waiting += [(each, depth + 1) for each in inner if isinstance(each, dict | list)]
    return deepest


def growth_of(expression: pl.Expr, known: Mapping[str, Growth], *, where: str) -> Growth:
    """Return the maximum growth of an expression's text over its input texts.

    Parameters
    ----------
    expression
        A row-wise expression.
    known
        The growth of the computed columns that the expression can use.
    where
        Location of the expression for errors.

    Raises
    ------
    UsageError
        A text can grow by more than :data:`MOST_COPIES` times or :data:`LONGEST_PADDING` characters, or its growth
        depends on the rows.
    """
    growth = _growth(json.loads(expression.meta.serialize(format="json")), known, where)
    if max(growth.copies.values(), default=0) > MOST_COPIES:
        message = f"the expression repeats a text more than {MOST_COPIES} times"
        raise _mistake(where, message, "use each column a few times only, and short replacement texts")
    if growth.added > LONGEST_PADDING:
        raise _mistake(
            where,
            f"the expression adds more than {LONGEST_PADDING:,} characters to a text",
            "pad with fewer characters",
        )
    return growth


def _bracket_depth(words: str) -> int:
    steps = ({"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(letter, 0) for letter in words)
    return max(accumulate(steps), default=0)


def _links(tree: Any, op: str) -> Iterable[Any]:
    """Yield the operands of a chain of one operator, from left to right."""
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        call = node.get("BinaryExpr") if isinstance(node, dict) else None
        if isinstance(call, dict) and call["op"] == op:
            waiting += [call["right"], call["left"]]
        else:
            found.append(node)
    return found


def _joined(pair: list[Any], op: str) -> Any:
    return pair[0] if len(pair) == 1 else {"BinaryExpr": {"left": pair[0], "op": op, "right": pair[1]}}


def _growth(tree: Any, known: Mapping[str, Growth], where: str) -> Growth:
    (kind, body), *_ = tree.items()
    if kind == "Column":
        return known.get(body, Growth({body: 1}))
    if kind == "Literal":
        return Growth(added=len(text) if (text := _text(tree)) is not None else OF_NUMBER)
    if kind == "Cast":
        return _growth(body["expr"], known, where)
    if kind == "Alias":
        return _growth(body[0], known, where)
    if kind == "Ternary":
        return _longest([_growth(body[name], known, where) for name in ("truthy", "falsy")])
    if kind == "BinaryExpr":
        sides = [_growth(body[name], known, where) for name in ("left", "right")]
        return _sum(sides) if body["op"] == "Plus" else Growth(added=OF_NUMBER)
    if kind == "Function":
        return _growth_of_call(body, known, where)
    return Growth(added=OF_NUMBER)


def _growth_of_call(call: Any, known: Mapping[str, Growth], where: str) -> Growth:
    function, arguments = call["function"], call["input"]
    grown = [_growth(each, known, where) for each in arguments]
    family, member = next(iter(function.items())) if isinstance(function, dict) else (function, None)
    name, options = next(iter(member.items())) if isinstance(member, dict) else (member, {})
    if family == "TemporalExpr" and name == "ToString":
        return Growth(added=OF_NUMBER + 10 * len(options))
    if family == "ListExpr" and name == "Join":
        return grown[0].times(1 + len(_needed(arguments[1], "the separator", where)))
    if family != "StringExpr":
        return _longest(grown)
    if name == "ConcatHorizontal":
        return _sum(grown).plus(len(options["delimiter"]) * len(grown))
    if name in {"PadStart", "PadEnd"}:
        length = arguments[1].get("Literal", {}).get("Dyn", {}).get("Int")
        if length is None:
            raise _mistake(
                where, "the expression pads a text to a length that depends on the row", "use a constant number"
            )
        return _longest([grown[0], Growth(added=length)])
    if name == "Replace":
        return _replaced(grown[0], options, arguments, where)
    return grown[0]


def _replaced(growth: Growth, options: Any, arguments: list[Any], where: str) -> Growth:
    new = _needed(arguments[2], "the replacement text", where)
    old = _text(arguments[1])
    references = 0 if options["literal"] else len(_REFERENCE.findall(new))
    if options["n"] == 1:
        return _sum([growth] * (1 + references)).plus(len(new))
    found = len(old) if old and options["literal"] else 1
    return growth.times(max(1, -(-len(new) // found)) + references + (0 if old else 1))


def _needed(tree: Any, what: str, where: str) -> str:
    text = _text(tree)
    if text is None:
        raise _mistake(where, f"{what} of the expression is taken from a column", "use a text constant in quotes ''")
    return text


def _text(tree: Any) -> str | None:
    """Return a text literal; None for anything else."""
    literal = tree.get("Literal") if isinstance(tree, dict) else None
    scalar = literal.get("Scalar") if isinstance(literal, dict) else None
    return scalar.get("String") if isinstance(scalar, dict) else None


def _sum(parts: Iterable[Growth]) -> Growth:
    copies: Counter[str] = Counter()
    added = 0
    for part in parts:
        copies.update(part.copies)
        added += part.added
    return Growth(dict(copies), added)


def _longest(parts: Iterable[Growth]) -> Growth:
    copies: Counter[str] = Counter()
    added = 0
    for part in parts:
        copies |= Counter(part.copies)
        added = max(added, part.added)
    return Growth(dict(copies), added)


def _mistake(where: str, message: str, hint: str) -> UsageError:
    return UsageError(f"{where}: {message}", hint=hint, where=where)
