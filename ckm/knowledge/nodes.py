"""Nodes of YAML: composed without types, and read as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from ckm.yamltext import lookalike

if TYPE_CHECKING:
    from collections.abc import Iterator

NULLS = ("", "~", "null", "Null", "NULL")


class FastLoader(yaml.CSafeLoader):
    """libyaml's composer without the resolving of types: every scalar is the text that is written."""

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Keep no path."""

    def ascend_resolver(self) -> None:
        """Keep no path."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """Name no type."""
        return "tag:yaml.org,2002:str"


def is_nothing(node: yaml.Node) -> bool:
    """Whether nothing, ``~`` or ``null`` is written."""
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value in NULLS


def plain_value(node: yaml.Node, budget: int, levels: int) -> tuple[Any, int]:
    """Return a value with all below it, and what is left of the budget; below zero it is not whole."""
    budget -= 1
    if budget < 0 or levels == 0:
        return None, -1
    if isinstance(node, yaml.ScalarNode):
        return (None if is_nothing(node) else str(node.value)), budget
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
    """Yield the texts below a value, each as often as it stands there: the budget bounds that."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from scalars(each)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from scalars(value)


def unquoted(node: yaml.Node) -> str:
    """Return a value without quotes as it is written; "" for any other."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) and not node.style else ""


def misread(node: yaml.Node) -> str | None:
    """Name the sign because of which a value is a text, and no list or mapping; None where there is none."""
    return lookalike(unquoted(node))
