"""Options with the same meaning in every command.

A command annotates its parameters with the types below::

    @reads_files
    def segment(data: Data = None, fmt: OutputFormat = None, reading: FileOptions = AS_FOUND) -> None: ...

:func:`reads_files` replaces ``reading`` by all mapping and format options.

``--quiet/-q`` and ``--verbose/-v`` are not among them: the root (:mod:`ckm.cli`) adds them to every command by
:func:`verbosity_options`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer
from typer.core import TyperOption

from ckm.errors import CkmError, UsageError
from ckm.output import Format, Verbosity, default_format, listen, remark, say_remarks, set_verbosity

if TYPE_CHECKING:
    from ckm.ingest.options import IngestOptions
    from ckm.io.readers.hints import Hints
    from ckm.partitions.engine import Engine

Data = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DATA]",
        help="A workspace, or a CSV/Parquet/Excel/JSON file or folder of transactions. "
        "Default: the workspace around the current folder.",
        show_default=False,
    ),
]
WorkspaceData = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DATA]",
        help="A workspace. Default: the workspace around the current folder.",
        show_default=False,
    ),
]
"""DATA of a command that reads other tables than transactions, so that a file is not enough."""


def _unless_data(ctx: typer.Context, folder: Path | None) -> Path | None:
    """Return the workspace; None if it is that of CKM_WORKSPACE and DATA is given, which takes precedence."""
    source = ctx.get_parameter_source("workspace")
    of_environment = source is not None and source.name == "ENVIRONMENT"
    return None if of_environment and ctx.params.get("data") is not None else folder


Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-C",
        metavar="DIR",
        callback=_unless_data,
        envvar="CKM_WORKSPACE",
        help="The workspace. Default: the one around the current folder.",
    ),
]
FORMAT_HELP = "Default: CKM_FORMAT, else a table on a terminal and csv in a pipe."
# No `envvar` here: the suffix of --output takes precedence over CKM_FORMAT, see `ckm.output`.
OutputFormat = Annotated[Format | None, typer.Option("--format", "-f", help=FORMAT_HELP)]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to FILE: .csv .tsv .json .ndjson .md .parquet .xlsx. Missing folders are created.",
    ),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="Default: the last day of the data, without outliers."
    ),
]


def _listening(seconds: float | None) -> float | None:
    """Enable messages about waiting for a writer; ``seconds`` is the limit."""
    listen()
    return seconds


Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        callback=_listening,
        help="Maximum time to wait for another writer of the store, then exit with 5. Default: no limit.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Ignore the cached customer ledger and read the transactions."),
]
ENGINE = "Large data (default: in memory)"
EngineName = Annotated[
    Literal["polars", "spark"],
    typer.Option(
        "--engine",
        help="Where customer ledgers are built: in this process, or in the executors of a Spark cluster (extra spark).",
        rich_help_panel=ENGINE,
    ),
]
Master = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="URL",
        help="Spark master, as spark://HOST:7077. Default: that of the Spark configuration, else local[*].",
        rich_help_panel=ENGINE,
    ),
]
Partitions = Annotated[
    str | None,
    typer.Option(
        "--partitions",
        metavar="N",
        help="Divide the customers among N partitions, one in memory at a time; auto: 2 million rows each.",
        rich_help_panel=ENGINE,
    ),
]


def engine_of(name: Literal["polars", "spark"], master: str | None, partitions: str | None) -> Engine:
    """Return the engine of the three options.

    Raises
    ------
    UsageError
        An option is invalid, or Spark is not installed.
    """
    from ckm.partitions.engine import IN_MEMORY, Engine

    if partitions is not None and partitions != "auto" and not re.fullmatch(r"[1-9]\d{0,5}", partitions):
        raise UsageError(f"--partitions: invalid number '{partitions}'", hint="write it as 16, or auto")
    if (name, master, partitions) == ("polars", None, None):
        return IN_MEMORY
    return Engine(name, None if partitions is None else 0 if partitions == "auto" else int(partitions), master)


Seed = Annotated[int, typer.Option("--seed", help="Seed of the random number generators.")]

MAPPING = "File mapping (default: by column names)"
FORMAT = "File format (default: detected)"
DATE_HELP = (
    "Date format: dmy, mdy or ymd, a pattern such as %d.%m.%Y, buddhist (Thai years) or jalali (Persian), "
    "serial or serial_1904 (Excel's day numbers), epoch_s, epoch_ms or epoch_us (since 1970)."
)
NAMED_CHARACTERS = {"tab": "\t", r"\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


def _of_mapping(*flags: str, metavar: str, text: str) -> Any:
    return typer.Option(*flags, metavar=metavar, help=text, rich_help_panel=MAPPING)


def _of_format(*flags: str, metavar: str, text: str) -> Any:
    return typer.Option(*flags, metavar=metavar, help=text, rich_help_panel=FORMAT)


@dataclass(frozen=True)
class FileOptions:
    """Mapping and format options of files; :func:`reads_files` makes an option of each field."""

    map_file: Annotated[Path | None, _of_mapping("--map", metavar="FILE", text="Mapping file.")] = None
    column: Annotated[
        list[str] | None,
        _of_mapping(
            "--column",
            metavar="TARGET=SOURCE",
            text="Map the column SOURCE of the file to the column TARGET of the table. Repeatable.",
        ),
    ] = None
    platform: Annotated[
        str | None,
        _of_mapping(
            "--platform",
            metavar="NAME",
            text="Platform of the export, such as shopify-orders. Default: recognised by the columns. 'none' maps "
            "columns by name only.",
        ),
    ] = None
    currency: Annotated[
        str | None, _of_mapping("--currency", metavar="CODE", text="Currency of amounts without a currency column.")
    ] = None
    time_zone: Annotated[
        str | None,
        _of_mapping("--time-zone", metavar="ZONE", text="Time zone of timestamps without one, such as Europe/Berlin."),
    ] = None
    encoding: Annotated[
        str | None, _of_format("--encoding", metavar="NAME", text="Encoding, such as utf-8, cp1252, tis-620.")
    ] = None
    delimiter: Annotated[
        str | None,
        _of_format("--delimiter", metavar="CHAR", text="Field delimiter; 'tab'; 'whitespace' for runs of spaces."),
    ] = None
    quote: Annotated[str | None, _of_format("--quote", metavar="CHAR", text="Quote character; 'none'.")] = None
    header: Annotated[
        str | None, _of_format("--header", metavar="LINE", text="Line number of the header, from 1; 'none'.")
    ] = None
    columns: Annotated[
        str | None,
        _of_format("--columns", metavar="A,B,C", text="Column names of a file without a header."),
    ] = None
    decimal: Annotated[str | None, _of_format("--decimal", metavar="MARK", text="Decimal mark: . or ,")] = None
    thousands: Annotated[str | None, _of_format("--thousands", metavar="MARK", text="Thousands separator.")] = None
    dates: Annotated[str | None, _of_format("--dates", metavar="ORDER", text=DATE_HELP)] = None
    sheet: Annotated[
        str | None,
        _of_format("--sheet", metavar="NAME", text="Sheet of the workbook. Default: the first with records."),
    ] = None
    records: Annotated[
        str | None,
        _of_format("--records", metavar="KEYS", text="Path of the record list in a JSON object, such as data.orders."),
    ] = None
    null_values: Annotated[
        str | None,
        _of_format("--null-values", metavar="A,B", text="Values that mean 'missing', such as n/a,NULL."),
    ] = None

    @property
    def maps(self) -> bool:
        """Return whether any mapping option is set."""
        return any((self.map_file, self.column, self.currency, self.time_zone))

    def hints(self) -> Hints:
        """Return the format hints.

        Raises
        ------
        UsageError
            ``--header`` is neither a line nor ``none``.
        """
        from ckm.io.readers.hints import Hints

        named: dict[str, Any] = {spec.name: getattr(self, spec.name) for spec in fields(Hints)}
        if self.delimiter:
            named["delimiter"] = NAMED_CHARACTERS.get(self.delimiter, self.delimiter)
        named["quote"] = "" if self.quote == "none" else self.quote
        named["header"] = _header(self.header)
        named |= {"columns": _list(self.columns), "null_values": _list(self.null_values)}
        return Hints(**named)

    def ingest_options(self, table: str | None = None) -> IngestOptions:
        """Return all options, with ``table`` as target for name matching.

        Raises
        ------
        UsageError
            An option has an invalid value.
        """
        from ckm.ingest.options import IngestOptions
        from ckm.setting_values import parse_currency
        from ckm.time_zones import parse_time_zone

        currency = parse_currency(self.currency) if self.currency else None
        time_zone = parse_time_zone(self.time_zone) if self.time_zone else None
        overrides = _pairs(self.column)
        return IngestOptions(table, self.map_file, self.hints(), overrides, currency, time_zone, self.platform)


AS_FOUND = FileOptions()
"""File options without any set: mapping and format are detected."""


def reads_files(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of :class:`FileOptions` to a command, which gets them as its parameter ``reading``."""
    declared = list(inspect.signature(command, eval_str=True).parameters.values())
    of_files = get_type_hints(FileOptions, include_extras=True)
    options = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation)
        for name, annotation in of_files.items()
    ]
    [place] = [at for at, each in enumerate(declared) if each.name == "reading"]

    @wraps(command)
    def wrapped(**given: Any) -> None:
        reading = FileOptions(**{name: given.pop(name) for name in of_files if name in given})
        command(**given, reading=reading)

    wrapped.__annotations__ = {}
    wrapped.__signature__ = inspect.Signature([*declared[:place], *options, *declared[place + 1 :]])  # type: ignore[attr-defined]
    return wrapped


def data_or_workspace(data: Path | None, workspace: Path | None) -> Path | None:
    """Return DATA, else ``--workspace``; None means the workspace around the current folder.

    Raises
    ------
    UsageError
        Both are given.
    """
    if data is not None and workspace is not None:
        raise UsageError("DATA and --workspace contradict each other", hint="name one of them")
    return data or workspace


@contextmanager
def saying(remarks: Sequence[str], fmt: Format | None) -> Iterator[None]:
    """Print the remarks on a file if its analysis in the body fails; JSON formats print only the error."""
    try:
        yield
    except CkmError:
        if (fmt or default_format()) not in {Format.json, Format.ndjson}:
            remark(*remarks)
            say_remarks()
        raise


def _header(text: str | None) -> int | str | None:
    if text is None or text == "none":
        return text
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
        raise UsageError("--header needs a line number from 1, or none")
    return int(text)


def _list(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _pairs(columns: list[str] | None) -> dict[str, str]:
    pairs = [column.partition("=") for column in columns or []]
    for target, equals, source in pairs:
        if not (target and equals and source):
            raise UsageError("--column needs TARGET=SOURCE", hint="such as --column order_id=Belegnummer")
    return {target: source for target, _, source in pairs}


def verbosity_options() -> list[TyperOption]:
    """Return ``--quiet/-q`` and ``--verbose/-v``, which set the verbosity on stderr before the command runs."""
    return [
        _verbosity_option(Verbosity.quiet, "Print only errors on stderr; with -o FILE nothing on stdout."),
        _verbosity_option(Verbosity.verbose, "Print more details on stderr."),
    ]


def _verbosity_option(level: Verbosity, text: str) -> TyperOption:
    def choose(ctx: typer.Context, param: Any, wanted: bool) -> None:
        if not wanted:
            return
        if ctx.meta.setdefault("ckm.verbosity", level) is not level:
            raise UsageError("--quiet and --verbose contradict each other", hint="choose one")
        set_verbosity(level)

    flags = [f"--{level.name}", f"-{level.name[0]}"]
    return TyperOption(param_decls=flags, is_flag=True, default=False, expose_value=False, callback=choose, help=text)
