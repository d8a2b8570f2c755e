"""What all tests share: a clean environment, and ckm as a shell runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.testing
from hypothesis import settings
from typer.testing import CliRunner, Result

from ckm.cli import ONE_THREAD, app

os.environ.update(ONE_THREAD)  # before any test imports what reads it
# A test asserts no timing, and machines are shared. For more: pytest --hypothesis-profile=thorough
settings.register_profile("ckm", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=400)
settings.load_profile("ckm")
# Each invocation would make typer's commands anew, which takes as long as many a command.
typer.testing._get_command = cache(typer.testing._get_command)


def examples(count: int) -> int:
    """Return how many examples a costly test takes: ``count``, and as many times more as the profile wants."""
    return count * max(1, settings.default.max_examples // 25)


if TYPE_CHECKING:  # not every test waits for them
    from ckm.config import Config
    from ckm.dataset import Dataset
    from ckm.loyalty import Loyalty, Request

ROOT = Path(__file__).parents[1]
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


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let models learn in few rounds, for tests of what commands do with them and not of how good they are."""
    monkeypatch.setattr("ckm.models.churn.boosted.TREES", 5)
    monkeypatch.setattr("ckm.models.churn.labelled.TREES", 5)
    monkeypatch.setattr("ckm.models.clusters.stability.BOOTSTRAPS", 2)
    monkeypatch.setattr("ckm.models.clusters.stability.BOOTSTRAP_RESTARTS", 2)


@pytest.fixture(scope="module")
def _reports() -> dict[tuple[str, Request], Loyalty]:
    return {}


@pytest.fixture
def measured_once(monkeypatch: pytest.MonkeyPatch, _reports: dict[tuple[str, Request], Loyalty]) -> None:
    """Let ``ckm loyalty-report`` measure a file once for all of a module's tests that only write it in other forms."""
    from ckm.loyalty import loyalty_report

    def once(dataset: Dataset, request: Request, config: Config, *, tell: Callable[[str], None]) -> Loyalty:
        asked = (dataset.label, request)
        if asked not in _reports:
            _reports[asked] = loyalty_report(dataset, request, config, tell=tell)
        return _reports[asked]

    monkeypatch.setattr("ckm.loyalty.loyalty_report", once)
