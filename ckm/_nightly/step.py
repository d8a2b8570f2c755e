"""Result of one step of a nightly run, and exit code of the whole run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
from polars.exceptions import PanicException

from ckm.errors import BugError, CkmError
from ckm.io.scanned_files import explain
from ckm.metadata import relative

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")

PRECEDENCE = (0, 1, 4, 3, 2, 5, 6, 70)
"""Exit codes by increasing precedence: a run ends with the code of its steps that is last in this list."""
SCHEMA = {
    "step": pl.String(),
    "state": pl.String(),
    "count": pl.Int64(),
    "message": pl.String(),
    "output": pl.String(),
    "exit_code": pl.Int64(),
    "errors": pl.List(pl.String()),
}
"""Columns of the summary, one row per step."""


class State(StrEnum):
    """State of a step after a run; ``unchanged`` means that the step had nothing to do."""

    done = "done"
    unchanged = "unchanged"
    failed = "failed"


@dataclass(frozen=True)
class Step:
    """The result of one step.

    Attributes
    ----------
    name
        ``ingest``, ``check``, ``refit``, ``warn`` or ``report``.
    state
        ``done``, ``unchanged`` (the step had nothing to do) or ``failed``.
    message
        Sentence on the result of the step.
    count
        Number of loaded rows, findings, refitted definitions, listed warnings or written reports, according to the
        step.
    output
        Path of the written file, relative to the workspace; None if the step wrote no file.
    errors
        Errors of the step, or of single files or definitions in a step that continued.
    exit_code
        Exit code of the step; 0 for success.
    """

    name: str
    state: State
    message: str
    count: int = 0
    output: str | None = None
    errors: tuple[CkmError, ...] = ()
    exit_code: int = 0


def attempt(name: str, work: Callable[[], Step]) -> Step:
    """Call ``work`` and return its result; if it fails, return a failed step with the error.

    Parameters
    ----------
    name
        Name of the step.
    work
        Function that runs the step.

    Raises
    ------
    OSError
        An error of the operating system, such as a full disk or a missing permission, which would affect all steps.
    """
    result, error = caught(work)
    if result is not None:
        return result
    assert error is not None
    return Step(name, State.failed, str(error), errors=(error,), exit_code=error.exit_code)


def caught(work: Callable[[], T]) -> tuple[T | None, CkmError | None]:
    """Call a function, and return its result and None; if it fails, return None and the error.

    Errors that are neither of ckm nor caused by a damaged file become a :class:`BugError`, whose ``__cause__`` is the
    original error.

    Raises
    ------
    OSError
        An error of the operating system.
    """
    try:
        return work(), None
    except CkmError as error:
        return None, error
    except OSError:
        raise
    except (Exception, PanicException) as error:
        if damaged := explain(error):
            return None, damaged
        bug = BugError("a bug in ckm: please report the traceback")
        bug.__cause__ = error
        return None, bug


def strongest(codes: Iterable[int]) -> int:
    """Return the exit code with the highest precedence (:data:`PRECEDENCE`); 0 if there are no codes."""
    return max(codes, key=PRECEDENCE.index, default=0)


def steps_table(steps: Iterable[Step], root: Path) -> pl.DataFrame:
    """Return one row per step with the columns of :data:`SCHEMA`; paths in messages are relative to ``root``."""
    rows: list[dict[str, Any]] = [
        {
            "step": step.name,
            "state": str(step.state),
            "count": step.count,
            "message": relative(step.message, root),
            "output": step.output,
            "exit_code": step.exit_code,
            "errors": [relative(str(error), root) for error in step.errors],
        }
        for step in steps
    ]
    return pl.DataFrame(rows, schema=SCHEMA)
