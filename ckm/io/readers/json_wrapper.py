"""Find the list of records in a JSON object that has only metadata besides, at most four levels deep."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS = frozenset({"data", "records", "results", "rows", "entries", "value", "values"})
"""Usual names of top-level record lists."""
ENVELOPE = frozenset(
    {
        "meta", "metadata", "info", "header", "summary", "page", "pages", "paging", "pagination", "pageinfo",
        "pageno", "pagenumber", "pagesize", "perpage", "currentpage", "lastpage", "nextpage", "prevpage",
        "previouspage", "totalpages", "limit", "offset", "skip", "start", "size", "total", "totalcount",
        "totalsize", "totalresults", "totalrecords", "totalitems", "count", "resultcount", "recordcount",
        "numresults", "hasmore", "hasnext", "cursor", "nextcursor", "endcursor", "next", "prev", "previous",
        "first", "last", "self", "link", "links", "url", "href", "status", "statuscode", "success", "ok", "error",
        "errors", "message", "messages", "warnings", "version", "apiversion", "schema", "object", "kind",
        "format", "encoding", "generated", "generatedat", "exported", "exportedat", "exportdate", "requestid",
        "request", "query", "params", "took", "done", "nextrecordsurl", "context", "odatacontext", "odatacount",
        "odatanextlink", "extensions",
    }
)  # fmt: skip
"""Usual names of metadata of a record list, letters only."""
DEEPEST = 4
"""Maximum nesting level of a record list."""
_MEMBER = re.compile(r'\s*(?P<key>"(?:[^"\\]|\\.)*+")\s*:\s*', re.DOTALL)
_OBJECT = re.compile(r"\s*\{")
_LIST = re.compile(r"\[")
_LIST_OF_OBJECTS = re.compile(r"\[(?=\s*\{)")
_COMMA = re.compile(r"\s*,")
_decoder = json.JSONDecoder()


class WrappedList(NamedTuple):
    """A list of records in a JSON object.

    Attributes
    ----------
    path
        Path of keys to the list.
    begin
        Offset in the text after the opening bracket.
    """

    path: tuple[str, ...]
    begin: int


def find_list(text: str, at: int = 0) -> WrappedList | None:
    """Return the first list of objects in the object at ``at``, at most :data:`DEEPEST` levels deep.

    Return None if a value before the list is not metadata: then the object may be a single record with a list in it.
    """
    try:
        return _find_list(text, at, DEEPEST)
    except (ValueError, RecursionError):
        return None


def _find_list(text: str, at: int, levels: int) -> WrappedList | None:
    others: dict[str, object] = {}
    for key, place in _members(text, at):
        if found := _LIST_OF_OBJECTS.match(text, place):
            return WrappedList((key,), found.end()) if _describe_list(key, others) else None
        if levels > 1 and _OBJECT.match(text, place) and (inner := find_inner(text, place, levels - 1)):
            return WrappedList((key, *inner.path), inner.begin) if _describe_list(key, others) else None
        others[key] = _decoder.raw_decode(text, place)[0]
    return None


def find_inner(text: str, at: int, levels: int) -> WrappedList | None:
    """Return the list of records in the object at ``at``, at most ``levels`` deep; None without one."""
    try:
        return _find_list(text, at, levels)
    except ValueError:
        return None


def list_at(text: str, path: tuple[str, ...], at: int = 0) -> WrappedList | None:
    """Return the list at a path of keys; None if there is none."""
    try:
        for key, place in _members(text, at):
            if key != path[0]:
                _decoder.raw_decode(text, place)
            elif len(path) == 1:
                found = _LIST.match(text, place)
                return WrappedList(path, found.end()) if found else None
            else:
                inner = list_at(text, path[1:], place)
                return WrappedList(path, inner.begin) if inner else None
    except (ValueError, RecursionError):
        pass
    return None


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the keys of an object and the offsets of their values; stops at an invalid value."""
    begin = _OBJECT.match(text, at)
    while begin and (member := _MEMBER.match(text, begin.end())):
        yield _decoder.decode(member["key"]), member.end()
        begin = _COMMA.match(text, _decoder.raw_decode(text, member.end())[1])


def is_end(rest: str, path: tuple[str, ...]) -> bool:
    """Return whether the text after a list contains only metadata of the list and the ends of the objects around it."""
    for key in reversed(path):
        rest = rest.lstrip()
        if rest.startswith("}"):
            rest = rest[1:]
            continue
        if not rest.startswith(","):
            return False
        try:
            described, end = _decoder.raw_decode("{" + rest[1:])
        except (ValueError, RecursionError):
            return False
        if not _describe_list(key, described):
            return False
        rest = rest[end:]
    return not rest.strip()


def lists_of_records(record: dict[str, str | None]) -> list[str]:
    """Return the paths of fields that are lists of several records; the values of ``record`` are text."""
    found = []
    for path, text in record.items():
        if text is not None and re.match(r"\[\s*\{", text):
            value = json.loads(text)
            if len(value) > 1 and all(isinstance(each, dict) for each in value):
                found.append(str(path))
    return found


def _describe_list(name: str, others: dict[str, object]) -> bool:
    """Return whether the other values of an object with a list of records are empty or metadata, such as page counts.

    If the list has a usual name such as ``data``, any values count as metadata.
    """
    if any(isinstance(value, list) and any(isinstance(each, dict) for each in value) for value in others.values()):
        return False
    return name.casefold() in RECORDS or all(
        value in (None, "", [], {}) or "".join(filter(str.isalpha, key.casefold())) in ENVELOPE
        for key, value in others.items()
    )
