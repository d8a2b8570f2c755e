"""``ckm demo``: the whole way from messy files to a list one can act on, on the example shop."""

from __future__ import annotations

import os
import shlex
from contextlib import chdir
from pathlib import Path
from typing import Annotated

import typer

from ckm.output import Format, emit_text, note

STEPS = (
    ("Load every file that a mapping in maps/ names.", "ckm ingest"),
    ("Is what was loaded fit for use?", "ckm check"),
    ("Who are the customers?", "ckm segment -o out/segments.csv"),
)
"""What is shown, and the command that shows it."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    def demo(
        folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The workspace; made if it is not there.")] = Path(
            "ckm-demo"
        ),
    ) -> None:
        """Make the example shop in DIR and run the main job on it, step by step.

        Takes about ten seconds and 15 MB, and no network. A folder where the demo ran before is used again; another
        folder that holds files is left alone. Prints each command before its result and ends by naming the files.

        Examples:
            ckm demo
            ckm demo /tmp/shop
        """
        from ckm.example.workspace import lay_out_example

        lay_out_example(folder)
        os.environ.setdefault("CKM_FORMAT", Format.table)
        emit_text(f"$ ckm init --demo {shlex.quote(str(folder))}\n$ cd {shlex.quote(str(folder))}\n")
        with chdir(folder):
            for purpose, command in STEPS:
                emit_text(f"\n# {purpose}\n$ {command}\n")
                _run(app, command)
            emit_text("\n# These files are new:\n" + "".join(f"{folder / name}\n" for name in written(Path())))
        note(f"next: cd {folder} && ckm --help")

    app.command("demo")(demo)


def written(folder: Path) -> list[str]:
    """Return what the steps wrote: the results, and the tables of the store."""
    results = sorted(str(path) for path in (folder / "out").iterdir())
    tables = sorted(f"{path.parent}{os.sep}" for path in (folder / "store").glob("*/_delta_log"))
    return [*results, *tables]


def _run(app: typer.Typer, command: str) -> None:
    """Run one command as the shell would, in this process; where it fails, the demo ends with its exit code."""
    try:
        app(shlex.split(command)[1:])
    except SystemExit as ended:
        if ended.code:
            raise typer.Exit(int(ended.code)) from None
