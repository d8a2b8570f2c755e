"""Replacements of digits, spaces and invisible characters of any script, for ``str.replace_many``."""

from __future__ import annotations

ZEROS = "٠۰๐０०"
"""The zeros of Arabic, Persian, Thai, full-width and Devanagari digits; in Unicode, 1 to 9 follow each zero."""

DIGITS = {chr(ord(zero) + value): str(value) for zero in ZEROS for value in range(10)}
SPACES = {chr(code): " " for code in (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, 0x09)}
"""Every space character other than the plain one: non-breaking, thin, narrow, figure, ideographic, tab."""
INVISIBLE = {
    chr(code): ""
    for code in (
        0x200B,
        0x200C,
        0x200D,
        0x200E,
        0x200F,
        0x061C,
        *range(0x202A, 0x202F),
        0x2066,
        0x2067,
        0x2068,
        0x2069,
        0xFEFF,
    )
}
"""Zero-width joiners and direction marks, which programs add to numbers in right-to-left text."""
