"""A small workspace with one customer who has rows in every table, and the example shop."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ckm.cli import app

CUSTOMERS = """\
customer_id,display_name,email,phone,country,party_type,account_owner,parent_id,created_on,Newsletter opt-in,Points
ann,Ann <b>Arbor</b>,ann@example.org,+49 30 5550101,DE,person,Nina Schultz,acme,2025-01-02,yes,120
cus_1,A. Arbor,,,DE,person,,,2025-06-01,,
acme,Acme GmbH,,,DE,company,,north,2024-05-01,,
north,Nordhandel,,,DE,distributor,,,2024-01-01,,
bob,Bob,bob@example.org,,DE,person,,acme,2025-03-01,no,
eve,Eve,,,DE,person,,,2026-03-01,,
"""
SALES = """\
order_id,line_no,customer_id,ordered_at,product_id,category,quantity,net,currency,channel,type,promised_on,delivered_on
o1,1,ann,2025-02-01T10:00:00Z,TEA-1,tea,2,20,EUR,web,sale,2025-02-03,2025-02-03
o1,2,ann,2025-02-01T10:00:00Z,POT-1,teaware,1,35.5,EUR,web,sale,2025-02-03,2025-02-03
r1,1,ann,2025-02-09T10:00:00Z,POT-1,teaware,-1,-35.5,EUR,web,return,,
o2,1,ann,2025-06-01T10:00:00Z,TEA-1,tea,1,10,EUR,till,sale,,
o3,1,cus_1,2025-08-01T10:00:00Z,TEA-2,tea,1,12,EUR,web,sale,,
o4,1,ann,2026-01-20T10:00:00Z,TEA-1,tea,1,10,EUR,web,sale,2026-01-25,
o5,1,bob,2026-01-31T10:00:00Z,TEA-1,tea,1,10,EUR,web,sale,,
o6,1,ann,2026-03-15T10:00:00Z,TEA-9,tea,1,99,EUR,web,sale,2026-03-17,2026-03-17
o7,1,eve,2026-03-20T10:00:00Z,TEA-1,tea,1,10,EUR,web,sale,,
"""
CONTACTS = """interaction_id,customer_id,at,channel,kind,topic,product_id,text,resolved_at,promised_by
i1,ann,2026-01-10T10:00:00Z,phone,complaint,quality,TEA-1,stale tea,,2026-01-14T10:00:00Z
i2,ann,2025-02-05T10:00:00Z,phone,complaint,delivery,,late,2025-02-06T10:00:00Z,
i3,ann,2025-03-05T10:00:00Z,phone,complaint,billing,,never answered,,
i4,ann,2026-03-16T10:00:00Z,phone,complaint,delivery,TEA-9,later complaint,,
i6,ann,2025-06-02T10:00:00Z,phone,question,product,,long forgotten,,2025-06-05T10:00:00Z
i5,cus_1,2026-01-22T10:00:00Z,mail,question,product,,call back,,2026-02-20T10:00:00Z
"""
ENTRY = """schema: ckm.kb/1
id: {id}
kind: for
lang: en
title: {title}
issue: {title}
state: {{confidence: validated}}
classify: {{topics: [{topic}]}}
answers: {{reasons: [{reason}]}}
review: {{owner: service, interval_days: 365, last: 2026-01-01}}
provenance: {{origin: complaint, sources: [calls], collected_by: service, collected_at: 2025-01-01}}
{more}
"""
AS_OF = "2026-01-31"


def invoke(*words: object) -> None:
    told = CliRunner().invoke(app, [str(word) for word in words])
    assert told.exit_code == 0, told.output


@pytest.fixture(scope="package")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with the customers, sales and contacts above, which no test changes."""
    root = tmp_path_factory.mktemp("profile") / "shop"
    invoke("init", root)
    for table, text in {"customers": CUSTOMERS, "transactions": SALES, "interactions": CONTACTS}.items():
        path = root.parent / f"{table}.csv"
        path.write_text(text, encoding="utf-8")
        invoke("ingest", path, "--as", table, "-C", root)
    kb = {
        "stale": ("quality", "complaint", ""),
        "secret": ("quality", "price", "access: {read: [management]}"),
        "late": ("delivery", "late_delivery", ""),
        "thai": ("quality", "price", "applies: {regions: [TH]}"),
        "expired": ("quality", "price", "applies: {valid_until: 2025-12-31}"),
    }
    for name, (topic, reason, more) in kb.items():
        text = ENTRY.format(id=name, title=f"About {name}", topic=topic, reason=reason, more=more)
        (root / "kb" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="package")
def example_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the example shop with saved definitions of three methods; takes about ten seconds."""
    root = tmp_path_factory.mktemp("profile") / "example"
    invoke("init", "--demo", root)
    invoke("ingest", "-C", root)
    for method in ("rfm", "lifecycle", "value"):
        invoke("segment", root, "--by", method, "--as-of", "2026-06-30", "-q", "-o", root.parent / f"{method}.csv")
    return root
