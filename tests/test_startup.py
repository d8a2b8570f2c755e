"""ckm starts fast: nothing heavy is imported before a command needs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer

from ckm.cli import app
from tests.conftest import ROOT

HEAVY = {
    "altair",
    "chardet",
    "dataframely",
    "deltalake",
    "duckdb",
    "fastexcel",
    "jinja2",
    "narwhals",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pydantic",
    "rapidfuzz",
    "rich",
    "scipy",
    "sklearn",
    "vl_convert",
    "xlsxwriter",
    "yaml",
}
PROBE = """
import sys
from ckm.cli import main
try:
    main()
except SystemExit as done:
    assert done.code == 0, done.code
import json
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""
COMMANDS = sorted(typer.main.get_command(app).commands)


@pytest.mark.parametrize("words", [["--version"], ["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_and_version_import_nothing_heavy(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, check=True, encoding="utf-8", cwd=ROOT
    )
    assert HEAVY.isdisjoint(json.loads(done.stderr))
