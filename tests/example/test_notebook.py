"""The notebook and the script in ``examples/`` run, and write a list of customers with a churn warning."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from docs.sample_exports import write_exports
from tests.conftest import ROOT

pytest.importorskip("pandas")


def cells() -> list[str]:
    notebook = json.loads((ROOT / "examples" / "churn_list.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_python(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, check=False, encoding="utf-8", cwd=folder, env=environment
    )


@pytest.mark.slow
def test_the_notebook_runs_and_writes_a_churn_list(tmp_path: Path) -> None:
    done = run_python("-c", "\n".join(cells()), folder=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    listed = pl.read_csv(tmp_path / "churn.csv")
    assert {"customer_id", "level", "p_churn", "why"} <= set(listed.columns)
    assert listed.height > 0


@pytest.mark.slow
def test_the_script_of_ten_lines_writes_a_churn_list_from_a_pandas_frame(tmp_path: Path) -> None:
    script = ROOT / "examples" / "churn_list.py"
    code = [line for line in script.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(code) <= 10
    write_exports(tmp_path)
    done = run_python(str(script), str(tmp_path / "orders_export.csv"), folder=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert pl.read_csv(tmp_path / "churn.csv").height > 0
