"""YAML as people type it: byte order marks, look-alikes of its signs, and words that its signs take out of a text."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import yaml

SPACES = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
"""Spaces that are none to YAML (a class of a regular expression): no-break, ideographic, of no width …"""
COLONS = "\u02d0\u2236\ua789\ufe30\ufe55\uff1a"
"""Colons that are none to YAML: full-width, small, the letter's …"""
COMMON = {"\t": "tab", "\u00a0": "no-break space", "\u3000": "ideographic space", "\uff1a": "full-width colon"}
"""Names that people know; others have Unicode's."""
CORE_TAGS = frozenset(("str", "int", "float", "bool", "null", "seq", "map", "binary", "timestamp", "set", "omap"))
"""Tags that say what kind a value is (yaml.org/type); no other one takes part in an entry or a setting."""

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


class Place(NamedTuple):
    """What is wrong with a text that is no YAML, and in which line (from 1; 0: not known)."""

    line: int
    message: str
    hint: str


def without_marks(text: str) -> str:
    """Return ``text`` without the byte order marks that stand at the start of its lines: files put together have them.

    Only the first of a file is one to Python's ``utf-8-sig``, and YAML allows no other one inside a document.
    """
    return _MARKS.sub(r"\1", text) if "\ufeff" in text else text


def lookalike(line: str) -> str | None:
    """Name the first sign of a line that looks like one of YAML's and is none to it; None where there is none.

    Looked at is where YAML needs a space or a colon: before, around and after a key, and after the dash of a list.
    """
    found = _LOOKALIKE.match(line)
    if found is None or found.lastgroup is None:
        return None
    sign = found[found.lastgroup]
    name = COMMON.get(sign) or unicodedata.name(sign, "sign").lower()
    needed = "':' and a space" if found.lastgroup == "colon" else "a space"
    article = "an" if name[0] in "aeiou" else "a"
    return f"{article} {name} (U+{ord(sign):04X}) stands where YAML needs {needed}"


def place_of(error: yaml.MarkedYAMLError, text: str) -> Place:
    """Return where the mistake is that made a text no YAML: libyaml often notices it in the line below."""
    problem, context = error.problem_mark, error.context_mark
    message = str(error.problem or error.context)
    lines = {mark.line + 1: _line(text, mark.index) for mark in (problem, context) if mark is not None}
    looked_at = dict(lines)
    if problem is not None and context is None and problem.line:  # "a：b" above "c: d" is the start of a text
        start = problem.index - problem.column
        looked_at[problem.line] = _line(text, max(start - 1 - text[:start].endswith("\r\n"), 0))
    for number, line in looked_at.items():
        if (said := lookalike(line)) is not None:
            return Place(number, said, "write it with the plain sign")
    hint = "check the indentation and quotes"
    if context is not None and error.context in ("while scanning a simple key", "while scanning a quoted scalar"):
        return Place(context.line + 1, message, hint)
    if context is not None and " #" in lines[context.line + 1]:
        return Place(context.line + 1, message, "what follows ' #' is a comment to YAML: put the text in quotes")
    return Place(next(iter(lines), 0), message, hint)


def lost(node: yaml.ScalarNode, text: str) -> str | None:
    """Say which part of a written value YAML took for something else; None where it took nothing.

    Parameters
    ----------
    node
        The value.
    text
        The whole text that it was composed from.

    Notes
    -----
    A comment beside a value has two spaces before its ``#`` and one after it, as yamllint has it; what is written
    closer is taken for a part of the text.
    """
    first = text[node.start_mark.index : node.start_mark.index + 1]
    if first == "!":
        kind = _TAG.match(text, node.start_mark.index)
        if kind is None or kind[1] not in CORE_TAGS:
            return "a word that begins with '!' is a tag to YAML and no part of the text"
    elif first == "&":
        name = _ANCHOR.match(text, node.start_mark.index)
        if name is None or f"*{name[1]}" not in text:
            return "a word that begins with '&' is an anchor to YAML and no part of the text"
    return "what follows '#' is a comment to YAML and no part of the text" if _is_cut(node, text) else None


def _is_cut(node: yaml.ScalarNode, text: str) -> bool:
    """Whether a comment that ends a value looks like the rest of its text."""
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
    """Return the line that holds the character at ``index``."""
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    ends = [end for sign in "\r\n" if (end := text.find(sign, index)) >= 0]
    return text[start : min(ends, default=len(text))]
