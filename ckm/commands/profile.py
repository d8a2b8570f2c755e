"""``ckm profile``: all that is known of one customer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm._kb.garbage_collection import without_collector
from ckm.commands.document_format import suffix_format
from ckm.commands.kb_options import log_shown
from ckm.commands.options import AsOf, Workspace, data_or_workspace
from ckm.output import emit_text, remark

if TYPE_CHECKING:
    from ckm._profile.result import CustomerProfile

FIGURE_COLUMNS = ("figure", "value", "date and source")
"""Columns of the figures on a screen, the most used first; three fit into 80 columns whatever the labels."""
PAGE_COLUMNS = 80
"""Columns of the page where no terminal tells its width."""


class ProfileFormat(StrEnum):
    """Format of a profile: a page for the terminal, Markdown, an HTML page, or JSON."""

    table = "table"
    md = "md"
    html = "html"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("profile")(profile)


def profile(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="The customer id, exactly as in the data.")],
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA]",
            help="A workspace, or a file or folder of transactions. Default: the workspace around the current folder.",
            show_default=False,
        ),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            "--role",
            metavar="NAME",
            help="Show only what this role may see (profile.roles and kb.role in ckm.yaml). Default: kb.role, else "
            "everything.",
        ),
    ] = None,
    prefer_lang: Annotated[
        str | None,
        typer.Option("--prefer-lang", metavar="TAG", help="Language of the titles of knowledge entries."),
    ] = None,
    as_of: AsOf = None,
    fmt: Annotated[
        ProfileFormat | None,
        typer.Option("--format", "-f", help="Default: by the suffix of -o, else table."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to FILE: .html .md .json. Only you can read it.",
        ),
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Show all that is known of one customer: for whoever has the customer on the telephone.

    Contact and linked ids, open complaints and promises, orders and net sales, life-cycle stage and segments with their
    history, churn probability and reasons of the last saved ckm churn-warn, knowledge entries to use, what not to offer
    and why, consents, and who belongs to the customer. Each figure has its source and date; what is not known is one
    line. Nothing is predicted here.

    The output has personal data. With --role, only what the role may see: columns by profile.roles in ckm.yaml,
    knowledge entries by their access.read.

    Cost: about a second, most of it the start of the program; only the rows of this customer are read.

    Examples:
      ckm profile 0010017
      ckm profile 0010017 --role service         # without what the role may not see
      ckm profile 0010017 -o customer.html       # a page, readable by you only
      ckm profile 0010017 -f json --as-of 2026-03-31
    """
    root = data_or_workspace(data, workspace)
    chosen = ProfileFormat(suffix_format(fmt, output, ProfileFormat) or fmt or ProfileFormat.table)
    day = as_of.date() if as_of is not None else None
    with without_collector():  # a tenth of the time, and most of it are imports, which leave no garbage
        from ckm.profile import profile as profile_of

        found = profile_of(root, customer_id, as_of=day, role=role, lang=prefer_lang or "")
    if chosen is ProfileFormat.table:
        _draw(found)
    else:
        makers = {
            ProfileFormat.md: found.to_markdown, ProfileFormat.html: found.to_html, ProfileFormat.json: found.to_json,
        }  # fmt: skip
        emit_text(makers[chosen](), output=output, owner_only=True)
    entries = [
        str(row[0])
        for section in found.sections
        if section.name == "knowledge"
        for table in section.tables
        for row in table.rows
    ]
    if entries:
        from ckm.config import open_workspace

        opened = open_workspace(root)
        log_shown(opened.root, "profile", entries, enabled=opened.config.kb.log_queries)
    remark(*found.remarks)


def _draw(found: CustomerProfile) -> None:
    """Print the page: a table of figures and the other tables per section, then what is not known."""
    from ckm._profile.document import caption, figure_row, shown_value
    from ckm.render.rows import ResultTable
    from ckm.render.screen import as_wide_as, draw, filled, window

    with as_wide_as(window() or PAGE_COLUMNS):
        for section in found.sections:
            if section.figures:
                rows = [
                    (label, value, f"{day} {source}") for label, value, source, day in map(figure_row, section.figures)
                ]
                columns = dict.fromkeys(FIGURE_COLUMNS, str)
                draw(ResultTable(columns, rows), title=section.title, by_use=FIGURE_COLUMNS)
                print()
            for table in section.tables:
                if table.rows:
                    texts = [tuple(map(shown_value, row)) for row in table.rows]
                    names = list(table.columns)
                    draw(ResultTable(dict.fromkeys(names, str), texts), title=caption(table), by_use=names)
                    print()
        for line in (found.not_known, found.hidden, f"As of {found.as_of}."):
            if line:
                print(filled(line, width=window() or PAGE_COLUMNS))
