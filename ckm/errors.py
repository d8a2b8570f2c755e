"""Errors that users can act on: the problem, its location, and what to do next.

::

    CkmError                 exit   raised when
    ├── UsageError            2     the call, a setting or a mapping is wrong
    │   ├── UnknownNameError  2     a name does not exist; a similar name is suggested
    │   └── AmbiguousError    2     the data have two interpretations; an option must choose one
    ├── InputError            3     the data are damaged or invalid
    ├── NotEnoughDataError    4     too few data for a reliable result
    ├── RefusedError          5     a policy forbids the action
    ├── VerificationError     6     a check against a digest, or a minimum, failed
    └── BugError             70     a bug in ckm occurred with one of several files

No message contains a value of a row; row numbers and column names are allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class CkmError(Exception):
    """Base of all errors that ckm raises deliberately.

    Any other exception is a bug in ckm: it has a traceback and exit code 70.

    Parameters
    ----------
    message
        The problem and its location, in one sentence.
    hint
        What to do next.
    **details
        Facts for machines (file, line, column), part of :meth:`to_dict`.
    """

    code: ClassVar[str] = "ckm-error"
    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.hint = hint
        self.details = details

    def to_dict(self) -> dict[str, object]:
        """Return the error as the JSON object for ``--format json``."""
        return {"code": self.code, "message": str(self), "hint": self.hint, **self.details}


class UsageError(CkmError):
    """The command line, a setting or a mapping is invalid."""

    code = "usage"
    exit_code = 2


class UnknownNameError(UsageError):
    """A name does not exist."""

    code = "unknown-name"

    def __init__(self, what: str, name: str, known: Iterable[str], *, where: str | None = None) -> None:
        names = list(known)
        from difflib import get_close_matches

        near = get_close_matches(name, names, n=1, cutoff=0.6)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names) or 'none'}"
        prefix = f"{where}: " if where else ""
        super().__init__(f"{prefix}unknown {what} '{name}'", hint=hint, name=name)


class AmbiguousError(UsageError):
    """The data have two interpretations, and a wrong guess would damage results unnoticed."""

    code = "ambiguous"


class InputError(CkmError):
    """The data are damaged or invalid."""

    code = "input"
    exit_code = 3


class NotEnoughDataError(CkmError):
    """Too few data for a reliable result; the message has the present and the required number."""

    code = "not-enough-data"
    exit_code = 4


def no_amounts(what: str) -> NotEnoughDataError:
    """Return the error for ``what``, which needs amounts, on data without amounts."""
    return NotEnoughDataError(
        f"{what} need amounts, and the data have no column of them",
        hint="name it with --column net=COLUMN; customers and dates are enough for ckm churn-warn, "
        "and for ckm segment by rfm, lifecycle or clusters",
    )


class RefusedError(CkmError):
    """A policy forbids the action."""

    code = "refused"
    exit_code = 5


class VerificationError(CkmError):
    """A check against a digest, or a minimum, failed."""

    code = "verification"
    exit_code = 6


class BugError(CkmError):
    """A bug in ckm occurred with one of several files; the other files were processed."""

    code = "bug"
    exit_code = 70


def exit_code_of_files(errors: Iterable[CkmError], *, done: bool) -> int:
    """Return the exit code of a run over several files, some of which failed; 0 if none failed.

    The exit code is the highest one of the files. But if other files were ``done``, the command line was right, so a
    file that does not match it (2: a missing column, an ambiguous decimal mark) counts as invalid input: 3.
    """
    highest = max((error.exit_code for error in errors), default=0)
    return InputError.exit_code if done and highest == UsageError.exit_code else highest
