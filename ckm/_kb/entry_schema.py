"""The keys of an entry, from the JSON Schema ``ckm/data/knowledge_entry.json`` that editors also use."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VERSION = "ckm.kb/1"
SCHEMA = Path(__file__).parents[1] / "data" / "knowledge_entry.json"


@dataclass(frozen=True)
class Shape:
    """The allowed values of a key.

    Attributes
    ----------
    form
        ``mapping``, ``word`` (one of :attr:`words`), or a name of the schema's ``$defs``: ``text``, ``texts``,
        ``names``, ``phrases``, ``day``, ``whole``, ``flag``, ``id``, ``language``, ``anything``.
    description
        Meaning, in a sentence.
    words
        Known words; empty if any word is allowed.
    closed
        Whether an unknown word is an error; otherwise it is a warning.
    keys, needed
        For a mapping: the shapes by key, and the required keys.
    """

    form: str
    description: str = ""
    words: tuple[str, ...] = ()
    closed: bool = True
    keys: Mapping[str, Shape] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


def schema_text() -> str:
    """Return the JSON Schema as text."""
    return SCHEMA.read_text(encoding="utf-8")


@cache
def entry_shape() -> Shape:
    """Return the shape of an entry."""
    return _shape(json.loads(schema_text()))


@cache
def patterns() -> Mapping[str, str]:
    """Return the regular expressions of the schema by the name of their ``$defs``."""
    definitions = json.loads(schema_text())["$defs"]
    return {name: each["pattern"] for name, each in definitions.items() if "pattern" in each}


def words(key: str) -> tuple[str, ...]:
    """Return the known words of a key, such as ``state.confidence``."""
    return next(shape.words for name, shape in all_keys() if name == key)


def all_keys(shape: Shape | None = None, inside: str = "") -> Iterator[tuple[str, Shape]]:
    """Yield every key with its shape; keys of inner mappings have a dot: ``state``, ``state.confidence``."""
    for name, inner in (shape or entry_shape()).keys.items():
        yield inside + name, inner
        if inner.form == "mapping":
            yield from all_keys(inner, f"{inside}{name}.")


def _shape(schema: Mapping[str, Any]) -> Shape:
    description = schema.get("description", "")
    if "properties" in schema:
        keys = {name: _shape(each) for name, each in schema["properties"].items()}
        return Shape("mapping", description, keys=keys, needed=tuple(schema.get("required", ())))
    if "enum" in schema:
        return Shape("word", description, tuple(schema["enum"]))
    if "anyOf" in schema:  # known words, and any other text
        return Shape("word", description, tuple(schema["anyOf"][0]["enum"]), closed=False)
    return Shape(schema["$ref"].rpartition("/")[2], description)
