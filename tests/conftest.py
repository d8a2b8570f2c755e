"""What all tests share: a clean environment, and ckm as a shell runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.testing
from hypothesis import settings
from typer.testing import CliRunner, Result

from ckm.cli import ONE_THREAD, app
from tests.coarse import learn_coarsely

os.environ.update({**ONE_THREAD, "POLARS_MAX_THREADS": "2"})  # before any test imports what reads it
# A test asserts no timing, and machines are shared. For more: pytest --hypothesis-profile=thorough
settings.register_profile("ckm", deadline=None, max_examples=15)
settings.register_profile("thorough", deadline=None, max_examples=400)
settings.load_profile("ckm")
# Each invocation would make typer's commands anew, which takes as long as many a command.
typer.testing._get_command = cache(typer.testing._get_command)


FIRST = (
    "test_demo.py", "test_crash.py", "test_churn_warn.py", "test_loyalty_report.py", "test_nobody_is_revealed.py",
    "test_folder_names.py", "test_rendering.py", "test_process.py", "test_letters.py", "test_pollock.py",
)  # fmt: skip
"""Files that take long with few tests: as the last ones they would leave the other worker without work."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the dear files come first, then those of many tests."""
    sizes = Counter(item.path for item in items)
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: (places.get(item.path.name, len(FIRST)), -sizes[item.path], item.path))


def examples(count: int) -> int:
    """Return how many examples a costly test takes while others take 25, in the proportion that the profile wants."""
    return max(2, count * settings.default.max_examples // 25)


if TYPE_CHECKING:  # not every test waits for it
    from ckm.dataset import Dataset

ROOT = Path(__file__).parents[1]
OTHER_THREADS = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
"""For a process that must come to what this one does: polars has two threads here, the others have one."""
Run = Callable[..., Result]
Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith("CKM_") and name != "CKM_SHARED"]:
        monkeypatch.delenv(name)
    # Nobody's home: every test keeps what it keeps in a folder of this session.
    monkeypatch.setenv("CKM_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def run() -> Run:
    """Run ckm in this process: ``run("init", folder).exit_code``."""

    def invoke(*words: object, **options: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], **options)

    return invoke


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run ckm as a process of its own in an empty folder: ``shell("--version").stdout``."""

    def start(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ckm", *map(str, words)],
            capture_output=True,
            check=False,
            encoding="utf-8",
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )

    return start


@pytest.fixture(scope="module")
def coarse() -> Iterator[None]:
    """Let a module's models learn in few rounds: its tests are of what is done with models."""
    with pytest.MonkeyPatch.context() as patch:
        learn_coarsely(patch)
        yield


@pytest.fixture
def small_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the example shop have a fifth of its customers: as much story, and all of its files."""
    monkeypatch.setattr("ckm.example.simulation.CUSTOMERS", 600)


@pytest.fixture(scope="module")
def _measured() -> dict[str, Any]:
    return {}


@pytest.fixture
def measured_once(monkeypatch: pytest.MonkeyPatch, _measured: dict[str, Any]) -> None:
    """Let a module's tests that write the same report or warnings in many forms measure what is in them once.

    Each still goes through the whole command. Data of one name are taken for the same data.
    """
    for module in ("ckm.nightly", "ckm.shop", "ckm.metrics.churn_estimates", "ckm._audience.candidates"):
        import_module(module)  # else its first import here would bind the replaced function for good
    for module, analysis in (("ckm.loyalty", "loyalty_report"), ("ckm.churn", "warn")):
        monkeypatch.setattr(f"{module}.{analysis}", _remembering(getattr(import_module(module), analysis), _measured))


def _remembering(analysis: Callable[..., Any], known: dict[str, Any]) -> Callable[..., Any]:
    def once(dataset: Dataset, request: object, *more: object, **options: object) -> Any:
        asked = f"{dataset.label} {request}"
        if asked not in known:
            known[asked] = analysis(dataset, request, *more, **options)
        return known[asked]

    return once
