"""What the shop's team knows: the entries of its knowledge base, and the searches that must find them."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable
    from pathlib import Path

KB = "kb"
"""Folder of the entries; also of a workspace's."""
SUITE = "kb-suite.yaml"
"""Searches, each with the entries that it should find."""


def write_knowledge(folder: Path) -> list[str]:
    """Write the entries into ``kb/`` and the suite beside it; return what was written, relative to ``folder``.

    Files of the same names are replaced; what a team has added in ``kb/`` is left alone.
    """
    shipped = files("ckm").joinpath("data", "example")
    written = [(SUITE, shipped.joinpath(SUITE)), *_below(shipped.joinpath(KB), KB)]
    for name, source in written:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(source.read_bytes())
    return [name for name, _ in written]


def _below(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    """Yield the files below a shipped folder with their paths, in the order of their names."""
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if each.is_dir():
            yield from _below(each, f"{name}/{each.name}")
        elif each.name.endswith(".yaml"):
            yield f"{name}/{each.name}", each
