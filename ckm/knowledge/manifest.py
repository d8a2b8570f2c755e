"""What an index was made from: names and marks of 100,000 files in a few megabytes that are read at once."""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckm.knowledge.freshness import Mark

_COUNT = 8
_COLUMNS = 4
_ITEM = 8  # bytes of an array's number


@dataclass(frozen=True)
class Manifest:
    """Files, sorted by name.

    Attributes
    ----------
    names
        Relative to the folder, with ``/``.
    sizes, written, changed
        Their marks (:func:`ckm.knowledge.freshness.mark_of`) by part.
    mistakes
        Entries of the file that could not be read, and 1 for a file that could not.
    """

    names: list[str]
    sizes: array[int]
    written: array[int]
    changed: array[int]
    mistakes: array[int]

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.names)


def of(files: Iterable[tuple[str, Mark]]) -> Manifest:
    """Return the manifest of a listing (:func:`ckm.knowledge.listing.files`), with no mistakes yet."""
    listed = list(files)
    return Manifest(
        [name for name, _ in listed],
        array("q", [size for _, (size, _, _) in listed]),
        array("q", [written for _, (_, written, _) in listed]),
        array("q", [changed for _, (_, _, changed) in listed]),
        array("q", bytes(_ITEM * len(listed))),
    )


def compare(before: Manifest | None, after: Manifest) -> tuple[list[str], list[str]]:
    """Return the names that are new or changed, and those that are gone; without a ``before`` all are new."""
    if before is None:
        return list(after.names), []
    then = dict(_marked(before))
    changed = [name for name, mark in _marked(after) if then.pop(name, None) != mark]
    return changed, sorted(then)


def with_mistakes(after: Manifest, before: Manifest) -> Manifest:
    """Return ``after`` with the mistakes that ``before`` knew of files of the same name."""
    known = {name: count for name, count in zip(before.names, before.mistakes, strict=True) if count}
    return replace(after, mistakes=array("q", [known.get(name, 0) for name in after.names]))


def _marked(manifest: Manifest) -> Iterator[tuple[str, Mark]]:
    return zip(manifest.names, zip(manifest.sizes, manifest.written, manifest.changed, strict=True), strict=True)


def pack(manifest: Manifest) -> bytes:
    """Return the manifest as bytes."""
    columns = (manifest.sizes, manifest.written, manifest.changed, manifest.mistakes)
    names = b"\0".join(os.fsencode(name) for name in manifest.names)
    return b"".join((len(manifest).to_bytes(_COUNT, "little"), *(column.tobytes() for column in columns), names))


def unpack(data: bytes) -> Manifest:
    """Return the manifest that :func:`pack` made into bytes, on this machine."""
    count = int.from_bytes(data[:_COUNT], "little")
    columns = []
    for number in range(_COLUMNS):
        start = _COUNT + number * count * _ITEM
        columns.append(array("q", data[start : start + count * _ITEM]))
    names = data[_COUNT + _COLUMNS * count * _ITEM :]
    return Manifest([os.fsdecode(name) for name in names.split(b"\0")] if count else [], *columns)
