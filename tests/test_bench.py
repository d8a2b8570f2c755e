"""The scripts in ``bench/`` take nothing from ckm that is not there: no test runs them, and names change."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCH = sorted((Path(__file__).parents[1] / "bench").glob("*.py"))


def imported(script: Path) -> list[tuple[str, str]]:
    """Return the module and the name of each ``from ckm… import …`` of a script."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    return [
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in {"ckm", "tests"}
        for alias in node.names
    ]


@pytest.mark.slow
@pytest.mark.parametrize("script", BENCH, ids=lambda path: path.stem)
def test_a_bench_script_imports_names_that_exist(script: Path) -> None:
    for module, name in imported(script):
        assert hasattr(import_module(module), name) or find_spec(f"{module}.{name}"), f"{module}.{name}"
