"""A YAML file as a tree that knows its lines, so that a mistake in it can be pointed at.

Scalars stay the text that was written (``NO`` is Norway, ``5%`` and ``01234`` are kept): the reader of a key knows
what it means, YAML does not. Only the safe loader's composer is used; nothing in a file is ever executed. More than
1,000 levels of lists and mappings in one another PyYAML refuses itself; a file too large for memory is refused here.
"""

from __future__ import annotations

import io
import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ckm.errors import UnknownNameError, UsageError
from ckm.yamltext import place_of, without_marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MOST_BYTES = 64 << 20
"""Of a file."""
MOST_NODES = 500_000
"""Keys and values of a file, some 10,000 knowledge entries: they take 400 bytes each, and 4 s together."""
_SPLIT = "split it into several files"


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

    @property
    def is_mapping(self) -> bool:
        """Whether keys with values are written."""
        return isinstance(self.node, yaml.MappingNode)

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
        The file cannot be read, is too large, or is no YAML; the message names the line.
    """
    return parse_yaml(_read_text(path), path)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UsageError(f"{path} has more than {MOST_BYTES >> 20} MB", hint=_SPLIT)
        return without_marks(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read())
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
    with _mistakes_named(path, text):
        node = yaml.compose(text, Loader=_Loader)
    return None if node is None else YamlEntry(node, path, node.start_mark.line + 1)


def read_yaml_documents(path: Path) -> list[YamlEntry]:
    """Return the documents of the file ``path``, which ``---`` parts, without the empty ones.

    Aliases are kept as they stand and not written out, so that a small file cannot grow.

    Raises
    ------
    UsageError
        The file cannot be read, is too large, or is no YAML somewhere; the message names the line.
    """
    text = _read_text(path)
    with _mistakes_named(path, text):
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    documents = [YamlEntry(node, path, node.start_mark.line + 1) for node in nodes]
    return [document for document in documents if not document.is_null]


@contextmanager
def _mistakes_named(path: Path, text: str) -> Iterator[None]:
    """Raise what YAML has to say as a UsageError that names the line."""
    try:
        yield
    except _TooManyNodes as error:
        raise UsageError(f"{path} has more than {MOST_NODES:,} keys and values", hint=_SPLIT) from error
    except yaml.MarkedYAMLError as error:
        place = place_of(error, text)
        line = f":{place.line}" if place.line else ""
        raise UsageError(f"{path}{line}: {place.message}", hint=place.hint) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML", hint="it holds a character that YAML forbids") from error


class _TooManyNodes(yaml.YAMLError):
    """A file has more than :data:`MOST_NODES`."""


class _Loader(yaml.CSafeLoader):
    """Counts the nodes that it composes.

    The composer, which is written in C, calls :meth:`descend_resolver` before each one; what that is for, tags by the
    path to a value, the safe loader has none of.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._nodes = 0

    def descend_resolver(self, _parent: object, _index: object) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _TooManyNodes

    def ascend_resolver(self) -> None:
        return


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
