"""``ckm init``: create a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ckm.commands.options import Force
from ckm.errors import UsageError
from ckm.output import detail, note
from ckm.plaintext import shell_word


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The workspace; it is made if it is not there.")],
    currency: Annotated[str, typer.Option(metavar="CODE", help="Of amounts whose source names none.")] = "EUR",
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Of times whose source names none.")] = "UTC",
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill it with the example shop: incoming/, maps/, kb/, controls.csv, truth/.")
    ] = False,
    force: Force = False,
) -> None:
    """Lay out a workspace: settings, and folders for what comes in and what goes out.

    Writes ckm.yaml, in which every setting is explained and has its default, a .gitignore, and the folders
    incoming/, maps/, kb/ and out/. What exists stays as it is; --force writes ckm.yaml anew. Prints nothing on stdout.

    Examples:
        ckm init shop
        ckm init shop --currency THB --time-zone Asia/Bangkok
        ckm init --demo shop
    """
    if demo:
        from ckm.example.workspace import CURRENCY, TIME_ZONE, lay_out_example

        if (currency, time_zone) not in {("EUR", "UTC"), (CURRENCY, TIME_ZONE)}:
            raise UsageError("--demo goes without --currency and --time-zone", hint="the example shop has its own")

        shop = lay_out_example(folder)
        note(f"{folder} is a workspace with the example shop: {len(shop.files)} files")
        detail("  incoming/  what each channel exports, messy on purpose")
        detail("  maps/      one mapping per source")
        detail("  kb/        knowledge entries in six languages; kb-suite.yaml has searches that should find them")
        detail("  truth/     what is true of the shop; tests read it, analyses never do")
        for line in ("next:", f"  cd {shell_word(str(folder))}", "  ckm ingest", "  ckm check", "  ckm segment"):
            note(line)
        return
    from ckm.workspace import FOLDERS, lay_out

    layout = lay_out(folder, currency=currency, time_zone=time_zone, force=force)
    note(f"{folder} is a workspace: {', '.join(layout.written)}")
    for name, purpose in FOLDERS.items():
        detail(f"  {name + '/':<10} {purpose}")
    for line in (
        "next:",
        f"  cd {shell_word(str(folder))}",
        "  ckm inspect incoming/FILE                    # what ckm sees in a file",
        "  ckm ingest incoming/FILE --as transactions   # load it",
        "  ckm segment                                  # who the customers are",
    ):
        note(line)
