"""JSON files in the cache folder that are either what this version of ckm wrote, whole, or nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ckm import __version__
from ckm.errors import UsageError
from ckm.files import replacing

if TYPE_CHECKING:
    from pathlib import Path


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


def _head(kind: str, body: bytes) -> bytes:
    return f"ckm {__version__} {kind} {sha256(body).hexdigest()}".encode()
