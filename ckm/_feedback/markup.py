"""Removal of HTML from the texts of comments, such as tickets that were written as e-mails."""

from __future__ import annotations

import re
from html import unescape

_HIDDEN = re.compile(r"<(style|script|head)\b[^>]*>.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
"""Elements whose content is not part of the text, and comments."""
_BREAK = re.compile(r"<(?:br|/?(?:p|div|li|tr|h[1-6]|blockquote))\b[^<>]*>", re.IGNORECASE)
"""Tags that end a line."""
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9:]*(?:\s[^<>]*)?/?>")


def without_markup(text: str) -> str:
    r"""Return a text without HTML tags, with entities replaced by their characters; a block ends with a line break.

    >>> without_markup("<p>Late again,<br>Tom &amp; Ann</p>")
    '\nLate again,\nTom & Ann\n'
    >>> without_markup("the cup is <3 cm and > 2 cm")
    'the cup is <3 cm and > 2 cm'
    """
    if "<" in text:
        text = _TAG.sub(" ", _BREAK.sub("\n", _HIDDEN.sub(" ", text)))
    return unescape(text) if "&" in text else text
