"""CPU time of ``ckm --version`` and of help, compared with Python alone and with an import of typer.

Usage: ``python bench/startup.py [RUNS]``. Prints the best and the median of RUNS (default 15) in milliseconds of user
and system time, which other work on the machine disturbs less than the clock. The goal is 110 ms for ``ckm --version``.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
from importlib.metadata import version

PYTHON_ARGUMENTS = {
    "python -c pass": ["-c", "pass"],
    "import typer": ["-c", "import typer"],
    "ckm --version": ["-m", "ckm", "--version"],
    "ckm kb-search --help": ["-m", "ckm", "kb-search", "--help"],
    "ckm --help": ["-m", "ckm", "--help"],
}

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Environment of the processes: with bytecode, as after an installation with pip."""


def cpu_milliseconds(arguments: list[str]) -> float:
    """Return the CPU time of one run of Python with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main() -> None:
    """Print the best and the median CPU time of each process."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"Python {platform.python_version()}, typer {version('typer')}, CPU time of {runs} runs in ms")
    for name, arguments in PYTHON_ARGUMENTS.items():
        cpu_milliseconds(arguments)  # writes the bytecode
        times = [cpu_milliseconds(arguments) for _ in range(runs)]
        print(f"{name:<21} best {min(times):4.0f}, median {statistics.median(times):4.0f}")


if __name__ == "__main__":
    main()
