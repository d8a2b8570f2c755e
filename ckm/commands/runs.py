"""``ckm runs``: list, verify, compare and remove the manifests of earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import Output, OutputFormat, Workspace
from ckm.errors import UnknownNameError, UsageError
from ckm.output import Format, default_format, emit, emit_text, note, progress, remark

if TYPE_CHECKING:
    from pathlib import Path

    from ckm._runs.manifest import Manifest

LIST, SHOW, VERIFY, DIFF, PRUNE = "list", "show", "verify", "diff", "prune"
RUNS_NEEDED = {LIST: 0, SHOW: 1, VERIFY: 1, DIFF: 2, PRUNE: 0}
"""Number of runs that each action takes."""
BY_USE = ("run", "command", "outputs", "recorded_at", "arguments")
VERIFICATION_FAILED = 6


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("runs")(runs)


def runs(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[list | show RUN | verify RUN | diff RUN RUN | prune]",
            help="What to do. A RUN is named by 'ckm runs list', or by the last line of a report.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="prune: keep the last N runs of each command and file. Default: 1."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="prune: list the manifests, and remove none.")] = False,
    workspace: Workspace = None,
    fmt: OutputFormat = None,
    output: Output = None,
) -> None:
    """Show how a result file was made, and verify that it can be made again.

    Every command that writes a file (-o, --meta, --export) in a workspace writes a manifest into runs/: command and
    arguments, settings, digests of inputs and outputs, versions of ckm and its libraries. A manifest has no rows and no
    values of customers. A result on stdout is not recorded, and neither are the commands privacy and profile.

    verify runs the command again in a copy of the workspace and compares the bytes. It exits with 6 if they differ,
    and names what changed since: an input, a setting, the code, or the version of a library.

    diff lists what differs between two runs, and how the numbers of their outputs changed.

    Examples:
      ckm runs                             # all recorded runs, newest last
      ckm runs show 3f9a2c41e0 -f json     # the whole manifest
      ckm runs verify 3f9a                 # the beginning of a name is enough
      ckm runs diff 3f9a2c41e0 77b01d52c4
      ckm runs prune --keep 12
    """
    action, *named = words or [LIST]
    if action not in RUNS_NEEDED:
        raise UnknownNameError("action", action, list(RUNS_NEEDED))
    if len(named) != RUNS_NEEDED[action]:
        needs = {0: "no run", 1: "one run", 2: "two runs"}[RUNS_NEEDED[action]]
        raise UsageError(f"{action} takes {needs}", hint="see 'ckm runs --help'")
    if action != PRUNE and (keep is not None or dry_run):
        raise UsageError(f"{'--dry-run' if dry_run else '--keep'} needs prune", hint="ckm runs prune --keep 12")
    import ckm.runs as recorded

    if action == LIST:
        emit(recorded.runs(workspace).frame, fmt, output=output, by_use=BY_USE)
    elif action == SHOW:
        _show(recorded.show(workspace, *named), fmt, output)
    elif action == PRUNE:
        removed = recorded.prune(workspace, keep=keep or 1, dry_run=dry_run)
        emit(removed.frame, fmt, output=output, by_use=BY_USE)
        note(f"{'would remove' if dry_run else 'removed'} {len(removed.manifests):,} manifests")
    else:
        with progress(f"{action} {named[0]}"):
            found = getattr(recorded, action)(workspace, *named)
        emit(found.frame, fmt, output=output)
        remark(*found.remarks)
        if action == VERIFY and not found.equal:
            raise typer.Exit(VERIFICATION_FAILED)


def _show(found: Manifest, fmt: Format | None, output: Path | None) -> None:
    if (fmt or default_format()) is Format.json or (output is not None and output.suffix == ".json"):
        return emit_text(found.to_json(), output=output)
    import polars as pl

    rows = [("run", "", found.run), ("command", "", " ".join((found.command, *found.arguments)))]
    rows += [("recorded at", "", found.recorded_at), ("seed", "", "" if found.seed is None else str(found.seed))]
    for path, facts in found.outputs.items():
        rows += [("output", path, facts["sha256"])]
        rows += [("figure", name, f"{value:.10g}") for name, value in facts["figures"].items()]
    rows += [
        ("table", name, f"{facts['loads']} loads, {facts['sha256']}") for name, facts in found.inputs["tables"].items()
    ]
    rows += [("file", name, str(digest)) for name, digest in found.inputs["files"].items()]
    rows += [("setting", name, str(value)) for name, value in found.settings.items()]
    rows += [("version", name, value) for name, value in (*found.code.items(), *found.versions.items())]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("what", "name", "value"), pl.String), orient="row")
    return emit(frame, fmt, output=output)
