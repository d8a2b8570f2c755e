"""What ckm sees in a file: its format, its columns, its problems, and the table that it could fill."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckm.config import load_config
from ckm.ingest.options import IngestOptions
from ckm.ingest.plan import adjusted
from ckm.inspection.clean_copy import CleanCopy
from ckm.inspection.profile import ColumnProfile, profilers, see_all
from ckm.inspection.validation import ProposedMapping, Validation
from ckm.mapping.mapping import load_mapping
from ckm.sources.read import open_source
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ckm.mapping.mapping import Mapping
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
    mapping
        The mapping by which; null where something stands in the way.
    """

    path: Path
    format: FileFormat
    rows: int
    rejected: int
    reasons: dict[str, int]
    columns: tuple[ColumnProfile, ...]
    problems: tuple[Problem, ...]
    proposal: ProposedMapping
    mapping: Mapping | None = field(default=None, repr=False)

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
    options: IngestOptions | None = None,
    *,
    copy_to: Path | None = None,
    seen: Callable[[int], None] = lambda records: None,
) -> Inspection:
    """Read all of a file, once, and say what is in it. Memory stays bounded whatever its size.

    Parameters
    ----------
    path
        The file; ``-`` for standard input.
    options
        What is known about it and need not be detected: its format, its mapping, its table.
    copy_to
        Where to write the records as they were read (``.csv`` or ``.parquet``), with the rejected ones beside it.
    seen
        Told the number of records of each batch, for a progress bar.

    Raises
    ------
    InputError
        The file is none that ckm reads, or is damaged.
    UsageError
        There is no such file or mapping, or a hint or ``copy_to`` is impossible.
    """
    options = options or IngestOptions()
    hints = options.hints
    if options.map_file is not None:
        hints = adjusted(load_mapping(options.map_file), options).hints
    reasons: Counter[str] = Counter()
    places: dict[str, list[int]] = {}
    rows = 0
    with open_source(path, hints) as source:
        found = profilers(source.sample, hints, lambda: (batch.records for batch in source.batches()))
        validation = Validation(source, options, load_config(None))
        with CleanCopy(copy_to, source.format.columns) if copy_to else nullcontext() as copy:
            for batch in source.batches():
                rows += batch.records.height
                for line, reason in batch.rejected.select("line", "reason").iter_rows():
                    reasons[reason] += 1
                    places.setdefault(reason, []).extend([line] * (reasons[reason] <= LINES_NAMED))
                see_all(found, batch)
                validation.see(batch)
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
            validation.finished(),
            validation.mapping,
        )


def _rejections(reasons: Counter[str], places: dict[str, list[int]], rows: int) -> list[Problem]:
    problems = []
    for reason, count in reasons.items():
        lines = places[reason]
        named = ", ".join(f"{line:,}" for line in lines) + (", …" if count > len(lines) else "")
        problems.append(
            Problem(lines[0], f"{counted(count, 'record')} rejected, {reason} (line{'s' * (count > 1)} {named})")
        )
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
            f"column {column.name}: {counted(column.misfits, 'value', 'is', 'are')} no {column.type}",
        )
        for column in columns
        if column.misfits
    ]
