"""``ckm init``: create a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ckm.commands.options import Force
from ckm.errors import UsageError
from ckm.output import detail, note
from ckm.plaintext import shell_word

HERE = Path()
"""The current folder."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("init")(init)


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="The workspace; created if it does not exist. Default: this folder.")
    ] = HERE,
    currency: Annotated[str, typer.Option(metavar="CODE", help="Default currency of amounts.")] = "EUR",
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Default time zone of timestamps.")] = "UTC",
    demo: Annotated[
        bool, typer.Option("--demo", help="Add the example shop: incoming/, maps/, kb/, controls.csv, truth/.")
    ] = False,
    force: Force = False,
) -> None:
    """Create a workspace: settings, and folders for input and output.

    Writes ckm.yaml with every setting, its default and an explanation, a .gitignore, and the folders incoming/, maps/,
    kb/ and out/. Existing files are not changed; --force overwrites ckm.yaml. Prints nothing on stdout.

    Examples:
        ckm init                                # this folder
        ckm init shop
        ckm init shop --currency THB --time-zone Asia/Bangkok
        ckm init --demo shop
    """
    if demo:
        from ckm.example.workspace import CURRENCY, TIME_ZONE, lay_out_example

        if (currency, time_zone) not in {("EUR", "UTC"), (CURRENCY, TIME_ZONE)}:
            raise UsageError(
                "--demo cannot be combined with --currency or --time-zone", hint="the example shop sets them"
            )

        shop = lay_out_example(folder)
        note(f"{_named(folder)} is a workspace with the example shop: {len(shop.files)} files")
        detail("  incoming/  the exports of each channel, with typical errors")
        detail("  maps/      one mapping per source")
        detail("  kb/        knowledge entries in six languages; kb-suite.yaml has searches that should find them")
        detail("  truth/     the true values of the generated data, for tests only")
        for line in ("next:", *_enter(folder), "  ckm ingest", "  ckm check", "  ckm segment"):
            note(line)
        return
    from ckm.workspace import FOLDERS, lay_out

    layout = lay_out(folder, currency=currency, time_zone=time_zone, force=force)
    note(f"{_named(folder)} is a workspace: {', '.join(layout.written)}")
    for name, purpose in FOLDERS.items():
        detail(f"  {name + '/':<10} {purpose}")
    for line in (
        "next:",
        *_enter(folder),
        "  ckm inspect incoming/FILE                    # encoding, dialect, columns and problems of a file",
        "  ckm ingest incoming/FILE --as transactions   # load it",
        "  ckm segment                                  # assign customers to segments",
    ):
        note(line)


def _named(folder: Path) -> str:
    return "this folder" if folder == HERE else str(folder)


def _enter(folder: Path) -> list[str]:
    """Return the ``cd`` command to the workspace; empty if it is the current folder."""
    return [] if folder == HERE else [f"  cd {shell_word(str(folder))}"]
