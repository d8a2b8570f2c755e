"""``ckm segment``: assign customers to stable segments, and explain segment changes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ckm.commands.completion import RULE_SUFFIXES, methods
from ckm.commands.meta import Meta, read_source, refuse_meta, write_meta
from ckm.commands.options import (
    AS_FOUND,
    AsOf,
    Data,
    EngineName,
    FileOptions,
    Master,
    NoCache,
    Output,
    OutputFormat,
    Partitions,
    Seed,
    Wait,
    Workspace,
    engine_of,
    reads_files,
    saying,
)
from ckm.commands.segment_screen import show_details, show_moves, show_summary
from ckm.errors import UnknownNameError, UsageError
from ckm.files import url_of
from ckm.names import FITTED_METHODS
from ckm.output import Format, default_format, emit, emit_text, file_alone, note, progress, remark
from ckm.remark import basis
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm._segment.monetary import Monetary
    from ckm.dataset import Dataset
    from ckm.segment import Segmentation, SegmentOptions

DEFINITION = "Definitions (fixed until --refit)"
MOVES = "Moves"
MONEY = Literal["net", "margin", "mean"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("segment")(segment)


@reads_files
def segment(
    data: Data = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="rfm, value, lifecycle, clusters, or a FILE.yaml of rules. Default: rfm.",
            autocompletion=methods,
        ),
    ] = None,
    as_of: AsOf = None,
    customers: Annotated[
        bool, typer.Option("--customers", help="Print one row per customer instead of one per segment.")
    ] = False,
    contactable: Annotated[
        bool,
        typer.Option("--contactable", help="Leave out customers whom consents do not allow to contact from the rows."),
    ] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Print the details of the method, and how features have shifted.")
    ] = False,
    monetary: Annotated[
        MONEY | None, typer.Option(help="rfm: monetary value as net total, margin, or mean per order. Default: net.")
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(metavar="MONTHS", help="rfm: months of frequency and monetary value, as 12mo. Default: all time."),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="rfm: names for the scores, in the format of --show-rules.")
    ] = None,
    show_rules: Annotated[bool, typer.Option("--show-rules", help="Print the names for the scores and exit.")] = False,
    features: Annotated[
        bool, typer.Option("--features", help="Print all features with unit, meaning and formula, and exit.")
    ] = False,
    save: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Save the definition as segments/NAME.yaml.", rich_help_panel=DEFINITION),
    ] = None,
    use: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Apply segments/NAME.yaml, or the file at a path, unchanged.",
            rich_help_panel=DEFINITION,
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="Refit the definition and save its next version.", rich_help_panel=DEFINITION),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Save neither the definition nor the run.", rich_help_panel=DEFINITION)
    ] = False,
    moves: Annotated[
        bool,
        typer.Option("--moves", help="Print segment changes since the last run, with causes.", rich_help_panel=MOVES),
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE", formats=["%Y-%m-%d"], help="Compare with this day instead.", rich_help_panel=MOVES
        ),
    ] = None,
    seed: Seed = 0,
    fmt: OutputFormat = None,
    output: Output = None,
    meta: Meta = None,
    workspace: Workspace = None,
    reading: FileOptions = AS_FOUND,
    wait: Wait = None,
    no_cache: NoCache = False,
    engine: EngineName = "polars",
    master: Master = None,
    partitions: Partitions = None,
) -> None:
    """Assign customers to stable, named segments, and explain segment changes.

    rfm scores recency, frequency and monetary value from 1 to 5 and names the 125 combinations. value compares current
    value with the spend of comparable customers: protect, grow, maintain, monitor. lifecycle stages follow each
    customer's purchase interval: prospect, new, active, cooling, lapsed, reactivated. clusters finds stable groups.
    A FILE.yaml contains custom rules. Prints one row per segment; -o FILE also writes one row per customer.

    The first run in a workspace saves the definition (cut points, centres, names) as segments/NAME.yaml. Later runs
    apply it unchanged, report how far the features have shifted, and are saved for --moves. NAME is default for rfm,
    else the method. A DATA file is fitted anew each time, unless --use or --save names a definition.

    Cost: one pass over the transactions for rfm, a few for the others, and memory for customers and purchase days: 20
    million rows of a typed Parquet file take seconds and 1 GB; a CSV file is read into memory. Clusters take seconds
    for thousands of customers; above 200,000 they are fitted on a sample.

    Examples:
      ckm segment                                      # the workspace around the current folder
      ckm segment orders.parquet -o customers.parquet  # any file of transactions, no workspace needed
      ckm segment --as-of 2025-12-31 --dry-run         # as of the end of the year
      ckm segment --by value --details                 # with the check on a later period
      ckm segment --moves --since 2026-03-31           # segment changes in the last quarter
      ckm segment --by clusters --refit                # fit new clusters
      ckm segment --by rules/vip.yaml --customers -f csv | head
      ckm segment --contactable -o mailing.csv         # without customers who may not be contacted
      ckm segment --features                           # features that rules can use
    """
    left_out: list[str] = []
    refuse_meta(meta, {"--features": features, "--show-rules": show_rules})
    if features:
        from ckm.customers.dictionary import read_dictionary

        return emit(read_dictionary().frame(), fmt, output=output)
    if show_rules:
        return _show_rules(rules, use, workspace, output)

    with progress(f"segmenting {data or 'the workspace'}") as advance:
        from ckm._segment.rfm.names import load_names
        from ckm.segment import SegmentOptions, segment_dataset

        request = SegmentOptions(
            by=_method(by),
            as_of=as_of.date() if as_of else None,
            names=load_names(rules) if rules else None,
            monetary=_monetary(monetary, window),
            use=use,
            save=save,
            refit=refit,
            moves=moves or since is not None,
            since=since.date() if since else None,
            details=details,
            seed=seed,
            keep=not dry_run,
            wait=wait,
            cache=not no_cache,
            engine=engine_of(engine, master, partitions),
        )
        advance.stage("reading")
        dataset = request.engine.open(data, workspace, reading.ingest_options())
        config, source = dataset.config, read_source(dataset, data, reading, meta)
        # rows that may be left out, or the whole file refused, are known only when all customers are segmented
        is_checked = bool(config.privacy.quasi_identifiers)
        rows = _rows(output, customers=customers or contactable, is_checked=is_checked)
        if rows is True and request.engine.name == "spark":
            _refuse_url(output)
        request = replace(request, rows=rows)
        advance.stage("segmenting")
        with saying(dataset.remarks, fmt):
            result = segment_dataset(dataset, request, config)
    if contactable:
        result, left_out = _contactable(result, dataset)
    exports = output is not None or (customers and (fmt or default_format()) is not Format.table)
    if exports:
        from ckm.group_size import refuse_small_groups

        refuse_small_groups(result.customers, config.privacy, "rows of customers")
    _print(result, dataset.label, fmt, output, customers=customers, details=details, moves=request.moves)
    if meta is not None:
        write_meta(_facts(result, request, dataset, source), meta)
    # After the result: a run that fails under -f json has the error alone on stderr.
    remark(*dataset.remarks, *result.remarks, *left_out)
    return None


def _contactable(result: Segmentation, dataset: Dataset) -> tuple[Segmentation, list[str]]:
    """Return the result without the rows of customers who may not be contacted, and a remark on their number."""
    from ckm.customers.consents import consent_records, contactable

    zone, channel = dataset.config.time_zone, dataset.config.churn.contact_channel
    records = consent_records(dataset.tables, zone)
    allowed = contactable(records, result.customers, result.as_of, channel, time_zone=zone)["allowed"]
    left_out = counted(int((~allowed).sum()), "customer")
    said = f"{left_out} left out, whom consents do not allow to contact"
    nothing = "no consents are recorded: nobody is left out"
    return replace(result, customers=result.customers.filter(allowed)), [basis(nothing if records is None else said)]


def _print(
    result: Segmentation,
    label: str,
    fmt: Format | None,
    output: Path | None,
    *,
    customers: bool,
    details: bool,
    moves: bool,
) -> None:
    piped = str(output) == "-"
    if output is not None and not piped:
        if result.written is None:
            emit(result.customers, output=output)
        else:
            note(f"wrote {output} ({counted(result.written, 'row')})")
        if file_alone(output):
            return
    for_person = (fmt or default_format()) is Format.table
    if customers or piped:
        emit(result.customers, fmt)
    elif moves and result.moves is not None:
        show_moves(result, label) if for_person else emit(result.moves.matrix, fmt)
    elif details:
        show_details(result, fmt)
    elif for_person:
        show_summary(result, label)
    else:
        emit(result.summary, fmt)


def _rows(output: Path | None, *, customers: bool, is_checked: bool) -> Path | bool:
    """Return the Parquet file to which partitions write the rows of customers, or whether they return them.

    With ``customers``, or if the rows are checked before they are written (``is_checked``), they are returned.
    """
    if output is None or str(output) == "-":
        return customers or output is not None
    if output.suffix.lower() == ".parquet" and not customers and not is_checked:
        return output
    return True


def _refuse_url(output: Path | None) -> None:
    """Refuse a URL for rows that this machine writes, and not the executors."""
    if output is not None and (url := url_of(output)):
        raise UsageError(
            f"{url}: Spark writes to a URL only all rows, as Parquet",
            hint="name a file on this machine; or -o URL.parquet without --customers, --contactable and "
            "privacy.quasi_identifiers in ckm.yaml",
        )


def _facts(
    result: Segmentation, request: SegmentOptions, dataset: Dataset, source: Mapping[str, Any]
) -> Mapping[str, Any]:
    from ckm.metadata import run_facts

    saved = result.definition
    learned_from = {"as_of": saved.as_of, "customers": saved.customers, "data": saved.data}
    return run_facts(
        "segment",
        dataset,
        source,
        as_of=result.as_of,
        parameters=request,
        settings=("segment",),
        columns=(*result.customers.columns, *result.summary.columns),
        remarks=result.remarks,
        model={
            "method": saved.definition.method,
            "definition": saved.name,
            "version": saved.version,
            "learned_from": learned_from,
        },
    )


def _method(by: str | None) -> str | Path | None:
    if by is None or by in FITTED_METHODS:
        return by
    if by.endswith(RULE_SUFFIXES):
        return Path(by)
    raise UnknownNameError("method", by, [*FITTED_METHODS, "FILE.yaml"], where="--by")


def _monetary(value: MONEY | None, window: str | None) -> Monetary | None:
    from ckm._segment.monetary import Monetary

    if value is None and window is None:
        return None
    months = re.fullmatch(r"([1-9]\d{0,3})\s*(?:mo|months?)", window) if window else None
    if window and months is None:
        raise UsageError(f"--window: invalid number of months '{window}'", hint="write it as 12mo")
    return Monetary(money=value or "net", window=int(months[1]) if months else None)


def _show_rules(rules: Path | None, use: str | None, workspace: Path | None, output: Path | None) -> None:
    """Print a name table in the format of ``--rules``: the default one, that of a file, or that of a definition."""
    from ckm._segment.library import Library
    from ckm._segment.rfm.definition import RfmDefinition
    from ckm._segment.rfm.names import DEFAULT_NAMES, load_names, names_text
    from ckm.config import find_workspace

    if use is None:
        path = rules or DEFAULT_NAMES
        load_names(path)
        return emit_text(path.read_text(encoding="utf-8-sig"), output=output)
    folder = workspace or find_workspace(Path.cwd()) or Path()
    definition = Library(folder / "segments").load(use).definition
    if not isinstance(definition, RfmDefinition):
        raise UsageError(f"definition '{use}' has no scores to name", hint="its file says how it segments")
    return emit_text(names_text(definition.names), output=output)
