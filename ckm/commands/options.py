"""The options that mean the same in every command."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ckm.output import Format

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
    typer.Option("--format", "-f", envvar="CKM_FORMAT", help="Default: table on a terminal, csv in a pipe."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to FILE; its suffix sets the format."),
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="Default: the newest transaction."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random.")]
