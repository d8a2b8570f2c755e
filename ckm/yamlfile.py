"""A YAML file as a tree that knows its lines, so that a mistake in it can be pointed at.

Scalars stay the text that was written (``NO`` is Norway, ``5%`` and ``01234`` are kept): the reader of a key knows
what it means, YAML does not. Only the safe loader's composer is used; nothing in a file is ever executed.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ckm.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

DEEPEST = 500
"""Levels of lists and mappings in one another; nobody writes ten by hand."""


@dataclass(frozen=True)
class YamlEntry:
    """A value in a YAML file, and where it stands.

    Attributes
    ----------
    node
        The parsed node.
    path
        The file.
    line
        1-based line where the value's key stands (the value's own line in a list).
    """

    node: yaml.Node
    path: Path
    line: int

    @property
    def where(self) -> str:
        """The place as errors name it: ``ckm.yaml:12``."""
        return f"{self.path}:{self.line}"

    @property
    def is_null(self) -> bool:
        """Whether nothing, ``~`` or ``null`` is written."""
        return self.node.tag == "tag:yaml.org,2002:null"

    @property
    def is_text(self) -> bool:
        """Whether one value is written, neither a list nor a mapping."""
        return isinstance(self.node, yaml.ScalarNode)

    def text(self) -> str:
        """Return the scalar as it is written; UsageError if this is a list or a mapping."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise UsageError(f"{self.where}: one value is expected, not a list or a mapping", where=self.where)
        return str(self.node.value)

    def joined(self) -> str:
        """Return the scalar as it is written, or the scalars of a list with commas between them."""
        if isinstance(self.node, yaml.SequenceNode):
            return ",".join(item.text() for item in self.items())
        return self.text()

    def items(self) -> list[YamlEntry]:
        """Return the values of a list; UsageError if this is none. Nothing counts as an empty list."""
        if self.is_null:
            return []
        if not isinstance(self.node, yaml.SequenceNode):
            raise UsageError(f"{self.where}: a list is expected", where=self.where)
        return [YamlEntry(node, self.path, node.start_mark.line + 1) for node in self.node.value]

    def mapping(self) -> Mapping[str, YamlEntry]:
        """Return the values of a mapping by key; UsageError if this is none. Nothing counts as an empty mapping.

        Raises
        ------
        UsageError
            This is no mapping, or a key stands in it twice.
        """
        if self.is_null:
            return {}
        if not isinstance(self.node, yaml.MappingNode):
            raise UsageError(f"{self.where}: 'key: value' pairs are expected", where=self.where)
        entries: dict[str, YamlEntry] = {}
        for key, value in self.node.value:
            entry = YamlEntry(value, self.path, key.start_mark.line + 1)
            name = YamlEntry(key, self.path, entry.line).text()
            if name in entries:
                first = entries[name].line
                raise UsageError(f"{entry.where}: '{name}' stands here and in line {first}", hint="remove one of them")
            entries[name] = entry
        return entries

    def fields(self, needed: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, YamlEntry]:
        """Return the values of a mapping that must have the keys ``needed`` and may have those of ``optional``.

        Raises
        ------
        UsageError
            This is no mapping, a key is missing, or one is none of these (the near one is suggested).
        """
        keys = self.mapping()
        for key, value in keys.items():
            if key not in {*needed, *optional}:
                raise UnknownNameError("key", key, [*needed, *optional], where=value.where)
        for key in needed:
            if key not in keys:
                raise UsageError(f"{self.where}: '{key}' is missing", hint=f"needed are {', '.join(needed)}")
        return keys

    def number(self) -> float:
        """Return the scalar as a finite number; UsageError if it is none."""
        try:
            number = float(self.text())
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(f"{self.where}: a number is expected", where=self.where)
        return number

    def whole(self) -> int:
        """Return the scalar as a whole number; UsageError if it is none."""
        number = self.number()
        if number != int(number):
            raise UsageError(f"{self.where}: a whole number is expected", where=self.where)
        return int(number)


def read_yaml(path: Path) -> YamlEntry | None:
    """Return the document of the file ``path``; None if it is empty or has comments only.

    Raises
    ------
    UsageError
        The file cannot be read, or is no YAML; the message names the line.
    """
    return parse_yaml(_read_text(path), path)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="put a file there that you may read") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8", hint="save it as UTF-8") from error


def parse_yaml(text: str, path: Path) -> YamlEntry | None:
    """Return the document of a text that is, or would be, the content of ``path``; None if it is empty.

    Raises
    ------
    UsageError
        It is no YAML; the message names the line.
    """
    with _mistakes_named(path):
        refuse_depth(text, path)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    return None if node is None else YamlEntry(node, path, node.start_mark.line + 1)


def read_yaml_documents(path: Path) -> list[YamlEntry]:
    """Return the documents of the file ``path``, which ``---`` parts, without the empty ones.

    Aliases are kept as they stand and not written out, so that a small file cannot grow.

    Raises
    ------
    UsageError
        The file cannot be read, or is no YAML somewhere; the message names the line.
    """
    text = _read_text(path)
    with _mistakes_named(path):
        refuse_depth(text, path)
        nodes = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    documents = [YamlEntry(node, path, node.start_mark.line + 1) for node in nodes]
    return [document for document in documents if not document.is_null]


def refuse_depth(text: str, path: Path) -> None:
    """Refuse lists in lists beyond :data:`DEEPEST`: PyYAML composes them by recursion, in C, until the stack ends.

    Raises
    ------
    UsageError
        It is deeper, and the line where it becomes so.
    yaml.YAMLError
        It looks deep and is no YAML.

    Notes
    -----
    Reading events is slow in Python. What could open a level limits the depth from above, so that few files need it:
    the brackets of a document, the indentation of a line, and the dashes and question marks in it (``- - - x``). A list
    may stand as far left as the key that it belongs to, hence twice.
    """
    brackets = max(document.count("[") + document.count("{") for document in text.split("\n---"))
    steps = max((_indentation(line) + line.count("-") + line.count("?") for line in text.splitlines()), default=0)
    if brackets + 2 * (steps + 1) <= DEEPEST:
        return
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                line = f":{event.start_mark.line + 1}" if event.start_mark else ""
                raise UsageError(f"{path}{line}: more than {DEEPEST} levels deep", hint="this is not for people")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


@contextmanager
def _mistakes_named(path: Path) -> Iterator[None]:
    """Raise what YAML has to say as a UsageError that names the line."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark is not None else ""
        raise UsageError(
            f"{path}{line}: {error.problem or error.context}", hint="check the indentation and quotes"
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML", hint="it holds a character that YAML forbids") from error


def dump_yaml(plain: Mapping[str, Any]) -> str:
    """Return YAML that people read and git compares: keys in their order, lists of plain values on one line."""
    text: str = yaml.dump(
        plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return text


class _Dumper(yaml.CSafeDumper):
    """Knows how a list is written."""


def _represent_list(dumper: yaml.CSafeDumper, values: list[Any]) -> yaml.SequenceNode:
    plain = all(isinstance(value, str | int | float | None) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=plain)


_Dumper.add_representer(list, _represent_list)
