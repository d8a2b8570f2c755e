"""A small workspace, and functions that run ``ckm ingest`` in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from typer.testing import CliRunner, Result

from ckm.cli import app
from ckm.store import Store

COUNTS = ("accepted", "updated", "unchanged", "duplicates", "quarantined")
HEADER = "order_id,line_no,customer_id,ordered_at,net,currency"


@dataclass(frozen=True)
class Desk:
    """A workspace in the folder ``root``; files are written into it."""

    root: Path

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def orders(self, name: str, *lines: str, header: str = HEADER) -> Path:
        return self.write(name, "\n".join((header, *lines)) + "\n")

    def mapping(self, name: str, text: str) -> Path:
        return self.write(f"maps/{name}.yaml", f"schema: ckm.map/1\nname: {name}\n{text}")

    def call(self, *words: object, stdin: bytes | None = None) -> Result:
        found = CliRunner().invoke(app, ["ingest", "-C", str(self.root), *map(str, words)], input=stdin)
        assert found.exit_code in (0, 2, 3), found.output
        return found

    def ingest(self, *words: object, code: int = 0, stdin: bytes | None = None) -> list[dict[str, Any]]:
        """Run ``ckm ingest -f json``; return one result per file, and check that its counts add up to its rows."""
        results = self.ask(*words, code=code, stdin=stdin)
        for result in results:
            assert result["rows"] == sum(result[count] for count in COUNTS)
        return results

    def ask(self, *words: object, code: int = 0, stdin: bytes | None = None) -> list[dict[str, Any]]:
        """Run ``ckm ingest -f json`` and return its objects."""
        found = self.call(*words, "-f", "json", stdin=stdin)
        assert found.exit_code == code, found.output
        objects: list[dict[str, Any]] = json.loads(found.stdout)
        return objects

    def one(self, *words: object, code: int = 0, stdin: bytes | None = None) -> dict[str, Any]:
        [result] = self.ingest(*words, code=code, stdin=stdin)
        return result

    @property
    def store(self) -> Store:
        return Store(self.root / "store")

    def table(self, name: str = "transactions") -> pl.DataFrame:
        return self.store.scan(name).collect()

    def ids(self) -> list[str]:
        """Return the order ids in the store, sorted."""
        return sorted(self.table()["order_id"]) if "transactions" in self.store.tables() else []

    def quarantine(self) -> pl.DataFrame:
        held = self.store.quarantine()
        assert held is not None
        return held.collect().sort("source_file", "source_row")

    def snapshot(self) -> Mapping[str, bytes | None]:
        """Return all files and folders by path; the value is the content of a file, and None for a folder."""
        return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(self.root.rglob("*"))}


def counts(result: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(result[count] for count in COUNTS)
