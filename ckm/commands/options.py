"""The options that mean the same in every command.

A command takes what it needs by annotating its parameters with the types below::

    @reads_files
    def segment(data: Data = None, fmt: OutputFormat = None, reading: FileOptions = AS_FOUND) -> None: ...

:func:`reads_files` puts all options on how a file is mapped and read in the place of ``reading``.

``--quiet/-q`` and ``--verbose/-v`` are not among them: they concern no command in particular, so the root
(:mod:`ckm.cli`) adds them to every command by :func:`verbosity_options`, and no command can forget or misuse them.
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
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperOption

from ckm.errors import CkmError, UsageError
from ckm.output import Format, Verbosity, default_format, listen, note, set_verbosity

if TYPE_CHECKING:
    from ckm.ingest.options import IngestOptions
    from ckm.sources.hints import Hints

Data = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DATA]",
        help="A workspace, or a CSV/Parquet/Excel/JSON file or folder of transactions. "
        "Default: the workspace around the current folder.",
        show_default=False,
    ),
]
Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-C", metavar="DIR", envvar="CKM_WORKSPACE", help="The workspace. Default: found from here."
    ),
]
OutputFormat = Annotated[
    Format | None,
    # No `envvar` here: CKM_FORMAT yields to the suffix of --output, which only `ckm.output` knows.
    typer.Option("--format", "-f", help="Default: CKM_FORMAT, else a table on a terminal and csv in a pipe."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to FILE: .csv .tsv .json .ndjson .md .parquet .xlsx. Missing folders are made.",
    ),
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="Default: the newest usual day."),
]


def _listening(seconds: float | None) -> float | None:
    """Let a command that may wait say so; ``seconds`` are its limit."""
    listen()
    return seconds


Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        callback=_listening,
        help="Wait for another writer of the store so long at most, then exit with 5. Default: without a limit.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache", help="Read the transactions, even where the workspace keeps the customers' ledger of them."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random.")]

MAPPING = "Mapping of a file (by the names of its columns unless given)"
FORMAT = "Format of a file (detected unless given)"
DATE_HELP = (
    "How dates are written: dmy, mdy or ymd, a format such as %d.%m.%Y, buddhist (Thai years) or jalali (Persian), "
    "serial or serial_1904 (Excel's day numbers), epoch_s, epoch_ms or epoch_us (since 1970)."
)
NAMED_CHARACTERS = {"tab": "\t", r"\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


def _of_mapping(*flags: str, metavar: str, text: str) -> Any:
    return typer.Option(*flags, metavar=metavar, help=text, rich_help_panel=MAPPING)


def _of_format(*flags: str, metavar: str, text: str) -> Any:
    return typer.Option(*flags, metavar=metavar, help=text, rich_help_panel=FORMAT)


@dataclass(frozen=True)
class FileOptions:
    """What the options say of files that a command reads; :func:`reads_files` makes an option of each field."""

    map_file: Annotated[Path | None, _of_mapping("--map", metavar="FILE", text="Map as this file says.")] = None
    column: Annotated[
        list[str] | None,
        _of_mapping("--column", metavar="TARGET=SOURCE", text="Take a column of ours from this one. Repeatable."),
    ] = None
    platform: Annotated[
        str | None,
        _of_mapping(
            "--platform",
            metavar="NAME",
            text="The export that it is, such as shopify-orders (by its columns unless given); 'none' takes columns by "
            "their names alone.",
        ),
    ] = None
    currency: Annotated[
        str | None, _of_mapping("--currency", metavar="CODE", text="Of amounts for which no column names one.")
    ] = None
    time_zone: Annotated[
        str | None, _of_mapping("--time-zone", metavar="ZONE", text="Of times without a zone, such as Europe/Berlin.")
    ] = None
    encoding: Annotated[
        str | None, _of_format("--encoding", metavar="NAME", text="Character set, such as utf-8, cp1252, tis-620.")
    ] = None
    delimiter: Annotated[
        str | None,
        _of_format("--delimiter", metavar="CHAR", text="Between fields; 'tab', 'whitespace' for runs of blanks."),
    ] = None
    quote: Annotated[str | None, _of_format("--quote", metavar="CHAR", text="Around fields; 'none'.")] = None
    header: Annotated[
        str | None, _of_format("--header", metavar="LINE", text="Line of the header, from 1; 'none'.")
    ] = None
    columns: Annotated[
        str | None,
        _of_format("--columns", metavar="A,B,C", text="Names of the columns, for a file without header."),
    ] = None
    decimal: Annotated[str | None, _of_format("--decimal", metavar="MARK", text="Decimal mark: . or ,")] = None
    thousands: Annotated[str | None, _of_format("--thousands", metavar="MARK", text="Thousands mark.")] = None
    dates: Annotated[str | None, _of_format("--dates", metavar="ORDER", text=DATE_HELP)] = None
    sheet: Annotated[str | None, _of_format("--sheet", metavar="NAME", text="Sheet of a workbook.")] = None
    records: Annotated[
        str | None,
        _of_format("--records", metavar="KEYS", text="List of records in a JSON object, as data.orders."),
    ] = None
    null_values: Annotated[
        str | None,
        _of_format("--null-values", metavar="A,B", text="Words that mean 'no value', such as n/a,NULL."),
    ] = None

    @property
    def maps(self) -> bool:
        """Whether anything is said of the mapping."""
        return any((self.map_file, self.column, self.currency, self.time_zone))

    def hints(self) -> Hints:
        """Return what is said of the format.

        Raises
        ------
        UsageError
            ``--header`` is neither a line nor ``none``.
        """
        from ckm.sources.hints import Hints

        named: dict[str, Any] = {spec.name: getattr(self, spec.name) for spec in fields(Hints)}
        if self.delimiter:
            named["delimiter"] = NAMED_CHARACTERS.get(self.delimiter, self.delimiter)
        named["quote"] = "" if self.quote == "none" else self.quote
        named["header"] = _header(self.header)
        named |= {"columns": _list(self.columns), "null_values": _list(self.null_values)}
        return Hints(**named)

    def ingest_options(self, table: str | None = None) -> IngestOptions:
        """Return all that is said, for ``table`` where columns are to be mapped into it by their names.

        Raises
        ------
        UsageError
            An option has another form than its help says.
        """
        from ckm.ingest.options import IngestOptions
        from ckm.settings import parse_currency, parse_time_zone

        currency = parse_currency(self.currency) if self.currency else None
        time_zone = parse_time_zone(self.time_zone) if self.time_zone else None
        overrides = _pairs(self.column)
        return IngestOptions(table, self.map_file, self.hints(), overrides, currency, time_zone, self.platform)


AS_FOUND = FileOptions()
"""Nothing is said: all is found out."""


def reads_files(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :class:`FileOptions`; it gets them as its parameter ``reading``."""
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


@contextmanager
def saying(remarks: Sequence[str], fmt: Format | None) -> Iterator[None]:
    """Say what a file was taken for where its analysis fails; under JSON the error stands alone on stderr."""
    try:
        yield
    except CkmError:
        if (fmt or default_format()) not in {Format.json, Format.ndjson}:
            for remark in remarks:
                note(remark)
        raise


def _header(text: str | None) -> int | str | None:
    if text is None or text == "none":
        return text
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
        raise UsageError("--header takes a line number from 1, or none")
    return int(text)


def _list(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _pairs(columns: list[str] | None) -> dict[str, str]:
    pairs = [column.partition("=") for column in columns or []]
    for target, equals, source in pairs:
        if not (target and equals and source):
            raise UsageError("--column takes TARGET=SOURCE", hint="such as --column order_id=Belegnummer")
    return {target: source for target, _, source in pairs}


def verbosity_options() -> list[TyperOption]:
    """Return ``--quiet/-q`` and ``--verbose/-v``, which set how much is said on stderr before the command runs."""
    return [
        _verbosity_option(Verbosity.quiet, "Say nothing but errors on stderr."),
        _verbosity_option(Verbosity.verbose, "Say more on stderr."),
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
