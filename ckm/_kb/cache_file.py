"""The format of all files in the cache: a header line and a body, both JSON.

The header holds the kind of the file, small values that are read often, and a digest of the body. A file that is
missing, damaged, or of another kind or version of ckm reads as None; the caller then computes its content again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckm import __version__
from ckm._kb.cache_folder import make_private
from ckm._kb.fingerprint import digest, mark_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST_HEADER = 1_000_000
"""Bytes of a header line."""
TICK_NS = 20_000_000
"""Nanoseconds within which a file may change twice with one time stamp: file systems tick every 10 ms or less."""


def read_header(path: Path, kind: str) -> dict[str, Any] | None:
    """Return the header values that :func:`write_cache_file` wrote, without reading the body."""
    try:
        with path.open("rb") as file:
            values: dict[str, Any] = _parsed_header(file.readline(LONGEST_HEADER), kind)["values"]
            return values
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_body(path: Path, kind: str) -> Any:
    """Return the body that :func:`write_cache_file` wrote."""
    try:
        line, _, body = path.read_bytes().partition(b"\n")
        if _parsed_header(line, kind)["digest"] != digest(body):
            return None
        return json.loads(body.decode("utf-8", "surrogatepass"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_cache_file(path: Path, kind: str, body: Any = None, values: Mapping[str, Any] | None = None) -> None:
    """Write a cache file completely or not at all.

    Parameters
    ----------
    path
        The file. Its folder is created for its owner only, since entries may be confidential.
    kind
        Name of the content and of everything that it depends on. Only a reader with the same kind accepts the file.
    body
        Any JSON value.
    values
        Values for the header.

    Raises
    ------
    OSError, UsageError
        The file cannot be written.
    """
    from ckm.files import replacing

    # File names that are not UTF-8 contain surrogates.
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    header = {"kind": f"ckm {__version__} {kind}", "digest": digest(data), "values": values or {}}
    make_private(path.parent)
    with replacing(path) as draft:
        draft.write_bytes(json.dumps(header).encode() + b"\n" + data)


def try_write_cache_file(path: Path, kind: str, body: Any = None, values: Mapping[str, Any] | None = None) -> None:
    """Write a cache file as :func:`write_cache_file` does; do nothing if it cannot be written."""
    from ckm.errors import UsageError

    with suppress(OSError, UsageError):
        write_cache_file(path, kind, body, values)


class CachedValues:
    """Named values in one cache file that all depend on the same files.

    Parameters
    ----------
    path, kind
        As for :func:`write_cache_file`.
    newest
        Time stamp of the newest of these files, in nanoseconds. A cache file that was written within
        :data:`TICK_NS` of it is not used.
    """

    def __init__(self, path: Path, kind: str, newest: int) -> None:
        self._path, self._kind = path, kind
        usable = is_settled(newest, written_at(path))
        self._values: dict[str, Any] = (read_body(path, kind) if usable else None) or {}
        self._changed = False

    def get(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return the value of a name; compute it if it is missing."""
        if name not in self._values:
            self._values[name] = compute()
            self._changed = True
        return self._values[name]

    def save(self) -> None:
        """Write the file if a value was computed."""
        if self._changed:
            try_write_cache_file(self._path, self._kind, self._values)


def written_at(path: Path) -> int:
    """Return the time stamp of a file in nanoseconds; 0 if there is no file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def is_settled(changed: int, written: int) -> bool:
    """Return whether a file with time stamp ``changed``, read before ``written``, must still be the same."""
    return changed + TICK_NS < written


@cache
def code_digest() -> str:
    """Return a digest of sizes and times of the code and data files that parse and check entries."""
    root = Path(__file__).parents[1]
    names = [
        *root.glob("_kb/**/*.py"),
        *root.glob("search/analysis/*.py"),
        *root.glob("data/*"),
    ]
    about = [(name.as_posix(), *mark_of(name.stat())) for name in sorted(names) if name.is_file()]
    return digest(repr(about).encode())


def _parsed_header(line: bytes, kind: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(line)
    if header["kind"] != f"ckm {__version__} {kind}":
        raise ValueError
    return header
