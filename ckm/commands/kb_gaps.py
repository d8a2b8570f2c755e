"""``ckm kb-gaps``: what people sought and did not find, and reasons for leaving that nobody has an answer to."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import Output, OutputFormat, Workspace
from ckm.messages import note, progress
from ckm.output import emit_rows

if TYPE_CHECKING:
    from ckm.knowledge.gaps import QueryGap

COLUMNS = {"gap": str, "name": str, "searches": int, "last": date, "customers": int, "value_at_risk": float}


def register(app: typer.Typer) -> None:
    """Add ``ckm kb-gaps``."""
    app.command("kb-gaps")(kb_gaps)


def kb_gaps(
    kb: Annotated[
        Path | None, typer.Option("--kb", metavar="DIR", help="The knowledge base. Default: kb/ of the workspace.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="Entries that hold on this day. Default: today."
        ),
    ] = None,
    fmt: OutputFormat = None,
    output: Output = None,
    workspace: Workspace = None,
) -> None:
    """List what the knowledge base lacks: queries without a hit, reasons for leaving without an answer.

    Queries come from the searches that the workspace keeps (kb.log_queries and kb.log_query_text in ckm.yaml), most
    sought first; each is searched again, and what finds something by now is a gap no more. Reasons come from the
    newest warnings that ckm churn-warn kept in the workspace, dearest first: a reason is a gap where no entry that
    holds on the day answers it. The day is told on stderr.

    Examples:
      ckm kb-gaps
      ckm kb-gaps --as-of 2026-06-30 -o out/gaps.xlsx
    """
    from ckm.kb import Scope, gaps
    from ckm.knowledge.search_log import FILE
    from ckm.rows import Table

    folder, root = _place(kb, workspace)
    day = as_of.date() if as_of else date.today()  # the day where the reader is
    rows: list[tuple[object, ...]] = []
    remarks: list[str] = []
    if root is not None:
        queries, remarks = gaps(
            folder, root / "out" / FILE, Scope(day), progress=lambda total: progress(f"reading {folder}", total=total)
        )
        rows += [_row(gap) for gap in queries]
        reasons, told = _reasons(root, folder, day)
        rows += [("reason", *one) for one in reasons]
        remarks += told
    else:
        remarks.append("outside a workspace no searches and no warnings are kept: nothing is known to be missing")
    emit_rows(Table(COLUMNS, rows), fmt, output=output, formats={"value_at_risk": "{:,.2f}"})
    for remark in [f"as of {day}", *remarks]:
        note(remark)


def _place(kb: Path | None, workspace: Path | None) -> tuple[Path, Path | None]:
    from ckm.config import find_workspace, open_workspace

    if kb is None:
        found = open_workspace(workspace)
        return found.kb_dir, found.root
    return kb, workspace or find_workspace(kb)


def _row(gap: QueryGap) -> tuple[object, ...]:
    return ("query", gap.query, gap.searches, gap.last.date(), None, None)


def _reasons(root: Path, folder: Path, day: date) -> tuple[list[tuple[object, ...]], list[str]]:
    """Return reasons without an answer (name, None, None, customers, value at risk), and remarks."""
    from ckm.churning.unanswered import unanswered_reasons
    from ckm.store import Store

    if not os.path.lexists(root / "store"):
        return [], ["no warnings are kept in this workspace: reasons without an answer are not known (ckm churn-warn)"]
    found = unanswered_reasons(Store(root / "store"), folder, day)
    if found is None:
        return [], ["no warnings are kept in this workspace: reasons without an answer are not known (ckm churn-warn)"]
    return [(one.code, None, None, one.customers, one.value_at_risk) for one in found.reasons], list(found.remarks)
