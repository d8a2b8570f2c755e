"""``ckm kb-gaps``: queries without hits, and churn reasons and topics of comments that no entry answers."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.meta import Meta, write_knowledge_meta
from ckm.commands.options import Output, OutputFormat, Workspace
from ckm.messages import progress, remark
from ckm.output import emit_rows
from ckm.remark import basis

if TYPE_CHECKING:
    from ckm._kb.gaps import QueryGap

COLUMNS = {"gap": str, "name": str, "searches": int, "last": date, "customers": int, "value_at_risk": float}
BY_USE = ("name", "gap", "searches", "value_at_risk", "customers", "last")
"""Columns, the most used first."""


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
            "--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="Date on which entries must be valid. Default: today."
        ),
    ] = None,
    fmt: OutputFormat = None,
    output: Output = None,
    meta: Meta = None,
    workspace: Workspace = None,
) -> None:
    """List gaps of the knowledge base: queries without hits, churn reasons and topics of comments without an entry.

    Queries come from the search log of the workspace (kb.log_queries and kb.log_query_text in ckm.yaml), most frequent
    first. Each is searched again; a query with hits now is not a gap. Churn reasons come from the newest warnings that
    ckm churn-warn saved in the workspace, by value at risk. A reason is a gap if no entry that is valid on the date
    answers it. Topics come from the newest saved run of ckm feedback-mine, by value at risk, with the draft if there is
    one; an entry that lists the topic in classify.topics answers it. The date is printed on stderr.

    Examples:
      ckm kb-gaps
      ckm kb-gaps --as-of 2026-06-30 -o out/gaps.xlsx
    """
    from ckm._kb.search_log import FILE
    from ckm.kb import Scope, gaps
    from ckm.render.rows import ResultTable

    folder, root = _place(kb, workspace)
    day = as_of.date() if as_of else date.today()  # in the reader's time zone
    rows: list[tuple[object, ...]] = []
    remarks: list[str] = []
    if root is not None:
        queries, remarks = gaps(
            folder, root / "out" / FILE, Scope(day), progress=lambda total: progress(f"reading {folder}", total=total)
        )
        rows += [_row(gap) for gap in queries]
        reasons, notes = _reasons(root, folder, day)
        rows += [("reason", *one) for one in reasons]
        remarks += notes
        topics, notes = _topics(root, folder, day)
        rows += [("topic", *one) for one in topics]
        remarks += notes
    else:
        remarks.append("outside a workspace there is no search log and there are no saved warnings: gaps are unknown")
    emit_rows(ResultTable(COLUMNS, rows), fmt, output=output, formats={"value_at_risk": "{:,.2f}"}, by_use=BY_USE)
    remark(basis(f"as of {day}"), *remarks)
    write_knowledge_meta(
        meta,
        "kb-gaps",
        folder,
        root,
        as_of=day,
        parameters={"as_of": as_of and day},
        sources=_sources(root) if meta is not None and root is not None else None,
        columns=COLUMNS,
        remarks=remarks,
    )


def _place(kb: Path | None, workspace: Path | None) -> tuple[Path, Path | None]:
    from ckm.config import find_workspace, open_workspace

    if kb is None:
        found = open_workspace(workspace)
        return found.kb_dir, found.root
    return kb, workspace or find_workspace(kb)


def _sources(root: Path) -> dict[str, object]:
    """Return what identifies the search log and the saved warnings of a workspace."""
    from ckm._kb.search_log import FILE
    from ckm.metadata import file_digest, store_facts

    log, store = root / "out" / FILE, root / "store"
    return {
        "search_log_sha256": file_digest(log) if log.is_file() else None,
        "tables": store_facts(store) if os.path.lexists(store) else {},
    }


def _row(gap: QueryGap) -> tuple[object, ...]:
    return ("query", gap.query, gap.searches, gap.last.date(), None, None)


def _reasons(root: Path, folder: Path, day: date) -> tuple[list[tuple[object, ...]], list[str]]:
    """Return reasons without an entry (name, None, None, customers, value at risk), and remarks."""
    from ckm._churn.unanswered_reasons import unanswered_reasons
    from ckm.store import Store

    if not os.path.lexists(root / "store"):
        return [], ["this workspace has no saved warnings: run ckm churn-warn to find reasons without an entry"]
    found = unanswered_reasons(Store(root / "store"), folder, day)
    if found is None:
        return [], ["this workspace has no saved warnings: run ckm churn-warn to find reasons without an entry"]
    return [(one.code, None, None, one.customers, one.value_at_risk) for one in found.reasons], list(found.remarks)


def _topics(root: Path, folder: Path, day: date) -> tuple[list[tuple[object, ...]], list[str]]:
    """Return topics of comments without an entry (title, None, last day, customers, value at risk), and remarks."""
    from ckm._feedback.unanswered_topics import unanswered_topics
    from ckm.store import Store

    if not os.path.lexists(root / "store"):
        return [], []
    found = unanswered_topics(Store(root / "store"), folder, day)
    if found is None:
        return [], []
    rows = [(topic.name, None, found.as_of, topic.customers, topic.value_at_risk) for topic in found.topics]
    return rows, [f"topics of the comments of {found.since} to {found.as_of} (ckm feedback-mine)"]
