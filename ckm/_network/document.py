"""Document of ``ckm network``: findings, a picture of the largest groups, and the roll-ups as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckm import __version__
from ckm.render.document import Action, Actions, Document, Figure, KeyFigure, ReportTable, Section, TableColumn, Text
from ckm.render.tree_chart import Tree, tree_chart
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ckm._network.result import Network

MOST_ROWS = 20
"""Maximum number of rows of a table on the page; the machine formats have all."""
MOST_ACTIONS = 5
TITLES = {
    "partners": "Revenue lost if one partner goes",
    "single_contacts": "Accounts with a single contact",
    "groups": "Value and churn by group",
    "distributors": "Reach of each distributor",
    "referrals": "Referral trees",
    "industries": "Segments by industry",
    "cycles": "Cycles",
}
"""Titles of the roll-ups, in the order of the page."""
SHARES = ("revenue_share",)


def network_document(network: Network) -> Document:
    """Return the result of ``ckm network`` as a document, for an HTML page or Markdown."""
    sections = [Section("Findings", tuple(_findings(network)))]
    if network.pictures:
        sections.append(Section("Largest groups", (_picture(network),)))
    for name, title in TITLES.items():
        if network.tables[name].height:
            sections.append(Section(title, (_table(title, network.tables[name]),)))
    return Document(
        title=network.label,
        subtitle="Customer network",
        lead=" ".join(f"{each[:1].upper()}{each[1:]}." for each in network.remarks),
        key_figures=tuple(_key_figures(network)),
        actions=_actions(network),
        sections=tuple(sections),
        footer=f"ckm {__version__} · {network.label} · {network.as_of} · amounts in {network.currency}",
    )


def _key_figures(network: Network) -> Iterator[KeyFigure]:
    yield KeyFigure(f"{sum(network.relations.values()):,}", "Valid relations", f"{network.as_of}")
    yield KeyFigure(f"{network.revenue:,.0f} {network.currency}", "Net sales", str(network.period))
    worst = network.tables["partners"].head(1)
    if worst.height:
        share = worst["revenue_share"][0]
        note = "" if share is None else f"{share:.1%} of net sales"
        yield KeyFigure(f"{worst['revenue_lost'][0]:,.0f} {network.currency}", "Lost with the largest partner", note)
    accounts = network.tables["single_contacts"]
    if accounts.height:
        note = f"{accounts['revenue'].sum():,.0f} {network.currency}"
        yield KeyFigure(f"{accounts.height:,}", "Accounts with one contact", note)


def _actions(network: Network) -> Actions | None:
    chosen = tuple(
        Action(f"{row['money']:,.2f} {network.currency}", row["text"], row["computation"])
        for row in network.frame.head(MOST_ACTIONS).iter_rows(named=True)
    )
    return Actions("Largest findings", chosen) if chosen else None


def _findings(network: Network) -> Iterator[ReportTable | Text]:
    if network.frame.is_empty():
        yield Text("No finding.")
        return
    shown = {"text": "finding", "money": f"amount_({network.currency})"}
    columns = ("text", "money", "customers", "computation", "evidence")
    yield _table("Findings by amount", network.frame.select(columns).rename(shown))


def _picture(network: Network) -> Figure:
    trees = [
        Tree(each.title, f"{each.text} customers" + (f" (+{each.more:,})" if each.more else ""), each.nodes, each.edges)
        for each in network.pictures
    ]
    rows = tuple((each.title, each.text, f"{len(each.nodes) + each.more:,}") for each in network.pictures)
    columns = (TableColumn("Group"), TableColumn("Net sales, customers"), TableColumn("Parties", numeric=True))
    return Figure(
        f"The {counted(len(trees), 'largest group')} by net sales",
        "Trees of the largest groups: the root in the middle, those below it around it.",
        tree_chart(trees),
        ReportTable("Largest groups", columns, rows, folded=True),
        "The root is in the middle. Area: net sales. Coloured: a churn warning. (+n): parties that are not drawn.",
    )


def _table(title: str, frame: pl.DataFrame) -> ReportTable:
    shown = frame.head(MOST_ROWS)
    kept = [name for name in shown.columns if shown[name].null_count() < shown.height]
    columns = tuple(
        TableColumn(f"{name[:1].upper()}{name[1:]}".replace("_", " "), numeric=shown[name].dtype.is_numeric())
        for name in kept
    )
    rows = tuple(
        tuple(_cell(name, value) for name, value in zip(kept, row, strict=True)) for row in shown.select(kept).rows()
    )
    caption = title if frame.height <= MOST_ROWS else f"{title} ({MOST_ROWS} of {frame.height:,})"
    return ReportTable(caption, columns, rows)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in SHARES:
        return f"{value:.1%}".replace("%", " %")
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
