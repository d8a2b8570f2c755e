"""``ckm forecast``: demand of the next weeks by product or category, for whoever plans stock and purchase."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ckm.commands.meta import Meta, read_source, write_meta
from ckm.commands.options import (
    AS_FOUND,
    AsOf,
    Data,
    FileOptions,
    Output,
    OutputFormat,
    Workspace,
    reads_files,
    saying,
)
from ckm.errors import UsageError
from ckm.output import emit_first_rows, progress, remark

BY_USE = ("item", "segment", "expected", "low", "high", "per_week", "recent", "change")
FORMATS = {"change": "{:+.0%}", "error": "{:.1%}", "expected": "{:,.0f}", "low": "{:,.0f}", "high": "{:,.0f}"}


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("forecast")(forecast)


@reads_files
def forecast(
    data: Data = None,
    by: Annotated[
        Literal["product", "category"] | None,
        typer.Option(help="What to forecast. Default: products, or categories where no line has a product."),
    ] = None,
    measure: Annotated[
        Literal["units", "buyers", "revenue"],
        typer.Option(help="Units (a line without a quantity counts one), buyers per week, or net sales."),
    ] = "units",
    weeks: Annotated[int, typer.Option(metavar="N", help="Number of weeks, 4 to 13.")] = 4,
    segments: Annotated[
        bool, typer.Option("--segments", help="Divide the demand by the segments of ckm segment.")
    ] = False,
    weekly: Annotated[bool, typer.Option("--weekly", help="One row per week instead of the total.")] = False,
    methods: Annotated[bool, typer.Option("--methods", help="Print the error of each method in the past.")] = False,
    as_of: AsOf = None,
    min_group_size: Annotated[
        int, typer.Option(metavar="N", min=1, help="With --segments: leave out groups of fewer customers.")
    ] = 5,
    fmt: OutputFormat = None,
    output: Output = None,
    meta: Meta = None,
    workspace: Workspace = None,
    reading: FileOptions = AS_FOUND,
) -> None:
    """Forecast the demand of the next weeks by product or category.

    Simple methods are compared: from each week of the last half year, each forecasts the weeks that followed. The
    forecast is a mean of the best one, which is named, and of the median of all. low and high are an 80 % interval,
    from the errors of such past forecasts. Returns are left out. Exits with 4 if there are too few weeks to test a
    forecast: 15 for 4 weeks.

    Cost: reads the dates, then the lines of the transactions; --segments reads the customer ledger too.

    Examples:
      ckm forecast                              # products, the next 4 weeks
      ckm forecast orders.csv --by category --weeks 13
      ckm forecast --segments -o out/demand.xlsx
      ckm forecast --weekly -o out/weeks.csv    # for a planning system
      ckm forecast --methods                    # how accurate each method was
    """
    if weekly and methods:
        raise UsageError("--weekly and --methods print different tables", hint="choose one")
    with progress("forecasting demand") as advance:
        from ckm.dataset import open_dataset
        from ckm.forecast import forecast as make_forecast

        advance.stage("reading")
        dataset = open_dataset(data, workspace, reading.ingest_options())
        source = read_source(dataset, data, reading, meta)
        with saying(dataset.remarks, fmt):
            found = make_forecast(
                dataset,
                by=by,
                measure=measure,
                weeks=weeks,
                segments=segments,
                as_of=as_of.date() if as_of else None,
                min_group_size=min_group_size,
                progress=advance.stage,
            )
    table = found.summary if methods else found.weekly if weekly else found.frame
    emit_first_rows(table, fmt, output=output, by_use=BY_USE, formats=FORMATS)
    remark(*found.remarks)
    if meta is not None:
        from ckm.metadata import run_facts

        facts = run_facts(
            "forecast",
            dataset,
            source,
            as_of=found.as_of,
            parameters={"by": found.by, "measure": measure, "weeks": weeks, "segments": segments},
            settings=("segment",),
            columns=table.columns,
            remarks=found.remarks,
            model={"method": found.method, "errors": dict(found.summary.select("method", "error").rows())},
        )
        write_meta(facts, meta)
