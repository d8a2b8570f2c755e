"""ckm starts fast: nothing heavy is imported before a command needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ckm.cli import COMMANDS as COMMAND_MODULES
from ckm.cli import app
from tests._kb.kb_files import small_base
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
from ckm.__main__ import main
try:
    main()
except SystemExit as done:
    assert done.code == 0, done.code
import json
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""
COMMANDS = sorted(typer.main.get_command(app).commands)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--version"], ["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_and_version_import_nothing_heavy(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, check=True, encoding="utf-8", cwd=ROOT
    )
    assert HEAVY.isdisjoint(json.loads(done.stderr))


@pytest.mark.slow
def test_version_is_printed_without_typer() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "--version"], capture_output=True, check=True, encoding="utf-8", cwd=ROOT
    )
    assert done.stdout.startswith("ckm ")
    assert {"typer", "typing"}.isdisjoint(json.loads(done.stderr))


SEARCHED = {*HEAVY, "filelock"}


@pytest.mark.slow
def test_a_search_imports_no_heavy_library(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    subprocess.run([sys.executable, "-m", "ckm", "init", shop], check=True, capture_output=True, cwd=ROOT)
    small_base(shop / "kb")
    command = [sys.executable, "-c", PROBE, "kb-search", "parcel late", "-C", shop, "-f", "json"]
    environment = {**os.environ, "CKM_CACHE": str(tmp_path / "cache")}
    for _ in range(2):  # the first makes the index
        done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8", cwd=ROOT, env=environment)
    assert json.loads(done.stdout)
    assert SEARCHED.isdisjoint(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.slow
def test_a_load_does_not_import_pandas_which_pyarrow_uses_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    shop, lines = tmp_path / "shop", tmp_path / "lines.csv"
    lines.write_text(
        "order_id,customer_id,ordered_at,net\n1,a,2026-01-02T10:00:00,5.00\n2,b,2026-01-03T10:00:00,7.00\n"
    )
    subprocess.run([sys.executable, "-m", "ckm", "init", shop], check=True, capture_output=True, cwd=ROOT)
    command = [sys.executable, "-c", PROBE, "ingest", lines, "--as", "transactions", "-q", "-C", shop]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8", cwd=ROOT)
    assert {"pandas", "sklearn", "scipy"}.isdisjoint(json.loads(done.stderr.splitlines()[-1]))


def test_the_list_of_commands_is_what_their_modules_register() -> None:
    assert list(typer.main.get_command(app).commands) == list(COMMAND_MODULES)


@pytest.mark.slow
def test_only_the_command_that_is_named_is_imported() -> None:
    probe = PROBE.replace('name.partition(".")[0] for name in sys.modules', "name for name in sys.modules")
    done = subprocess.run(
        [sys.executable, "-c", probe, "kb-search", "--help"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        cwd=ROOT,
    )
    assert not {"ckm.commands.churn_warn", "ckm.commands.segment"} & set(json.loads(done.stderr))
