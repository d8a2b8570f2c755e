"""Detect the encoding of a text file, and decode it to UTF-8.

Evidence in this order: a byte order mark; valid UTF-8 in the whole file; the NUL bytes of UTF-16 and UTF-32; a
statistical guess by chardet on lines with many non-ASCII bytes.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ckm.errors import InputError, UsageError
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.io.readers.archive import Archive

MARKS = (  # UTF-32 first: its little-endian mark starts like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SCAN_BLOCK = 8 << 20
HEAD = 64 << 10
GUESS_SAMPLE = 64 << 10
"""Maximum bytes for chardet; more make it slower, not better."""
PLAUSIBLE = (
    *("gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949", "cp874", "koi8-r", "koi8-u"),
    *(f"cp125{page}" for page in range(9)),
    *("iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-13", "iso8859-15"),
    *("cp850", "cp852", "cp866"),
)
"""Candidate encodings; with all of its encodings chardet often detects short texts as Hebrew DOS."""
SUPERSETS = {  # files with the narrow encoding are nearly always written in its superset
    "ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "euc_kr": "cp949",
}
UNREADABLE = "\ufdd0"
"""Marks each byte that cannot be decoded; a Unicode noncharacter."""
UNREADABLE_UTF8 = UNREADABLE.encode()
CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x00\x1a\x1b\x1c\x1d\x1e\x1f"))
WIDE_SHARE = 0.9
"""Minimum share of NUL bytes at even, or at odd, offsets in UTF-16 of Latin letters."""
LATIN = frozenset({"cp1250", "cp1252", "cp1254", "cp1257", "iso8859-2", "iso8859-13", "iso8859-15"})
"""Encodings in which no two adjacent letters are valid UTF-8."""
LIKELY = ("cp1252", "cp874", "cp1256", "cp1250", "cp1251", "gb18030", "big5hkscs")
"""Encodings that are tried after chardet's guess for the lines of a mixed file that are not UTF-8."""
CHANCE = 0.3
"""Maximum ratio of lines that are accidentally valid UTF-8, such as short words in Thai or Chinese."""
LINES_NAMED = 5
"""Maximum number of line numbers listed in a remark."""
BINARY_SHARE = 0.02
"""Share of control characters above which a file is not text."""


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    damaged = error.object[error.start : error.end]
    return "".join(f"{UNREADABLE}\\x{byte:02x}" for byte in damaged), error.end


codecs.register_error("ckm-mark", _mark_unreadable)


@dataclass(frozen=True)
class TextEncoding:
    """The encoding of a file.

    Attributes
    ----------
    name
        Python's name of the encoding.
    mark
        Length in bytes of the byte order mark.
    clean
        Whether the whole file is valid, so that UTF-8 blocks need no second check.
    how
        Evidence: ``given``, ``mark``, ``valid``, ``nul bytes`` or ``guess``.
    mixed
        Whether some lines are UTF-8, so that each line is decoded separately.
    remark
        Remark for the user: ``(first line, text)``; None if none.
    """

    name: str
    mark: int
    clean: bool
    how: str
    mixed: bool = False
    remark: tuple[int, str] | None = None


@dataclass
class _Utf8Scan:
    """Statistics of one pass over the bytes of a file.

    Attributes
    ----------
    good_lines, bad_lines
        Number of lines with non-ASCII letters that are valid UTF-8, and that are not.
    rich, utf8, not_utf8
        The first of all these lines, of the valid and of the invalid ones, as samples for guesses.
    """

    good_lines: int = 0
    bad_lines: int = 0
    rich: bytes = b""
    utf8: bytes = b""
    not_utf8: bytes = b""


def detect_encoding(archive: Archive, given: str | None = None) -> TextEncoding:
    """Detect the encoding of ``archive`` in one pass over its bytes.

    If most lines with non-ASCII letters are valid UTF-8, the file is UTF-8 with damaged lines, because text in another
    encoding is practically never valid UTF-8. If only some are, the encodings are mixed, such as in concatenated
    exports of two programs; a remark names the lines.

    Raises
    ------
    UsageError
        ``given`` is not a known encoding.
    InputError
        The file is not text.
    """
    head = archive.head(HEAD)
    mark = next(((len(bom), name) for bom, name in MARKS if head.startswith(bom)), None)
    if given is not None:
        name = _canonical_name(given)
        marked = mark is not None and _same_family(name, mark[1])
        return TextEncoding(mark[1] if marked and mark else name, mark[0] if marked and mark else 0, False, "given")
    if mark:
        return TextEncoding(mark[1], mark[0], False, "mark")
    if wide := _wide_encoding(head):
        return TextEncoding(wide, 0, False, "nul bytes")
    _refuse_binary(archive.name, head)
    scan = _scan_utf8(archive)
    if not scan.bad_lines:
        return TextEncoding("utf-8", 0, True, "valid")
    if scan.good_lines > scan.bad_lines:
        lines, count = _odd_lines(archive, utf8=False)
        return TextEncoding("utf-8", 0, False, "valid", remark=_remark_on_damage(lines, count) if lines else None)
    guess = _guess_like(scan.not_utf8, scan.utf8) if scan.good_lines else _guess(scan.rich)
    if scan.good_lines <= (0 if guess in LATIN else CHANCE * scan.bad_lines):
        return TextEncoding(_guess(scan.rich), 0, False, "guess")
    lines, count = _odd_lines(archive, utf8=True)
    if not lines:  # the counted lines were parts of one very long line
        return TextEncoding(guess, 0, False, "guess")
    return TextEncoding(guess, 0, False, "guess", mixed=True, remark=_remark_on_mixture(lines, count, guess))


def utf8_pieces(archive: Archive, encoding: TextEncoding, size: int) -> Iterator[bytes]:
    """Yield the text of ``archive`` as pieces of UTF-8, without byte order mark, about ``size`` bytes each.

    Bytes that cannot be decoded come as :data:`UNREADABLE` and their hexadecimal escape.
    """
    with archive.open() as content:
        content.read(encoding.mark)
        if encoding.name == "utf-8" and encoding.clean:
            while piece := content.read(size):
                yield piece
            return
        if encoding.mixed:
            for block in _blocks_of_lines(content, size):
                yield b"".join(_line_as_utf8(line, encoding.name) for line in block.splitlines(keepends=True))
            return
        decoder = codecs.getincrementaldecoder(encoding.name)(errors="ckm-mark")
        while piece := content.read(size):
            yield _encoded(decoder.decode(piece))
        yield _encoded(decoder.decode(b"", final=True))


def _blocks_of_lines(content: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield a file in pieces that end at a line end."""
    rest = b""
    while piece := content.read(size):
        block = rest + piece
        cut = block.rfind(b"\n") + 1
        rest = block[cut:]
        if cut:
            yield block[:cut]
    if rest:
        yield rest


def _line_as_utf8(line: bytes, other: str) -> bytes:
    if line.isascii() or _is_utf8(line):
        return line
    return _encoded(line.decode(other, errors="ckm-mark"))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _remark_on_damage(lines: list[int], count: int) -> tuple[int, str]:
    return lines[
        0
    ], f"mixed encodings: {counted(count, 'line', 'is', 'are')} not UTF-8, unlike the others ({_named(lines, count)})"


def _remark_on_mixture(lines: list[int], count: int, other: str) -> tuple[int, str]:
    text = f"mixed encodings: {counted(count, 'line', 'is', 'are')} UTF-8 ({_named(lines, count)}), the others {other}"
    return lines[0], f"{text}; each line was decoded in its own encoding"


def _odd_lines(archive: Archive, *, utf8: bool) -> tuple[list[int], int]:
    """Return the numbers of the first lines with non-ASCII letters that are UTF-8 (or are not), and their count."""
    found: list[int] = []
    count, number = 0, 1
    with archive.open() as content:
        for block in _blocks_of_lines(content, SCAN_BLOCK):
            lines = block.splitlines()
            if not block.isascii():
                odd = [at for at, line in enumerate(lines) if not line.isascii() and _is_utf8(line) is utf8]
                found += [number + at for at in odd[: LINES_NAMED - len(found)]]
                count += len(odd)
            number += len(lines)
    return found, count


def _named(lines: list[int], count: int) -> str:
    named = ", ".join(f"{line:,}" for line in lines)
    return f"line{'s' * (count > 1)} {named}" + (", …" if count > len(lines) else "")


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # some decoders accept unpaired surrogates
        return text.encode(errors="backslashreplace")


def _canonical_name(name: str) -> str:
    try:
        found = codecs.lookup(name)
    except LookupError:
        raise UsageError(
            f"unknown encoding '{name}'", hint="for example utf-8, windows-1252, gb18030, tis-620, utf-16-le"
        ) from None
    if not found._is_text_encoding:
        raise UsageError(f"'{name}' is not a text encoding", hint="for example utf-8, windows-1252, gb18030")
    return {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(found.name, found.name)


def _same_family(given: str, marked: str) -> bool:
    return given.split("-")[:2] == marked.split("-")[:2]


def _wide_encoding(head: bytes) -> str | None:
    """Detect UTF-16 and UTF-32 without a byte order mark from the offsets of NUL bytes; None if it is neither.

    In ASCII text at least half of all bytes are NUL. Text in scripts such as Chinese has few NUL bytes, but its line
    ends, spaces, digits and delimiters have them, at offsets of one parity only.
    """
    if b"\x00" not in head or len(head) < 4:
        return None
    if _is_text_with_nuls(head):
        return None
    sample = head[: len(head) // 4 * 4]
    counts = [sample[place::4].count(0) for place in range(4)]
    quarter = len(sample) // 4
    if counts[2] > 0.9 * quarter and counts[3] > 0.9 * quarter and counts[0] < 0.2 * quarter:
        return "utf-32-le"
    if counts[0] > 0.9 * quarter and counts[1] > 0.9 * quarter and counts[3] < 0.2 * quarter:
        return "utf-32-be"
    even, odd = counts[0] + counts[2], counts[1] + counts[3]
    for name, hit, missed in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if hit > 0.05 * 2 * quarter and missed <= 0.02 * hit and _decodes(sample, name):
            return name
    return None


def _is_text_with_nuls(head: bytes) -> bool:
    """Return whether a file is single-byte text in which NUL bytes are errors or padding.

    UTF-16 of Latin letters has NUL for nearly every second byte. Wide scripts without NUL bytes have control
    characters and invalid UTF-8.
    """
    rest = head.replace(b"\x00", b"")
    alternate = max(head[0::2].count(0), head[1::2].count(0)) >= WIDE_SHARE * (len(head) // 2)
    if alternate or not rest or len(rest) > len(rest.translate(None, CONTROLS)):
        return False
    decoder = codecs.getincrementaldecoder("utf-8")()  # the head may end inside a character
    try:
        decoder.decode(rest)
    except UnicodeDecodeError:
        return False
    return True


def _decodes(sample: bytes, name: str) -> bool:
    try:
        text = sample[:-2].decode(name) if len(sample) > 4 else sample.decode(name)
    except UnicodeDecodeError:
        return False
    return "\x00" not in text


def _refuse_binary(name: str, head: bytes) -> None:
    controls = len(head) - len(head.translate(None, CONTROLS))
    nuls = head.count(0)
    if head and (controls > BINARY_SHARE * len(head) or (nuls > 0.3 * len(head) and not _is_text_with_nuls(head))):
        raise InputError(f"{name}: this is not a text file", hint="ckm reads CSV, JSON lines, Parquet and Excel")


def _scan_utf8(archive: Archive) -> _Utf8Scan:
    scan = _Utf8Scan()
    rest = b""
    with archive.open() as content:
        while piece := content.read(SCAN_BLOCK):
            if not rest and piece.isascii():  # the usual case: no copy, no search for lines
                continue
            block = rest + piece
            cut = block.rfind(b"\n") + 1
            if not cut and len(block) >= SCAN_BLOCK:  # a very long line: cut before a character, or anywhere
                cut = len(block.rstrip(bytes(range(128, 256)))) or len(block)
            block, rest = block[:cut], block[cut:]
            _scan_block(block, scan)
    _scan_block(rest, scan)
    return scan


def _scan_block(block: bytes, scan: _Utf8Scan) -> None:
    if block.isascii():
        return
    valid = True
    try:
        block.decode()
    except UnicodeDecodeError:
        valid = False
    if valid and scan.bad_lines == 0 and scan.good_lines > GUESS_SAMPLE:
        return
    for line in block.replace(b"\r", b"\n").split(b"\n"):
        if line.isascii():
            continue
        try:
            line.decode()
            scan.good_lines += 1
            if len(scan.utf8) < GUESS_SAMPLE:
                scan.utf8 += line[:4096] + b"\n"
        except UnicodeDecodeError:
            scan.bad_lines += 1
            if len(scan.not_utf8) < GUESS_SAMPLE:
                scan.not_utf8 += line[:4096] + b"\n"
        if len(scan.rich) < GUESS_SAMPLE:
            scan.rich += line[:4096] + b"\n"


def _guess_like(lines: bytes, others: bytes) -> str:
    """Return an encoding for lines of a mixed file that are not UTF-8.

    It is chardet's guess, or else the first of :data:`LIKELY`, that can decode ``lines`` and has all non-ASCII letters
    of the file's UTF-8 lines (``others``).
    """
    letters = "".join({letter for letter in others.decode(errors="ignore") if letter > "\x7f"})
    for name in (guess := _guess(lines), *LIKELY):
        try:
            letters.encode(name)
            lines.decode(name)
        except UnicodeError:
            continue
        return name
    return guess


def _guess(rich: bytes) -> str:
    """Return chardet's guess, replaced by its superset (:data:`SUPERSETS`); cp1252 if Python does not know it."""
    import chardet

    found = chardet.detect(rich, include_encodings=PLAUSIBLE, no_match_encoding="cp1252").get("encoding") or "cp1252"
    try:
        name = codecs.lookup(found).name
    except LookupError:
        name = "cp1252"
    return SUPERSETS.get(name, name)
