"""``ckm diff``: what has changed from one export to the next, before either is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import AS_FOUND, FileOptions, Output, OutputFormat, reads_files
from ckm.output import Format, default_format, emit, emit_text, note, progress

if TYPE_CHECKING:
    import polars as pl

    from ckm.diff import FileDiff

MOST_LISTED = 20
"""Columns and totals that a screen lists; a machine format has them all."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("diff")(diff)


@reads_files
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The earlier export; - is standard input.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The later one.")],
    key: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Match rows by these columns; 'none' for whole rows. Default: the table's key."
        ),
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Print one row per row that is new, changed or vanished instead.")
    ] = False,
    reading: FileOptions = AS_FOUND,
    fmt: OutputFormat = None,
    output: Output = None,
) -> None:
    """Compare two exports before they are loaded: rows, columns and totals.

    Counts the rows that are new, changed, vanished or the same; names the columns that are new, gone, hold another
    type or are written otherwise, and in how many rows each has another value; adds up amounts and quantities.

    Rows are matched by the key of the table that the files could fill, such as the order's number; --key names other
    columns. Lines of one order are matched as a whole: equal ones first. A number or a date is the same however it is
    written. Values are shown only where --rows lists the key; everything else is counts, lines and names of columns.

    Cost: both files are read once and held in memory.

    Examples:
      ckm diff orders-week1.csv orders-week2.csv
      ckm diff monday.csv tuesday.csv --rows -o changes.csv   # which rows, and in which columns
      ckm diff old.xlsx new.csv --key Belegnummer
      ckm diff old.csv new.csv -f json | jq '.[] | select(.name == "vanished")'
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
    for remark in found.remarks:
        note(remark)


def _show(found: FileDiff, title: str) -> None:
    import polars as pl

    frame = found.frame
    whole = dict.fromkeys(("old", "new", "difference"), "{:,.0f}")
    emit(_part(frame, "rows").rename({"name": "rows"}), Format.table, title=title, formats=whole)
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
        emit(shown.head(MOST_LISTED), Format.table)
    totals = _part(frame, "totals").rename({"name": "total"})
    if totals.height:
        emit_text("\n")
        emit(totals.head(MOST_LISTED), Format.table, formats=dict.fromkeys(whole, "{:,.2f}"))
    if (hidden := max(columns.height, totals.height) - MOST_LISTED) > 0:
        note(f"{hidden} more are not shown; -f csv lists all")


def _part(frame: pl.DataFrame, part: str) -> pl.DataFrame:
    import polars as pl

    return frame.filter(pl.col("part") == part).select("name", "old", "new", "difference")
