"""``ckm network``: groups, distributors, partners, single contacts and referrals, with findings by money."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.document_format import DocumentFormat, DocumentOutputFormat, document_format
from ckm.commands.meta import Meta, read_source, write_meta
from ckm.commands.options import AS_FOUND, AsOf, Workspace, WorkspaceData
from ckm.output import Format, emit, emit_text, note, progress, remark

if TYPE_CHECKING:
    import polars as pl

    from ckm._network.result import Network

ROLL_UPS = ("groups", "distributors", "partners", "single_contacts", "referrals", "industries", "cycles")
MOST_LISTED, MOST_FINDINGS = 20, 10
"""Maximum number of rows of a table, and of findings, on the screen; a machine format has them all."""
PAGE_COLUMNS = 80
"""Columns of the screen where no terminal tells its width."""
STEPS = 3
SHARE = {"revenue_share": "{:.1%}"}


class Shown(StrEnum):
    """Table of a network."""

    findings = "findings"
    groups = "groups"
    distributors = "distributors"
    partners = "partners"
    single_contacts = "single_contacts"
    referrals = "referrals"
    industries = "industries"
    cycles = "cycles"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("network")(network)


def network(
    data: WorkspaceData = None,
    show: Annotated[
        Shown | None,
        typer.Option("--show", metavar="TABLE", help="Only one table: findings, " + ", ".join(ROLL_UPS) + "."),
    ] = None,
    min_group_size: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Leave out groups named after a person, and industries, of fewer customers."
        ),
    ] = 5,
    names: Annotated[bool, typer.Option("--names", help="Show names of persons where the data have them.")] = False,
    as_of: AsOf = None,
    fmt: DocumentOutputFormat = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to FILE: .html .md .json have everything; .csv .tsv .ndjson .parquet .xlsx one table.",
        ),
    ] = None,
    meta: Meta = None,
    workspace: Workspace = None,
) -> None:
    """Show how customers belong together: what groups are worth, and what is lost if one party goes.

    Reads the table relationships (buys through, supplies, owns, refers, works at) and parent_id of the customers, as
    valid on the as-of date. Findings come in order of money, each with its computation and the rows that it rests on:
    revenue lost if one distributor or supplier goes, accounts with a single contact, groups with churn warnings or
    falling sales, referral trees, and cycles.

    Revenue is net sales of 12 months. Warnings and value at risk are those of the last saved ckm churn-warn, with its
    date. Companies are named; persons are not without --names, and groups of fewer than --min-group-size customers that
    are named after a person are left out.

    A table format prints the findings, or the table of --show; json, md and html have all tables, html with a picture
    of the largest groups.

    Cost: that of reading the ledger, and a few seconds for 100,000 companies.

    Examples:
      ckm network                                # findings and the largest groups
      ckm network --show partners -o partners.csv
      ckm network -o out/network.html            # a page with a picture
      ckm network -f json | jq '.findings[:5]'
      ckm network --as-of 2025-12-31             # the relations that were valid on that day
    """
    chosen = document_format(fmt, output)
    with progress("reading relations", total=STEPS) as advance:
        from ckm.dataset import open_dataset
        from ckm.network import network as network_of

        dataset = open_dataset(data, workspace, by_customer=True)
        source = read_source(dataset, data, AS_FOUND, meta)
        found = network_of(
            dataset,
            as_of=as_of.date() if as_of is not None else None,
            min_group_size=min_group_size,
            names=names,
            progress=advance.stage,
        )
    _print(found, chosen, output, show)
    if meta is not None:
        from ckm.metadata import run_facts

        write_meta(
            run_facts(
                "network",
                dataset,
                source,
                as_of=found.as_of,
                parameters={"min_group_size": min_group_size, "names": names},
                settings=(),
                columns=_rows(found, show).columns,
                remarks=found.remarks,
                period={"first": found.period.first, "last": found.period.last},
                currency=found.currency,
            ),
            meta,
        )
    remark(*found.remarks)


def _rows(found: Network, show: Shown | None) -> pl.DataFrame:
    return found.frame if show in (None, Shown.findings) else found.tables[show]


def _print(found: Network, chosen: DocumentFormat | str, output: Path | None, show: Shown | None) -> None:
    whole = {"html": found.to_html, "md": found.to_markdown, "json": found.to_json}
    if chosen in whole and (show is None or chosen == DocumentFormat.html):
        emit_text(whole[chosen](), output=output)
        return
    if chosen != DocumentFormat.table:
        on_stdout = output is None or str(output) == "-"
        emit(_flat(_rows(found, show)), Format(chosen) if on_stdout else None, output=output)
        return
    if show in (None, Shown.findings):
        _draw_findings(found)
    for name in ROLL_UPS:
        if show in (None, name) and (rows := found.tables[name]).height:
            title = name.replace("_", " ")
            emit(_flat(rows.head(MOST_LISTED)), Format.table, title=title, formats=SHARE)
            if rows.height > MOST_LISTED:
                note(f"{rows.height - MOST_LISTED:,} more {title}: --show {name} -o FILE")
            print()


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with lists as texts, which CSV needs."""
    import polars as pl

    return rows.with_columns(pl.col(pl.List(pl.String)).list.join(" "))


def _draw_findings(found: Network) -> None:
    """Print the findings, each as a sentence with its amount, computation and evidence."""
    from ckm.render.screen import filled, window

    width = window() or PAGE_COLUMNS
    print("findings by money" if found.frame.height else "no finding")
    for row in found.frame.head(MOST_FINDINGS).iter_rows(named=True):
        share = "" if row["revenue_share"] is None else f" ({row['revenue_share']:.1%} of net sales)"
        print(filled(f"{row['text']}{share}", width=width, mark=f"{row['money']:>14,.2f} {found.currency}  "))
        print(filled(row["computation"], width=width, mark="    computed: "))
        if row["evidence"]:
            print(filled(row["evidence"], width=width, mark="    rows: "))
    if found.frame.height > MOST_FINDINGS:
        note(f"{found.frame.height - MOST_FINDINGS:,} more findings: -o FILE")
    print()
