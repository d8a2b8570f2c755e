"""``ckm inspect``: encoding, dialect, columns and problems of a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ckm.commands.options import AS_FOUND, FileOptions, OutputFormat, Workspace, reads_files
from ckm.errors import CkmError, UsageError, exit_code_of_files
from ckm.output import Format, default_format, emit, emit_text, file_alone, note, progress, remark, show_error
from ckm.plaintext import harmless, harmless_json, unicode_text
from ckm.remark import Importance, about, importance_of
from ckm.wording import counted

if TYPE_CHECKING:
    import polars as pl

    from ckm.config import Workspace as OpenWorkspace
    from ckm.inspection import Inspection

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to inspect; - is standard input.")]
Copy = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the parsed records to FILE (.csv or .parquet), every value as text, and the rejected records "
        "to FILE.rejected.csv or .parquet.",
    ),
]


SaveMap = Annotated[
    Path | None, typer.Option("--save-map", metavar="FILE", help="Write the proposed mapping to FILE, for editing.")
]
BY_USE = ("column", "type", "maps to", "parse errors", "empty", "distinct", "null words")
"""Columns on a screen, the most used first."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("inspect")(inspect)


@reads_files
def inspect(
    files: Files,
    reading: FileOptions = AS_FOUND,
    output: Copy = None,
    save_map: SaveMap = None,
    workspace: Workspace = None,
    fmt: OutputFormat = None,
) -> None:
    """Show encoding, dialect, columns and problems of a file before it is loaded.

    Prints the encoding, delimiter, quotes, header line, column types, decimal mark, date order, rejected records with
    their lines, and the table that the file matches. Reads CSV and similar text, JSON lines and arrays, Parquet,
    Excel and OpenDocument sheets; also as gzip, or as zip of one file. Values of the data are never shown.

    Validates every row as ckm ingest does, but stores nothing. Prints the failed rules, the number of rows and the
    first row numbers of each. --map, --column and the other mapping options work as for ckm ingest. In a workspace,
    its currency, its time zone and the mapping in maps/ that matches the file are used.

    Reads the whole file, about 20 to 40 MB per second, and needs about 500 MB of memory for any size (a sheet is held
    in memory); 5,000 columns take ten seconds. Records read plus records rejected are all records of the file.

    -o writes the parsed values unchanged, as UTF-8 CSV (RFC 4180, CR LF) or Parquet. A value that a spreadsheet would
    run as a formula is not changed, so open such a copy as text. The rejected records have line, reason and raw text.

    --save-map writes the mapping that is proposed by the column names, for editing and for use with --map.

    -f csv prints one row per column of the file; -f json one object per file.

    Examples:
        ckm inspect orders.csv
        ckm inspect incoming/*.csv -f json
        ckm inspect orders_export.csv --save-map maps/shop.yaml
        ckm inspect till.txt --delimiter whitespace --columns id,day,items,amount
        ckm inspect export.csv --encoding tis-620 --header 3 --dates dmy
        ckm inspect crm.xlsx --sheet Customers -o customers.csv
        zcat big.csv.gz | ckm inspect - -o clean.parquet
    """
    from ckm.inspection import inspect_file

    if output is not None and len(files) > 1:
        raise UsageError(f"-o needs exactly one file, got {len(files)}", hint="inspect the files one by one")
    if save_map is not None and (len(files) > 1 or reading.map_file is not None):
        raise UsageError("--save-map needs exactly one FILE without a mapping", hint="inspect the files one by one")
    options = reading.ingest_options()
    opened = _workspace(workspace)
    chosen = fmt or default_format()
    found: list[Inspection] = []
    failed: list[CkmError] = []
    for file in files:
        try:
            with progress(f"reading {file}") as advance:
                one = inspect_file(
                    file, options, workspace=opened, propose=save_map is not None, copy_to=output, progress=advance
                )
            found.append(one)
        except CkmError as error:
            failed.append(error)
    if found and not file_alone(output):  # stdout stays empty if all files failed
        _show(found, chosen)
    if output is not None and found:
        written = f"wrote {output} ({counted(found[0].rows, 'record')})"
        note(f"{written} and {output}.rejected{output.suffix} ({found[0].rejected:,})")
    if save_map is not None and found:
        _save_map(found[0], save_map)
    for failure in failed:
        show_error(failure, as_json=chosen in {Format.json, Format.ndjson})
    if failed:
        raise typer.Exit(exit_code_of_files(failed, done=bool(found)))


def _workspace(folder: Path | None) -> OpenWorkspace | None:
    """Return the workspace in ``folder``, else the one around the current folder; None without any."""
    from ckm.config import find_workspace, open_workspace

    return open_workspace(folder) if folder is not None or find_workspace(Path.cwd()) is not None else None


def _save_map(one: Inspection, path: Path) -> None:
    from ckm.io.mapping.mapping import save_mapping

    if one.mapping is None:
        raise UsageError(
            f"no mapping was found: {one.proposal.obstacle}", hint="map columns with --column TARGET=SOURCE"
        )
    save_mapping(one.mapping, path, files=() if str(one.path) == "-" else (unicode_text(escape(one.path.name)),))
    note(f"wrote {path}")


def _show(found: list[Inspection], fmt: Format) -> None:
    import polars as pl

    if fmt is not Format.table:  # shown on the screen already
        for one in found:
            texts = [*(problem.text for problem in one.problems), *one.proposal.assumed]
            remark(*(about(_name(one), text) for text in texts if importance_of(text) <= Importance.assumption))

    if fmt is Format.json:
        emit_text(harmless_json(json.dumps([as_object(one) for one in found], ensure_ascii=False, indent=1)) + "\n")
    elif fmt is Format.ndjson:
        emit_text("".join(harmless_json(json.dumps(as_object(one), ensure_ascii=False)) + "\n" for one in found))
    elif fmt is Format.table:
        for one in found:
            _show_screen(one)
    else:
        emit(pl.concat([_columns(one, named=True) for one in found]), fmt)


def as_object(one: Inspection) -> dict[str, Any]:
    """Return an inspection as the JSON object that ``-f json`` prints."""
    proposal = asdict(one.proposal)
    return {
        "file": _name(one),
        "table": one.proposal.table,
        "platform": one.proposal.platform,
        **asdict(one.format),
        "rows": one.rows,
        "rejected": one.rejected,
        "reasons": one.reasons,
        "decimal": one.decimal,
        "date_format": one.dates,
        "columns": [asdict(column) for column in one.columns],
        "problems": [asdict(problem) for problem in one.problems],
        "proposal": {
            **proposal,
            "columns": dict(reversed(one.proposal.columns)),
        },
    }


def _show_screen(one: Inspection) -> None:
    emit_text("".join(f"{_line(text)}\n" for text in [*_facts(one), ""]))
    table = _on_screen(one)
    if table.height:
        emit(table, Format.table, by_use=BY_USE, elsewhere="-f csv")
    if one.problems:
        places = [f"line {problem.line:,}" if problem.line else "file" for problem in one.problems]
        lines = [_line(each.text, f"  {place:<12} ") for place, each in zip(places, one.problems, strict=True)]
        emit_text("".join(f"{line}\n" for line in ["", "problems", *lines]))
    emit_text("".join(f"{_line(text)}\n" for text in ["", *_proposal(one), ""]))


def _line(text: str, mark: str = "") -> str:
    """Return ``mark`` and ``text`` as one line.

    On a terminal, a long text is wrapped between words and indented to where it began.
    """
    from ckm.render.screen import filled, window

    terminal = window()
    if terminal is None:
        return mark + harmless(text)
    stripped = text.lstrip(" ")
    return filled(stripped, width=terminal, mark=mark + " " * (len(text) - len(stripped)))


def _on_screen(one: Inspection) -> pl.DataFrame:
    """Return the table for a screen: a row per column of the file, without columns that would be empty."""
    import polars as pl

    layout = pl.concat_str("type", "dates", pl.lit("decimal ") + pl.col("decimal"), separator=" ", ignore_nulls=True)
    words = pl.when(pl.col("null_words") != "").then(pl.col("null_words"))
    table = _columns(one, named=False).select(
        "column",
        layout.alias("type"),
        "empty",
        words.alias("null words"),
        "distinct",
        pl.col("parse_errors").alias("parse errors"),
        pl.col("maps_to").alias("maps to"),
    )
    filled_rows = {
        "null words": table["null words"].count(),
        "parse errors": table["parse errors"].sum(),
        "maps to": table["maps to"].count(),
    }
    return table.drop(name for name, count in filled_rows.items() if not count)


def _name(one: Inspection) -> str:
    return "standard input" if str(one.path) == "-" else harmless(str(one.path))


def _facts(one: Inspection) -> list[str]:
    found = one.format
    named = {"\t": "tab", " ": "space", None: "none (one column)"}
    parts: list[str] = ["text table" if found.kind == "csv" else found.kind]
    parts += [found.compression] if found.compression else []
    parts += [found.encoding] if found.encoding else []
    if found.kind == "csv":
        parts.append(f"delimiter {named.get(found.delimiter, found.delimiter)}{' and a space' if found.padded else ''}")
        parts.append(f"quote {found.quote or 'none'}{', backslash escapes' if found.escape == chr(92) else ''}")
    parts += [f"sheet {found.sheet}"] if found.sheet else []
    if found.kind in {"csv", "excel"}:
        rows = f" ({found.header_rows} rows)" if found.header_rows > 1 else ""
        parts.append(f"header in line {found.header_line}{rows}" if found.header_line else "no header")
    parts += [f"decimal mark {one.decimal}"] if one.decimal else []
    parts += [f"dates {one.dates}"] if one.dates else []
    records = counted(one.rows, "record")
    return [_name(one), harmless("  " + " · ".join(parts)), f"  {records}, {one.rejected:,} rejected"]


def _columns(one: Inspection, *, named: bool) -> pl.DataFrame:
    """Return the table for machine formats: a row per column of the file, with the file's name if ``named``."""
    import polars as pl

    schema = {
        **({"file": pl.String} if named else {}),
        "column": pl.String,
        "type": pl.String,
        "empty": pl.Int64,
        "null_words": pl.String,
        "distinct": pl.Int64,
        "decimal": pl.String,
        "dates": pl.String,
        "parse_errors": pl.Int64,
        "maps_to": pl.String,
        **(dict.fromkeys(("table", "platform"), pl.String) if named else {}),
    }
    maps_to: dict[str, str] = {}
    for target, source in one.proposal.columns:
        maps_to[source] = f"{maps_to[source]}, {target}" if source in maps_to else target
    rows = [
        (
            *((_name(one),) if named else ()),
            column.name,
            column.type,
            column.nulls,
            ", ".join(f"{word} ({times:,})" for word, times in column.null_words.items()),
            column.distinct,
            column.decimal,
            column.dates,
            column.parse_errors,
            maps_to.get(column.name),
            *((one.proposal.table, one.proposal.platform) if named else ()),
        )
        for column in one.columns
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _proposal(one: Inspection) -> list[str]:
    proposal = one.proposal
    if proposal.table is None:
        return [f"matches no table: {proposal.obstacle}"]
    if proposal.obstacle:
        return [f"probably {proposal.table}, but: {proposal.obstacle}"]
    by = f" by the mapping '{proposal.mapping}'" if proposal.mapping is not None else ""
    table = "" if proposal.platform or proposal.mapping is not None else f" --as {proposal.table}"
    return [
        f"matches {proposal.table}{by}: ckm ingest {one.path}{table}",
        *(f"  assumed: {text}" for text in proposal.assumed),
        *_failures(one),
    ]


def _failures(one: Inspection) -> list[str]:
    """Return lines with the number of rows that would fail validation, and the rules that they fail."""
    proposal = one.proposal
    if not proposal.failed:
        return ["  no row fails validation"]
    total = one.rows + one.rejected
    lines = [f"  {proposal.failed:,} of {counted(total, 'row')} would fail validation ({proposal.failed / total:.1%})"]
    return [*lines, *(f"    {rule.text}" for rule in proposal.rules), f"  hint: {proposal.options}"]
