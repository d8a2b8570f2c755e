"""CPU time of each test: a plugin of pytest, because the wall time of a test is that of the whole machine.

    python -m pytest -p bench.test_times                 # the sum, the files and the tests that cost the most
    python -m pytest -p bench.test_times -m "not slow"
    CKM_TEST_TIMES=times.tsv python -m pytest -p bench.test_times   # seconds, 1 if marked slow, test: a line per test

A test's CPU time is that of its process and of the processes that it started and awaited, from its first fixture to its
last; a fixture that several tests share counts for the first of them. The sum is that of all workers, imports and
collection included.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT = os.environ.get("CKM_TEST_TIMES")  # read now: the tests see no setting from outside
SHOWN = 15
_began: dict[str, float] = {}
_tests: dict[str, tuple[float, bool]] = {}
_workers: list[float] = []


def _cpu() -> float:
    """Return the CPU seconds of this process and of its children that ended."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    _began[item.nodeid] = _cpu()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    finally:
        slow = item.get_closest_marker("slow") is not None
        item.user_properties.append(("cpu", (_cpu() - _began.pop(item.nodeid), slow)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        seconds, slow = dict(report.user_properties).get("cpu", (0.0, False))
        _tests[report.nodeid] = (seconds, slow)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["cpu"] = _cpu()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    _workers.append(getattr(node, "workeroutput", {}).get("cpu", 0.0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    files: dict[str, float] = {}
    for test, (seconds, _) in _tests.items():
        name = test.partition("::")[0]
        files[name] = files.get(name, 0.0) + seconds
    whole = sum(_workers) or _cpu()
    slow = sum(seconds for seconds, marked in _tests.values() if marked)
    terminalreporter.section(f"CPU: {whole:.0f} s, of which {slow:.0f} s in tests marked slow")
    for costs in (files, {test: seconds for test, (seconds, _) in _tests.items()}):
        for name, seconds in sorted(costs.items(), key=lambda cost: -cost[1])[:SHOWN]:
            terminalreporter.write_line(f"{seconds:8.2f}  {name}")
    if OUT:
        lines = [f"{seconds:.3f}\t{int(marked)}\t{test}\n" for test, (seconds, marked) in _tests.items()]
        Path(OUT).write_text("".join(lines), encoding="utf-8")
