"""``ckm churn-warn``: list customers who are likely to churn, with reasons and recommended actions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeGuard

import typer

from ckm.commands.churn_screen import show_backtest, show_mail, show_warnings
from ckm.commands.kb_options import log_shown
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
from ckm.errors import UsageError, no_amounts
from ckm.output import Format, default_format, emit, emit_text, file_alone, progress, remark
from ckm.remark import assumption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm._churn.label_scores import LabelledList
    from ckm._churn.model_card import ModelCard
    from ckm.churn import ChurnOptions, ChurnWarnings
    from ckm.dataset import Dataset

MODEL = Literal["auto", "rule", "btyd", "scorecard", "boosted"]
FINDING = Literal["watch", "warn", "urgent", "leak"]
STEPS = 24
"""Approximate number of progress steps."""
CARD_SUFFIXES = (".html", ".md", ".json")
WHOM = "Whom to list"
LABELLED = "A table with a label, instead of transactions"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("churn-warn")(churn_warn)


@reads_files
def churn_warn(
    data: Data = None,
    horizon: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN",
            help="Prediction horizon: 90d, 12w, 3mo. Default: by the purchase intervals, shorter if the data cannot "
            "test it.",
        ),
    ] = None,
    as_of: AsOf = None,
    model: Annotated[
        MODEL, typer.Option(help="auto weighs the other models by their accuracy on past periods.")
    ] = "auto",
    all_customers: Annotated[
        bool, typer.Option("--all", help="List all customers, not only those with a warning.", rich_help_panel=WHOM)
    ] = False,
    budget: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Only the N contacts with the highest expected gain.", rich_help_panel=WHOM
        ),
    ] = None,
    new_only: Annotated[
        bool,
        typer.Option(
            "--new-only",
            help="List only warnings that are new or worse since the last run; nothing if there are none.",
            rich_help_panel=WHOM,
        ),
    ] = False,
    profit_curve: Annotated[
        bool,
        typer.Option(
            "--profit-curve",
            help="Print the expected gain of lists of increasing length instead of the customers.",
            rich_help_panel=WHOM,
        ),
    ] = False,
    lead_time: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN", help="Time that an action needs, as 14d. Default: ckm.yaml.", rich_help_panel=WHOM
        ),
    ] = None,
    fail_on: Annotated[
        FINDING | None,
        typer.Option(
            help="Exit 1 when a warning of this level or above is listed; leak: when a column reveals the label."
        ),
    ] = None,
    backtest: Annotated[
        bool,
        typer.Option(
            "--backtest",
            help="Print the accuracy of each model on past periods; -o card.html|md|json writes the model card.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do not save the warnings in the workspace.")] = False,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the outcome.", rich_help_panel=LABELLED)
    ] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Its value for customers who churned.", rich_help_panel=LABELLED)
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="Column of the customer.", rich_help_panel=LABELLED)
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
    """Warn of customers who are likely to churn: probability, value at risk, reasons, and what to do.

    Predicts each customer's probability of no purchase within the horizon, by models weighted by their accuracy on
    past periods. Lists customers who can still be retained, by the expected gain of a contact, each with its reasons,
    the knowledge entries in kb/ for them, and what speaks against a contact now. Customers who have churned already
    are not listed. -o FILE writes the list and prints the summary on stdout; -q omits it. A workspace saves the
    warnings, so that the next run can list what is new.

    Levels follow the base rate: watch, warn and urgent begin at 2, 3 and 5 times the churn odds of the average
    customer who can still be retained, and never below 20, 35 and 50 %. churn.watch, churn.warn and churn.urgent in
    ckm.yaml set other multiples or fixed probabilities. A reason states the customer's own facts. The expected gain
    uses the loss of spend of customers who churned in the past.

    Cost: comparing the models takes seconds for thousands of customers and minutes for a million; --model NAME skips
    it. Needs 2⅓ horizons of history, or 1⅓ with --model NAME.

    Examples:
      ckm churn-warn                                   # the workspace around the current folder
      ckm churn-warn orders.csv --horizon 90d          # any file of transactions, no workspace needed
      ckm churn-warn --new-only --fail-on warn        # nightly: new warnings only, exit 1 if there are any
      ckm churn-warn --budget 50 -f md                 # the 50 best contacts, as Markdown
      ckm churn-warn --backtest -o out/card.html       # model card with the accuracy
      ckm churn-warn telco.csv --label Churn --positive Yes --id customerID
    """
    refuse_meta(meta, {"--label": label is not None})
    if label is not None or positive is not None or id_column is not None:
        return _labelled(
            data, label, positive, id_column, reading, seed, fmt, output, backtest=backtest, fail_on=fail_on
        )
    if fail_on == "leak":
        raise UsageError("--fail-on leak needs a table with a label", hint="--label COLUMN, or --fail-on warn")

    with progress("looking for churn", total=STEPS) as advance:  # before the imports, which take a second
        from ckm._churn.horizon import parse_horizon
        from ckm.churn import ChurnOptions, warn

        request = ChurnOptions(
            as_of=as_of.date() if as_of else None,
            horizon=parse_horizon(horizon) if horizon else None,
            model=model,
            backtest=backtest,
            lead_time=_lead_time(lead_time),
            budget=budget,
            all_customers=all_customers,
            new_only=new_only,
            seed=seed,
            keep=not dry_run,
            defer=True,
            wait=wait,
            cache=not no_cache,
            engine=engine_of(engine, master, partitions),
        )
        advance.stage("reading")
        dataset = request.engine.open(data, workspace, reading.ingest_options())
        config, source = dataset.config, read_source(dataset, data, reading, meta)
        with saying(dataset.remarks, fmt):
            result = warn(dataset, request, config, progress=advance.stage)
    if backtest:
        _print_backtest(result, fmt, output)
    elif profit_curve and not result.money_known:
        raise no_amounts("expected gains")
    elif profit_curve:
        emit(result.curve.frame, fmt, output=output, title=result.curve.sentence(result.currency))
    else:
        if output is not None or (fmt or default_format()) not in (Format.table, Format.md):
            from ckm.group_size import refuse_small_groups

            refuse_small_groups(result.frame, dataset.config.privacy, "rows of customers")
        _print(result, dataset.label, fmt, output, new_only=request.new_only)
    if result.run is not None:  # after the list is delivered: an interrupted run lists the new warnings again
        result.run.save()
    if dataset.workspace is not None:
        shown = result.frame["answers"].explode().drop_nulls()
        log_shown(dataset.workspace.root, "churn-warn", shown, enabled=dataset.config.kb.log_queries)
    if meta is not None:
        write_meta(_facts(result, request, dataset, source), meta)
    if request.new_only and result.frame.is_empty():
        return None
    remark(*dataset.remarks, *result.remarks, assumption(result.assumptions))
    return _fail_on(result, fail_on)


def _facts(
    result: ChurnWarnings, request: ChurnOptions, dataset: Dataset, source: Mapping[str, Any]
) -> Mapping[str, Any]:
    from ckm.metadata import run_facts

    horizon = result.forecast.horizon
    return run_facts(
        "churn-warn",
        dataset,
        source,
        as_of=result.as_of,
        parameters=request,
        settings=("churn",),
        columns=(*result.frame.columns, *result.summary.columns),
        remarks=(*result.remarks, result.assumptions),
        model={
            "name": result.forecast.model.name,
            "horizon_days": horizon.days,
            "horizon": horizon.reasoning,
            "levels": result.levels,
            "value": result.value,
            "currency": result.currency,
        },
    )


def _print(result: ChurnWarnings, label: str, fmt: Format | None, output: Path | None, *, new_only: bool) -> None:
    beside = output is not None and str(output) != "-"
    if beside:
        emit(result.frame, output=output)
        if file_alone(output):
            return None
    chosen = fmt or default_format()
    if new_only and result.frame.is_empty() and (beside or chosen in (Format.table, Format.md)):
        return None
    if chosen is Format.table:
        return show_warnings(result, label)
    if chosen is Format.md:
        return show_mail(result, label)
    return emit(result.summary if beside else result.frame, fmt)


def _print_backtest(result: ChurnWarnings, fmt: Format | None, output: Path | None) -> None:
    if not _is_card(output):
        return show_backtest(result, fmt, output)
    from ckm.churn import model_card

    return _write_card(model_card(result), output)


def _is_card(output: Path | None) -> TypeGuard[Path]:
    return output is not None and output.suffix.lower() in CARD_SUFFIXES


def _write_card(card: ModelCard, output: Path) -> None:
    from ckm._churn.card_table import card_table

    if output.suffix.lower() == ".json":
        return emit(card_table(card), Format.json, output=output)
    from ckm._churn.card_document import card_document
    from ckm.render.markdown import render_markdown
    from ckm.render.page import render_page

    render = render_page if output.suffix.lower() == ".html" else render_markdown
    return emit_text(render(card_document(card)), output=output)


def _fail_on(result: ChurnWarnings, level: str | None) -> None:
    from ckm._churn.warning_levels import at_or_above, is_warning

    if level is not None and not result.frame.filter(is_warning() & at_or_above(level)).is_empty():
        raise typer.Exit(1)


def _lead_time(text: str | None) -> int | None:
    from ckm.setting_values import parse_days

    return parse_days(text) if text else None


def _labelled(
    data: Path | None,
    label: str | None,
    positive: str | None,
    id_column: str | None,
    reading: FileOptions,
    seed: int,
    fmt: Format | None,
    output: Path | None,
    *,
    backtest: bool,
    fail_on: str | None,
) -> None:
    """Score the rows of a table with a label, each labelled row by models trained without it."""
    from ckm._churn.label_scores import score_table
    from ckm.config import find_workspace, load_config

    if data is None or label is None or positive is None or id_column is None:
        raise UsageError(
            "a table with a label needs DATA, --label, --positive and --id",
            hint="ckm churn-warn telco.csv --label Churn --positive Yes --id customerID",
        )
    if reading.maps:
        raise UsageError(
            "a table with a label is not mapped", hint="leave out --map, --column, --currency and --time-zone"
        )
    with progress(f"learning from {data}"):
        settings = load_config(find_workspace(Path.cwd())).churn
        result = score_table(
            data,
            label=label,
            positive=positive,
            id_column=id_column,
            hints=reading.hints(),
            seed=seed,
            settings=settings,
        )
    if backtest and _is_card(output):
        from ckm.churn import labelled_card

        _write_card(labelled_card(result, label=label, positive=positive), output)
    else:
        emit(result.scores if backtest else result.frame, fmt, output=output)
    remark(*result.remarks)
    if fail_on is not None and _reaches(result, fail_on):
        raise typer.Exit(1)


def _reaches(result: LabelledList, fail_on: str) -> bool:
    """Return whether a column reveals the label (``leak``), or a row has the level or a higher one."""
    from ckm._churn.warning_levels import at_or_above

    return bool(result.fit.leaks) if fail_on == "leak" else not result.frame.filter(at_or_above(fail_on)).is_empty()
