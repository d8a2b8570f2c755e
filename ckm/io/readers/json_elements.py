"""Read the elements of a JSON file one by one, so that the file does not have to fit in memory."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal

from ckm.errors import InputError
from ckm.io.readers.csv_blocks import RAW_LIMIT, line_blocks
from ckm.io.readers.encoding import utf8_pieces
from ckm.io.readers.json_values import as_text, decoder, parse_object, raw_text
from ckm.io.readers.json_wrapper import is_end, list_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.io.readers.archive import Archive
    from ckm.io.readers.encoding import TextEncoding
    from ckm.io.readers.json_values import Record, Unparsed

BLOCK = 8 << 20
"""Bytes read at once."""
ELEMENT_LIMIT = 64 << 20
"""Maximum characters of an array element."""
KEY = "key"
"""The column of keys for an object of records."""
_GAP = re.compile(r"[\s,]+")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)
"""Pattern of strings, also unclosed ones, and of the characters between values."""
_MEMBER = re.compile(r'\s*(?P<key>"(?:[^"\\]|\\.)*+")\s*:\s*', re.DOTALL)


@dataclass(frozen=True)
class JsonLayout:
    """Layout of the objects in the file.

    Attributes
    ----------
    kind
        ``lines``: one object per line; ``array``: an array of objects; ``stream``: objects one after the other, across
        line ends; ``wrapped``: an array in an object whose other values are metadata; ``keyed``: the values of one
        object.
    path
        The path of keys to the array of ``wrapped``.
    is_given
        Whether the user set the path; then the file after the array is ignored.
    """

    kind: Literal["lines", "array", "stream", "wrapped", "keyed"]
    path: tuple[str, ...] = ()
    is_given: bool = False

    @property
    def remark(self) -> str | None:
        """Return a remark on where the records are; None for lines and for an array."""
        if self.kind == "wrapped":
            only = "" if self.is_given else ", the only one in the file's object"
            return f"the records are read from the list '{'.'.join(self.path)}'{only}"
        if self.kind == "keyed":
            return f"the records are the values of one object; its keys are the column '{KEY}'"
        return "the records are concatenated JSON objects over several lines" if self.kind == "stream" else None


def elements(
    archive: Archive, encoding: TextEncoding, layout: JsonLayout, *, closed: bool = True
) -> Iterator[tuple[int, Record | Unparsed]]:
    """Yield the 1-based line and the values of each object; for other elements the line, the reason and the raw text.

    Text after an array is yielded as invalid JSON. If ``closed``, the end of the object around the array is omitted.
    """
    pieces = utf8_pieces(archive, encoding, BLOCK)
    if layout.kind == "lines":
        return _line_elements(pieces, archive.name)
    return _array_elements(pieces, archive.name, layout, closed=closed)


def _line_elements(pieces: Iterator[bytes], name: str) -> Iterator[tuple[int, Record | Unparsed]]:
    number = 0
    for block, _ in line_blocks(pieces, name, "\n"):
        for line in block.removesuffix(b"\n").split(b"\n") if block else ():
            number += 1
            text = line.decode().strip()
            if text:
                yield number, parse_object(text)


def _array_elements(
    pieces: Iterator[bytes], name: str, layout: JsonLayout, *, closed: bool
) -> Iterator[tuple[int, Record | Unparsed]]:
    start = layout.kind
    decoder = codecs.getincrementaldecoder("utf-8")()  # a piece may end inside a character
    text, at, line = "", 0, 1
    opened, done = start == "stream", False
    for piece in chain(pieces, (None,)):
        final = piece is None
        text, at = text[at:] + decoder.decode(piece or b"", final), 0
        if len(text) > ELEMENT_LIMIT:
            raise InputError(f"{name}: an element of the array is longer than {ELEMENT_LIMIT >> 20} MB")
        while not done:
            gap = _GAP.match(text, at)
            end_of_gap = gap.end() if gap else at
            line += text.count("\n", at, end_of_gap)
            at = end_of_gap
            if at >= len(text):
                break
            if not opened:  # up to the bracket that starts the array
                wrapper = list_at(text, layout.path, at) if start == "wrapped" else None
                begin = wrapper.begin if wrapper else at + 1
                line += text.count("\n", at, begin)
                opened, at = True, begin
                continue
            if text[at] == ("}" if start == "keyed" else "]"):
                at, done = at + 1, True
                break
            member = _MEMBER.match(text, at) if start == "keyed" else None
            if start == "keyed" and member is None:  # the element is incomplete
                break
            begin = member.end() if member else at
            end = _element_end(text, begin, final=final)
            if end is None:
                break
            found = parse_object(text[begin:end])
            yield line, _under(member["key"], found) if member else found
            line += text.count("\n", at, end)
            at = end
        if done and len(text) - at > RAW_LIMIT:  # the rest is not searched
            break
    if layout.is_given and done:
        return
    if (rest := text[at:].strip()) and not (closed and start == "wrapped" and is_end(rest, layout.path)):
        yield line, ("invalid JSON", raw_text(rest))


def _under(key: str, found: Record | Unparsed) -> Record | Unparsed:
    """Return a record with its key as a field, unless the record has a field of that name."""
    try:
        return {KEY: as_text(decoder.decode(key)), **found} if isinstance(found, dict) else found
    except ValueError:
        return "invalid JSON", raw_text(key)


def _element_end(text: str, at: int, *, final: bool) -> int | None:
    """Return the end of the element at ``at``; None if ``text`` does not contain it yet.

    Parsing finds the end of a valid element. In an invalid one brackets are counted, so that the next element is read.
    """
    try:
        end = decoder.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return _broken_end(text, at, final=final)
    return end if end < len(text) or final else None


def _broken_end(text: str, at: int, *, final: bool) -> int | None:
    depth = 0
    for token in _TOKENS.finditer(text, at):
        mark = token.group()
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth <= 0:
                return token.end() if depth == 0 or token.start() == at else token.start()
        elif mark == "," and depth == 0:
            return token.start()
    return len(text) if final else None
