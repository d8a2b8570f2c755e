"""Run programs and print their time and memory."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("CKM_SHARED", ROOT.parent / "shared" / "data"))
CKM = [sys.executable, "-m", "ckm"]


@dataclass(frozen=True)
class Run:
    """One finished program: seconds on the clock and of processor, peak memory in MB, what it printed."""

    wall: float
    cpu: float
    peak_mb: float
    code: int
    stdout: str

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.cpu:.2f} s CPU), peak {self.peak_mb:.0f} MB"


def run(command: list[str], cwd: Path | None = None) -> Run:
    """Run ``command`` to its end as a process of its own; bytecode is compiled once, as in an installed ckm."""
    bytecode = os.environ.get("PYTHONPYCACHEPREFIX", str(Path(gettempdir()) / "ckm-bench-bytecode"))
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode()
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode, text)


def machine(*packages: str) -> str:
    """Return the versions and the machine that a result depends on."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores, {platform.machine()}"
