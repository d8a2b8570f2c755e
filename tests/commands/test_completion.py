"""Shell completion of methods, tables, topics and entry ids, through the entry point that shells call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ckm.names import TABLES
from ckm.schema import TABLES as STORED
from tests._kb.kb_files import small_base
from tests.conftest import ROOT

PROBE = """
import sys
from ckm.cli import main
sys.argv = ["ckm"]
try:
    main()
except SystemExit as done:
    assert done.code == 0, done.code
import json
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def completed(line: str, folder: Path) -> tuple[list[str], set[str]]:
    """Return what bash is offered for the last word of a line, and the packages that were imported for it."""
    words = line.split(" ")
    asked = {"_CKM_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        check=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, **asked, "PYTHONPATH": str(ROOT), "CKM_CACHE": str(folder / "cache")},
    )
    return done.stdout.split(), set(json.loads(done.stderr.splitlines()[-1]))


def test_tables_of_the_store_are_completed() -> None:
    assert set(TABLES) == set(STORED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ckm segment --by ", ["rfm", "value", "lifecycle", "clusters", "vip.yaml"]),
        ("ckm segment --by v", ["value", "vip.yaml"]),
        ("ckm ingest orders.csv --as t", ["transactions"]),
        ("ckm kb-g", ["kb-gaps"]),
        ("ckm kb-show late", []),
    ],
)
def test_completion_does_not_import_polars(tmp_path: Path, line: str, offered: list[str]) -> None:
    (tmp_path / "vip.yaml").touch()
    names, imported = completed(line, tmp_path)
    assert names == offered
    assert not {"polars", "sklearn", "pyarrow", "rich"} & imported


@pytest.mark.slow
def test_entries_and_topics_of_the_workspace_are_completed(tmp_path: Path) -> None:
    (tmp_path / "ckm.yaml").touch()
    small_base(tmp_path / "kb")
    below = tmp_path / "kb"
    ids, _ = completed("ckm kb-show ", below)
    assert ids
    first, _ = completed(f"ckm kb-show {ids[0][:3]}", below)
    assert ids[0] in first
    topics, _ = completed("ckm kb-search --tag ", below)
    assert topics
    assert f"topic:{topics[0]}" in completed("ckm kb-search topic:", below)[0]
    (other := tmp_path.parent / f"{tmp_path.name}-elsewhere").mkdir()
    assert completed("ckm kb-show ", other)[0] == []
    assert completed(f"ckm kb-show --kb {below} ", other)[0] == ids
