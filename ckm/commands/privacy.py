"""``ckm privacy``: erase a customer, export what is known about one, remove old rows, pseudonymise the tables."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import Output, OutputFormat, Workspace
from ckm.errors import UnknownNameError, UsageError
from ckm.output import Format, emit, emit_text, note, progress, remark

if TYPE_CHECKING:
    from collections.abc import Mapping

ERASE, EXPORT, PSEUDONYMISE, RETENTION = "erase", "export", "pseudonymise", "retention"
ACTIONS = (ERASE, EXPORT, PSEUDONYMISE, RETENTION)
OPTIONS = {"--force": ERASE, "--keep-counts": ERASE, "--key": PSEUDONYMISE, "--apply": RETENTION, "--on": RETENTION}
"""The action that each option belongs to."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("privacy")(privacy)


def privacy(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="erase|export ID... | pseudonymise DIR | retention",
            help="What to do, with customer ids as the store has them, or the folder of the copy.",
            show_default=False,
        ),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Erase an id that the store does not have: later loads drop it.")
    ] = False,
    keep_counts: Annotated[
        bool,
        typer.Option(
            "--keep-counts", help="Erase the person, but keep orders without the person, so that totals hold."
        ),
    ] = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Key of the hashes, outside of the workspace.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove the old rows; without it they are counted.")] = False,
    on: Annotated[
        datetime | None,
        typer.Option(
            "--on", metavar="DATE", formats=["%Y-%m-%d"], help="Day from which ages are counted. Default: today."
        ),
    ] = None,
    workspace: Workspace = None,
    fmt: OutputFormat = None,
    output: Output = None,
) -> None:
    """Erase a customer for good, export all that is known about one, remove old rows, or copy tables without persons.

    erase removes all rows of the person, with all ids that identities.csv links, from the store (also from the
    quarantine, earlier states, saved runs and their logs), from identities.csv and from the lists in out/. There is no
    undo. A tombstone, a keyed hash of each id, e-mail address and telephone number, drops the person from every later
    load, which counts the dropped rows. The receipt says what was removed, and names what is beyond reach: source
    files, files in other formats, the history of git. With --keep-counts, orders, contacts and saved results stay
    under a random id, without names, contacts and texts, so that totals of past reports hold.

    export writes all rows on the person, with sources, purposes, saved scores and reasons: as JSON, or as a page to
    read. Only the owner can read the file.

    pseudonymise writes a copy of all tables with keyed hashes (HMAC-SHA256) instead of ids; names, contacts, texts and
    columns that only a source has are left out. The key must be outside of the workspace.

    retention counts the rows that are older than privacy.retention of ckm.yaml allows; --apply removes them for good.

    Keep a backup of privacy/key outside of git; without it no file is loaded.

    Cost: seconds; every data file with a row to remove is rewritten.

    Examples:
      ckm privacy export cus_42                  # where, how many rows, and why
      ckm privacy export cus_42 -o cus_42.html   # all rows as a page; .json: for another program
      ckm privacy erase cus_42                   # one person
      ckm privacy erase cus_42 cus_77 -f json    # two, receipt as JSON
      ckm privacy erase cus_99 --force           # unknown to the store: later loads drop it
      ckm privacy erase cus_42 --keep-counts     # totals of past reports hold
      ckm privacy retention                      # old rows by table
      ckm privacy retention --apply              # remove them
      ckm privacy pseudonymise copy/ --key ~/shop.key
    """
    action, rest = words[0], words[1:]
    if action not in ACTIONS:
        raise UnknownNameError("action", action, ACTIONS)
    given = {"--force": force, "--keep-counts": keep_counts, "--key": key, "--apply": apply, "--on": on}
    _refuse_other_options(action, given)
    match action:
        case "erase":
            _refuse_no_ids(action, rest)
            from ckm.privacy import erase

            with progress("erasing") as advance:
                erased = erase(workspace, *rest, force=force, keep_counts=keep_counts, progress=advance.stage)
            emit(erased.frame, fmt, output=output)
            remark(*erased.remarks)
        case "export":
            _refuse_no_ids(action, rest)
            _export(rest, workspace, fmt, output)
        case "pseudonymise":
            if len(rest) != 1 or key is None:
                raise UsageError("a folder and --key are needed", hint="ckm privacy pseudonymise DIR --key FILE")
            from ckm.privacy import pseudonymise

            with progress("pseudonymising") as advance:
                copy = pseudonymise(workspace, rest[0], key=key, progress=advance.stage)
            emit(copy.frame, fmt, output=output)
            remark(*copy.remarks)
        case _:
            if rest:
                raise UsageError(f"retention takes no ids, and got {len(rest)}", hint="ckm privacy retention --apply")
            from ckm.privacy import retention

            with progress("retention") as advance:
                old = retention(workspace, apply=apply, on=on.date() if on else None, progress=advance.stage)
            emit(old.frame, fmt, output=output)
            remark(*old.remarks)


def _refuse_no_ids(action: str, ids: list[str]) -> None:
    if not ids:
        raise UsageError("no customer id is given", hint=f"ckm privacy {action} ID")


def _refuse_other_options(action: str, given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if value and OPTIONS[name] != action:
            raise UsageError(f"{name} needs {OPTIONS[name]}", hint=f"ckm privacy {OPTIONS[name]} ... {name}")


def _export(ids: list[str], workspace: Path | None, fmt: Format | None, output: Path | None) -> None:
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
