"""YAML read as nodes, so that every mistake can name its file and line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from ckm.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NULL_TAG = "tag:yaml.org,2002:null"


def compose_file(path: Path) -> Node:
    """Read a YAML file as nodes; an unreadable one is a UsageError with its line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}", file=str(path)) from None
    try:
        raw = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise UsageError(f"{path}:{line}: no YAML: {error.problem}", file=str(path), line=line) from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: no YAML: {str(error).splitlines()[0]}", file=str(path)) from None
    if raw is None:
        raise UsageError(f"{path}:1: the file is empty", file=str(path), line=1)
    return Node(raw, str(path), raw.start_mark.line + 1)


@dataclass(frozen=True)
class Node:
    """A piece of a YAML file that knows where it stands.

    Scalars are read as they are written, not as YAML would type them: ``no`` stays a word and ``01234`` keeps its zero.

    Attributes
    ----------
    raw
        What the parser made.
    path, line
        Where it stands; the line of its key if it has one.
    name
        Its key, for messages; empty for the whole file.
    """

    raw: yaml.Node
    path: str
    line: int
    name: str = ""

    @property
    def where(self) -> str:
        """``file:line``, for messages."""
        return f"{self.path}:{self.line}"

    @property
    def is_null(self) -> bool:
        """Whether nothing is written here."""
        return isinstance(self.raw, yaml.ScalarNode) and self.raw.tag == NULL_TAG

    @property
    def is_text(self) -> bool:
        """Whether this is one word or text."""
        return isinstance(self.raw, yaml.ScalarNode) and not self.is_null

    @property
    def is_mapping(self) -> bool:
        """Whether this has named entries."""
        return isinstance(self.raw, yaml.MappingNode)

    def error(self, message: str, *, hint: str | None = None) -> UsageError:
        """Return a mistake found here."""
        what = f"'{self.name}' {message}" if self.name else message
        return UsageError(f"{self.where}: {what}", hint=hint, file=self.path, line=self.line)

    def text(self) -> str:
        """Return the text written here; anything else is an error."""
        if not self.is_text:
            raise self.error(f"must be a text, not {self._shape}")
        return str(self.raw.value)

    def items(self) -> list[Node]:
        """Return the entries of a list."""
        if not isinstance(self.raw, yaml.SequenceNode):
            raise self.error(f"must be a list, not {self._shape}", hint="write it as [a, b]")
        return [Node(item, self.path, item.start_mark.line + 1, self.name) for item in self.raw.value]

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(item.text() for item in self.items())

    def pairs(self) -> dict[str, Node]:
        """Return the entries of a mapping under whatever names they have, in their order."""
        if self.is_null:
            return {}
        if not isinstance(self.raw, yaml.MappingNode):
            raise self.error(f"must be a mapping (name: value), not {self._shape}")
        found: dict[str, Node] = {}
        for key, value in self.raw.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise Node(key, self.path, line, self.name).error("has a name that is no text")
            if key.value in found:
                raise Node(key, self.path, line, key.value).error("is written twice")
            found[key.value] = Node(value, self.path, line, key.value)
        return found

    def fields(self, known: Iterable[str]) -> dict[str, Node]:
        """Return the entries of a mapping whose names are fixed; empty ones are left out."""
        names = list(known)
        found = self.pairs()
        for name, value in found.items():
            if name not in names:
                raise UnknownNameError("key", name, names, where=value.where)
        return {name: value for name, value in found.items() if not value.is_null}

    @property
    def _shape(self) -> str:
        if self.is_null:
            return "empty"
        if self.is_mapping:
            return "a mapping"
        return "a list" if isinstance(self.raw, yaml.SequenceNode) else "a text"
