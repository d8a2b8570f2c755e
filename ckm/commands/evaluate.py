"""``ckm evaluate``: what the programme returned, how efficient it was, and what cannot be said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.document_format import DocumentFormat, DocumentOutputFormat, document_format
from ckm.commands.meta import Meta, read_source, write_meta
from ckm.commands.options import AS_FOUND, AsOf, Seed, Workspace, WorkspaceData, data_or_workspace
from ckm.errors import UsageError
from ckm.names import ReportLanguage
from ckm.output import Format, emit, emit_text, progress, remark

if TYPE_CHECKING:
    import polars as pl

    from ckm._evaluate.result import Evaluation

BY_USE = ("metric", "of", "value", "unit", "low", "high", "previous", "change", "n", "goal", "goal_reached")
"""Columns on the screen, the most used first; the others are in machine formats."""
NUMBERS = dict.fromkeys(("value", "low", "high", "previous", "change"), "{:,.4g}")


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("evaluate")(evaluate)


def evaluate(
    data: WorkspaceData = None,
    period: Annotated[
        str | None,
        typer.Option(metavar="MONTHS", help="Length of the period: 3mo, 12mo. Default: evaluate.period of ckm.yaml."),
    ] = None,
    lang: Annotated[ReportLanguage, typer.Option(help="Language of the page and of Markdown.")] = "en",
    as_of: AsOf = None,
    seed: Seed = 0,
    fmt: DocumentOutputFormat = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write FILE instead of stdout; its suffix decides the format: .html, .md, .json, .csv, .xlsx, ...",
        ),
    ] = None,
    meta: Meta = None,
    workspace: Workspace = None,
) -> None:
    """Show what the programme returned, how efficient it was, and what cannot be said.

    Return: incremental margin of the audiences whose window ended in the period, by ckm outcome against their holdout,
    less the costs of contacts, offers and hours in ckm.yaml (evaluate); interval by simulation; payback. Efficiency:
    cost and hours per incremental buyer and per validated entry, days from feedback to a validated entry, age of open
    complaints, first-contact fix rate, value at risk with a validated and a proven answer, use of entries,
    contributors, and how knowledge moves between the modes of conversion (seci.mode and git). Each metric has its
    change since the previous period and its goal. What is not known is named, with the reason.

    Cost: a second, and half a millisecond per version of an entry in git; the customer ledger is cached.

    Examples:
      ckm evaluate
      ckm evaluate --period 3mo -o out/evaluate.html --lang de
      ckm evaluate -f json | jq '.metrics[] | select(.value == null)'
    """
    from ckm.config import workspace_folder
    from ckm.dataset.source import dataset_of
    from ckm.evaluate import evaluate as evaluation_of
    from ckm.setting_values import parse_months

    chosen = document_format(fmt, output)
    months = None
    if period is not None:
        try:
            months = parse_months(period)
        except UsageError as error:
            raise UsageError(f"--period: {error}", hint=error.hint) from None
    root = data_or_workspace(data, workspace) if data is not None else workspace_folder(workspace)
    with progress("evaluate") as advance:
        dataset = dataset_of(root, by_customer=True)
        facts = read_source(dataset, root, AS_FOUND, meta)
        found = evaluation_of(
            dataset,
            as_of=as_of.date() if as_of is not None else None,
            months=months,
            seed=seed,
            progress=advance.stage,
        )
    _print(found, chosen, output, lang)
    if meta is not None:
        from ckm.metadata import run_facts

        write_meta(
            run_facts(
                "evaluate",
                dataset,
                facts,
                as_of=found.as_of,
                parameters={"period": period, "lang": lang, "seed": seed},
                settings=("evaluate",),
                columns=found.frame.columns,
                remarks=found.remarks,
                period={"first": found.period.first, "last": found.period.last},
                currency=found.currency,
            ),
            meta,
        )
    remark(*found.remarks)


def _print(found: Evaluation, chosen: DocumentFormat | str, output: Path | None, lang: str) -> None:
    if chosen in ("html", "md"):
        emit_text(found.to_html(lang) if chosen == "html" else found.to_markdown(lang), output=output)
    elif chosen == "json":
        emit_text(found.to_json(), output=output)
    elif chosen != "table":
        on_stdout = output is None or str(output) == "-"
        emit(found.frame, Format(chosen) if on_stdout else None, output=output)
    else:
        _draw(found)


def _draw(found: Evaluation) -> None:
    """Print the known figures by section, what cannot be said, and what the figures leave out."""
    import polars as pl

    print(f"{found.period}, compared with {found.compared}\n")
    known = found.frame.filter(pl.col("value").is_not_null())
    for section in known["section"].unique(maintain_order=True):
        emit(_columns(known.filter(section=section)), Format.table, title=section, formats=NUMBERS, by_use=BY_USE)
        print()
    missing = found.missing
    if missing.height:
        emit(missing, Format.table, title="what cannot be said")
    partial = known.filter(pl.col("note").is_not_null(), pl.col("of") == "").select("metric", "note")
    if partial.height:
        print()
        emit(partial, Format.table, title="what is left out")


def _columns(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns for the screen, without those that are empty in all rows."""
    return rows.select(name for name in BY_USE if rows[name].null_count() < rows.height and set(rows[name]) != {""})
