"""Typing mistakes in YAML: byte order marks, characters that look like YAML syntax, and syntax inside a text."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import yaml

SPACES = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
"""Spaces that YAML does not treat as spaces, as a regular expression class: no-break, ideographic, zero width …"""
COLONS = "\u02d0\u2236\ua789\ufe30\ufe55\uff1a"
"""Colons that YAML does not treat as colons: full-width, small, modifier letter …"""
COMMON = {"\t": "tab", "\u00a0": "no-break space", "\u3000": "ideographic space", "\uff1a": "full-width colon"}
"""Common names; other characters are named as in Unicode."""
CORE_TAGS = frozenset(("str", "int", "float", "bool", "null", "seq", "map", "binary", "timestamp", "set", "omap"))
"""Tags of the YAML type repository (yaml.org/type); entries and settings use no others."""

_MARKS = re.compile("(^|[\r\n])\ufeff+")
_KEY = r"[\"']?[\w.-]+[\"']?"
_LOOKALIKE = re.compile(
    rf" *(?P<indent>[\t{SPACES}])"
    rf"|[ \t]*-(?P<dash>[{SPACES}])"
    rf"|(?:\s*(?:- +)*|.*?[{{,]\s*){_KEY}"
    rf"(?:[ {SPACES}]*(?P<colon>[{COLONS}])|(?P<before>[{SPACES}])\s*:|:(?P<after>[{SPACES}]))"
)
_COMMENT = re.compile(r"([ \t]+)#([^\r\n]*)")
_COMMENT_BELOW = re.compile(r"[ \t]*\r?\n([ \t]+)#([^\s#-][^\r\n]*)")
_COMMENTED_KEY = re.compile(r"[\w.-]+:(\s|$)")
_ANCHOR = re.compile(r"&([^\s\[\]{},]+)")
_TAG = re.compile(r"!!([^\s]*)")


class SyntaxMistake(NamedTuple):
    """What is wrong with a text that is not YAML, and its 1-based line (0: unknown)."""

    line: int
    message: str
    hint: str


def without_marks(text: str) -> str:
    """Return ``text`` without byte order marks at the start of lines, which concatenated files contain.

    Python's ``utf-8-sig`` removes only the first one of a file, and YAML forbids others inside a document.
    """
    return _MARKS.sub(r"\1", text) if "\ufeff" in text else text


def lookalike(line: str) -> str | None:
    """Return a message about the first character that only looks like YAML syntax; None if there is none.

    Checks the places where YAML needs a space or a colon: before and after a key, and after the dash of a list item.
    """
    found = _LOOKALIKE.match(line)
    if found is None or found.lastgroup is None:
        return None
    sign = found[found.lastgroup]
    name = COMMON.get(sign) or unicodedata.name(sign, "sign").lower()
    needed = "':' and a space" if found.lastgroup == "colon" else "a space"
    article = "an" if name[0] in "aeiou" else "a"
    return f"{article} {name} (U+{ord(sign):04X}) where YAML needs {needed}"


def syntax_mistake(error: yaml.YAMLError, text: str) -> SyntaxMistake:
    """Return the mistake that made a text invalid YAML; libyaml often reports it one line below."""
    if not isinstance(error, yaml.MarkedYAMLError):  # a character; libyaml gives the position in bytes
        at = getattr(error, "position", None)
        in_line = text.encode()[:at].count(b"\n") + 1 if isinstance(at, int) else 0
        return SyntaxMistake(in_line, "a character that YAML forbids", "remove control characters such as NUL")
    problem, context = error.problem_mark, error.context_mark
    message = str(error.problem or error.context)
    lines = {mark.line + 1: _line(text, mark.index) for mark in (problem, context) if mark is not None}
    looked_at = dict(lines)
    if problem is not None and context is None and problem.line:  # "a：b" above "c: d" is the start of a text
        start = problem.index - problem.column
        looked_at[problem.line] = _line(text, max(start - 1 - text[:start].endswith("\r\n"), 0))
    for number, line in looked_at.items():
        if (found := lookalike(line)) is not None:
            return SyntaxMistake(number, found, "use the plain ASCII character")
    hint = "check the indentation and quotes"
    if "alias" in f"{error.problem} {error.context}":
        hint = "put a text that begins with '*' in quotes; an alias needs its '&' anchor above it in the same document"
    if context is not None and error.context in ("while scanning a simple key", "while scanning a quoted scalar"):
        return SyntaxMistake(context.line + 1, message, hint)
    if context is not None and " #" in lines[context.line + 1]:
        return SyntaxMistake(context.line + 1, message, "' #' begins a comment in YAML: put the text in quotes")
    return SyntaxMistake(next(iter(lines), 0), message, hint)


def lost(node: yaml.ScalarNode, text: str) -> str | None:
    """Return a message about the part of a value that YAML does not read as text; None if there is none.

    Parameters
    ----------
    node
        The value.
    text
        The text of the whole document.

    Notes
    -----
    As in yamllint, a comment beside a value has two spaces before its ``#`` and one after it. A ``#`` with fewer spaces
    was probably meant as text.
    """
    first = text[node.start_mark.index : node.start_mark.index + 1]
    if first == "!":
        kind = _TAG.match(text, node.start_mark.index)
        if kind is None or kind[1] not in CORE_TAGS:
            return "a word that begins with '!' is a YAML tag, not text"
    elif first == "&":
        name = _ANCHOR.match(text, node.start_mark.index)
        if name is None or f"*{name[1]}" not in text:
            return "a word that begins with '&' is a YAML anchor, not text"
    return "what follows '#' is a YAML comment, not text" if _is_cut(node, text) else None


def _is_cut(node: yaml.ScalarNode, text: str) -> bool:
    """Return whether the comment after a value looks like a part of its text."""
    if node.style in ("|", ">"):
        return False
    beside = _COMMENT.match(text, node.end_mark.index)
    if beside is not None:
        close = not node.style and bool(node.value) and len(beside[1].expandtabs()) < 2
        return close or beside[2][:1] not in ("", " ", "\t", "#")
    below = _COMMENT_BELOW.match(text, node.end_mark.index)
    if below is None or node.style or not node.value or _COMMENTED_KEY.match(below[2]):
        return False
    line = _line(text, node.start_mark.index)
    return len(below[1]) > len(line) - len(line.lstrip())


def _line(text: str, index: int) -> str:
    """Return the line of the character at ``index``."""
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    ends = [end for sign in "\r\n" if (end := text.find(sign, index)) >= 0]
    return text[start : min(ends, default=len(text))]
