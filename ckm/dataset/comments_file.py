"""Comments of a file: reviews, survey answers or tickets, read without a workspace."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.config import load_config
from ckm.dataset import AS_FOUND, Dataset, data_label
from ckm.dataset.source import dataset_of
from ckm.dataset.transactions_file import MAX_REJECTS, read_rows
from ckm.errors import InputError, UsageError
from ckm.remark import about, assumption, doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.ingest.options import IngestOptions
    from ckm.io.readers.read import Source

INTERACTIONS, KEY = "interactions", "interaction_id"


def comments_dataset(source: Any, options: IngestOptions = AS_FOUND) -> Dataset:
    """Return the comments of a file, or the tables of any other source (:func:`ckm.dataset.source.dataset_of`)."""
    if isinstance(source, str | os.PathLike) and Path(source).is_file():
        return comments_of_file(Path(source), options)
    return dataset_of(source, options)


def comments_of_file(path: Path, options: IngestOptions = AS_FOUND) -> Dataset:
    """Return the interactions of a file, mapped by its platform or its column names.

    A file without a column of ids has the numbers of its rows as ids.

    Raises
    ------
    UsageError
        A required column is missing, such as the date.
    InputError
        The file cannot be read, or more than 5 % of its rows are invalid.
    """
    from ckm.ingest.plan import NameMatchingPlan, mapping_for
    from ckm.io.mapping.planning import plan_conversion

    config = load_config(None)
    config = replace(config, time_zone=options.time_zone or config.time_zone)
    plan = NameMatchingPlan.of(INTERACTIONS, options, config.currency)
    with _with_ids(path, options) as (source, notes):
        try:
            mapping, remarks = mapping_for(plan, source.format, source.sample)
        except UsageError as error:
            error.args = (f"{path}: {error}",)
            raise
        conversion = plan_conversion(
            mapping,
            source.format,
            source.sample,
            more=lambda: (batch.records for batch in source.batches()),
            default_zone=config.time_zone,
            zone_setting="--time-zone",
        )
        found = read_rows(source, conversion)
        failures = found.failures
        if failures is not None and failures.are_too_many(found.total, MAX_REJECTS):
            raise InputError(
                failures.refusal(str(path), mapping, source.format, rows=found.total, limit=MAX_REJECTS),
                hint=failures.options(mapping, source, rows=found.total, loads=False),
            )
    if found.left_out:
        notes.append(
            doubt(f"{counted(found.left_out, 'record')} of {found.total:,} failed validation and are left out")
        )
    said = [about(data_label(path), text) for text in (*remarks, *conversion.remarks, *notes)]
    return Dataset({INTERACTIONS: found.rows}, data_label(path), tuple(said), config=config)


@contextmanager
def _with_ids(path: Path, options: IngestOptions) -> Iterator[tuple[Source, list[str]]]:
    """Open a file; if no column has ids, a copy of its rows with their numbers. The list is of remarks."""
    from ckm.io.mapping.platforms import known_platform
    from ckm.io.mapping.synonyms import normalise, synonyms
    from ckm.io.readers.hints import Hints
    from ckm.io.readers.read import open_source

    with open_source(path, options.hints) as source:
        columns = source.format.columns
        names = synonyms(INTERACTIONS).of(KEY)
        known = known_platform(columns, source.sample, table=INTERACTIONS, given=options.platform)
        if known is not None or KEY in options.overrides or any(normalise(column) in names for column in columns):
            yield source, []
            return
        empty = source.sample.clear()
        rows = pl.concat([empty, *(batch.records for batch in source.batches())], how="diagonal_relaxed")
    with TemporaryDirectory(prefix="ckm-") as folder:
        copy = Path(folder) / "comments.parquet"
        numbered = rows.drop(KEY, strict=False).with_row_index(KEY, offset=1)
        numbered.with_columns(pl.col(KEY).cast(pl.String)).write_parquet(copy)
        with open_source(copy, Hints()) as source:
            yield source, [assumption("no column of ids: each comment has the number of its row")]
