"""What ckm sees in a file: its format, its columns, its problems, and the table that it could fill."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.inspection.clean_copy import CleanCopy
from ckm.inspection.profile import ColumnProfile, profilers
from ckm.mapping.proposal import propose_mapping
from ckm.mapping.synonyms import normalise, synonyms
from ckm.schema import TABLES
from ckm.sources.hints import Hints
from ckm.sources.read import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import polars as pl

    from ckm.sources.format import FileFormat

MANY_REJECTED = 0.1
"""Above this share of rejected records the file was probably understood wrong, and the person is told so."""
FEW_RECORDS = 20
"""Of fewer, one total row and one note are a large share and say nothing."""
LINES_NAMED = 5
"""Lines that are named for each reason why records were rejected."""


@dataclass(frozen=True)
class Problem:
    """Something odd about a file.

    Attributes
    ----------
    line
        1-based line where it was first seen; null for the file as a whole.
    text
        What it is; never a value of a row.
    """

    line: int | None
    text: str


@dataclass(frozen=True)
class ProposedMapping:
    """The table that a file fits best, and how its columns would fill it.

    Attributes
    ----------
    table
        Null when no column is known to any table.
    columns
        ``(column of the table, column of the file, how it was found)``.
    assumed
        What no column says, in sentences.
    obstacle
        Why the file cannot be loaded like that, and what would help; null if nothing stands in the way.
    """

    table: str | None
    columns: tuple[tuple[str, str, str], ...] = ()
    assumed: tuple[str, ...] = ()
    obstacle: str | None = None


@dataclass(frozen=True)
class Inspection:
    """What was seen in a whole file.

    Attributes
    ----------
    path
        The file.
    format
        How it is read.
    rows, rejected
        Records that could be read, and that could not; together all of the file.
    reasons
        Rejected records by reason.
    columns
        What each column holds.
    problems
        In the order of their lines.
    proposal
        The table that it could fill.
    """

    path: Path
    format: FileFormat
    rows: int
    rejected: int
    reasons: dict[str, int]
    columns: tuple[ColumnProfile, ...]
    problems: tuple[Problem, ...]
    proposal: ProposedMapping

    @property
    def decimal(self) -> str | None:
        """The decimal marks of the number columns, joined by ``and``; null where none has one."""
        return " and ".join(sorted({column.decimal for column in self.columns if column.decimal})) or None

    @property
    def dates(self) -> str | None:
        """The layouts of the date columns, comma separated; null where there is none."""
        return ", ".join(dict.fromkeys(column.dates for column in self.columns if column.dates)) or None


def inspect_file(
    path: Path,
    hints: Hints | None = None,
    *,
    copy_to: Path | None = None,
    seen: Callable[[int], None] = lambda records: None,
) -> Inspection:
    """Read all of a file, once, and say what is in it. Memory stays bounded whatever its size.

    Parameters
    ----------
    path
        The file; ``-`` for standard input.
    hints
        What is known about it and need not be detected.
    copy_to
        Where to write the records as they were read (``.csv`` or ``.parquet``), with the rejected ones beside it.
    seen
        Told the number of records of each batch, for a progress bar.

    Raises
    ------
    InputError
        The file is none that ckm reads, or is damaged.
    UsageError
        There is no such file, or a hint or ``copy_to`` is impossible.
    """
    hints = hints or Hints()
    reasons: Counter[str] = Counter()
    places: dict[str, list[int]] = {}
    rows = 0
    with open_source(path, hints) as source:
        found = profilers(source.sample, hints, lambda: (batch.records for batch in source.batches()))
        with CleanCopy(copy_to, source.format.columns) if copy_to else nullcontext() as copy:
            for batch in source.batches():
                rows += batch.records.height
                for line, reason in batch.rejected.select("line", "reason").iter_rows():
                    reasons[reason] += 1
                    places.setdefault(reason, []).extend([line] * (reasons[reason] <= LINES_NAMED))
                for column in found:
                    column.see(batch.records[column.name], batch.lines)
                if copy is not None:
                    copy.write(batch)
                seen(batch.records.height + batch.rejected.height)
        columns = tuple(column.profile() for column in found)
        problems = [
            *(Problem(line, text) for line, text in source.problems),
            *_rejections(reasons, places, rows),
            *(Problem(None, column.question) for column in found if column.question),
            *_misfits(columns),
        ]
        return Inspection(
            path,
            source.format,
            rows,
            reasons.total(),
            dict(reasons.most_common()),
            columns,
            tuple(sorted(problems, key=lambda problem: problem.line or 0)),
            _proposal(source.format, source.sample, hints, path),
        )


def _rejections(reasons: Counter[str], places: dict[str, list[int]], rows: int) -> list[Problem]:
    problems = []
    for reason, count in reasons.items():
        lines = places[reason]
        named = ", ".join(f"{line:,}" for line in lines) + (", …" if count > len(lines) else "")
        records = "1 record" if count == 1 else f"{count:,} records"
        problems.append(Problem(lines[0], f"{records} rejected, {reason} (line{'s' * (count > 1)} {named})"))
    total = reasons.total()
    if rows + total >= FEW_RECORDS and total > MANY_REJECTED * (rows + total):
        share = total / (rows + total)
        problems.append(
            Problem(None, f"{share:.0%} of the records do not fit: try --delimiter, --quote, --header or --encoding")
        )
    return problems


def _misfits(columns: Sequence[ColumnProfile]) -> list[Problem]:
    return [
        Problem(
            column.misfit_line,
            f"column {column.name}: {column.misfits:,} value{'s' * (column.misfits > 1)} no {column.type}",
        )
        for column in columns
        if column.misfits
    ]


def _proposal(found_format: FileFormat, sample: pl.DataFrame, hints: Hints, path: Path) -> ProposedMapping:
    columns = found_format.columns
    table = best_table(columns)
    if table is None:
        return ProposedMapping(None, obstacle="no column is known by its name" if columns else "there are no columns")
    try:
        found = propose_mapping(
            columns,
            table,
            hints=hints,
            name=path.stem,
            named=found_format.named,
            repeated=found_format.repeated,
            sample=sample,
        )
    except UsageError as error:
        return ProposedMapping(table, obstacle=f"{error}; {error.hint}" if error.hint else str(error))
    return ProposedMapping(table, tuple(found.matched), tuple(found.assumed))


def best_table(columns: Sequence[str]) -> str | None:
    """Return the table that knows the most of ``columns``; null if none knows any.

    A list of customers knows only the customer id of an order file, though that is all it requires.
    """
    names = {normalise(column) for column in columns}
    known = {
        name: sum(bool(synonyms(name).of(target) & names) for target in table.targets) for name, table in TABLES.items()
    }
    best = max(known, key=lambda name: known[name])
    return best if known[best] else None
