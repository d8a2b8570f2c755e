"""Read and write YAML. Values keep the file and the line that they come from, so that an error can name them.

Scalars are returned as the text that is written (``NO`` is Norway; ``5%`` and ``01234`` are not changed); the code that
reads a key converts its value. Only the composer of the safe loader is used; nothing in a file is executed. PyYAML
refuses lists and mappings nested more than 1,000 levels deep; this module refuses files that are too large for memory.
"""

from __future__ import annotations

import math
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ckm.errors import UnknownNameError, UsageError
from ckm.yamltext import syntax_mistake, without_marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MOST_BYTES = 64 << 20
"""Bytes of a file."""
MOST_NODES = 500_000
"""Keys and values of a document. Each takes 400 bytes; so many take 4 s to read."""
FILE_TYPES = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "zip"}
"""First bytes of files that are not UTF-8 text."""
_IMPLICIT = "?"  # tag of a scalar that is written without one
_NULL = "tag:yaml.org,2002:null"
_NULLS = ("", "~", "null", "Null", "NULL")


class YamlError(Exception):
    """A file or text that is not YAML.

    Attributes
    ----------
    line
        1-based line; 0 if unknown.
    hint
        What to do.
    """

    def __init__(self, message: str, hint: str, line: int = 0) -> None:
        super().__init__(message)
        self.hint = hint
        self.line = line


@dataclass(frozen=True)
class YamlEntry:
    """A value in a YAML file with its position.

    Attributes
    ----------
    node
        The parsed node.
    path
        The file.
    line
        1-based line of the value's key; in a list the line of the value.
    """

    node: yaml.Node
    path: Path
    line: int

    @property
    def where(self) -> str:
        """The position as errors name it: ``ckm.yaml:12``."""
        return f"{self.path}:{self.line}"

    @property
    def is_null(self) -> bool:
        """Whether the value is empty, ``~`` or ``null``."""
        return is_null(self.node)

    @property
    def is_text(self) -> bool:
        """Whether the value is a scalar, neither a list nor a mapping."""
        return isinstance(self.node, yaml.ScalarNode)

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    def text(self) -> str:
        """Return the scalar as it is written; raise UsageError for a list or a mapping."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise UsageError(f"{self.where}: one value is expected, not a list or a mapping", where=self.where)
        return str(self.node.value)

    def joined(self) -> str:
        """Return the scalar as it is written, or the scalars of a list joined by commas."""
        if isinstance(self.node, yaml.SequenceNode):
            return ",".join(item.text() for item in self.items())
        return self.text()

    def items(self) -> list[YamlEntry]:
        """Return the values of a list; raise UsageError for anything else. Null is an empty list."""
        if self.is_null:
            return []
        if not isinstance(self.node, yaml.SequenceNode):
            raise UsageError(f"{self.where}: a list is expected", where=self.where)
        return [YamlEntry(node, self.path, node.start_mark.line + 1) for node in self.node.value]

    def mapping(self) -> Mapping[str, YamlEntry]:
        """Return the values of a mapping by key. Null is an empty mapping.

        Raises
        ------
        UsageError
            The value is not a mapping, or a key occurs twice.
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
                raise UsageError(
                    f"{entry.where}: duplicate key '{name}', first in line {first}", hint="remove one of them"
                )
            entries[name] = entry
        return entries

    def fields(self, needed: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, YamlEntry]:
        """Return the values of a mapping with the keys ``needed`` and any of the keys ``optional``.

        Raises
        ------
        UsageError
            The value is not a mapping, a key is missing, or a key is unknown (the nearest known key is suggested).
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
        """Return the scalar as a finite number; raise UsageError if it is not one."""
        try:
            number = float(self.text())
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(f"{self.where}: a number is expected", where=self.where)
        return number

    def whole(self) -> int:
        """Return the scalar as a whole number; raise UsageError if it is not one."""
        number = self.number()
        if number != int(number):
            raise UsageError(f"{self.where}: a whole number is expected", where=self.where)
        return int(number)


def read_yaml(path: Path) -> YamlEntry | None:
    """Return the document of a file; None if it is empty or has only comments.

    Raises
    ------
    UsageError
        The file cannot be read, is too large, or is not YAML; the message names the line.
    """
    try:
        text = read_text(path)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="put a file there that you may read") from error
    except YamlError as error:
        raise _usage_error(path, error) from error
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> YamlEntry | None:
    """Return the document of a text as if it were the content of ``path``; None if it is empty.

    Raises
    ------
    UsageError
        It is not YAML; the message names the line.
    """
    try:
        with _yaml_errors(text):
            node = yaml.compose(text, Loader=_Loader)
    except YamlError as error:
        raise _usage_error(path, error) from error
    return None if node is None else YamlEntry(node, path, node.start_mark.line + 1)


def read_text(path: Path, most_bytes: int = MOST_BYTES, *, only_regular: bool = False) -> str:
    """Return the text of a YAML file, without byte order marks.

    Parameters
    ----------
    path
        The file.
    most_bytes
        Largest size.
    only_regular
        Refuse links, pipes and devices.

    Raises
    ------
    OSError
        The file cannot be opened, or is a link and ``only_regular`` is set.
    YamlError
        It is too large, not UTF-8 text, or not a regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    if only_regular:
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123  # Path.open takes no flags
        about = os.fstat(file.fileno())
        if only_regular and not stat.S_ISREG(about.st_mode):
            raise YamlError("not a file but a folder, a pipe or a device", "remove it")
        data = file.read(most_bytes + 1) if about.st_size <= most_bytes else None
    if data is None or len(data) > most_bytes:
        raise YamlError(f"larger than {most_bytes >> 20} MB", "split it into several files")
    for first_bytes, file_type in FILE_TYPES.items():
        if data.startswith(first_bytes):
            raise YamlError(f"{file_type}, not UTF-8 text", "save it as UTF-8 text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise YamlError("not UTF-8 text", "save it as UTF-8", line) from error
    return without_marks(text.replace("\r\n", "\n").replace("\r", "\n"))


def compose_documents(text: str) -> Iterator[yaml.Node]:
    """Yield the root nodes of the documents of a text, without null documents.

    Aliases are not expanded, so that a small file cannot grow.

    Raises
    ------
    YamlError
        The text is not YAML from some line on. The documents before it were yielded.
    """
    with _yaml_errors(text):
        loader = _Loader(text)
        try:
            while loader.check_node():
                loader.nodes = 0
                node = loader.get_node()
                if node is not None and not is_null(node):
                    yield node
        finally:
            loader.dispose()


def is_null(node: yaml.Node) -> bool:
    """Return whether a node is empty, ``~`` or ``null``."""
    if node.tag == _NULL:
        return True
    return node.tag == _IMPLICIT and isinstance(node, yaml.ScalarNode) and not node.style and node.value in _NULLS


def plain_value(node: yaml.Node, budget: int, levels: int) -> tuple[Any, int]:
    """Return a node as lists, dicts and texts, and the remaining budget of nodes; below 0 it is incomplete."""
    budget -= 1
    if budget < 0 or levels == 0:
        return None, -1
    if isinstance(node, yaml.ScalarNode):
        return (None if is_null(node) else str(node.value)), budget
    if isinstance(node, yaml.SequenceNode):
        items = []
        for each in node.value:
            item, budget = plain_value(each, budget, levels - 1)
            if budget < 0:
                return None, budget
            items.append(item)
        return items, budget
    pairs = {}
    for key, value in node.value:
        name, budget = plain_value(key, budget, levels - 1)
        if budget >= 0:
            pairs[str(name)], budget = plain_value(value, budget, levels - 1)
        if budget < 0:
            return None, budget
    return pairs, budget


def scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield the scalars below a node. An alias yields its scalars again; limit the nodes by a budget first."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from scalars(each)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from scalars(value)


def unquoted(node: yaml.Node) -> str:
    """Return the text of a scalar without quotes; "" for any other node."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) and not node.style else ""


@contextmanager
def _yaml_errors(text: str) -> Iterator[None]:
    """Raise errors of PyYAML as YamlError."""
    try:
        yield
    except _TooManyNodes as error:
        raise YamlError(f"more than {MOST_NODES:,} keys and values", "split it into several files") from error
    except yaml.YAMLError as error:
        mistake = syntax_mistake(error, text)
        raise YamlError(mistake.message, mistake.hint, mistake.line) from error


def _usage_error(path: Path, error: YamlError) -> UsageError:
    return UsageError(f"{path}{f':{error.line}' if error.line else ''}: {error}", hint=error.hint)


class _TooManyNodes(yaml.YAMLError):
    """A document has more than :data:`MOST_NODES`."""


class _Loader(yaml.CSafeLoader):
    """libyaml's composer without type resolution: every scalar is the text that is written.

    The composer is written in C and calls :meth:`descend_resolver` before each node. The safe loader uses it for
    nothing, so it counts the nodes here.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.nodes = 0

    def descend_resolver(self, _parent: object, _index: object) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise _TooManyNodes

    def ascend_resolver(self) -> None:
        return

    def resolve(self, _kind: type[yaml.Node], _value: object, _implicit: object) -> str:
        return _IMPLICIT


def dump_yaml(plain: Mapping[str, Any]) -> str:
    """Return YAML with the keys in their order and lists of scalars on one line, for people and for git."""
    text: str = yaml.dump(
        plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return text


class _Dumper(yaml.CSafeDumper):
    """Writes lists of scalars in flow style."""


def _represent_list(dumper: yaml.CSafeDumper, values: list[Any]) -> yaml.SequenceNode:
    plain = all(isinstance(value, str | int | float | None) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=plain)


_Dumper.add_representer(list, _represent_list)
