"""A case of a fuzzer: files in a small workspace, and commands that are run there one after the other."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from typer.testing import CliRunner

from ckm.cli import app

DOCUMENTED = frozenset({0, 2, 3, 4, 5, 6})
"""Exit codes that a command may end with; 1 as well where findings were asked for."""
ENTRY = """schema: ckm.kb/1
id: parcel-wet
kind: from
title: Parcel left in the rain
issue: The parcel stood in the rain and the goods were wet.
state: {confidence: wip}
review: {owner: service}
provenance: {origin: complaint}
"""


@dataclass(frozen=True)
class Case:
    """What is written into the workspace, and what is run.

    Attributes
    ----------
    files
        Content by path in the workspace.
    commands
        Command lines without ``ckm``.
    """

    commands: tuple[tuple[str, ...], ...]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def run(self) -> list[int]:
        """Return the exit code of each command, run in a fresh copy of the workspace.

        Raises
        ------
        AssertionError
            One is not documented.
        """
        codes = []
        with tempfile.TemporaryDirectory(prefix="ckm-fuzz-") as folder:
            root = Path(folder, "shop")
            shutil.copytree(workspace(), root)
            for name, content in self.files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            with chdir(root):
                for words in self.commands:
                    found = CliRunner().invoke(app, list(words), input=b"")
                    findings = {1} if any(word.startswith("--fail-on") for word in words) else set()
                    assert found.exit_code in DOCUMENTED | findings, (words, found.exit_code, found.stderr[-3_000:])
                    codes.append(found.exit_code)
        return codes


@cache
def workspace() -> Path:
    """Return a workspace of 40 orders of eight customers and one knowledge entry, made once."""
    root = Path(tempfile.mkdtemp(prefix="ckm-fuzz-")) / "shop"
    assert CliRunner().invoke(app, ["init", str(root)]).exit_code == 0
    lines = ["order_id,line_no,customer_id,ordered_at,net,currency,category,channel"]
    for number in range(40):
        day = f"2025-{1 + number % 12:02}-{1 + number % 28:02}"
        lines.append(f"A{number},1,c{number % 8},{day},{number * 1.5 + 1},EUR,{'tea' if number % 3 else 'ware'},web")
    orders = root / "orders.csv"
    orders.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "kb" / "parcel.yaml").parent.mkdir(exist_ok=True)
    (root / "kb" / "parcel.yaml").write_text(ENTRY, encoding="utf-8")
    loaded = CliRunner().invoke(app, ["ingest", "-C", str(root), "--as", "transactions", str(orders)])
    assert loaded.exit_code == 0, loaded.output
    return root
