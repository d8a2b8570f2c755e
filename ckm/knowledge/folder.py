"""Read the entries of a folder. Whatever a file holds, the outcome is entries and mistakes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from ckm.errors import UsageError
from ckm.knowledge.document import read_document
from ckm.knowledge.entry import Entry, Mistake
from ckm.knowledge.listing import LARGEST, Listing, files
from ckm.knowledge.nodes import FastLoader, is_nothing
from ckm.plaintext import one_line
from ckm.yamltext import place_of, without_marks

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Base", "Listing", "files", "read_file", "read_folder"]

LARGEST_ENTRY = 1024 * 1024
"""Bytes of one document: a book. YAML's nodes take some 500 times the memory of a letter."""
MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "zip"}
"""First bytes that say what a file is."""


@dataclass(frozen=True)
class Base:
    """A knowledge base as it was read: by file, then by line.

    Attributes
    ----------
    entries
        In the order of files and documents; an id may occur twice.
    mistakes
        Likewise.
    """

    entries: tuple[Entry, ...]
    mistakes: tuple[Mistake, ...]


def read_folder(folder: Path) -> Base:
    """Read every entry below a folder; see :func:`ckm.knowledge.listing.files` for which files those are."""
    listing = files(folder)
    entries: list[Entry] = []
    mistakes = list(listing.mistakes)
    for name, _ in listing.files:
        found, wrong = read_file(folder / name, folder)
        entries += found
        mistakes += wrong
    mistakes.sort(key=lambda mistake: (mistake.path, mistake.line))
    return Base(tuple(entries), tuple(mistakes))


def read_file(path: Path, folder: Path) -> tuple[list[Entry], list[Mistake]]:
    """Read the entries of one file.

    Parameters
    ----------
    path
        The file; a link is not followed.
    folder
        Of the knowledge base: places are told relative to it.

    Returns
    -------
    tuple
        Entries and mistakes in the order of the file. After a place that is no YAML, what stood before it is kept.
    """
    name = one_line(os.path.relpath(path, folder).replace(os.sep, "/"))
    try:
        data = _bytes(path)
        text = _decode(data)
    except OSError as error:
        return [], [_whole(name, f"cannot be read: {error.strerror}", "mind its permissions")]
    except UsageError as error:
        return [], [_whole(name, str(error), error.hint, int(str(error.details.get("line", 0))))]
    if any(len(part) > LARGEST_ENTRY for part in text.split("\n---")):
        return [], [_whole(name, f"holds an entry larger than {LARGEST_ENTRY // 1024**2} MB", "this is not for people")]
    return _documents(text, path, name)


def _documents(text: str, path: Path, name: str) -> tuple[list[Entry], list[Mistake]]:
    entries: list[Entry] = []
    mistakes: list[Mistake] = []
    number = 0
    try:
        for root in yaml.compose_all(text, Loader=FastLoader):
            if is_nothing(root):
                continue
            number += 1
            entry, wrong = read_document(root, name, number, text)
            mistakes += wrong
            if entry is not None:
                entries.append(entry)
    except yaml.MarkedYAMLError as error:
        place = place_of(error, text)
        hint = f"{place.hint}; what comes after it is not read"
        mistakes.append(_whole(name, one_line(place.message), hint, place.line))
    except yaml.YAMLError as error:
        mistakes.append(_forbidden(error, text, name))
    return entries, mistakes


def _forbidden(error: yaml.YAMLError, text: str, name: str) -> Mistake:
    """Tell of a character that YAML forbids; libyaml says at which byte."""
    at = getattr(error, "position", None)
    line = text.encode()[:at].count(b"\n") + 1 if isinstance(at, int) else 0
    hint = "remove control characters such as NUL; what comes after it is not read"
    return _whole(name, "holds a character that YAML forbids", hint, line)


def _bytes(path: Path) -> bytes:
    """Read a regular file, never through a link and never waiting at a pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise UsageError("is no file but a folder, a pipe or a device", hint="remove it")
        data = file.read(LARGEST + 1) if about.st_size <= LARGEST else None
    if data is None or len(data) > LARGEST:
        raise UsageError(f"larger than {LARGEST // 1024**2} MB", hint="split it, an entry a file")
    return data


def _decode(data: bytes) -> str:
    kind = next((kind for mark, kind in MARKS.items() if data.startswith(mark)), None)
    if kind is not None:
        raise UsageError(f"is {kind}, not UTF-8", hint="save it as UTF-8 text")
    try:
        return without_marks(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError("is not UTF-8", hint="save it as UTF-8", line=line) from error


def _whole(name: str, message: str, hint: str | None, line: int = 0) -> Mistake:
    return Mistake("file", name, line, message, hint, left_out=True)
