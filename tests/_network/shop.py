"""Small workspaces with relations, for the tests of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.workspace import lay_out

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = "2026-06-30"


def workspace(root: Path, *, relationships: str = "", customers: str = "", sales: str = "", billing: str = "") -> Path:
    """Create a workspace with rows of its tables as CSV lines without a header; return its folder."""
    lay_out(root)
    tables = {
        "customers": ("customer_id,display_name,party_type,country,industry,parent_id,email", customers),
        "transactions": ("order_id,customer_id,ordered_at,net,currency,invoice_id", sales),
        "relationships": ("customer_id,relation,related_id,valid_from,valid_until", relationships),
        "billing_fields": (
            "customer_id,field,number,invoice_id,valid_from,valid_until,noted_on,corrected_on",
            billing,
        ),
    }
    for table, (header, rows) in tables.items():
        if rows.strip():
            path = root / f"{table}.csv"
            path.write_text(f"{header}\n{rows.strip()}\n", encoding="utf-8")
            ingest(root, path, options=IngestOptions(table=table))
    return root


def sales(**amounts: float) -> str:
    """Return sales: per customer an order of the given amount in the period, and of half of it in the year before."""
    rows = [f"{who}-1,{who},2026-05-01T10:00:00Z,{net},EUR," for who, net in amounts.items()]
    rows += [f"{who}-0,{who},2025-05-01T10:00:00Z,{net / 2},EUR," for who, net in amounts.items()]
    return "\n".join([*rows, f"end,{next(iter(amounts))},{AS_OF}T10:00:00Z,0,EUR,"])
