"""Text of strangers that is safe to show: file names, column names, titles."""

from __future__ import annotations

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_TURNING = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Marks that turn the direction of what follows (Unicode TR 36, 3.2)."""


def printable(text: str) -> str:
    r"""Return ``text`` with control characters written out (``\x1b``).

    File and column names come from strangers; an escape sequence in one must not repaint the terminal.
    Line breaks and tabs stay. A file name that Python could not decode is read as UTF-8.
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").translate(_CONTROLS)


def one_line(text: str) -> str:
    r"""Return ``text`` as :func:`printable` does, with line breaks and tabs written out too (``\n``): for names."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def visible(text: str) -> str:
    r"""Return ``text`` with all written out that cannot be seen (``\xa0``, ``\u200b``): for what may be mistyped."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def harmless(text: str) -> str:
    """Return ``text`` as :func:`printable` does, with the marks written out that turn the direction of what follows."""
    return printable(text).translate(_TURNING)
