"""Detect the layout of a JSON file: lines, an array, or records inside of an object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.io.readers.encoding import utf8_pieces
from ckm.io.readers.json_elements import BLOCK, KEY, JsonLayout, elements
from ckm.io.readers.json_values import Field, RepeatedKeyError, decoder
from ckm.io.readers.json_wrapper import find_list, is_end, list_at

if TYPE_CHECKING:
    from ckm.io.readers.archive import Archive
    from ckm.io.readers.encoding import TextEncoding

_OBJECT_OF_OBJECTS = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*+"\s*:\s*\{', re.DOTALL)


def detect_layout(archive: Archive, encoding: TextEncoding, records: str | None) -> JsonLayout:
    """Detect the layout from the first object and, if an object wraps the records, from the end of the file."""
    head = ""
    for piece in utf8_pieces(archive, encoding, BLOCK):
        head = piece.decode(errors="ignore").lstrip()
        if head:
            break
    if records is not None:
        path = tuple(records.strip("/").split("/") if records.startswith("/") else records.split("."))
        if list_at(head, path) is None:
            raise UsageError(
                f"{archive.name}: the file's object has no list '{records}'",
                hint="--records needs the path of keys, such as data.orders",
            )
        return JsonLayout("wrapped", path, is_given=True)
    if head.startswith("["):
        return JsonLayout("array")
    if (found := find_list(head)) and _is_closed_by_wrapper(archive, encoding, found.path):
        return JsonLayout("wrapped", found.path)
    if _OBJECT_OF_OBJECTS.match(head) and _holds_records(archive, encoding):
        return JsonLayout("keyed")
    line = head.partition("\n")[0].strip()
    return JsonLayout("stream" if not _is_complete(line) and _begins_with_object(head) else "lines")


def _is_closed_by_wrapper(archive: Archive, encoding: TextEncoding, path: tuple[str, ...]) -> bool:
    """Return whether only metadata and the ends of the wrapping objects follow the array."""
    last = ""
    for _, found in elements(archive, encoding, JsonLayout("wrapped", path), closed=False):
        last = found[1] if isinstance(found, tuple) else ""
    return is_end(last, path)


def _holds_records(archive: Archive, encoding: TextEncoding) -> bool:
    """Return whether the file is one object whose values are several similar objects: records by key.

    Objects with different keys (a customer and an address) are not records, but fields of one record.
    """
    first: set[str] = set()
    count = 0
    for _, found in elements(archive, encoding, JsonLayout("keyed"), closed=False):
        if not isinstance(found, dict):
            return False
        own = {key for key in found if not isinstance(key, Field)} - {KEY}
        first = first or own
        if 2 * len(own & first) < max(1, min(len(own), len(first))):
            return False
        count += 1
    return count > 1


def _is_complete(text: str) -> bool:
    try:
        decoder.decode(text)
    except RepeatedKeyError:
        return True
    except (ValueError, RecursionError):
        return False
    return True


def _begins_with_object(text: str) -> bool:
    try:
        found, _ = decoder.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict)
