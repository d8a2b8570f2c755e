"""Compare two exports: match their rows, and count changes by row, column and total."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from ckm.diff.comparable_rows import CONTENT, COPY, KEY, NUMBERS, canonical, comparable, numbered
from ckm.diff.compared_file import LINE, read_export
from ckm.diff.result import TOTAL_DIGITS, ColumnChange, FileDiff, RowCounts, Total
from ckm.errors import UnknownNameError, UsageError
from ckm.ingest.options import IngestOptions
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ckm.diff.compared_file import ComparedFile


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
    before, after = (read_export(path, options, progress) for path in (old, new))
    renamed = _renamed(before, after)
    before = before.renamed(renamed)
    common = [name for name in after.columns if name in before.records.columns]
    if not common:
        raise UsageError("the files have no column in common", hint="ckm inspect shows the columns of each file")
    chosen, remarks = _key(before, after, common, key)
    ours, theirs = comparable(before, after, common, chosen), comparable(after, before, common, chosen)
    kept = ours.select(CONTENT, COPY).join(theirs.select(CONTENT, COPY), on=[CONTENT, COPY], how="inner")
    rest_old, rest_new = (
        numbered(each.join(kept, on=[CONTENT, COPY], how="anti", maintain_order="left"), KEY) for each in (ours, theirs)
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
        (
            *_recognised(before, after),
            *(f"column '{was}' of the old file matches '{now}' of the new file" for was, now in renamed.items()),
            *remarks,
        ),
    )


def _renamed(before: ComparedFile, after: ComparedFile) -> dict[str, str]:
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


def _recognised(before: ComparedFile, after: ComparedFile) -> list[str]:
    """Return a sentence on the platforms of the files."""
    if before.recognised == after.recognised:
        return [f"both files are {before.recognised}"] if before.recognised else []
    named = (("old", before), ("new", after))
    return [f"the {which} file is {each.recognised}" for which, each in named if each.recognised]


def _key(
    before: ComparedFile, after: ComparedFile, common: list[str], wanted: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the key columns, and remarks on them."""
    if wanted is not None:
        for name in wanted:
            if name not in common:
                raise UnknownNameError("column of both files:", name, common, where="--key")
        return list(wanted), ["whole rows are matched"] if not wanted else []
    if before.table == after.table and before.key == after.key and set(after.key) <= set(common) and after.key:
        return list(after.key), [f"rows are matched by {' and '.join(map(repr, after.key))}, the key of {after.table}"]
    return [], ["no common columns form a table's key: whole rows are matched; --key COLUMN names a key"]


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


def _columns(before: ComparedFile, after: ComparedFile, changed_in: Counter[str]) -> tuple[ColumnChange, ...]:
    found = []
    for name in (*after.columns, *(each for each in before.columns if each not in after.records.columns)):
        was = before.type_and_format(name) if name in before.records.columns else None
        now = after.type_and_format(name) if name in after.records.columns else None
        if was != now or changed_in[name]:
            found.append(ColumnChange(name, was, now, changed_in[name]))
    return tuple(found)


def _totals(before: ComparedFile, after: ComparedFile, common: list[str]) -> tuple[Total, ...]:
    """Return the totals of common amount and quantity columns, and of numbers with a fraction."""
    totals = []
    for name in common:
        kinds = {before.kind(name), after.kind(name)}
        target = after.targets.get(name)
        dtype = TABLES[after.table].targets.get(target) if after.table and target else None
        if not kinds <= set(NUMBERS) or not ("number" in kinds or (dtype is not None and dtype.is_numeric())):
            continue
        was, now = (
            float(canonical(each, name, "number").cast(pl.Float64, strict=False).sum()) for each in (before, after)
        )
        totals.append(Total(name, round(was, TOTAL_DIGITS), round(now, TOTAL_DIGITS)))
    return tuple(totals)
