"""Text of strangers that is safe to show: file names, column names, categories, titles.

One table says which characters are written out, one function what Markdown would take for markup; whatever shows a text
(screen, page, chart, workbook, mail, JUnit) uses them.
"""

from __future__ import annotations

import re
import shlex
import sys

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_NO_TEXT = {
    code: f"\\u{code:04x}"
    for code in (
        *range(0xD800, 0xE000),  # halves of a character
        *range(0xFDD0, 0xFDF0),  # for a program's own use, never for interchange (Unicode 23.7)
        *(0xFFFE, 0xFFFF),  # XML 1.0 cannot hold them
    )
} | {plane << 16 | low: f"\\U{plane << 16 | low:08x}" for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)}
_TURNING = {
    code: f"\\u{code:04x}"
    for code in (
        *range(0x202A, 0x202F),  # embeddings and overrides
        *range(0x2066, 0x206A),  # isolates
        *range(0x206A, 0x2070),  # deprecated switches of shaping and digits
        *(0x2028, 0x2029),  # separators of lines and paragraphs
        *range(0xFFF9, 0xFFFC),  # annotations that stand between the lines
        0xFEFF,  # byte order mark
    )
} | {code: f"\\U{code:08x}" for code in range(0xE0000, 0xE0080)}  # tags: a second text that nobody sees
"""Marks that turn or hide what follows (Unicode TR 36, 3.2). Joiners and left-to-right marks are not among them:
Persian, Thai and emoji are written with them."""
_SHOWN_OUT = _TURNING | {code: each for code, each in _NO_TEXT.items() if code not in range(0xD800, 0xE000)}
_ISOLATE = re.compile("[\u2066-\u2069]")
_SHOWN_OUT_IN_PAGES = {code: each for code, each in _SHOWN_OUT.items() if not 0x2066 <= code <= 0x2069}
_JSON_SHOWN_OUT = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *(c for c in _SHOWN_OUT if c < 0x10000))}

_MARKDOWN = re.compile(
    r"(?P<mark>[\\*`\[\]~|]|(?<![^\W_])_|_(?![^\W_]))"  # "_" within a word is no markup: customer_id
    r"|(?P<tag><)"
    r"|(?P<entity>&(?=\#?\w+;))"
    r"|(?P<address>:(?=//)|(?<=www)\.|(?<=WWW)\.)"  # GitHub makes links of addresses that stand alone
)
_SPACE = re.compile(r"\s+")
_BLOCK = re.compile(r"(\d{1,9})([.)])(?=\s|$)|#{1,6}(?=\s|$)|>|[-+](?=\s|$)|-(?=[-\s]*$)|=(?==*$)")
"""What begins a list, a heading, a quotation or a rule at the start of a line."""


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
    Line breaks and tabs stay. What is no character (half of one, U+FFFE) is written out too.
    """
    if text.isascii() and text.isprintable():
        return text
    return unicode_text(text).translate(_CONTROLS).translate(_NO_TEXT)


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


def visible(text: str) -> str:
    r"""Return ``text`` with all written out that cannot be seen (``\xa0``, ``\u200b``): for what may be mistyped."""
    text = unicode_text(text)
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def harmless(text: str) -> str:
    """Return ``text`` as :func:`printable` does, with the marks written out that turn or hide what follows."""
    if text.isascii() and text.isprintable():
        return text
    return printable(text).translate(_SHOWN_OUT)


def harmless_in_page(text: str) -> str:
    """Return ``text`` as :func:`harmless` does, for a sentence that sets names apart: isolates stay if each is closed.

    A closed isolate keeps the direction of a name to itself; one that is open turns the rest of the line.
    """
    if text.isascii() and text.isprintable():
        return text
    return printable(text).translate(_SHOWN_OUT_IN_PAGES if _are_closed(text) else _SHOWN_OUT)


def _are_closed(text: str) -> bool:
    depth = 0
    for mark in _ISOLATE.findall(text):
        depth += -1 if mark == "\u2069" else 1
        if depth < 0:
            return False
    return depth == 0


def harmless_json(text: str) -> str:
    r"""Return JSON that means the same, with what a terminal may obey as ``\u009b``: JSON escapes only C0 controls."""
    return text.translate(_JSON_SHOWN_OUT)


def markdown_text(text: str) -> str:
    """Return ``text`` in one line, harmless, and with nothing in it that a reader of Markdown takes for markup.

    Links, images, tags, entities, addresses that stand alone, emphasis and code stay the characters that they are
    (CommonMark 0.31, GitHub Flavored Markdown 0.29). Fit for a cell and for the inside of a sentence.
    """
    return _MARKDOWN.sub(_escaped, harmless_in_page(_SPACE.sub(" ", text)))


def markdown_line(text: str) -> str:
    """Return ``text`` as :func:`markdown_text` does, and no list, heading, quotation or rule where it begins a line."""
    line = markdown_text(text).strip()
    return (
        _BLOCK.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[0]}", line, count=1)
        if (_BLOCK.match(line))
        else line
    )


def _escaped(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "tag":
            return "&lt;"
        case "entity":
            return "&amp;"
        case _:
            return f"\\{found[0]}"
