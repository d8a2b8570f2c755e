"""Line breaks and terminal width of texts in any script (after Unicode Annexes 11 and 14)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PART = re.compile(r"[^_.,/\\-]+[_.,/\\-]*|[_.,/\\-]+")
"""Pattern of a part of a name: it ends with a mark, after which a long name may be broken."""
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
"""Pattern of a run of Thai, Lao, Burmese or Khmer, which have no spaces between words."""
_NOT_FIRST = frozenset("、。，．：；？！）」』】〉》〕］｝,.:;?!)]}%»”’…ー々ๆฯ")
"""Characters that must not begin a line."""
_NOT_LAST = frozenset("（「『【〈《〔［｛([{«“‘")
"""Characters that must not end a line."""


def width(text: str) -> int:
    """Return the width of a text in columns of a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(text: str, columns: int, *, mark: str = "") -> list[str]:
    """Return a text as lines of at most ``columns``.

    Lines are broken at spaces, between Chinese characters, and between Thai words. A name longer than a line is broken
    after a mark such as ``/`` or ``_``, and a part without a mark that is still longer at any character.

    Parameters
    ----------
    text
        One line of text, without control characters.
    columns
        Maximum width of a line in columns of the terminal.
    mark
        Text before the first line; other lines are indented by its width.
    """
    indent = " " * width(mark)
    most = max(1, columns - len(indent))
    if width(text) <= most:
        return [mark + text]
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        glue = " " if lines else ""
        for piece in _pieces(word, most):
            if lines and width(lines[-1]) + width(glue + piece) <= most:
                lines[-1] += glue + piece
            else:
                lines.append(piece)
            glue = ""
    return [f"{indent if at else mark}{line}" for at, line in enumerate(lines or [""])]


def longest_word(texts: Iterable[str], name: int, most: int) -> int:
    """Return the width in columns of the longest word of all texts.

    A word of more than ``name`` columns is a name: its parts count as words. Parts of more than ``most`` columns do not
    count, because they must be cut anyway.
    """
    longest = 0
    for text in texts:
        for word in text.split(" "):
            for atom in _atoms(word):
                size = width(atom)
                sizes = [size] if size <= name else map(width, PART.findall(atom))
                longest = max(longest, *(size for size in sizes if size <= most), 0)
    return longest


def _pieces(word: str, most: int) -> Iterator[str]:
    """Yield the pieces of a word between which a line may be broken, each of at most ``most`` columns."""
    if width(word) <= most and word.isascii():
        yield word
        return
    for atom in _atoms(word):
        if width(atom) <= most:
            yield atom
            continue
        for part in PART.findall(atom):
            yield from [part] if width(part) <= most else _cut(part, most)


def _atoms(word: str) -> list[str]:
    """Return the parts of a word that are broken only if they are wider than a line: Thai words, Chinese characters."""
    if word.isascii():
        return [word]
    parts: list[str] = []
    end = 0
    for run in _SPACELESS.finditer(word):
        parts += [*_characters(word[end : run.start()]), *_words(run.group())]
        end = run.end()
    parts += _characters(word[end:])
    atoms: list[str] = []
    for part in parts:
        if atoms and (part[0] in _NOT_FIRST or not width(part) or atoms[-1][-1] in _NOT_LAST):
            atoms[-1] += part
        else:
            atoms.append(part)
    return atoms or [word]


def _characters(text: str) -> list[str]:
    """Return each wide character of a text as a part, and each text between them as a part."""
    parts: list[str] = []
    for character in text:
        is_wide = width(character) == 2
        if parts and ((not is_wide and width(parts[-1][0]) != 2) or not width(character)):
            parts[-1] += character
        else:
            parts.append(character)
    return parts


@lru_cache(maxsize=1024)
def _words(run: str) -> tuple[str, ...]:
    from ckm.search.analysis import thai

    return tuple(thai.words(thai.clusters(run)))


def _cut(text: str, most: int) -> Iterator[str]:
    """Yield a text in pieces of at most ``most`` columns; combining marks stay with their letters."""
    piece = ""
    for character in text:
        if piece and width(piece + character) > most and width(character):
            yield piece
            piece = ""
        piece += character
    yield piece
