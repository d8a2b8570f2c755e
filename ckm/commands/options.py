"""The options that mean the same in every command.

A command takes what it needs by annotating its parameters with the types below::

    def segment(data: Data = None, fmt: OutputFormat = None, output: Output = None) -> None: ...

``--quiet/-q`` and ``--verbose/-v`` are not among them: they concern no command in particular, so the root
(:mod:`ckm.cli`) adds them to every command by :func:`verbosity_options`, and no command can forget or misuse them.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperOption

from ckm.errors import UsageError
from ckm.output import Format, Verbosity, listen, set_verbosity

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
