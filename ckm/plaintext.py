"""Escape untrusted text for display: file names, column names, categories, titles.

One table lists the characters that are escaped, and one function escapes Markdown. All outputs (screen, page, chart,
workbook, mail, JUnit) use them.
"""

from __future__ import annotations

import re
import shlex
import sys

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_NO_TEXT = {
    code: f"\\u{code:04x}"
    for code in (
        *range(0xD800, 0xE000),  # surrogates
        *range(0xFDD0, 0xFDF0),  # noncharacters, not for interchange (Unicode 23.7)
        *(0xFFFE, 0xFFFF),  # not allowed in XML 1.0
    )
} | {plane << 16 | low: f"\\U{plane << 16 | low:08x}" for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)}
_TURNING = {
    code: f"\\u{code:04x}"
    for code in (
        *range(0x202A, 0x202F),  # embeddings and overrides
        *range(0x2066, 0x206A),  # isolates
        *range(0x206A, 0x2070),  # deprecated switches of shaping and digits
        *(0x2028, 0x2029),  # separators of lines and paragraphs
        *range(0xFFF9, 0xFFFC),  # interlinear annotations
        0xFEFF,  # byte order mark
    )
} | {code: f"\\U{code:08x}" for code in range(0xE0000, 0xE0080)}  # tags: an invisible second text
"""Marks that change the direction of the following text or hide it (Unicode TR 36, 3.2). Joiners and left-to-right
marks are not included: Persian, Thai and emoji need them."""
_ESCAPED = _TURNING | {code: each for code, each in _NO_TEXT.items() if code not in range(0xD800, 0xE000)}
_ISOLATE = re.compile("[\u2066-\u2069]")
_ESCAPED_IN_PAGES = {code: each for code, each in _ESCAPED.items() if not 0x2066 <= code <= 0x2069}
_JSON_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *(c for c in _ESCAPED if c < 0x10000))}

_MARKDOWN = re.compile(
    r"(?P<mark>[\\*`\[\]~|]|(?<![^\W_])_|_(?![^\W_]))"  # "_" inside a word is not markup: customer_id
    r"|(?P<tag><)"
    r"|(?P<entity>&(?=\#?\w+;))"
    r"|(?P<address>:(?=//)|(?<=www)\.|(?<=WWW)\.)"  # GitHub turns plain addresses into links
)
_SPACE = re.compile(r"\s+")
_BLOCK = re.compile(r"(\d{1,9})([.)])(?=\s|$)|#{1,6}(?=\s|$)|>|[-+](?=\s|$)|-(?=[-\s]*$)|=(?==*$)")
"""Beginning of a list, a heading, a quotation or a rule at the start of a line."""


def unicode_text(text: str) -> str:
    r"""Return ``text`` with all lone surrogates escaped, so that it can be encoded.

    Python represents bytes of a file name that are not UTF-8 as lone surrogates (PEP 383); they become ``\xe9``. Other
    lone surrogates, such as half an emoji, become ``\ud83d``.
    """
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "backslashreplace")
    return encoded.decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    r"""Return ``text`` with control characters (``\x1b``), lone surrogates and noncharacters escaped.

    An escape sequence in a file or column name must not control the terminal. Line breaks and tabs are not escaped.
    """
    if text.isprintable():  # every character that would be escaped is not
        return text
    return unicode_text(text).translate(_CONTROLS).translate(_NO_TEXT)


def one_line(text: str) -> str:
    r"""Return ``text`` as :func:`printable` does, with line breaks and tabs escaped too (``\n``); for names."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def shell_word(path: str) -> str:
    r"""Return a path as a word for a shell: quoted if necessary, ``$'caf\xe9'`` if it is not printable."""
    if sys.platform == "win32":
        return f'"{path}"' if set(path) & set(" &()^;,=%!'") else path
    if path.isprintable():
        return shlex.quote(path)
    escaped = path.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{one_line(escaped)}'"


def visible(text: str) -> str:
    r"""Return ``text`` with all invisible characters escaped (``\xa0``, ``\u200b``); for probable typos."""
    text = unicode_text(text)
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def harmless(text: str) -> str:
    """Return ``text`` as :func:`printable` does, with marks that change its direction or hide text escaped too."""
    if text.isascii() and text.isprintable():
        return text
    return printable(text).translate(_ESCAPED)


def harmless_in_page(text: str) -> str:
    """Return ``text`` as :func:`harmless` does, without escaping directional isolates if each is closed.

    A closed isolate limits the direction of a name to the name; an open one changes the rest of the line.
    """
    if text.isascii() and text.isprintable():
        return text
    return printable(text).translate(_ESCAPED_IN_PAGES if _are_closed(text) else _ESCAPED)


def _are_closed(text: str) -> bool:
    depth = 0
    for mark in _ISOLATE.findall(text):
        depth += -1 if mark == "\u2069" else 1
        if depth < 0:
            return False
    return depth == 0


def harmless_json(text: str) -> str:
    r"""Return equivalent JSON with C1 controls and hidden marks escaped (``\u009b``); JSON escapes only C0 controls."""
    return text.translate(_JSON_ESCAPED)


def markdown_text(text: str) -> str:
    """Return ``text`` in one line with control characters and Markdown markup escaped.

    Covers links, images, tags, entities, plain addresses, emphasis and code (CommonMark 0.31, GitHub Flavored Markdown
    0.29). For a table cell or the inside of a sentence.
    """
    return _MARKDOWN.sub(_escaped, harmless_in_page(_SPACE.sub(" ", text)))


def markdown_line(text: str) -> str:
    """Return ``text`` as :func:`markdown_text` does, with list, heading, quotation and rule markup escaped too."""
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
