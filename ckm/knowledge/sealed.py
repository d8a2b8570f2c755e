"""JSON files in the cache folder that are either what this version of ckm wrote, whole, or nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckm import __version__
from ckm.errors import UsageError
from ckm.files import replacing
from ckm.knowledge.freshness import mark_of

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_NS = 20_000_000
"""A file changed so shortly before it was read may change again without another time: file systems tick (10 ms)."""


def load_sealed(path: Path, kind: str) -> Any:
    """Return what :func:`save_sealed` wrote; None where it is gone, cut short, changed, or of another kind or version.

    Parameters
    ----------
    path
        The file.
    kind
        What it is and what it was made from, as it was saved.
    """
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        if head != _head(kind, body):
            return None
        return json.loads(body.decode("utf-8", "surrogateescape"))
    except (OSError, ValueError, RecursionError):
        return None


def save_sealed(path: Path, kind: str, value: Any) -> None:
    """Write a value that JSON can hold, whole or not at all; where the place cannot be written, nothing is kept."""
    with suppress(OSError, UsageError, UnicodeError):
        # A file name that is not UTF-8 comes from the disk as surrogates and goes back there the same way.
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")
        with replacing(path) as draft:
            draft.write_bytes(_head(kind, body) + b"\n" + body)


class Keeper:
    """Values by name in one file, all made from the same.

    Parameters
    ----------
    path, kind
        As for :func:`load_sealed`.
    newest
        When what they are made from was last changed: a file that was saved so shortly after is not trusted.
    """

    def __init__(self, path: Path, kind: str, newest: int) -> None:
        self._path, self._kind = path, kind
        trusted = settled(newest, saved_at(path))
        self._values: dict[str, Any] = (load_sealed(path, kind) if trusted else None) or {}
        self._changed = False

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        """Return the value of this name, made where it is not there."""
        if name not in self._values:
            self._values[name] = make()
            self._changed = True
        return self._values[name]

    def save(self) -> None:
        """Write what was made."""
        if self._changed:
            save_sealed(self._path, self._kind, self._values)


def saved_at(path: Path) -> int:
    """Return when a file was written, in nanoseconds of the file system's clock; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def settled(changed: int, written_at: int) -> bool:
    """Whether a file of this time, read before ``written_at``, cannot have changed since without another time."""
    return changed + TICK_NS < written_at


@cache
def _code() -> str:
    """Name the code and data by their files' sizes and times: what another ckm has read or found is not ours."""
    root = Path(__file__).parents[1]
    names = [
        *root.glob("knowledge/**/*.py"),
        *root.glob("search/analysis/*.py"),
        *root.glob("data/*"),
        root / "reasons.yaml",
    ]
    about = [(name.as_posix(), *mark_of(name.stat())) for name in sorted(names) if name.is_file()]
    return sha256(repr(about).encode()).hexdigest()[:16]


def _head(kind: str, body: bytes) -> bytes:
    return f"ckm {__version__} {_code()} {kind} {sha256(body).hexdigest()}".encode()
