"""Decisions of people on pairs of customer ids (``same``, ``different``), from a CSV file after a review."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.identities import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

COLUMNS = ("left", "right", "verdict")
WRITTEN_BY = "write it with: ckm link review -o FILE"


@dataclass(frozen=True)
class Verdict:
    """A decision (``same``, ``different``) on two customer ids, and its line number in a file; 0 without a file."""

    left: str
    right: str
    verdict: str
    line: int = 0


def read_verdicts(path: Path) -> list[Verdict]:
    """Return the verdicts of a CSV file; lines with an empty verdict are left out.

    Raises
    ------
    UsageError
        The file cannot be read, or a column is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise UsageError(f"{path}: no column '{missing[0]}'", hint=WRITTEN_BY)
            found: list[Verdict] = []
            for row in rows:
                left, right, verdict = ((row[name] or "").strip() for name in COLUMNS)
                found.append(Verdict(left, right, verdict, rows.line_num))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV", hint=WRITTEN_BY) from error
    return [each for each in found if each.verdict]


def check_verdicts(verdicts: Iterable[Verdict], customers: Collection[str], path: Path | None) -> None:
    """Check that each verdict is ``same`` or ``different``, on two different customer ids of the store.

    Raises
    ------
    UsageError
        A verdict is unknown, both ids are equal, or an id of a file is unknown. With a file, the error names its line.
    UnknownNameError
        A customer id is unknown, and ``path`` is None.
    """
    for each in verdicts:
        where = f"{path}, line {each.line}: " if path is not None else ""
        line = {"line": each.line} if path is not None else {}
        if each.verdict not in VERDICTS:
            raise UsageError(f"{where}unknown verdict '{each.verdict}'", hint=f"use {' or '.join(VERDICTS)}", **line)
        if each.left == each.right:
            raise UsageError(f"{where}two different customer ids are needed", hint="left and right", **line)
        for side in ("left", "right"):
            customer = getattr(each, side)
            if customer in customers:
                continue
            if path is None:
                raise UnknownNameError("customer id", customer, [])
            raise UsageError(
                f"{where}the customer id in column '{side}' is unknown", hint="no table of the store has it", **line
            )
