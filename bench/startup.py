"""CPU time of ``ckm --version`` and ``ckm --help``, which every user waits for.

Usage: ``python bench/startup.py [RUNS]``. Prints the median of RUNS (default 15) in milliseconds of user and system
time, which other work on the machine disturbs less than the clock. The goal is 150 ms for ``ckm --version``.
"""

from __future__ import annotations

import platform
import resource
import statistics
import subprocess
import sys
from importlib.metadata import version


def cpu_milliseconds(*words: str) -> float:
    """Return the CPU time of one run of ``python -m ckm WORDS``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "ckm", *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main() -> None:
    """Print one line per command."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"Python {platform.python_version()}, typer {version('typer')}, median of {runs} runs")
    for words in (["--version"], ["--help"]):
        cpu_milliseconds(*words)  # compiles what is not yet compiled
        median = statistics.median(cpu_milliseconds(*words) for _ in range(runs))
        print(f"ckm {' '.join(words):<10} {median:5.0f} ms")


if __name__ == "__main__":
    main()
