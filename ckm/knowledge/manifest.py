"""What an index was made from: names, sizes and times of 100,000 files in a few megabytes that are read at once."""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_COUNT = 8
_ITEM = 8  # bytes of an array's number


@dataclass(frozen=True)
class Manifest:
    """Files, sorted by name.

    Attributes
    ----------
    names
        Relative to the folder, with ``/``.
    sizes, times
        Bytes, and nanoseconds of the last change.
    mistakes
        Entries of the file that could not be read, and 1 for a file that could not.
    """

    names: list[str]
    sizes: array[int]
    times: array[int]
    mistakes: array[int]

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.names)


def of(files: Iterable[tuple[str, int, int]]) -> Manifest:
    """Return the manifest of a listing (:func:`ckm.knowledge.listing.files`), with no mistakes yet."""
    listed = list(files)
    return Manifest(
        [name for name, _, _ in listed],
        array("q", [size for _, size, _ in listed]),
        array("q", [time for _, _, time in listed]),
        array("q", bytes(_ITEM * len(listed))),
    )


def compare(before: Manifest | None, after: Manifest) -> tuple[list[str], list[str]]:
    """Return the names that are new or changed, and those that are gone; without a ``before`` all are new."""
    if before is None:
        return list(after.names), []
    then = dict(zip(before.names, zip(before.sizes, before.times, strict=True), strict=True))
    now = zip(after.sizes, after.times, strict=True)
    changed = [name for name, facts in zip(after.names, now, strict=True) if then.pop(name, None) != facts]
    return changed, sorted(then)


def with_mistakes(after: Manifest, before: Manifest) -> Manifest:
    """Return ``after`` with the mistakes that ``before`` knew of files of the same name."""
    known = {name: count for name, count in zip(before.names, before.mistakes, strict=True) if count}
    return Manifest(after.names, after.sizes, after.times, array("q", [known.get(name, 0) for name in after.names]))


def pack(manifest: Manifest) -> bytes:
    """Return the manifest as bytes."""
    parts = (manifest.sizes.tobytes(), manifest.times.tobytes(), manifest.mistakes.tobytes())
    names = b"\0".join(os.fsencode(name) for name in manifest.names)
    return b"".join((len(manifest).to_bytes(_COUNT, "little"), *parts, names))


def unpack(data: bytes) -> Manifest:
    """Return the manifest that :func:`pack` made into bytes, on this machine."""
    count = int.from_bytes(data[:_COUNT], "little")
    columns = []
    for number in range(3):
        start = _COUNT + number * count * _ITEM
        columns.append(array("q", data[start : start + count * _ITEM]))
    names = data[_COUNT + 3 * count * _ITEM :]
    return Manifest([os.fsdecode(name) for name in names.split(b"\0")] if count else [], *columns)
