"""Read a YAML document as an entry: valid values become the entry, invalid ones mistakes with their lines.

Aliases are followed within a budget of values and only under known keys, so that a document cannot grow.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import yaml

from ckm._kb.entry import KnowledgeEntry, Mistake, entry_from
from ckm._kb.entry_schema import Shape, entry_shape
from ckm._kb.value_suggestions import (
    SHOWN,
    is_day,
    language_pattern,
    suggested_day,
    suggested_id,
    suggested_language,
)
from ckm.plaintext import one_line, visible
from ckm.severity import Severity
from ckm.yamlnodes import is_null, plain_value, scalars, unquoted
from ckm.yamltext import lookalike, lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_VALUES = 20_000
"""Maximum number of values read from one document; a usual document has a few hundred."""
MOST_MISTAKES = 50
"""Maximum number of mistakes reported for one document."""
DEEPEST = 30
"""Maximum number of levels of a value that is stored without a schema."""
LONGEST_ID = 500
DECISIVE = frozenset(
    (
        *("id", "state", "state.confidence", "answers", "answers.reasons", "applies", "applies.valid_from"),
        *("applies.valid_until", "access", "access.read", "links", "links.supersedes"),
    )
)
"""Keys that decide whether, when and to whom an entry is shown. A mistake in one of them leaves the entry out."""
FREE = frozenset(("text", "texts", "names", "phrases", "id"))
"""Forms with free text, of which YAML may read a part as syntax."""
FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and marks that change the writing direction (Unicode TR 36, 3.2)."""


def is_id(text: str) -> bool:
    """Return whether a text is a valid id: printable, without spaces, and without a dash in front (an option)."""
    return text.isprintable() and " " not in text and not text.startswith("-") and 0 < len(text) <= LONGEST_ID


def read_document(
    root: yaml.Node, path: str, document: int, source: str = ""
) -> tuple[KnowledgeEntry | None, list[Mistake]]:
    """Return the entry of a document, and its mistakes.

    Parameters
    ----------
    root
        A document of :func:`ckm.yamlnodes.compose_documents`.
    path
        File relative to the folder, for the positions of mistakes.
    document
        Its 1-based number in the file.
    source
        The text of the file, to find parts of a value that YAML read as syntax; "": do not look for them.

    Returns
    -------
    tuple
        The entry is None if a mistake is ``left_out``: the id is missing, or a key of :data:`DECISIVE` is invalid.
    """
    return _Reader(path, root.start_mark.line + 1, source).read(root, document)


class _Reader:
    """Reads one document along the schema."""

    def __init__(self, path: str, line: int, source: str) -> None:
        self.path, self.line = path, line
        self.source = source if any(sign in source for sign in "#!&") else ""
        self.mistakes: list[Mistake] = []
        self.more = 0
        self.left_out = False
        self.lines: dict[str, int] = {}
        self.extra: dict[str, Any] = {}
        self.values = 0

    def read(self, root: yaml.Node, document: int) -> tuple[KnowledgeEntry | None, list[Mistake]]:
        plain = self.mapping(root, "", self.line, entry_shape())
        name = plain.get("id") if plain else None
        if self.more:
            self.add(f"{self.more:,} more mistakes in this entry are not shown", self.line, last=True)
        mistakes = [replace(each, entry=name, document=document) for each in self.mistakes]
        if self.left_out or not plain:
            return None, mistakes
        entry = entry_from(plain, path=self.path, line=self.line, document=document, lines=self.lines, extra=self.extra)
        return entry, mistakes

    def add(
        self,
        message: str,
        line: int,
        hint: str | None = None,
        *,
        key: str = "",
        rule: str = "schema",
        severity: Severity = Severity.error,
        last: bool = False,
    ) -> None:
        """Add a mistake; an error under a decisive key, or in the whole document, leaves the entry out."""
        decisive = severity is Severity.error and (key in DECISIVE or key == "/")
        self.left_out |= decisive
        if len(self.mistakes) >= MOST_MISTAKES and not last:
            self.more += 1
            return
        self.mistakes.append(Mistake(rule, self.path, line, message, hint, severity, left_out=decisive))

    def mapping(self, node: yaml.Node, key: str, line: int, shape: Shape) -> dict[str, Any] | None:
        if not isinstance(node, yaml.MappingNode):
            message = lookalike(unquoted(node))
            if message is not None:
                self.add(message, node.start_mark.line + 1, "use the plain ASCII character", key=key or "/")
                return None
            self.add(
                "expected 'key: value' pairs" + (f" under '{key}'" if key else ""),
                line,
                "an entry starts with 'schema: ckm.kb/1'" if not key else None,
                key=key or "/",
            )
            return None
        inside = f"{key}." if key else ""
        found: dict[str, Any] = {}
        for name, name_line, value in self.pairs(node, inside):
            inner, full = shape.keys.get(name), inside + name
            self.lines[full] = name_line
            if inner is None:
                self.unknown(name, full, name_line, value, shape)
            elif is_null(value):
                self.look_for_lost(value, full)
            else:
                understood = _READERS[inner.form](self, value, full, name_line, inner)
                if understood is not None:
                    found[name] = understood
        self.needed(shape, inside, found, line)
        return found

    def needed(self, shape: Shape, inside: str, found: dict[str, Any], line: int) -> None:
        """Add a mistake for each missing key; invalid ones have a mistake already."""
        for name in shape.needed:
            full = inside + name
            if name in found or (full in self.lines and any(each.line == self.lines[full] for each in self.mistakes)):
                continue
            inner = shape.keys[name]
            missing = f"{full}.{inner.needed[0]}" if inner.needed else full
            hint = f"write one of {', '.join(inner.words)}" if inner.words else inner.description or None
            self.add(f"'{missing}' is missing", self.lines.get(full, line), hint, key=full)

    def pairs(self, node: yaml.MappingNode, inside: str) -> Iterator[tuple[str, int, yaml.Node]]:
        """Yield key, line and value; of duplicate keys the first."""
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.add("a key must be one word, not a list or a mapping", line)
                continue
            name = str(key.value)
            if name in seen:
                message = f"duplicate key '{_short(name)}', first in line {seen[name]}"
                self.add(message, line, "remove one of them", key=inside + name)
                continue
            seen[name] = line
            yield name, line, value

    def unknown(self, name: str, full: str, line: int, value: yaml.Node, shape: Shape) -> None:
        near = get_close_matches(name[:SHOWN], shape.keys, n=1, cutoff=0.7)
        hint = f"did you mean '{near[0]}'?" if near else "ckm stores it and does not use it"
        hint = lookalike(f"{name}:") or hint
        self.add(f"unknown key '{_short(full)}'", line, hint, rule="unknown-key", severity=Severity.warning)
        if (plain := self.anything(value, full, line, shape)) is not None:
            self.extra[one_line(full)] = plain

    def look_for_lost(self, node: yaml.Node, key: str) -> None:
        """Add a mistake if YAML reads a part of a value as comment, tag or anchor."""
        if self.source and isinstance(node, yaml.ScalarNode) and (message := lost(node, self.source)) is not None:
            line = node.end_mark.line + 1
            hint = "put the text in quotes"
            if "comment" in message:
                hint += "; a comment has two spaces before its # and one after it"
            self.add(f"{message}, under '{_short(key)}'", line, hint, rule="lost-text", severity=Severity.warning)

    def look_for_lookalike(self, node: yaml.Node, key: str) -> None:
        """Add a mistake if a value would be a list or mapping without a character that only looks like YAML syntax."""
        if (message := lookalike(unquoted(node))) is not None:
            self.add(message, node.start_mark.line + 1, "use the plain ASCII character", key=key)

    # Each of these methods takes a value, its key, line and shape. It returns None after a mistake.

    def text(self, node: yaml.Node, key: str, line: int, shape: Shape) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.add(f"expected a text under '{_short(key)}', not a list or a mapping", line, key=key)
            return None
        self.values += 1
        if shape.form in FREE or (shape.form == "word" and not shape.closed):
            self.look_for_lost(node, key)
        text = str(node.value).strip()
        if not text or is_null(node):
            self.add(f"empty text under '{_short(key)}'", line, "write it, or remove the key", key=key)
            return None
        if _UNSAFE.search(text):
            self.add(
                f"control characters under '{_short(key)}'",
                line,
                "remove them; ckm shows them escaped, such as \\x1b",
                rule="control-characters",
                severity=Severity.warning,
            )
        return text

    def texts(self, node: yaml.Node, key: str, line: int, shape: Shape) -> str | dict[str, str] | None:
        if isinstance(node, yaml.MappingNode):
            found = self.by_language(node, key, self.text)
            if not node.value:
                self.add(f"empty text under '{_short(key)}'", line, "write it, or remove the key", key=key)
            return found or None
        first = re.match(r"[\w-]*", unquoted(node))
        if node.start_mark.line + 1 > line and first is not None and language_pattern().fullmatch(first[0]):
            self.look_for_lookalike(node, key)
        return self.text(node, key, line, shape)

    def phrases(self, node: yaml.Node, key: str, line: int, shape: Shape) -> list[str] | dict[str, list[str]] | None:
        if isinstance(node, yaml.MappingNode):
            return self.by_language(node, key, self.names)
        return self.names(node, key, line, shape)

    def by_language(
        self, node: yaml.MappingNode, key: str, read: Callable[[yaml.Node, str, int, Shape], Any]
    ) -> dict[str, Any]:
        found = {}
        for name, line, value in self.pairs(node, f"{key}."):
            if not language_pattern().fullmatch(name):
                self.add(f"'{_short(name)}' is not a language tag", line, suggested_language(name), key=key)
            elif not is_null(value) and (understood := read(value, f"{key}.{name}", line, _TEXT)) is not None:
                found[name] = understood
                self.lines[f"{key}.{name}"] = line
        return found

    def names(self, node: yaml.Node, key: str, line: int, shape: Shape) -> list[str] | None:
        if isinstance(node, yaml.ScalarNode):
            if unquoted(node).startswith("-"):
                self.look_for_lookalike(node, key)
            text = self.text(node, key, line, shape)
            return None if text is None else [text]
        if not isinstance(node, yaml.SequenceNode):
            self.add(f"expected a list under '{_short(key)}'", line, "write [one, two]", key=key)
            return None
        found: list[str] = []
        for item in node.value:
            if self.values > MOST_VALUES:
                self.too_much(key, line)
                return None
            text = self.text(item, key, item.start_mark.line + 1, shape)
            if text is not None:
                found.append(text)
        return list(dict.fromkeys(found))

    def word(self, node: yaml.Node, key: str, line: int, shape: Shape) -> str | None:
        text = self.text(node, key, line, shape)
        if text is None or text in shape.words:
            return text
        name = key.rpartition(".")[2]
        article = "an" if name[0] in "aeio" else "a"
        near = get_close_matches(_folded(text), shape.words, n=1, cutoff=0.6)
        hint = f"did you mean '{near[0]}'?" if near else "write one of these"
        message = f"{article} {name} must be one of {', '.join(shape.words)}"
        if shape.closed:
            self.add(message, line, hint, key=key)
            return None
        self.add(
            f"unusual word: {message}", line, hint if near else "write one of these, so that others find it",
            rule="unusual-word", severity=Severity.warning,
        )  # fmt: skip
        return text

    def day(self, node: yaml.Node, key: str, line: int, shape: Shape) -> str | None:
        text = self.text(node, key, line, shape)
        if text is None:
            return None
        if _DAY.fullmatch(text) and is_day(text):
            return text
        if _DAY.fullmatch(text):
            self.add(f"invalid date '{text}' under '{key}'", line, "check the length of the month", key=key)
        else:
            self.add(f"expected a date under '{key}'", line, suggested_day(text), key=key)
        return None

    def whole(self, node: yaml.Node, key: str, line: int, shape: Shape) -> int | None:
        text = self.text(node, key, line, shape)
        if text is not None and re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= 36500:
            return int(text)
        if text is not None:
            self.add(f"expected a whole number from 1 to 36500 under '{key}'", line, "write it as 180", key=key)
        return None

    def flag(self, node: yaml.Node, key: str, line: int, shape: Shape) -> bool | None:
        text = self.text(node, key, line, shape)
        if text is not None and text.lower() not in FLAGS:
            self.add(f"expected yes or no under '{key}'", line, "write true or false", key=key)
        return FLAGS.get((text or "").lower())

    def id(self, node: yaml.Node, key: str, line: int, shape: Shape) -> str | None:
        text = self.text(node, key, line, shape)
        if text is None:
            return None
        if is_id(text):
            return text
        if len(text) > LONGEST_ID:
            self.add(f"an id has at most {LONGEST_ID} characters", line, "shorten it", key=key)
        else:
            message = "an id has no spaces and no control characters, and no dash in front"
            self.add(message, line, f"write {suggested_id(text)}", key=key)
        return None

    def language(self, node: yaml.Node, key: str, line: int, shape: Shape) -> str | None:
        text = self.text(node, key, line, shape)
        if text is None or language_pattern().fullmatch(text):
            return text
        self.add(f"'{_short(text)}' is not a language tag", line, suggested_language(text), key=key)
        return None

    def anything(self, node: yaml.Node, key: str, line: int, shape: Shape) -> Any:
        """Return lists, mappings and texts as written; None for null and after a mistake."""
        budget = MOST_VALUES - self.values
        plain, left = plain_value(node, budget, DEEPEST)
        self.values = MOST_VALUES - left
        if self.source and left >= 0:
            for each in scalars(node):
                self.look_for_lost(each, key)
        if left < 0:
            self.too_much(key, line)
        return plain

    def too_much(self, key: str, line: int) -> None:
        self.add(
            f"more than {MOST_VALUES:,} values, or {DEEPEST} levels, under '{_short(key)}'",
            line,
            "shorten it; YAML aliases that refer to aliases multiply values",
            key=key,
        )


_TEXT = Shape("text")
_READERS: dict[str, Callable[[_Reader, yaml.Node, str, int, Shape], Any]] = {
    name: getattr(_Reader, name)
    for name in ("mapping", "text", "texts", "names", "phrases", "word", "day", "whole", "flag", "id", "language")
} | {"anything": _Reader.anything}


def _short(text: str) -> str:
    return visible(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def _folded(text: str) -> str:
    return text.lower().replace(" ", "_").replace("-", "_")[:SHOWN]
