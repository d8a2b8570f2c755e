"""Paths that any library can open, and the names of files as text.

Libraries written in Rust and C++ take a path as UTF-8 text. Python accepts any bytes, and represents invalid ones as
lone surrogates (PEP 383). If a path is not UTF-8, the libraries get a symbolic link to it in a temporary folder of this
process.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from ckm.errors import UsageError
from ckm.files import temporary_folder

STDIN = Path("-")
"""The user's name for standard input."""


def openable(path: Path) -> Path:
    """Return an equivalent path that is absolute and UTF-8; ``path`` itself if it already is.

    An absolute path starts with neither ``~`` nor ``s3://``, which polars would expand.

    Raises
    ------
    UsageError
        The path is not UTF-8, and no link to it can be made.
    """
    whole = path.absolute()
    if is_utf8(str(whole)):
        return whole
    odd = next(each for each in (whole, *whole.parents) if not is_utf8(each.name))
    return _link_to(odd) / whole.relative_to(odd)


def is_utf8(text: str) -> bool:
    """Return whether a path has a UTF-8 form."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def link_folder(link: Path, target: Path) -> None:
    """Create the link ``link`` to the folder ``target``; on Windows a junction, which needs no privilege.

    Raises
    ------
    OSError
        The file system has no links, or the user may not create one.
    """
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(target), str(link))
    else:
        link.symlink_to(target, target_is_directory=True)


@cache
def _link_to(target: Path) -> Path:
    import tempfile

    link = Path(tempfile.mkdtemp(dir=temporary_folder())) / "path"
    try:
        link.symlink_to(target)
    except OSError as error:
        raise UsageError(
            f"{target} is not UTF-8, and no link to it can be made in {temporary_folder()}: {error.strerror}",
            hint="rename it, or name another temporary folder by TMPDIR",
        ) from error
    return link
