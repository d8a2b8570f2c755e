"""``ckm audience``: frozen lists of persons with a holdout, and their files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.meta import Meta, write_workspace_meta
from ckm.commands.options import AsOf, Output, OutputFormat, Seed, Workspace
from ckm.errors import UnknownNameError, UsageError
from ckm.output import Format, default_format, emit, emit_text, note, progress, remark

if TYPE_CHECKING:
    from ckm.audience import Audience

NEW, LIST, SHOW, EXPORT = "new", "list", "show", "export"
ACTIONS = (NEW, LIST, SHOW, EXPORT)
METRIC, WINDOW, CSV = "order", 30, "csv"
"""Defaults of options."""
BY_USE = ("customer_id", "arm", "why", "entry", "value", "risk", "expected_gain", "stratum", "before")
"""Columns of the members, the most used first."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("audience")(audience)


def audience(
    words: Annotated[
        list[str],
        typer.Argument(metavar="new|list|show|export [NAME]", help="What to do, and the audience.", show_default=False),
    ],
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ORIGIN",
            help="With new: churn-warn, second-order, you-said-we-did, segment=NAME, segment=METHOD:NAME, a file of "
            "rules (its first segment), or a file with customer_id.",
        ),
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", metavar="N", help="With new: largest number of contacts.")
    ] = None,
    metric: Annotated[
        str,
        typer.Option("--metric", metavar="NAME", help="With new: visit, order, net, margin, complaint or churn."),
    ] = METRIC,
    window: Annotated[int, typer.Option("--window", metavar="DAYS", help="With new: days of the outcome.")] = WINDOW,
    holdout: Annotated[
        float | None, typer.Option("--holdout", metavar="SHARE", help="With new: share of the holdout. Default: 0.2.")
    ] = None,
    smallest_effect: Annotated[
        float | None,
        typer.Option("--smallest-effect", metavar="X", help="With new: compute the share: 0.05 is 5 points of a rate."),
    ] = None,
    entry: Annotated[
        str | None, typer.Option("--entry", metavar="ID", help="With new: the knowledge entry that is used.")
    ] = None,
    offer: Annotated[str | None, typer.Option("--offer", metavar="TEXT", help="With new: a name of the offer.")] = None,
    salt: Annotated[
        str | None, typer.Option("--salt", metavar="TEXT", help="With new: default is the name and the day.")
    ] = None,
    adjust: Annotated[
        bool, typer.Option("--adjust", help="With new: declare an adjustment by value, risk and the metric before.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With new: write nothing.")] = False,
    to: Annotated[
        str,
        typer.Option("--to", metavar="NAME", help="With export: csv, klaviyo, hubspot, mailchimp, google or meta."),
    ] = CSV,
    as_of: AsOf = None,
    seed: Seed = 0,
    workspace: Workspace = None,
    fmt: OutputFormat = None,
    output: Output = None,
    meta: Meta = None,
) -> None:
    """Make a frozen list of persons with a random holdout, and files of its contacts for other programs.

    new chooses who may be contacted: without refused consent, open complaint, recent contact, or another running
    audience. It draws the holdout by a hash of salt and id, within strata of value and risk, and writes salt, rule,
    counts, metric and window to audiences/NAME/assignment.json before the list exists. Keep that file in git;
    members.csv has ids. Nothing of it can be changed later: show and export check it (exit 6). The power is printed.

    export writes the treated arm with the headers and the normalisation that the other program documents; Google and
    Meta get SHA-256. Only you can read the file. Unsubscribes come back with ckm ingest.

    A file with a column arm (treated, holdout) and assigned_at is a campaign that was assigned elsewhere; its arms are
    used. Then: ckm outcome record NAME.

    Examples:
      ckm audience new win-back --from churn-warn --budget 500 --metric order --window 60
      ckm audience new champions --from "segment=Champions" --smallest-effect 0.05
      ckm audience new thanks --from you-said-we-did --metric complaint
      ckm audience new may-letter --from campaign.csv --entry campaign-may-voucher
      ckm audience list
      ckm audience export win-back --to klaviyo -o klaviyo.csv
    """
    action, names = words[0], words[1:]
    if action not in ACTIONS:
        raise UnknownNameError("action", action, ACTIONS)
    of_new: dict[str, tuple[object, object]] = {
        "--from": (origin, None),
        "--budget": (budget, None),
        "--metric": (metric, METRIC),
        "--window": (window, WINDOW),
        "--holdout": (holdout, None),
        "--smallest-effect": (smallest_effect, None),
        "--entry": (entry, None),
        "--offer": (offer, None),
        "--salt": (salt, None),
        "--adjust": (adjust, False),
        "--dry-run": (dry_run, False),
        "--as-of": (as_of, None),
        "--seed": (seed, 0),
    }
    given = [] if action == NEW else [name for name, (value, default) in of_new.items() if value != default]
    if action != EXPORT and to != CSV:
        given.append("--to")
    if given:
        raise UsageError(f"{given[0]} does not go with {action}", hint="see 'ckm audience --help'")
    from ckm.config import workspace_folder

    workspace = workspace_folder(workspace)
    if action == LIST:
        if names:
            raise UsageError(f"unexpected '{names[0]}'", hint="ckm audience show NAME")
        return _list(workspace, fmt, output, meta)
    if len(names) != 1:
        raise UsageError("one name of an audience is needed", hint=f"ckm audience {action} NAME")
    if action == EXPORT:
        return _export(names[0], workspace, to, fmt, output, meta)
    if action == SHOW:
        from ckm.audience import show

        shown = show(workspace, names[0])
        _show(shown, fmt, output)
        return _write_meta(shown, workspace, meta, {"action": SHOW, "name": names[0]})
    if origin is None:
        raise UsageError("new needs --from", hint="--from churn-warn, segment=NAME, a file: see 'ckm audience --help'")
    from ckm.audience import new

    with progress("audience") as advance:
        found = new(
            workspace,
            names[0],
            origin=origin,
            as_of=as_of.date() if as_of is not None else None,
            budget=budget,
            metric=metric,
            window=window,
            holdout=holdout,
            smallest_effect=smallest_effect,
            entry=entry or "",
            offer=offer or "",
            salt=salt,
            adjust=adjust,
            dry_run=dry_run,
            seed=seed,
            progress=advance.stage,
        )
    _show(found, fmt, output)
    options = {name.removeprefix("--").replace("-", "_"): value for name, (value, _) in of_new.items()}
    parameters = {"action": NEW, "name": names[0], **options, "from": found.assignment.origin, "as_of": None}
    return _write_meta(found, workspace, meta, parameters, settings=("churn",))


def _list(workspace: Path, fmt: Format | None, output: Path | None, meta: Path | None) -> None:
    from ckm.audience import list_audiences

    listed = list_audiences(workspace).frame
    emit(listed, fmt, output=output)
    write_workspace_meta(meta, "audience", workspace, columns=listed.columns, parameters={"action": LIST})


def _write_meta(
    found: Audience,
    workspace: Path,
    meta: Path | None,
    parameters: dict[str, object],
    settings: tuple[str, ...] = (),
) -> None:
    write_workspace_meta(
        meta,
        "audience",
        workspace,
        as_of=found.assignment.assigned_on,
        columns=(*found.members.columns, *found.summary.columns),
        parameters=parameters,
        settings=settings,
        remarks=(found.power, *found.remarks),
    )


def _show(found: Audience, fmt: Format | None, output: Path | None) -> None:
    on_screen = output is None and (fmt or default_format()) is Format.table
    if on_screen:
        emit(found.summary, fmt, formats={"share": "{:.1%}"})
        if found.folder is not None:
            note(f"audience '{found.assignment.name}' in {found.folder}")
    else:
        emit(found.members, fmt, output=output, by_use=BY_USE)
    note(found.power)
    remark(*found.remarks)


def _export(name: str, workspace: Path, to: str, fmt: Format | None, output: Path | None, meta: Path | None) -> None:
    if fmt is not None and fmt is not Format.csv:
        raise UsageError("a file of contacts is CSV", hint="leave out --format")
    from ckm.audience import export

    found = export(workspace, name, to=to)
    emit_text(found.to_csv(), output=output, owner_only=True)
    remark(*found.remarks)
    write_workspace_meta(
        meta,
        "audience",
        workspace,
        as_of=found.assigned_on,
        columns=(),
        defined=found.definitions,
        parameters={"action": EXPORT, "name": name, "to": to},
        settings=("churn",),
        remarks=found.remarks,
    )
