"""Inspect a file: format, columns, problems, and the matching table."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckm.config import load_config
from ckm.ingest.options import IngestOptions
from ckm.inspection.clean_copy import CleanCopy
from ckm.inspection.profile import ColumnProfile, add_batch, profilers
from ckm.inspection.validation import ProposedMapping, Validation, given_mapping
from ckm.io.readers.read import open_source
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ckm.config import Workspace
    from ckm.io.mapping.mapping import Mapping
    from ckm.io.readers.format import FileFormat

MANY_REJECTED = 0.1
"""Above this share of rejected records the detected format is probably wrong, which is reported."""
FEW_RECORDS = 20
"""Minimum number of records for that report; of fewer, a total row and a note are a large share."""
LINES_NAMED = 5
"""Line numbers listed per reason of rejected records."""


@dataclass(frozen=True)
class Problem:
    """A problem of a file.

    Attributes
    ----------
    line
        1-based line of the first occurrence; None for the whole file.
    text
        Description, never with a value of a row.
    """

    line: int | None
    text: str


@dataclass(frozen=True)
class Inspection:
    """Result of inspecting a file.

    Attributes
    ----------
    path
        The file.
    format
        The detected format.
    rows, rejected
        Number of parsed and of rejected records; together all records of the file.
    reasons
        Rejected records by reason.
    columns
        Profile of each column.
    problems
        Problems in line order.
    proposal
        The matching table.
    mapping
        The proposed mapping; None if there is an obstacle.
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
        """Return the decimal marks of the number columns, joined by ``and``; None if there are none."""
        return " and ".join(sorted({column.decimal for column in self.columns if column.decimal})) or None

    @property
    def dates(self) -> str | None:
        """Return the formats of the date columns, comma separated; None if there are none."""
        return ", ".join(dict.fromkeys(column.dates for column in self.columns if column.dates)) or None


def inspect_file(
    path: Path,
    options: IngestOptions | None = None,
    *,
    workspace: Workspace | None = None,
    propose: bool = False,
    copy_to: Path | None = None,
    progress: Callable[[int], None] = lambda records: None,
) -> Inspection:
    """Inspect a file in bounded memory.

    Parameters
    ----------
    path
        The file; ``-`` for standard input.
    options
        Format, mapping and table options; unset ones are detected.
    workspace
        Its settings (currency, time zone) and the mapping in ``maps/`` that matches the file are used, as for
        ``ckm ingest``; None means the settings of the environment and no mapping.
    propose
        Propose a mapping by column names even if one in the workspace matches the file.
    copy_to
        Output file of the parsed records (``.csv`` or ``.parquet``); rejected records go to a second file.
    progress
        Called after each batch with its number of records.

    Raises
    ------
    InputError
        The file has an unsupported format or is damaged.
    UsageError
        The file or the mapping does not exist, or a hint or ``copy_to`` is invalid.
    """
    options = options or IngestOptions()
    config = workspace.config if workspace is not None else load_config(None)
    given = given_mapping(path, options, None if propose else workspace)
    hints = given.hints if given is not None else options.hints
    reasons: Counter[str] = Counter()
    places: dict[str, list[int]] = {}
    rows = 0
    with open_source(path, hints) as source:
        found = profilers(source.sample, hints, lambda: (batch.records for batch in source.batches()))
        validation = Validation(source, options, config, given)
        with CleanCopy(copy_to, source.format.columns) if copy_to else nullcontext() as copy:
            for batch in source.batches():
                rows += batch.records.height
                for line, reason in batch.rejected.select("line", "reason").iter_rows():
                    reasons[reason] += 1
                    places.setdefault(reason, []).extend([line] * (reasons[reason] <= LINES_NAMED))
                add_batch(found, batch)
                validation.add(batch)
                if copy is not None:
                    copy.write(batch)
                progress(batch.records.height + batch.rejected.height)
        columns = tuple(column.profile() for column in found)
        problems = [
            *(Problem(line, text) for line, text in source.problems),
            *_rejections(reasons, places, rows),
            *(Problem(None, column.question) for column in found if column.question),
            *_parse_errors(columns),
        ]
        return Inspection(
            path,
            source.format,
            rows,
            reasons.total(),
            dict(reasons.most_common()),
            columns,
            tuple(sorted(problems, key=lambda problem: problem.line or 0)),
            validation.result(),
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
            Problem(
                None, f"{share:.0%} of the records cannot be parsed: try --delimiter, --quote, --header or --encoding"
            )
        )
    return problems


def _parse_errors(columns: Sequence[ColumnProfile]) -> list[Problem]:
    return [
        Problem(
            column.parse_error_line,
            f"column {column.name}: {counted(column.parse_errors, 'value')} cannot be parsed as {column.type}",
        )
        for column in columns
        if column.parse_errors
    ]
