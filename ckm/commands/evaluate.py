"""``ckm evaluate``: what the programme returned, how efficient it was, and what cannot be said."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ckm.commands.meta import Meta, write_meta
from ckm.commands.options import AsOf, Seed, Workspace
from ckm.errors import UnknownNameError, UsageError
from ckm.names import ReportLanguage
from ckm.output import Format, default_format, emit, emit_text, progress, remark

if TYPE_CHECKING:
    import polars as pl

    from ckm._evaluate.result import Evaluation

BY_USE = ("metric", "of", "value", "unit", "low", "high", "previous", "change", "n", "goal", "goal_reached")
"""Columns on the screen, the most used first; the others are in machine formats."""
NUMBERS = dict.fromkeys(("value", "low", "high", "previous", "change"), "{:,.4g}")


class EvaluationFormat(StrEnum):
    """Format of an evaluation: tables for the terminal, rows, or the whole as JSON, Markdown or an HTML page."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    md = "md"
    html = "html"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("evaluate")(evaluate)


def evaluate(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA]",
            help="A workspace. Default: the workspace around the current folder.",
            show_default=False,
        ),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(metavar="MONTHS", help="Length of the period: 3mo, 12mo. Default: evaluate.period of ckm.yaml."),
    ] = None,
    lang: Annotated[ReportLanguage, typer.Option(help="Language of the page and of Markdown.")] = "en",
    as_of: AsOf = None,
    seed: Seed = 0,
    fmt: Annotated[
        EvaluationFormat | None,
        typer.Option("--format", "-f", help="Default: CKM_FORMAT, else a table on a terminal and csv in a pipe."),
    ] = None,
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
    from ckm.dataset.source import dataset_of
    from ckm.evaluate import evaluate as evaluation_of
    from ckm.setting_values import parse_months

    chosen = _format(fmt, output)
    months = None
    if period is not None:
        try:
            months = parse_months(period)
        except UsageError as error:
            raise UsageError(f"--period: {error}", hint=error.hint) from None
    if data is None:
        from ckm.config import workspace_folder

        data = workspace_folder(workspace)
    with progress("evaluate") as advance:
        dataset = dataset_of(data, by_customer=True)
        facts: dict[str, Any] = {}
        if meta is not None:
            from ckm.dataset import AS_FOUND
            from ckm.metadata import data_facts

            facts = data_facts(dataset, data, AS_FOUND)
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


def _format(fmt: EvaluationFormat | None, output: Path | None) -> EvaluationFormat | str:
    """Return the format: that of the suffix of ``output``, else the given one, else that of the terminal or pipe."""
    if output is None or str(output) == "-":
        return fmt or EvaluationFormat(default_format())
    suffix = output.suffix.lower().removeprefix(".")
    known = [*(each for each in EvaluationFormat if each is not EvaluationFormat.table), "tsv", "parquet", "xlsx"]
    if suffix not in known:
        raise UnknownNameError("file format", output.suffix, [f".{each}" for each in known], where=f"-o {output}")
    if fmt is not None and fmt != suffix:
        raise UsageError(
            f"--format {fmt} contradicts -o {output}", hint="leave out --format: the suffix of the file sets the format"
        )
    return suffix


def _print(found: Evaluation, chosen: EvaluationFormat | str, output: Path | None, lang: str) -> None:
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
