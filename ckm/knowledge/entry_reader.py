"""One YAML document read as an entry: what is understood goes into it, what is not becomes a mistake with its line.

Nothing in a document can make it grow: aliases are followed within a budget of values, and only where a key is known.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import yaml

from ckm.findings import Severity
from ckm.knowledge.entry import Entry, Mistake, entry_from
from ckm.knowledge.schema import Shape, entry_shape
from ckm.knowledge.suggestions import SHOWN, is_day, language_pattern, suggested_day, suggested_id, suggested_language
from ckm.plaintext import one_line, visible
from ckm.yamlfile import is_null, plain_value, scalars, unquoted
from ckm.yamltext import lookalike, lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_VALUES = 20_000
"""Values of one document that are followed; a document of people has some hundred."""
MOST_MISTAKES = 50
"""Mistakes of one document that are told."""
DEEPEST = 30
"""Levels of a value that is kept as it stands."""
LONGEST_ID = 500
DECISIVE = frozenset(
    (
        *("id", "state", "state.confidence", "answers", "answers.reasons", "applies", "applies.valid_from"),
        *("applies.valid_until", "access", "access.read", "links", "links.supersedes"),
    )
)
"""Keys that decide whether, when and to whom an entry may be shown: with a mistake in one the entry is left out."""
FREE = frozenset(("text", "texts", "names", "phrases", "id"))
"""Forms whose values are words of people, of which a sign of YAML may take some away."""
FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and marks that turn the direction of what follows (Unicode TR 36, 3.2)."""


def is_id(text: str) -> bool:
    """Whether a text is fit to be an id: what is not printable cannot be typed, and a dash in front is an option."""
    return text.isprintable() and " " not in text and not text.startswith("-") and 0 < len(text) <= LONGEST_ID


def read_document(root: yaml.Node, path: str, document: int, source: str = "") -> tuple[Entry | None, list[Mistake]]:
    """Return the entry that a document holds, and its mistakes.

    Parameters
    ----------
    root
        A document of :func:`ckm.yamlfile.compose_documents`.
    path
        File relative to the folder, for the places of mistakes.
    document
        Its 1-based number in the file.
    source
        The text of the file, in which is looked for what YAML took out of a value; "": nothing is looked for.

    Returns
    -------
    tuple
        The entry is None where a mistake is ``left_out``: there is no readable id, or a key of :data:`DECISIVE` cannot
        be trusted.
    """
    return _Reader(path, root.start_mark.line + 1, source).read(root, document)


class _Reader:
    """One walk through a document, along the schema."""

    def __init__(self, path: str, line: int, source: str) -> None:
        self.path, self.line = path, line
        self.source = source if any(sign in source for sign in "#!&") else ""
        self.mistakes: list[Mistake] = []
        self.more = 0
        self.left_out = False
        self.lines: dict[str, int] = {}
        self.extra: dict[str, Any] = {}
        self.values = 0

    def read(self, root: yaml.Node, document: int) -> tuple[Entry | None, list[Mistake]]:
        plain = self.mapping(root, "", self.line, entry_shape())
        name = plain.get("id") if plain else None
        if self.more:
            self.add(f"{self.more:,} more mistakes in this entry are not told", self.line, last=True)
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
        """Note a mistake; an error under a decisive key, or in the document as a whole, leaves the entry out."""
        decisive = severity is Severity.error and (key in DECISIVE or key == "/")
        self.left_out |= decisive
        if len(self.mistakes) >= MOST_MISTAKES and not last:
            self.more += 1
            return
        self.mistakes.append(Mistake(rule, self.path, line, message, hint, severity, left_out=decisive))

    def mapping(self, node: yaml.Node, key: str, line: int, shape: Shape) -> dict[str, Any] | None:
        if not isinstance(node, yaml.MappingNode):
            said = lookalike(unquoted(node))
            if said is not None:
                self.add(said, node.start_mark.line + 1, "use the plain ASCII character", key=key or "/")
                return None
            self.add(
                "'key: value' pairs are expected" + (f" under '{key}'" if key else ""),
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
        """Tell which keys are missing; one that is there and wrong has been told already."""
        for name in shape.needed:
            full = inside + name
            if name in found or (full in self.lines and any(each.line == self.lines[full] for each in self.mistakes)):
                continue
            inner = shape.keys[name]
            missing = f"{full}.{inner.needed[0]}" if inner.needed else full
            hint = f"write one of {', '.join(inner.words)}" if inner.words else inner.description or None
            self.add(f"'{missing}' is missing", self.lines.get(full, line), hint, key=full)

    def pairs(self, node: yaml.MappingNode, inside: str) -> Iterator[tuple[str, int, yaml.Node]]:
        """Yield key, line and value; the first where a key stands twice."""
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.add("a key is one word, not a list or a mapping", line)
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
        hint = f"did you mean '{near[0]}'?" if near else "it is kept, and ckm does nothing with it"
        hint = lookalike(f"{name}:") or hint
        self.add(f"nobody knows the key '{_short(full)}'", line, hint, rule="unknown-key", severity=Severity.warning)
        if (kept := self.anything(value, full, line, shape)) is not None:
            self.extra[one_line(full)] = kept

    def look_for_lost(self, node: yaml.Node, key: str) -> None:
        """Tell of words of a value that are a comment, a tag or an anchor to YAML."""
        if self.source and isinstance(node, yaml.ScalarNode) and (said := lost(node, self.source)) is not None:
            line = node.end_mark.line + 1
            hint = "put the text in quotes"
            if "comment" in said:
                hint += "; a comment has two spaces before its # and one after it"
            self.add(f"{said}, under '{_short(key)}'", line, hint, rule="lost-text", severity=Severity.warning)

    def look_for_lookalike(self, node: yaml.Node, key: str) -> None:
        """Tell of a value that would be a list or a mapping, but for a sign that only looks like YAML's."""
        if (said := lookalike(unquoted(node))) is not None:
            self.add(said, node.start_mark.line + 1, "use the plain ASCII character", key=key)

    # Each of these takes a value, the key above it, that key's line and its shape, and returns None after a mistake.

    def text(self, node: yaml.Node, key: str, line: int, shape: Shape) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.add(f"one text is expected under '{_short(key)}', not a list or a mapping", line, key=key)
            return None
        self.values += 1
        if shape.form in FREE or (shape.form == "word" and not shape.closed):
            self.look_for_lost(node, key)
        text = str(node.value).strip()
        if not text or is_null(node):
            self.add(f"there is no text under '{_short(key)}'", line, "write it, or remove the key", key=key)
            return None
        if _UNSAFE.search(text):
            self.add(
                f"control characters under '{_short(key)}'",
                line,
                "remove them; ckm shows them as \\x1b and the like",
                rule="control-characters",
                severity=Severity.warning,
            )
        return text

    def texts(self, node: yaml.Node, key: str, line: int, shape: Shape) -> str | dict[str, str] | None:
        if isinstance(node, yaml.MappingNode):
            found = self.by_language(node, key, self.text)
            if not node.value:
                self.add(f"there is no text under '{_short(key)}'", line, "write it, or remove the key", key=key)
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
                self.add(f"'{_short(name)}' is no language", line, suggested_language(name), key=key)
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
            self.add(f"a list is expected under '{_short(key)}'", line, "write [one, two]", key=key)
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
        message = f"{article} {name} is one of {', '.join(shape.words)}"
        if shape.closed:
            self.add(message, line, hint, key=key)
            return None
        self.add(
            f"usually {message}", line, hint if near else "write one of these, so that others find it",
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
            self.add(f"'{text}' is no day of the calendar, under '{key}'", line, "look at the month's length", key=key)
        else:
            self.add(f"a day is expected under '{key}'", line, suggested_day(text), key=key)
        return None

    def whole(self, node: yaml.Node, key: str, line: int, shape: Shape) -> int | None:
        text = self.text(node, key, line, shape)
        if text is not None and re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= 36500:
            return int(text)
        if text is not None:
            self.add(f"a whole number from 1 to 36500 is expected under '{key}'", line, "write it as 180", key=key)
        return None

    def flag(self, node: yaml.Node, key: str, line: int, shape: Shape) -> bool | None:
        text = self.text(node, key, line, shape)
        if text is not None and text.lower() not in FLAGS:
            self.add(f"yes or no is expected under '{key}'", line, "write true or false", key=key)
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
        self.add(f"'{_short(text)}' is no language", line, suggested_language(text), key=key)
        return None

    def anything(self, node: yaml.Node, key: str, line: int, shape: Shape) -> Any:
        """Return lists, mappings and texts as they stand; None after a mistake, and for nothing."""
        budget = MOST_VALUES - self.values
        kept, left = plain_value(node, budget, DEEPEST)
        self.values = MOST_VALUES - left
        if self.source and left >= 0:
            for each in scalars(node):
                self.look_for_lost(each, key)
        if left < 0:
            self.too_much(key, line)
        return kept

    def too_much(self, key: str, line: int) -> None:
        self.add(
            f"more than {MOST_VALUES:,} values, or {DEEPEST} levels, under '{_short(key)}'",
            line,
            "this is not for people: aliases that refer to aliases?",
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
