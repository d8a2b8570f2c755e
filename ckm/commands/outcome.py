"""``ckm outcome``: the effect of an audience against its holdout, and the evidence of it on knowledge entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.meta import Meta, write_workspace_meta
from ckm.commands.options import AsOf, Output, OutputFormat, Seed, Workspace
from ckm.errors import UnknownNameError, UsageError
from ckm.output import Format, default_format, emit, emit_text, note, progress, remark

if TYPE_CHECKING:
    from ckm.outcome import Outcome

RECORD, PUBLISH = "record", "publish"
ACTIONS = (RECORD, PUBLISH)
EFFECT_BY_USE = ("metric", "effect", "low", "high", "treated_mean", "holdout_mean", "role", "treated", "holdout")
GROUP_BY_USE = ("dimension", "group", "effect", "low", "high", "p_holm", "significant", "treated", "holdout")
RULE_BY_USE = ("rule", "half", "effect", "low", "high", "treated", "holdout")
"""Columns, the most used first."""
DECIMALS = "{:.4g}"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("outcome")(outcome)


def outcome(
    words: Annotated[
        list[str],
        typer.Argument(metavar="record|publish NAME", help="What to do, and the audience.", show_default=False),
    ],
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With record: write nothing.")] = False,
    seed: Seed = 0,
    workspace: Workspace = None,
    fmt: OutputFormat = None,
    output: Output = None,
    meta: Meta = None,
) -> None:
    """Measure what an audience brought against its holdout, and write it on the knowledge entry that was used.

    record compares the arms by intention to treat on the metric and window that were fixed with the assignment. Rates
    have Newcombe's interval, amounts that of a hurdle model (Beta × log-normal). Before the end of the window the
    interval is a confidence sequence, which may be looked at every day. Fewer than ten buyers in the smaller arm, in
    expectation, are refused (exit 4). Also: effects by value, risk, segment and entry with Holm's correction, and three
    rules of targeting compared (response, two-model uplift, expected gain). The result is audiences/NAME/outcome.json.

    publish writes evidence on the entry of the audience: effect, interval, sizes, window, date. ckm kb-search,
    churn-warn and profile rank by it; an interval over zero earns nothing, harm is a finding of ckm kb-lint.

    Cost: a second; the customer ledger is cached.

    Examples:
      ckm outcome record may-letter
      ckm outcome record win-back --as-of 2026-05-31 -f json
      ckm outcome publish may-letter
    """
    action, names = words[0], words[1:]
    if action not in ACTIONS:
        raise UnknownNameError("action", action, ACTIONS)
    if len(names) != 1:
        raise UsageError("one name of an audience is needed", hint=f"ckm outcome {action} NAME")
    from ckm.config import workspace_folder

    workspace = workspace_folder(workspace)
    if action == PUBLISH:
        if dry_run or as_of is not None:
            raise UsageError("--dry-run and --as-of go with record", hint="ckm outcome publish NAME")
        from ckm.outcome import publish

        published = publish(workspace, names[0])
        emit(published.frame, fmt, output=output, formats=dict.fromkeys(("effect", "low", "high"), DECIMALS))
        columns, parameters = published.frame.columns, {"action": PUBLISH, "name": names[0]}
        return write_workspace_meta(meta, "outcome", workspace, columns=columns, parameters=parameters)
    from ckm._outcome.effects import GROUP_COLUMNS, RULE_COLUMNS
    from ckm.outcome import record

    with progress("outcome") as advance:
        found = record(
            workspace,
            names[0],
            as_of=as_of.date() if as_of is not None else None,
            dry_run=dry_run,
            seed=seed,
            progress=advance.stage,
        )
    _show(found, fmt, output)
    remark(*found.remarks)
    return write_workspace_meta(
        meta,
        "outcome",
        workspace,
        as_of=found.record.as_of,
        columns=(*found.frame.columns, *GROUP_COLUMNS, *RULE_COLUMNS),
        parameters={"action": RECORD, "name": names[0], "dry_run": dry_run, "seed": seed},
        remarks=found.remarks,
        period={"first": found.record.first_day, "last": found.record.last_day},
        currency=found.record.currency,
    )


def _show(found: Outcome, fmt: Format | None, output: Path | None) -> None:
    if output is not None or (fmt or default_format()) is not Format.table:
        return emit(found.frame, fmt, output=output)
    numbers = ("effect", "low", "high", "treated_mean", "holdout_mean", "total")
    emit(found.frame, fmt, formats=dict.fromkeys(numbers, DECIMALS), by_use=EFFECT_BY_USE)
    ends = dict.fromkeys(("effect", "low", "high", "p_holm"), DECIMALS)
    for title, table, by_use in (
        ("effects by group (Holm)", found.groups, GROUP_BY_USE),
        ("rules of targeting", found.rules, RULE_BY_USE),
    ):
        if table.height:
            emit_text("\n")
            emit(table, fmt, title=title, formats=ends, by_use=by_use)
    if found.path is not None:
        note(f"wrote {found.path}")
    return None
