"""Compare two exports before they are loaded: rows, columns and totals; the functions behind ``ckm diff``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from ckm.config import load_config
from ckm.errors import UnknownNameError, UsageError
from ckm.ingest.options import IngestOptions
from ckm.inspection.profile import profilers
from ckm.inspection.validation import Validation, given_mapping
from ckm.io.mapping.expressions import column_names, parse_sql
from ckm.io.mapping.mapping import Expression, FromColumn, sources_of
from ckm.io.mapping.platforms import platforms
from ckm.io.mapping.synonyms import normalise, synonyms
from ckm.io.readers.read import open_source
from ckm.io.values.readers import complete_reading
from ckm.result import Result
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ckm.inspection.profile import ColumnProfiler
    from ckm.io.mapping.mapping import Mapping
    from ckm.io.readers.read import Source

__all__ = ["ColumnChange", "FileDiff", "RowCounts", "Total", "diff_files"]

LINE, KEY, CONTENT, COPY = "ckm:line", "ckm:key", "ckm:content", "ckm:copy"
"""Helper columns: line, hashes of key and content, and the number among equal rows."""
NUMBERS = ("number", "integer")
TOTAL_DIGITS = 6


@dataclass(frozen=True)
class RowCounts:
    """Counts of matched rows of both files.

    Attributes
    ----------
    old, new
        Parsed rows of each file; ``old = unchanged + changed + missing``, ``new = unchanged + changed +
        added``.
    unchanged
        In both files, with the same values in all common columns.
    changed
        In both files by key, with different values.
    added, missing
        Only in the new file; only in the old file.
    rejected_old, rejected_new
        Records that could not be parsed, which are not compared.
    """

    old: int
    new: int
    unchanged: int
    changed: int
    added: int
    missing: int
    rejected_old: int = 0
    rejected_new: int = 0


@dataclass(frozen=True)
class ColumnChange:
    """A column that differs between the files.

    Attributes
    ----------
    name
        The column.
    old, new
        Its type and format (``text``, ``number decimal ,``, ``date %d.%m.%Y``); None if missing in the file.
    rows
        Number of matched rows with different values in it.
    """

    name: str
    old: str | None
    new: str | None
    rows: int = 0

    @property
    def status(self) -> str:
        """``new``, ``missing``, ``type`` (another type or format) or ``values``."""
        if self.old is None:
            return "new"
        if self.new is None:
            return "missing"
        return "values" if self.old == self.new else "type"


@dataclass(frozen=True)
class Total:
    """The total of an amount column in both files."""

    name: str
    old: float
    new: float


@dataclass(frozen=True)
class FileDiff(Result):
    """Differences of two exports.

    Attributes
    ----------
    key
        Key columns for matching rows; empty if whole rows are matched.
    rows
        Counts of rows.
    columns
        Columns that differ, in the order of the new file, missing ones last.
    totals
        Totals of common amount and quantity columns.
    changes
        One row per row that is new, changed or missing: ``status``, the key's columns, ``old_line``, ``new_line``
        (Int64, null if not in the file) and ``columns`` (List of String, the changed columns).
    remarks
        Remarks, as sentences.
    """

    key: tuple[str, ...]
    rows: RowCounts
    columns: tuple[ColumnChange, ...]
    totals: tuple[Total, ...]
    changes: pl.DataFrame
    remarks: tuple[str, ...]

    @property
    def summary(self) -> pl.DataFrame:
        """Counts of rows and totals of amounts."""
        return self.frame.filter(pl.col("part") != "columns").select("part", "name", "old", "new", "difference")

    @property
    def frame(self) -> pl.DataFrame:
        """One row per finding: part (rows, columns, totals), name, status, old, new, difference.

        ``old_type`` and ``new_type`` are column types; the ``difference`` of a column is its number of changed rows.
        """
        counted = (
            ("all", self.rows.old, self.rows.new),
            ("unchanged", self.rows.unchanged, self.rows.unchanged),
            ("changed", self.rows.changed, self.rows.changed),
            ("new", 0, self.rows.added),
            ("missing", self.rows.missing, 0),
            ("rejected", self.rows.rejected_old, self.rows.rejected_new),
        )
        found: list[tuple[object, ...]] = [
            ("rows", name, None, old, new, new - old, None, None) for name, old, new in counted
        ]
        found += [
            ("columns", each.name, each.status, None, None, each.rows, each.old, each.new) for each in self.columns
        ]
        found += [
            ("totals", each.name, None, each.old, each.new, round(each.new - each.old, TOTAL_DIGITS), None, None)
            for each in self.totals
        ]
        texts, numbers = dict.fromkeys(("part", "name", "status"), pl.String), ("old", "new", "difference")
        schema = texts | dict.fromkeys(numbers, pl.Float64) | dict.fromkeys(("old_type", "new_type"), pl.String)
        return pl.DataFrame(found, schema=schema, orient="row")


@dataclass(frozen=True)
class _File:
    """One of the two files, in memory."""

    records: pl.DataFrame
    profiles: dict[str, ColumnProfiler]
    targets: dict[str, str]
    """Target in the matching table, by column."""
    key: tuple[str, ...]
    """Key columns of that table."""
    table: str | None
    rejected: int
    recognised: str | None = None
    """A sentence on the recognised platform."""

    @property
    def columns(self) -> list[str]:
        return [name for name in self.records.columns if name != LINE]

    def called_as(self, names: dict[str, str]) -> _File:
        """Return the file with columns renamed as in the other file."""

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
        """Type of a column: ``number``, ``integer``, ``date``, ``digits``, ``empty`` or ``text``."""
        dtype = self.records.schema[column]
        if dtype == pl.String:
            return self.profiles[column].type
        if dtype.is_temporal():
            return "date"
        return "integer" if dtype.is_integer() else "number" if dtype.is_numeric() else "text"

    def written(self, column: str) -> str:
        """Return the type and format of a column."""
        profile = self.profiles[column]
        decimal = f"decimal {profile.decimal}" if profile.decimal else None
        return " ".join(part for part in (profile.type, profile.dates, decimal) if part)


def diff_files(
    old: Path,
    new: Path,
    options: IngestOptions | None = None,
    *,
    key: Sequence[str] | None = None,
    progress: Callable[[int], None] = lambda records: None,
) -> FileDiff:
    """Compare two exports of one source.

    Rows are matched by the key of the table that the new file matches (order id, customer id). Rows with the same key
    are matched as a multiset: equal rows first, the others in order. Numbers and dates are compared by value, whatever
    their format. Both files are held in memory.

    Parameters
    ----------
    old, new
        The files.
    options
        Mapping and format options; unset ones are detected.
    key
        Key columns instead of the table's key; an empty list matches whole rows.
    progress
        Callback for progress reports: the number of records of each batch.

    Raises
    ------
    UnknownNameError
        A column of ``key`` is not in both files.
    UsageError
        The files have no column in common, or a file does not exist.
    InputError
        A file has an unsupported format or is damaged.
    """
    options = options or IngestOptions()
    before, after = (_read(path, options, progress) for path in (old, new))
    renamed = _renamed(before, after)
    before = before.called_as(renamed)
    common = [name for name in after.columns if name in before.records.columns]
    if not common:
        raise UsageError("the files have no column in common", hint="ckm inspect shows the columns of each file")
    chosen, remarks = _key(before, after, common, key)
    ours, theirs = _comparable(before, after, common, chosen), _comparable(after, before, common, chosen)
    kept = _matched(ours, theirs, [CONTENT, COPY])
    rest_old, rest_new = (
        _numbered(each.join(kept, on=[CONTENT, COPY], how="anti", maintain_order="left"), KEY)
        for each in (ours, theirs)
    )
    pairs = rest_old.join(rest_new, on=[KEY, COPY], how="full", suffix="_new", maintain_order="left_right")
    changes = _changes(pairs, common, chosen)
    counts = Counter(changes["status"].to_list())
    rows = RowCounts(
        old=before.records.height,
        new=after.records.height,
        unchanged=kept.height,
        changed=counts["changed"],
        added=counts["new"],
        missing=counts["missing"],
        rejected_old=before.rejected,
        rejected_new=after.rejected,
    )
    changed_in = Counter(changes["columns"].explode(empty_as_null=True).drop_nulls().to_list())
    return FileDiff(
        tuple(chosen),
        rows,
        _columns(before, after, changed_in),
        _totals(before, after, common),
        changes,
        (*_recognised(before, after), *(_renaming(was, now) for was, now in renamed.items()), *remarks),
    )


def _renamed(before: _File, after: _File) -> dict[str, str]:
    """Return columns of the old file with another name in the new file, matched by target."""
    if before.table != after.table:
        return {}
    before_targets, after_targets = (
        {column: each.targets.get(column) for column in each.columns} for each in (before, after)
    )
    pairs = {}
    for column, target in before_targets.items():
        others = [name for name, its in after_targets.items() if its == target]
        mine = [name for name, its in before_targets.items() if its == target]
        if (
            target is not None
            and len(others) == len(mine) == 1
            and column not in after_targets
            and others[0] not in before_targets
        ):
            pairs[column] = others[0]
    return pairs


def _renaming(was: str, now: str) -> str:
    return f"column '{was}' of the old file matches '{now}' of the new file"


def _recognised(before: _File, after: _File) -> list[str]:
    """Return a sentence on the platforms of the files."""
    if before.recognised == after.recognised:
        return [f"both files are {before.recognised}"] if before.recognised else []
    named = (("old", before), ("new", after))
    return [f"the {which} file is {each.recognised}" for which, each in named if each.recognised]


def _read(path: Path, options: IngestOptions, progress: Callable[[int], None]) -> _File:
    given = given_mapping(path, options)
    hints = given.hints if given is not None else options.hints
    with open_source(path, hints) as source:
        found = profilers(source.sample, hints, lambda: (batch.records for batch in source.batches()))
        validation = Validation(source, options, load_config(None), given)
        proposal = validation.proposal
        frames, rejected = [_nothing(source)], 0
        for batch in source.batches():
            frames.append(batch.records.with_columns(batch.lines.cast(pl.Int64).alias(LINE)))
            rejected += batch.rejected.height
            progress(batch.records.height)
        return _File(
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
    """Return the source columns of a target, also through other targets."""
    rule = mapping.columns.get(target)
    if not isinstance(rule, Expression):
        return list(sources_of(rule))
    names = column_names(parse_sql(rule.sql, where=target))
    made = (_made_of(name, mapping) if name in mapping.columns and name != target else [name] for name in names)
    return list(chain.from_iterable(made))


def _nothing(source: Source) -> pl.DataFrame:
    return source.sample.clear().with_columns(pl.Series(LINE, [], dtype=pl.Int64))


def _key(before: _File, after: _File, common: list[str], wanted: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the key columns, and remarks on them."""
    if wanted is not None:
        for name in wanted:
            if name not in common:
                raise UnknownNameError("column of both files:", name, common, where="--key")
        return list(wanted), ["whole rows are matched"] if not wanted else []
    if before.table == after.table and before.key == after.key and set(after.key) <= set(common) and after.key:
        return list(after.key), [f"rows are matched by {' and '.join(map(repr, after.key))}, the key of {after.table}"]
    return [], ["no common columns form a table's key: whole rows are matched; --key COLUMN names a key"]


def _comparable(one: _File, other: _File, common: list[str], key: list[str]) -> pl.DataFrame:
    """Return the common columns as texts that are equal for equal values, and the key hashes."""
    columns = [_canonical(one, name, _same_kind(one, other, name)) for name in common]
    frame = pl.DataFrame([*columns, one.records[LINE]])
    content = frame.select(common).hash_rows().alias(CONTENT)
    by_key = frame.select(key).hash_rows().alias(KEY) if key else content.alias(KEY)
    return _numbered(frame.with_columns(content, by_key), CONTENT)


def _same_kind(one: _File, other: _File, column: str) -> str:
    kinds = {one.kind(column), other.kind(column)}
    if len(kinds) == 1:
        return kinds.pop()
    return "number" if kinds <= set(NUMBERS) else "text"


def _canonical(one: _File, column: str, kind: str) -> pl.Series:
    """Return a column as text, with normalised numbers and dates; other values are unchanged."""
    values, reader = one.records[column], one.profiles[column].reader
    if values.dtype.is_nested():
        values = pl.Series(column, [None if each is None else str(each) for each in values.to_list()], dtype=pl.String)
    if kind not in {"number", "date"}:
        return values.cast(pl.String, strict=False).str.strip_chars()
    typed = values
    if values.dtype == pl.String:
        if reader is None:
            return values.str.strip_chars()
        quick = values.to_frame("value").with_columns(reader.quick(pl.col("value")).alias("value"))["value"]
        typed, _ = complete_reading(values, quick, reader)
    if kind == "number":
        typed = typed.cast(pl.Float64, strict=False)
    elif isinstance(typed.dtype, pl.Datetime) and typed.dtype.time_zone:
        typed = typed.dt.convert_time_zone("UTC").dt.replace_time_zone(None).dt.cast_time_unit("us")
    elif typed.dtype in (pl.Date, pl.Datetime):
        typed = typed.cast(pl.Datetime("us"))
    text = typed.cast(pl.String, strict=False)
    return (
        pl.select(pl.coalesce(text, values.cast(pl.String, strict=False).str.strip_chars())).to_series().alias(column)
    )


def _numbered(frame: pl.DataFrame, of: str) -> pl.DataFrame:
    """Number equal rows: first, second, and so on."""
    return frame.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over(of).alias(COPY))


def _matched(one: pl.DataFrame, other: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    return one.select(on).join(other.select(on), on=on, how="inner")


def _changes(pairs: pl.DataFrame, common: list[str], key: list[str]) -> pl.DataFrame:
    """Return one row per different row, by line: changed and missing rows, then new ones."""
    only_new, only_old = pl.col(LINE).is_null(), pl.col(f"{LINE}_new").is_null()
    status = pl.when(only_new).then(pl.lit("new")).when(only_old).then(pl.lit("missing")).otherwise(pl.lit("changed"))
    differs = [
        pl.when(~only_new & ~only_old & pl.col(name).ne_missing(pl.col(f"{name}_new"))).then(pl.lit(name))
        for name in common
        if name not in key
    ]
    columns = pl.concat_list(differs).list.drop_nulls() if differs else pl.lit([], pl.List(pl.String))
    found = pairs.select(
        status.alias("status"),
        *(pl.coalesce(name, f"{name}_new").alias(name) for name in key),
        old_line=pl.col(LINE),
        new_line=pl.col(f"{LINE}_new"),
        columns=columns,
    )
    return found.sort("old_line", "new_line", nulls_last=True)


def _columns(before: _File, after: _File, changed_in: Counter[str]) -> tuple[ColumnChange, ...]:
    found = []
    for name in (*after.columns, *(each for each in before.columns if each not in after.records.columns)):
        was = before.written(name) if name in before.records.columns else None
        now = after.written(name) if name in after.records.columns else None
        if was != now or changed_in[name]:
            found.append(ColumnChange(name, was, now, changed_in[name]))
    return tuple(found)


def _totals(before: _File, after: _File, common: list[str]) -> tuple[Total, ...]:
    """Return the totals of common amount and quantity columns, and of numbers with a fraction."""
    totals = []
    for name in common:
        kinds = {before.kind(name), after.kind(name)}
        target = after.targets.get(name)
        dtype = TABLES[after.table].targets.get(target) if after.table and target else None
        if not kinds <= set(NUMBERS) or not ("number" in kinds or (dtype is not None and dtype.is_numeric())):
            continue
        was, now = (
            float(_canonical(each, name, "number").cast(pl.Float64, strict=False).sum()) for each in (before, after)
        )
        totals.append(Total(name, round(was, TOTAL_DIGITS), round(now, TOTAL_DIGITS)))
    return tuple(totals)
