"""Knowledge base of the example shop: entries, and a suite of searches with the entries that they should find."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable
    from pathlib import Path

KB = "kb"
"""Name of the folder of knowledge entries in a workspace."""
SUITE = "kb-suite.yaml"
"""File with searches, and the entries that each search should find."""


def write_knowledge(folder: Path) -> list[str]:
    """Write the entries to ``kb/`` and the searches to ``kb-suite.yaml``; return the paths relative to ``folder``.

    Files with the same names are replaced; other files in ``kb/`` are kept.
    """
    shipped = files("ckm").joinpath("data", "example")
    written = [(SUITE, shipped.joinpath(SUITE)), *_below(shipped.joinpath(KB), KB)]
    for name, source in written:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(source.read_bytes())
    return [name for name, _ in written]


def _below(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    """Yield path and source of each YAML file below a packaged folder, sorted by name; ``name`` prefixes the paths."""
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if each.is_dir():
            yield from _below(each, f"{name}/{each.name}")
        elif each.name.endswith(".yaml"):
            yield f"{name}/{each.name}", each
