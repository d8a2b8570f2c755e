"""Nodes of YAML documents: compose them without type resolution, and read their values.

Scalars are the text that is written (``NO`` is Norway; ``5%`` and ``01234`` are not changed). Only the composer of the
safe loader is used; nothing in a file is executed. PyYAML refuses lists and mappings nested more than 1,000 levels, and
this module refuses files that are too large for memory.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from ckm.yamltext import syntax_mistake, without_marks

if TYPE_CHECKING:
    from collections.abc import Iterator
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


def compose_document(text: str) -> yaml.Node | None:
    """Return the root node of a text with one document; None if it is empty.

    Raises
    ------
    YamlError
        The text is not YAML, or has several documents.
    """
    with _yaml_errors(text):
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        return node


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
    """Yield the scalars below a node, those of an alias at each use; :func:`plain_value` checks their number."""
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
