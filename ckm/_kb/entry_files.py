"""Read the entries of a knowledge folder. Any content of a file becomes entries and mistakes, never an exception."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._kb.entry import KnowledgeEntry, Mistake
from ckm._kb.entry_reader import read_document
from ckm._kb.file_listing import LARGEST, files
from ckm.plaintext import one_line
from ckm.yamlnodes import YamlError, compose_documents, read_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EntryCollection", "read_file", "read_folder"]

LARGEST_ENTRY = 1024 * 1024
"""Bytes of one document, the size of a book. YAML nodes take some 500 times the memory of their text."""


@dataclass(frozen=True)
class EntryCollection:
    """The entries and mistakes of a knowledge folder, in the order of files and lines.

    Attributes
    ----------
    entries
        Entries; an id may occur twice.
    mistakes
        Mistakes.
    """

    entries: tuple[KnowledgeEntry, ...]
    mistakes: tuple[Mistake, ...]


def read_folder(folder: Path) -> EntryCollection:
    """Return all entries below a folder; :func:`ckm._kb.file_listing.files` selects the files."""
    listing = files(folder)
    entries: list[KnowledgeEntry] = []
    mistakes = list(listing.mistakes)
    for name, _ in listing.files:
        found, wrong = read_file(folder / name, folder)
        entries += found
        mistakes += wrong
    mistakes.sort(key=lambda mistake: (mistake.path, mistake.line))
    return EntryCollection(tuple(entries), tuple(mistakes))


def read_file(path: Path, folder: Path) -> tuple[list[KnowledgeEntry], list[Mistake]]:
    """Return the entries and the mistakes of one file, in the order of the file.

    Parameters
    ----------
    path
        The file; a link is not followed.
    folder
        The knowledge folder; paths of entries and mistakes are relative to it.

    Returns
    -------
    tuple
        Entries before a line that is not YAML are returned; the rest of the file is not read.
    """
    name = one_line(os.path.relpath(path, folder).replace(os.sep, "/"))
    entries: list[KnowledgeEntry] = []
    mistakes: list[Mistake] = []
    hint_end = ""
    try:
        text = read_text(path, LARGEST, only_regular=True)
        if any(len(part) > LARGEST_ENTRY for part in text.split("\n---")):
            raise YamlError(f"an entry larger than {LARGEST_ENTRY >> 20} MB", "split it")
        hint_end = "; the rest of the file is not read"
        for number, root in enumerate(compose_documents(text), 1):
            entry, wrong = read_document(root, name, number, text)
            mistakes += wrong
            if entry is not None:
                entries.append(entry)
    except OSError as error:
        mistakes.append(
            Mistake("file", name, 0, f"cannot be read: {error.strerror}", "check its permissions", left_out=True)
        )
    except YamlError as error:
        message, hint = one_line(str(error)), f"{error.hint}{hint_end}"
        mistakes.append(Mistake("file", name, error.line, message, hint, left_out=True))
    return entries, mistakes
