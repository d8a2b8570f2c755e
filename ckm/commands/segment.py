"""``ckm segment``: customers named by recency, frequency and money."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.hints import DataDates, DataDecimal
from ckm.commands.options import AsOf, Data, Output, OutputFormat, Workspace
from ckm.output import Format, default_format, emit, emit_text, note, progress

if TYPE_CHECKING:
    from ckm.segment import Segmentation

SCREEN_COLUMNS = {
    "segment": "segment",
    "customers": "customers",
    "share": "share",
    "revenue": "revenue",
    "revenue_share": "of revenue",
    "median_recency_days": "days ago",
    "orders_per_customer": "orders",
    "average_order_value": "per order",
}
"""Columns of the summary that a screen shows, under short words; the advice follows in a table of its own."""
SCREEN_FORMATS = {
    "share": "{:.1%}",
    "revenue": "{:,.0f}",
    "of revenue": "{:.1%}",
    "days ago": "{:,.0f}",
    "orders": "{:.1f}",
    "per order": "{:,.2f}",
}
WIDE_SCREEN = 116
"""Characters that all columns need without breaking a number in two."""
NARROW_SCREEN_COLUMNS = 4
"""How many of them, with the bars, fit into 80 characters."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("segment")(segment)


def segment(
    data: Data = None,
    as_of: AsOf = None,
    customers: Annotated[
        bool, typer.Option("--customers", help="Print one row per customer instead of one per segment.")
    ] = False,
    fmt: OutputFormat = None,
    output: Output = None,
    workspace: Workspace = None,
    dates: DataDates = None,
    decimal: DataDecimal = None,
) -> None:
    """Name every customer by how lately, how often and for how much they bought.

    Scores each customer from 1 to 5 on recency, frequency and money, with equal values always in the same score,
    and gives each of the 125 combinations one of eleven names, from Champions to Lost. Frequency counts days with
    a purchase; returns reduce money only; cancelled orders and rows without a customer are left out and counted.
    Prints one row per segment; -o FILE writes one row per customer beside it. Nothing in the workspace changes.

    Cost: two passes over the transactions, and memory for the customers and their days of purchase. Half a million
    rows of a workspace take a tenth of a second; a file is first read and mapped, in memory, each time.

    Examples:
      ckm segment                               # the workspace around the current folder
      ckm segment orders.csv                    # any file of transactions, with nothing set up
      ckm segment --as-of 2025-12-31            # as it stood at the end of the year
      ckm segment -o customers.parquet          # one row per customer too, into a file
      ckm segment --customers -f csv | head     # one row per customer, into a pipe
    """
    from ckm.config import load_config
    from ckm.dataset import open_dataset
    from ckm.segment import segment_customers
    from ckm.sources.hints import Hints

    with progress(f"segmenting {data or 'the workspace'}"):
        dataset = open_dataset(data, workspace, Hints(decimal=decimal, dates=dates))
        config = dataset.workspace.config if dataset.workspace else load_config(None)
        result = segment_customers(
            {**dataset.tables, "transactions": dataset.transactions},
            as_of=as_of.date() if as_of else None,
            time_zone=config.time_zone,
        )
    piped = str(output) == "-"
    if output is not None and not piped:
        emit(result.customers, output=output)
    if customers or piped:
        emit(result.customers, fmt)
    elif (fmt or default_format()) is Format.table:
        _show(result, dataset.label)
    else:
        emit(result.summary, fmt)
    # After the result: a run that fails under -f json has the error alone on stderr.
    for remark in [*dataset.remarks, *result.remarks]:
        note(remark)


def _show(result: Segmentation, label: str) -> None:
    import polars as pl

    columns = list(SCREEN_COLUMNS.items())
    if sys.stdout.isatty() and get_terminal_size().columns < WIDE_SCREEN:
        columns = columns[:NARROW_SCREEN_COLUMNS]
    emit(
        result.summary.select(pl.col(name).alias(header) for name, header in columns),
        Format.table,
        title=f"{label} as of {result.as_of}, money in {result.currency}",
        bars="share",
        formats=SCREEN_FORMATS,
    )
    emit_text("\n")
    borne = result.summary.filter(pl.col("customers") > 0)
    emit(borne.select("segment", pl.col("advice").alias("what to do")), Format.table)
    if len(columns) < len(SCREEN_COLUMNS):
        note(f"a screen of {WIDE_SCREEN} characters, or -f csv, shows recency, orders and order values too")
