"""Where documents stand: an engine of its own per family of scripts, so that each text is measured by its like.

BM25 weighs a text's length by the mean of the index, and a word by the texts that have it. A Chinese text has twice the
terms of a German one that says the same. With one engine for all, Chinese questions found up to .018 MRR worse in a
mixed base than in one of Chinese alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tantivy

from ckm.paths import openable
from ckm.search.fields import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Self

    from tantivy import Searcher

SHELVES = ("arabic", "han", "spaced", "thai")
USUAL = "spaced"
"""The one that is always there."""
_HEAP = 32_000_000  # bytes of a writer's buffer; one thread each, so that documents keep their order


def shelf_of(scripts: Mapping[str, int]) -> str:
    """Return where a document stands that has so much text in each script."""
    main = min(scripts, key=lambda script: (-scripts[script], script), default=USUAL)
    return main if main in SHELVES else USUAL


class Shelves:
    """The engines of an index, by the names of their shelves, and their newest state."""

    def __init__(self, path: Path | None, engines: dict[str, tantivy.Index]) -> None:
        self._path = path
        self._engines = engines
        self.searchers: tuple[Searcher, ...] = ()
        self._read()

    @classmethod
    def create(cls, path: Path | None) -> Self:
        """Make the usual shelf, empty; in memory without a folder."""
        return cls(path, {USUAL: _made(path, USUAL)})

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the shelves of a folder; :exc:`ValueError` where there are none, or one is broken."""
        engines = {}
        for name in SHELVES:
            if (path / name).is_dir() or name == USUAL:
                engines[name] = tantivy.Index.open(str(openable(path / name)))
                engines[name].config_reader("manual")
        return cls(path, engines)

    def replace(self, groups: Iterable[str], documents: Iterable[tuple[str, tantivy.Document]]) -> None:
        """Remove the documents of the groups, add documents to the shelves named; one commit per shelf."""
        writers = {name: engine.writer(_HEAP, 1) for name, engine in self._engines.items()}
        for group in groups:
            for writer in writers.values():
                writer.delete_documents_by_term("group", group)
        for name, document in documents:
            if name not in writers:
                self._engines[name] = _made(self._path, name)
                writers[name] = self._engines[name].writer(_HEAP, 1)
            writers[name].add_document(document)
        for writer in writers.values():
            writer.commit()
        for writer in writers.values():
            writer.wait_merging_threads()
        self._read()

    def _read(self) -> None:
        self._engines = {name: self._engines[name] for name in sorted(self._engines)}
        for engine in self._engines.values():
            engine.reload()
        self.searchers = tuple(engine.searcher() for engine in self._engines.values())


def _made(path: Path | None, name: str) -> tantivy.Index:
    if path is None:
        return tantivy.Index(schema())
    (path / name).mkdir(parents=True, exist_ok=True)
    return tantivy.Index(schema(), path=str(openable(path / name)), reuse=False)
