"""``ckm privacy``: erase a customer, or export what is known about one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ckm.commands.options import Output, OutputFormat, Workspace
from ckm.errors import UnknownNameError, UsageError
from ckm.output import Format, emit, emit_text, note, progress, remark

ERASE, EXPORT = "erase", "export"
ACTIONS = (ERASE, EXPORT)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("privacy")(privacy)


def privacy(
    words: Annotated[
        list[str],
        typer.Argument(metavar="erase|export ID...", help="Customer ids, as the store has them.", show_default=False),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Erase an id that the store does not have: later loads drop it.")
    ] = False,
    workspace: Workspace = None,
    fmt: OutputFormat = None,
    output: Output = None,
) -> None:
    """Erase a customer from the workspace for good, or export all that is known about one.

    erase removes all rows of the person, with all ids that identities.csv links, from the store (also from the
    quarantine, earlier states, saved runs and their logs), from identities.csv and from the lists in out/. There is no
    undo. A tombstone, a keyed hash of each id, e-mail address and telephone number, drops the person from every later
    load, which counts the dropped rows. The receipt says what was removed, and names what is beyond reach: source
    files, files in other formats, the history of git.

    export writes all rows on the person, with sources, purposes, saved scores and reasons: as JSON, or as a page to
    read. Only the owner can read the file.

    Keep a backup of privacy/key outside of git; without it no file is loaded.

    Cost: seconds; every data file with a row of the person is rewritten.

    Examples:
      ckm privacy export cus_42                  # where, how many rows, and why
      ckm privacy export cus_42 -o cus_42.html   # all rows as a page; .json: for another program
      ckm privacy erase cus_42                   # one person
      ckm privacy erase cus_42 cus_77 -f json    # two, receipt as JSON
      ckm privacy erase cus_99 --force           # unknown to the store: later loads drop it
    """
    action, ids = words[0], words[1:]
    if action not in ACTIONS:
        raise UnknownNameError("action", action, ACTIONS)
    if not ids:
        raise UsageError("no customer id is given", hint=f"ckm privacy {action} ID")
    if action == EXPORT:
        return _export(ids, workspace, fmt, output, force=force)
    from ckm.privacy import erase

    with progress("erasing") as advance:
        found = erase(workspace, *ids, force=force, progress=advance.stage)
    emit(found.frame, fmt, output=output)
    remark(*found.remarks)
    return None


def _export(ids: list[str], workspace: Path | None, fmt: Format | None, output: Path | None, *, force: bool) -> None:
    if force:
        raise UsageError("--force needs erase", hint="ckm privacy erase ID --force")
    from ckm.privacy import export

    found = export(workspace, *ids)
    if output is not None and str(output) != "-":
        found.save(output)
        note(f"wrote {output}")
    elif fmt is Format.json:
        emit_text(found.to_json())
    else:
        emit(found.frame, fmt)
    remark(*found.remarks)
