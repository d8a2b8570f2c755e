"""``ckm loyalty-report``: changes, loyal customers, growth potential and churn of a period."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ckm.commands.meta import Meta, read_source, refuse_meta, write_meta
from ckm.commands.options import (
    AS_FOUND,
    AsOf,
    Data,
    EngineName,
    FileOptions,
    Master,
    NoCache,
    OutputFormat,
    Partitions,
    Seed,
    Workspace,
    engine_of,
    reads_files,
    saying,
)
from ckm.commands.recording import current_run
from ckm.errors import UnknownNameError, UsageError
from ckm.files import replacing
from ckm.names import ReportLanguage
from ckm.output import Format, default_format, detail, emit, emit_text, file_alone, note, progress, remark
from ckm.remark import basis
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.dataset import Dataset
    from ckm.loyalty import Loyalty, LoyaltyOptions
    from ckm.metrics.report import LoyaltyReport

STEPS = 10
"""Approximate number of progress steps."""
PAGE, MAIL, WORKBOOK = ".html", ".md", ".xlsx"
SUFFIXES = (PAGE, MAIL, WORKBOOK, ".json", ".ndjson", ".csv", ".tsv", ".parquet")
ReportOutput = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the report to FILE: .html page, .md Markdown, .xlsx workbook; .json .csv .ndjson .parquet: one row "
        "per metric.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("loyalty-report")(loyalty_report)


@reads_files
def loyalty_report(
    data: Data = None,
    period: Annotated[
        str | None,
        typer.Option(
            metavar="MONTHS",
            help="Months up to the as-of date: 12mo, 3mo, 1y. Default: 12mo, or where the data hold no year before, "
            "6mo, 3mo or 1mo, compared with the same months last year where the data hold them.",
        ),
    ] = None,
    compare: Annotated[
        Literal["previous", "year-ago"],
        typer.Option(help="Compare with the previous period, or with the same period last year."),
    ] = "previous",
    by: Annotated[
        str | None,
        typer.Option(metavar="DIMENSION", help="Break the metrics down by a column of customers or transactions."),
    ] = None,
    as_of: AsOf = None,
    lang: Annotated[ReportLanguage, typer.Option(help="Language of the report.")] = "en",
    min_group_size: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Suppress groups of fewer customers, and numbers that would reveal them."
        ),
    ] = 5,
    names: Annotated[bool, typer.Option("--names", help="Show customers' names where the data have them.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write customers.parquet, its data dictionary and the audience lists (CSV) into DIR.",
        ),
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Print the formula and the source of a metric.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do not save the expected spend in the workspace.")
    ] = False,
    seed: Seed = 0,
    fmt: OutputFormat = None,
    output: ReportOutput = None,
    meta: Meta = None,
    workspace: Workspace = None,
    reading: FileOptions = AS_FOUND,
    no_cache: NoCache = False,
    engine: EngineName = "polars",
    master: Master = None,
    partitions: Partitions = None,
) -> None:
    """Report on loyalty: what changed and why, who is loyal, upsell potential, and churn.

    Without -o, prints a summary. -f json prints one row per metric: section, metric, slice, value, unit, n, lo, hi,
    previous, change, definition. -o report.html writes one page that opens offline. Estimates have a 95 % interval,
    missing metrics are named with the reason, totals are reconciled with controls.csv, and goals from ckm.yaml are
    tracked. Names of customers are shown with --names only.

    The churn section uses the warnings that `ckm churn-warn` saved, and computes them if there are none. A workspace
    saves the expected spend of each customer, and a later report compares it with the actual. Reads the transactions
    once: 20 million rows of a typed Parquet file take seconds and 2 GB.

    Examples:
      ckm loyalty-report                                 # the workspace around the current folder
      ckm loyalty-report orders.csv -o report.html       # any file of transactions, no workspace needed
      ckm loyalty-report --period 3mo --compare year-ago -o out/quarter.md
      ckm loyalty-report --by country -f json | jq '.[] | select(.n < 30)'
      ckm loyalty-report --lang th -o out/report-th.html
      ckm loyalty-report --export out/audiences          # one row per customer, and audience lists
      ckm loyalty-report --explain gini
    """
    refuse_meta(meta, {"--explain": explain is not None})
    if explain is not None:
        return _explain(explain, fmt, output)

    _refuse_other_suffixes(output)
    with progress("measuring loyalty", total=STEPS) as advance:
        from ckm.loyalty import LoyaltyOptions
        from ckm.loyalty import loyalty_report as make_report

        request = LoyaltyOptions(
            as_of=as_of.date() if as_of else None,
            months=None if period is None else _months(period),
            comparison=compare,
            by=by,
            min_group_size=min_group_size,
            names=names,
            seed=seed,
            cache=not no_cache,
            keep=not dry_run,
            engine=engine_of(engine, master, partitions),
        )
        advance.stage("reading")
        dataset = request.engine.open(data, workspace, reading.ingest_options())
        config, source = dataset.config, read_source(dataset, data, reading, meta)
        with saying(dataset.remarks, fmt):
            made = make_report(dataset, request, config, progress=advance.stage)
        report = made.report
        written = made.export(export, lang) if export is not None else []
        if output is not None and str(output) != "-":
            advance.stage("writing")
            _write(report, output, fmt, lang)
    if not file_alone(output):
        _print(report, fmt, output, lang)
    if meta is not None:
        write_meta(_facts(made, request, dataset, source), meta)
    remark(*dataset.remarks, *report.remarks, *_left_out(written))
    for path in written:
        detail(f"wrote {path}")
    if export is not None:
        note(f"wrote {len(written)} files into {export}")
    return None


def _left_out(written: list[Path]) -> list[str]:
    """Return a remark on customers who are in no list because they may not be contacted now."""
    if not written:
        return []

    from ckm._loyalty.export import TABLE
    from ckm.io.parquet_file import read_file

    [table] = [path for path in written if path.name == TABLE]
    reasons = read_file(table, ["left_alone"])["left_alone"].drop_nulls()
    counts = [f"{rows:,} {reason.replace('_', ' ')}" for reason, rows in sorted(reasons.value_counts().iter_rows())]
    people = counted(len(reasons), "customer", "is", "are")
    return [basis(f"{people} in no list ({', '.join(counts)})")] if counts else []


def _facts(made: Loyalty, request: LoyaltyOptions, dataset: Dataset, source: Mapping[str, Any]) -> Mapping[str, Any]:
    from ckm.metadata import run_facts
    from ckm.metrics.catalogue import load_catalogue

    report, table = made.report, made.frame
    catalogue, named = load_catalogue(), sorted(set(table["metric"]))
    return run_facts(
        "loyalty-report",
        dataset,
        source,
        as_of=report.as_of,
        parameters=request,
        settings=("loyalty", "churn", "goals"),
        columns=table.columns,
        remarks=report.remarks,
        period={"first": report.period.first, "last": report.period.last},
        compared={"first": report.compared.first, "last": report.compared.last},
        currency=report.currency,
        metrics={name: dict(catalogue[name].rows()) for name in named},
    )


def _months(text: str) -> int:
    from ckm.setting_values import parse_months

    try:
        return parse_months(text)
    except UsageError as error:
        raise UsageError(f"--period: {error}", hint=error.hint) from None


def _refuse_other_suffixes(output: Path | None) -> None:
    """Raise an error for a file with an unknown suffix, before the report is computed."""
    if output is not None and str(output) != "-" and output.suffix.lower() not in SUFFIXES:
        raise UnknownNameError("file format", output.suffix, SUFFIXES, where=f"-o {output}")


def _write(report: LoyaltyReport, output: Path, fmt: Format | None, lang: str) -> None:
    from ckm._loyalty.document import loyalty_document

    match output.suffix.lower():
        case suffix if suffix == PAGE:
            from ckm._loyalty.words import load_words
            from ckm.render.page import render_page

            emit_text(
                render_page(loyalty_document(report, lang, run=current_run()), load_words(lang).page_words()),
                output=output,
            )
        case suffix if suffix == MAIL and fmt in (None, Format.md):
            from ckm.render.markdown import render_mail

            emit_text(render_mail(loyalty_document(report, lang, run=current_run())), output=output)
        case suffix if suffix == WORKBOOK and fmt is None:
            from ckm._loyalty.workbook import write_workbook

            with replacing(output) as draft:
                write_workbook(report, draft, lang)
            note(f"wrote {output}")
        case _:
            emit(report.metrics.table(), fmt, output=output)


def _print(report: LoyaltyReport, fmt: Format | None, output: Path | None, lang: str) -> None:
    """Print the result to stdout; with ``-o FILE`` only the summary for a terminal."""
    beside = output is not None and str(output) != "-"
    match fmt or default_format():
        case Format.table:
            from ckm.commands.loyalty_screen import show_loyalty

            show_loyalty(report, lang)
        case Format.md if not beside:
            from ckm._loyalty.document import loyalty_document
            from ckm.render.markdown import render_mail

            emit_text(render_mail(loyalty_document(report, lang)))
        case chosen if not beside:
            emit(report.metrics.table(), chosen)


def _explain(metric: str, fmt: Format | None, output: Path | None) -> None:
    from ckm.metrics.catalogue import explained, load_catalogue

    description = load_catalogue()[metric]
    if output is None and (fmt or default_format()) is Format.table:
        return emit_text("".join(f"{name:<11} {text}\n" for name, text in description.rows()))
    return emit(explained(description), fmt, output=output)
