"""Result of ``ckm network``: findings and roll-ups, with output as HTML, Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.files import replacing
from ckm.plaintext import harmless_json
from ckm.result import Result

if TYPE_CHECKING:
    import os
    from datetime import date

    from ckm._network.picture import GroupPicture
    from ckm.customers.period import Period

SCHEMA = "ckm.network/1"


@dataclass(frozen=True)
class NetworkTables:
    """Roll-ups of a network as tables, with the columns that :mod:`ckm._network.roll_ups` defines.

    Attributes
    ----------
    groups
        Revenue and churn risk per group of a parent, an account or a distributor.
    distributors
        Customers and revenue that each distributor reaches.
    partners
        Revenue that would be lost with each distributor or supplier.
    single_contacts
        Accounts with a single contact.
    referrals
        Referral trees, one row per first referrer.
    industries
        Revenue and churn risk by industry.
    cycles
        Cycles of relations.
    """

    groups: pl.DataFrame
    distributors: pl.DataFrame
    partners: pl.DataFrame
    single_contacts: pl.DataFrame
    referrals: pl.DataFrame
    industries: pl.DataFrame
    cycles: pl.DataFrame

    def shown(self) -> dict[str, pl.DataFrame]:
        """Return the tables by name, without the column ``place`` (row number in the network)."""
        return {each.name: getattr(self, each.name).drop("place", strict=False) for each in fields(self)}


@dataclass(frozen=True)
class Network(Result):
    """Result of ``ckm network``: findings on relations of customers, largest amount first, and roll-ups.

    Attributes
    ----------
    frame
        One row per finding: finding, party_id, name, customers, money, revenue_share, text, computation, evidence.
    tables
        Roll-ups by name: groups, distributors, partners, single_contacts, referrals, industries, cycles.
    label
        Name of the analysed data.
    as_of
        As-of date; relations that are not valid on this day are not used.
    period, compared
        Periods of ``revenue`` and ``previous_revenue``: 12 months each.
    currency
        Currency of all amounts.
    revenue
        Net sales of all known customers in the period.
    churn_as_of
        As-of date of the saved run of churn-warn for ``warned`` and ``value_at_risk``; None without a run.
    relations
        Number of valid relations by kind.
    pictures
        Pictures of the largest groups, for the HTML page.
    remarks
        Notes for the reader, as sentences.
    """

    frame: pl.DataFrame
    tables: dict[str, pl.DataFrame]
    label: str
    as_of: date
    period: Period
    compared: Period
    currency: str
    revenue: float
    churn_as_of: date | None
    relations: dict[str, int]
    pictures: tuple[GroupPicture, ...]
    remarks: tuple[str, ...]

    @property
    def summary(self) -> pl.DataFrame:
        """One row per kind of finding: finding (String), findings (Int64), money (Float64; the largest amount)."""
        return (
            self.frame.group_by("finding")
            .agg(findings=pl.len().cast(pl.Int64), money=pl.col("money").max())
            .sort("money", "finding", descending=[True, False])
        )

    def to_html(self) -> str:
        """Return the result as one HTML page without external files, with a picture of the largest groups."""
        from ckm._network.document import network_document
        from ckm.render.chart_look import unchecked
        from ckm.render.page import render_page

        with unchecked():
            return render_page(network_document(self))

    def to_markdown(self) -> str:
        """Return the findings and roll-ups as Markdown, without the picture."""
        from ckm._network.document import network_document
        from ckm.render.chart_look import unchecked
        from ckm.render.markdown import render_markdown

        with unchecked():
            return render_markdown(network_document(self))

    def to_json(self) -> str:
        """Return a JSON object: schema, as_of, period, currency, revenue, churn_as_of, findings, and each roll-up."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "as_of": self.as_of.isoformat(),
            "period": {"first": self.period.first.isoformat(), "last": self.period.last.isoformat()},
            "compared": {"first": self.compared.first.isoformat(), "last": self.compared.last.isoformat()},
            "currency": self.currency,
            "revenue": self.revenue,
            "churn_as_of": None if self.churn_as_of is None else self.churn_as_of.isoformat(),
            "relations": self.relations,
            "findings": self.frame.to_dicts(),
            **{name: table.to_dicts() for name, table in self.tables.items()},
            "remarks": list(self.remarks),
        }
        return harmless_json(json.dumps(document, ensure_ascii=False, indent=1)) + "\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the whole result to a ``.html``, ``.md`` or ``.json`` file; to other formats, only the findings."""
        target = Path(path)
        make = {".html": self.to_html, ".md": self.to_markdown, ".json": self.to_json}.get(target.suffix.lower())
        if make is None:
            return super().save(target)
        with replacing(target) as draft:
            draft.write_text(make(), encoding="utf-8", newline="\n")
        return target
