"""Names from the data that are markup, code or no text at all, and how a reader of Markdown takes what ckm wrote."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

ODD = (
    "![i](http://evil.example/x.png)",
    "[k](javascript:alert(1))",
    "[k]: http://evil.example",
    "<img src=x onerror=alert(1)>",
    "</svg><script>alert(1)</script>",
    "<http://evil.example>",
    "http://evil.example/a",
    "www.evil.example",
    "&#x3c;b&#x3e;",
    "a|b\\",
    "`code` ~~x~~ **b**",
    "# one\n- two\n> three\n\n1. four\n---",
    "    indented\tcode",
    "```\nfence",
    "\x1b]0;title\x07\x1b[31mred",
    "back\x08space\x85next\x0c",
    "turn\u202eed\u2066open\u2069\u2069",
    "seen\ufeff\U000e0041\u2028\ufffe\uffff\ufdd0\U0001fffe",
    "=HYPERLINK(1)",
    "{{ 7*7 }}{% x %}",
)
BAD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u206a-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\ufdd0-\ufdef]"
)
"""What no file that people read may hold: controls, halves of characters, marks that turn the rest of a line."""
PLAIN = frozenset({
    "paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak", "hardbreak",
    "heading_open", "heading_close",
    "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close", "hr", "strong_open", "strong_close",
    "em_open", "em_close",
    *(f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")),
})  # fmt: skip
"""What ckm itself writes in Markdown: no link, image, code, quotation or HTML is among it."""
BREAK = "<br>"
_ADDRESS = re.compile(r"(?<!\\)://|(?i:www)(?<!\\)\.(?=\w)")
_READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens(text: str) -> list[Token]:
    """Every token of a text in Markdown, with those inside lines."""
    found = []
    for token in _READER.parse(text):
        found += [token, *(token.children or [])]
    return found


def markup_in(text: str) -> set[str]:
    """What a reader of Markdown makes of a text that ckm does not write itself, GitHub's links of addresses too."""
    kinds = {
        token.type
        for token in tokens(text)
        if token.type not in PLAIN and not (token.type == "html_inline" and token.content == BREAK)
    }
    return kinds | ({"address"} if _ADDRESS.search(text) else set())


def shown_text(text: str) -> str:
    """The characters that a reader of Markdown shows of one paragraph."""
    return "".join(token.content for token in tokens(text) if token.type in ("text", "text_special"))
