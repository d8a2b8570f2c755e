"""Text of strangers that is safe to show: file names, column names, titles."""

from __future__ import annotations

import shlex
import sys

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_TURNING = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Marks that turn the direction of what follows (Unicode TR 36, 3.2)."""


def unicode_text(text: str) -> str:
    r"""Return ``text`` as it can be stored: bytes of a file name that are not UTF-8 are written out (``\xe9``).

    Python has such bytes in a name as lone surrogates (PEP 383), which no encoder takes. Any other lone surrogate, such
    as half an emoji, is written out too (``\ud83d``).
    """
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "backslashreplace")
    return encoded.decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    r"""Return ``text`` with control characters written out (``\x1b``), and what :func:`unicode_text` does.

    File and column names come from strangers; an escape sequence in one must not repaint the terminal.
    Line breaks and tabs stay.
    """
    return unicode_text(text).translate(_CONTROLS)


def one_line(text: str) -> str:
    r"""Return ``text`` as :func:`printable` does, with line breaks and tabs written out too (``\n``): for names."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def shell_word(path: str) -> str:
    r"""Return a path as it is typed into a shell: quoted where it must be, ``$'caf\xe9'`` where it cannot be typed."""
    if sys.platform == "win32":
        return f'"{path}"' if set(path) & set(" &()^;,=%!'") else path
    if path.isprintable():
        return shlex.quote(path)
    escaped = path.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{one_line(escaped)}'"


def harmless(text: str) -> str:
    """Return ``text`` as :func:`printable` does, with the marks written out that turn the direction of what follows."""
    return printable(text).translate(_TURNING)
