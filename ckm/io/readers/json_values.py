"""Parse JSON objects as records of text, with every value as written."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias, overload

from ckm.io.readers.csv_blocks import RAW_LIMIT
from ckm.io.readers.encoding import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

Record: TypeAlias = "dict[str, str | None]"
"""The values of an object as text, by key or path; null for no value."""
Unparsed: TypeAlias = "tuple[str, str]"
"""Rejection reason and raw text of an element that is not an object."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Numeral(str):
    """A number as it was written, so that ``1.10`` and 20-digit ids survive."""

    __slots__ = ()


class Nested(str):
    """A list or a record, as JSON text."""

    __slots__ = ()


class Field(str):
    """The path of a value within a nested record, such as ``customer.id``.

    Attributes
    ----------
    parent
        The key of the outermost record.
    """

    parent: str


class _NotJsonError(ValueError):
    """Infinity, which Python accepts but JSON does not allow."""


class RepeatedKeyError(ValueError):
    """An object with a duplicate key, which is ambiguous."""


def _constant(name: str) -> None:
    """Return null for NaN, which pandas writes for missing values; Infinity is an error."""
    if name != "NaN":
        raise _NotJsonError(name)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RepeatedKeyError
    return found


decoder = json.JSONDecoder(parse_float=Numeral, parse_int=Numeral, parse_constant=_constant, object_pairs_hook=_object)


def as_text(value: object) -> str | None:
    """Return a JSON value as text: strings and numbers unchanged, objects and lists as JSON, ``null`` as None."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return Nested(_as_json(value))


def _fields(parent: str, path: str, record: dict[str, object]) -> Iterator[tuple[Field, str | None]]:
    """Yield the values of a record with their paths, including those of nested records."""
    for key, cell in record.items():
        field = Field(f"{path}.{key}")
        field.parent = parent
        if isinstance(cell, dict):
            yield from _fields(parent, field, cell)
        else:
            yield field, as_text(cell)


def _flat(value: dict[str, object]) -> dict[str, str | None]:
    """Return an object's values as text, with the values of nested records under their paths."""
    found = {key: as_text(cell) for key, cell in value.items()}
    for parent, cell in value.items():
        if isinstance(cell, dict):
            for field, text in _fields(parent, parent, cell):
                found.setdefault(field, text)
    return found


def _as_json(value: object) -> str:
    if isinstance(value, Numeral):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_as_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def parse_object(text: str) -> Record | Unparsed:
    """Return the values of an object; for other text, the reason and the raw text."""
    if UNREADABLE in text:
        return "encoding", raw_text(text)
    try:
        value = decoder.decode(text)
        if isinstance(value, dict):
            flat = _flat(value)
            if _SURROGATE.search(text):
                return {_whole(key): _whole(cell) for key, cell in flat.items()}
            return flat
    except RepeatedKeyError:
        return "duplicate key", raw_text(text)
    except (ValueError, RecursionError):
        return "invalid JSON", raw_text(text)
    return "not a JSON object", raw_text(text)


@overload
def _whole(text: str) -> str: ...
@overload
def _whole(text: None) -> None: ...
def _whole(text: str | None) -> str | None:
    """Replace unpaired surrogates (half an emoji) by U+FFFD, because UTF-8 cannot encode them."""
    if text is None or isinstance(text, Numeral):
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(text, Field):
        field = Field(whole)
        field.parent = _whole(text.parent)
        return field
    return Nested(whole) if isinstance(text, Nested) else whole


def raw_text(text: str) -> str:
    """Return text for the rejected records: shortened, without NUL and undecodable bytes."""
    return text[:RAW_LIMIT].replace("\x00", "\\x00").replace(UNREADABLE, "")
