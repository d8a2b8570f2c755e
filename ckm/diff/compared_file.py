"""A file of a comparison: its records, and the type, format and target of its columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from ckm.config import load_config
from ckm.inspection.profile import profilers
from ckm.inspection.validation import Validation, given_mapping
from ckm.io.mapping.expressions import column_names, parse_sql
from ckm.io.mapping.mapping import Expression, FromColumn, sources_of
from ckm.io.mapping.platforms import platforms
from ckm.io.mapping.synonyms import normalise, synonyms
from ckm.io.readers.read import open_source
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ckm.ingest.options import IngestOptions
    from ckm.inspection.profile import ColumnProfiler
    from ckm.io.mapping.mapping import Mapping

LINE = "ckm:line"
"""Helper column: the line of a record in its file."""


@dataclass(frozen=True)
class ComparedFile:
    """One of the two files, in memory.

    Attributes
    ----------
    records
        The parsed records, with their line in :data:`LINE`.
    profiles
        Type and format by column.
    targets
        Column of the matching table, by column of the file.
    key
        The file's columns that form the key of the matching table; empty without one.
    table
        The matching table; None if no table matches.
    rejected
        Number of records that could not be parsed.
    recognised
        A sentence on the recognised platform; None without one.
    """

    records: pl.DataFrame
    profiles: dict[str, ColumnProfiler]
    targets: dict[str, str]
    key: tuple[str, ...]
    table: str | None
    rejected: int
    recognised: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns of the file."""
        return [name for name in self.records.columns if name != LINE]

    def renamed(self, names: dict[str, str]) -> ComparedFile:
        """Return the file with its columns renamed by ``names``."""

        def name(column: str) -> str:
            return names.get(column, column)

        return replace(
            self,
            records=self.records.rename(names),
            profiles={name(column): profile for column, profile in self.profiles.items()},
            targets={name(column): target for column, target in self.targets.items()},
            key=tuple(map(name, self.key)),
        )

    def kind(self, column: str) -> str:
        """Return the type of a column: ``number``, ``integer``, ``date``, ``digits``, ``empty`` or ``text``."""
        dtype = self.records.schema[column]
        if dtype == pl.String:
            return self.profiles[column].type
        if dtype.is_temporal():
            return "date"
        return "integer" if dtype.is_integer() else "number" if dtype.is_numeric() else "text"

    def type_and_format(self, column: str) -> str:
        """Return the type and format of a column."""
        profile = self.profiles[column]
        decimal = f"decimal {profile.decimal}" if profile.decimal else None
        return " ".join(part for part in (profile.type, profile.dates, decimal) if part)


def read_export(path: Path, options: IngestOptions, progress: Callable[[int], None]) -> ComparedFile:
    """Read a file into memory; ``progress`` is called with the number of records of each batch.

    Raises
    ------
    InputError
        The file has an unsupported format or is damaged.
    """
    given = given_mapping(path, options)
    hints = given.hints if given is not None else options.hints
    with open_source(path, hints) as source:
        found = profilers(source.sample, hints, lambda: (batch.records for batch in source.batches()))
        validation = Validation(source, options, load_config(None), given)
        proposal = validation.proposal
        empty = source.sample.clear().with_columns(pl.Series(LINE, [], dtype=pl.Int64))
        frames, rejected = [empty], 0
        for batch in source.batches():
            frames.append(batch.records.with_columns(batch.lines.cast(pl.Int64).alias(LINE)))
            rejected += batch.rejected.height
            progress(batch.records.height)
        return ComparedFile(
            pl.concat(frames),
            {each.name: each for each in found},
            _targets(validation, source.format.columns),
            _key_of(validation),
            proposal.table,
            rejected,
            f"recognised as {platforms()[proposal.platform].title} ({proposal.platform})"
            if proposal.platform
            else None,
        )


def _targets(validation: Validation, columns: Sequence[str]) -> dict[str, str]:
    """Return the target of each column in the matching table, by the mapping or else by name."""
    if validation.conversion is not None:
        rules = validation.conversion.mapping.columns
        return {rule.source: target for target, rule in rules.items() if isinstance(rule, FromColumn)}
    table = validation.proposal.table
    if table is None:
        return {}
    known = {name: target for target in TABLES[table].targets for name in synonyms(table).of(target)}
    return {column: known[normalise(column)] for column in columns if normalise(column) in known}


def _key_of(validation: Validation) -> tuple[str, ...]:
    """Return the key columns of a file in the matching table; none without the first key column."""
    if validation.conversion is None:
        return ()
    mapping = validation.conversion.mapping
    parts = [_made_of(target, mapping) for target in mapping.key_columns]
    return tuple(dict.fromkeys(column for part in parts for column in part)) if parts[0] else ()


def _made_of(target: str, mapping: Mapping) -> list[str]:
    """Return the columns of the file from which a target is computed, directly or through other targets."""
    rule = mapping.columns.get(target)
    if not isinstance(rule, Expression):
        return list(sources_of(rule))
    names = column_names(parse_sql(rule.sql, where=target))
    made = (_made_of(name, mapping) if name in mapping.columns and name != target else [name] for name in names)
    return list(chain.from_iterable(made))
