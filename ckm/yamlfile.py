"""Read and write YAML files of settings and data. Values keep their file and line, so that an error can name them.

A value is the text that is written; the code that reads a key converts it (:mod:`ckm.yamlnodes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ckm.errors import UnknownNameError, UsageError
from ckm.yamlnodes import YamlError, compose_document, is_null, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


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
        node = compose_document(text)
    except YamlError as error:
        raise _usage_error(path, error) from error
    return None if node is None else YamlEntry(node, path, node.start_mark.line + 1)


def _usage_error(path: Path, error: YamlError) -> UsageError:
    return UsageError(f"{path}{f':{error.line}' if error.line else ''}: {error}", hint=error.hint)


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
