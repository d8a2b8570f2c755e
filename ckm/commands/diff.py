"""``ckm diff``: compare two exports before they are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.meta import Meta, write_meta
from ckm.commands.options import AS_FOUND, FileOptions, Output, OutputFormat, reads_files
from ckm.output import Format, default_format, emit, emit_text, progress, remark

if TYPE_CHECKING:
    import polars as pl

    from ckm.diff import FileDiff

CHANGE_COLUMNS = ("status", "old_line", "new_line", "columns")
"""Columns of ``--rows`` besides those of the key."""
MOST_LISTED = 20
"""Maximum number of columns, and of totals, on a screen; a machine format has all."""
ROWS_BY_USE = ("rows", "difference", "new", "old")
COLUMNS_BY_USE = ("column", "status", "rows changed", "new", "old")
TOTALS_BY_USE = ("total", "difference", "new", "old")
"""Columns of the three tables, the most used first."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("diff")(diff)


@reads_files
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The earlier export; - is standard input.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The later export.")],
    key: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Key columns to match rows by; 'none' matches whole rows. Default: the table's key."
        ),
    ] = None,
    rows: Annotated[bool, typer.Option("--rows", help="List the new, changed and missing rows instead.")] = False,
    reading: FileOptions = AS_FOUND,
    fmt: OutputFormat = None,
    output: Output = None,
    meta: Meta = None,
) -> None:
    """Compare two exports before they are loaded: rows, columns and totals.

    Counts new, changed, missing and unchanged rows. Lists columns that are new, missing, or of another type or format,
    with the number of rows whose value changed. Compares the totals of amounts and quantities.

    Rows are matched by the key of the table that the files match, such as the order id; --key names other columns.
    Rows with the same key are matched as a group, equal rows first. Numbers and dates are compared by value, whatever
    their format. Only --rows shows values, those of the key; all other output is counts, lines and column names.

    Cost: both files are read once and held in memory.

    Examples:
      ckm diff orders-week1.csv orders-week2.csv
      ckm diff monday.csv tuesday.csv --rows -o changes.csv   # the rows and their changed columns
      ckm diff old.xlsx new.csv --key Belegnummer
      ckm diff old.csv new.csv -f json | jq '.[] | select(.name == "missing")'
    """
    from ckm.diff import diff_files

    wanted = None if key is None else [] if key == "none" else [part.strip() for part in key.split(",")]
    with progress(f"comparing {old} and {new}") as advance:
        found = diff_files(old, new, reading.ingest_options(), key=wanted, progress=advance)
    if rows:
        emit(found.changes, fmt, output=output)
    elif output is not None or (fmt or default_format()) is not Format.table:
        emit(found.frame, fmt, output=output)
    else:
        _show(found, f"{old} → {new}")
    remark(*found.remarks)
    if meta is not None:
        from ckm.config import load_config
        from ckm.metadata import command_facts, file_facts

        facts = command_facts(
            "diff",
            file_facts([old, new], reading.ingest_options()),
            as_of=None,
            parameters={"key": key, "rows": rows},
            config=load_config(None),
            settings=(),
            columns=CHANGE_COLUMNS if rows else found.frame.columns,
            remarks=found.remarks,
            root=None,
            key=found.key,
        )
        write_meta(facts, meta)


def _show(found: FileDiff, title: str) -> None:
    import polars as pl

    frame = found.frame
    whole = dict.fromkeys(("old", "new", "difference"), "{:,.0f}")
    counts = _part(frame, "rows").rename({"name": "rows"})
    emit(counts, Format.table, title=title, formats=whole, by_use=ROWS_BY_USE)
    columns = frame.filter(pl.col("part") == "columns")
    if columns.height:
        emit_text("\n")
        shown = columns.select(
            pl.col("name").alias("column"),
            pl.col("status"),
            pl.col("old_type").alias("old"),
            pl.col("new_type").alias("new"),
            pl.when(pl.col("difference") > 0).then(pl.col("difference")).cast(pl.Int64).alias("rows changed"),
        )
        emit(shown.head(MOST_LISTED), Format.table, by_use=COLUMNS_BY_USE)
    totals = _part(frame, "totals").rename({"name": "total"})
    if totals.height:
        emit_text("\n")
        formats = dict.fromkeys(whole, "{:,.2f}")
        emit(totals.head(MOST_LISTED), Format.table, formats=formats, by_use=TOTALS_BY_USE)
    if (hidden := max(columns.height, totals.height) - MOST_LISTED) > 0:
        remark(f"{hidden} more rows are not shown; -f csv lists all")


def _part(frame: pl.DataFrame, part: str) -> pl.DataFrame:
    import polars as pl

    return frame.filter(pl.col("part") == part).select("name", "old", "new", "difference")
