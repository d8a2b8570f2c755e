"""Result of ``ckm network``: findings, roll-ups, and their forms for readers and machines."""

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
    """Roll-ups of a network; :mod:`ckm._network.roll_ups` defines their columns.

    Attributes
    ----------
    groups
        Value and churn per group of a parent, an account or a distributor.
    distributors
        Reach of each distributor.
    partners
        Revenue lost if one partner goes.
    single_contacts
        Accounts with a single contact.
    referrals
        Referral trees.
    industries
        Segments by industry.
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
        """Return the tables by name without the positions in the network."""
        return {each.name: getattr(self, each.name).drop("place", strict=False) for each in fields(self)}


@dataclass(frozen=True)
class Network(Result):
    """Relations of customers with findings in order of money.

    Attributes
    ----------
    frame
        Findings: finding, party_id, name, customers, money, revenue_share, text, computation, evidence.
    tables
        Roll-ups by name: groups, distributors, partners, single_contacts, referrals, industries, cycles.
    label
        Name of the data.
    as_of
        As-of date; relations that are not valid on it are not used.
    period, compared
        Periods of ``revenue`` and ``previous_revenue``: 12 months each.
    currency
        Currency of all amounts.
    revenue
        Net sales of all known customers in the period.
    churn_as_of
        As-of date of the saved run of churn-warn that ``warned`` and ``value_at_risk`` come from; None without one.
    relations
        Number of valid relations by kind.
    pictures
        The largest groups, for the page.
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
        """One row per kind of finding: finding (String), findings (Int64), money (Float64; the largest)."""
        return (
            self.frame.group_by("finding")
            .agg(findings=pl.len().cast(pl.Int64), money=pl.col("money").max())
            .sort("money", "finding", descending=[True, False])
        )

    def to_html(self) -> str:
        """Return one HTML page that opens offline, with a picture of the largest groups."""
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
        """Write the whole result to a ``.html``, ``.md`` or ``.json`` file; in other formats the findings."""
        target = Path(path)
        make = {".html": self.to_html, ".md": self.to_markdown, ".json": self.to_json}.get(target.suffix.lower())
        if make is None:
            return super().save(target)
        with replacing(target) as draft:
            draft.write_text(make(), encoding="utf-8", newline="\n")
        return target
