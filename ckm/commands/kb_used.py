"""``ckm kb-used``: record that an entry was used, and whether it helped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from ckm.commands.completion import entries
from ckm.commands.options import Workspace
from ckm.errors import UnknownNameError, UsageError
from ckm.output import note


def register(app: typer.Typer) -> None:
    """Add ``ckm kb-used``."""
    app.command("kb-used")(kb_used)


def kb_used(
    name: Annotated[str, typer.Argument(metavar="ID", help="Id of the entry.", autocompletion=entries)],
    helpful: Annotated[
        Literal["yes", "no"] | None, typer.Option("--helpful", help="Whether it helped the customer.")
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", metavar="NAME", help="Role of the user. Default: kb.role of ckm.yaml.")
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Record that a knowledge entry was used, and whether it helped.

    This is weaker evidence than an effect against a holdout, and comes long before it.

    Appends one line to out/kb-used.ndjson: time, id, role and answer; nothing about a customer. Only you can read the
    file. For an unknown id the exit code is 2 and similar ids are suggested.

    Examples:
      ckm kb-used late-parcel --helpful yes
      ckm kb-used late-parcel                    # used, not known whether it helped
    """
    from ckm._kb.entry_files import read_folder
    from ckm._kb.usage_log import FILE, LoggedUse, append_use, read_uses
    from ckm.config import open_workspace
    from ckm.wording import counted

    place = open_workspace(workspace)
    ids = [each.id for each in read_folder(place.kb_dir).entries]
    if name not in ids:
        raise UnknownNameError("knowledge entry", name, ids)
    path = place.out_dir / FILE
    use = LoggedUse(datetime.now(UTC), name, role or place.config.kb.role or None, _answer(helpful))
    try:
        append_use(path, use)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="make the file writable") from error
    used, yes, no = read_uses(path).counts(name)
    note(f"{name}: used {counted(used, 'time')}, helpful {yes:,}, not helpful {no:,}")


def _answer(helpful: str | None) -> bool | None:
    return None if helpful is None else helpful == "yes"
