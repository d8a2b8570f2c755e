"""Small workspace for tests, whose metrics are computed by hand in ``tests/test_evaluate.py``."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.saved_warnings import ANALYSIS, REPORT_COLUMNS, RUN_COLUMNS, VERSION, run_name
from ckm._kb import search_log, usage_log
from ckm._outcome.outcome_file import MeasuredEffect, OutcomeRecord
from ckm.assignments import OUTCOME, Assignment, Stratum, commit
from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.store import Store
from ckm.workspace import lay_out

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = date(2026, 6, 30)
SETTINGS = """\
loyalty: {point_value: 0.01}
evaluate:
  period: 3mo
  contact_cost: 2
  offer_cost: 5
  hour_cost: 50
  hours_per_entry: 4
  hours_per_audience: 6
  hours_per_month: 2
  goals:
    days_to_validation: "<= 14"
    first_contact_fix_rate: ">= 50%"
"""
ENTRY = """\
schema: ckm.kb/1
id: {id}
kind: for
title: {id}
issue: Something.
resolution: Do something.
state: {{confidence: {confidence}}}
answers: {{reasons: [{reasons}]}}
provenance: {{origin: {origin}, collected_by: {author}, collected_at: {collected}}}
{more}"""
SEEN = "authentic: {{status: verified, by: {by}, at: {at}}}\nreview: {{owner: Bo, due: {due}}}\n"
EVIDENCE = (
    "evidence:\n  - {audience: spring, metric: order, effect: 0.1, low: 0.02, high: 0.18, treated: 80, holdout: 20, "
    "window_days: 30, date: 2026-05-10, run: 'abc'}\n"
)
INTERACTIONS = """\
interaction_id,customer_id,at,kind,topic,resolved_at
i1,c1,2026-04-05T09:00:00Z,complaint,delivery,2026-04-06T09:00:00Z
i2,c1,2026-04-20T09:00:00Z,question,delivery,2026-04-21T09:00:00Z
i3,c2,2026-05-01T09:00:00Z,question,price,2026-05-01T12:00:00Z
i4,c3,2026-05-10T09:00:00Z,complaint,delivery,
i5,c1,2026-05-15T09:00:00Z,complaint,price,2026-05-20T09:00:00Z
i6,c4,2026-06-20T09:00:00Z,complaint,delivery,
i7,c5,2026-02-01T09:00:00Z,complaint,delivery,2026-02-20T09:00:00Z
i8,c5,2026-05-05T09:00:00Z,praise,delivery,
"""
MEMBERSHIPS = """\
customer_id,tier,joined_on,points_earned,points_redeemed,points_expired,points_balance,on
c1,Gold,2025-10-02,1000,600,100,,2026-06-30
c2,Gold,2025-10-03,400,200,,200,2026-06-30
x9,,2026-05-01,0,0,0,0,2026-06-30
c1,Basic,2025-10-02,100,0,0,100,2026-03-31
"""


def make_shop(root: Path, *, git: bool = True) -> Path:
    """Make the workspace."""
    lay_out(root)
    (root / "ckm.yaml").write_text(SETTINGS, encoding="utf-8")
    _tables(root)
    _audiences(root)
    _knowledge(root, git=git)
    _logs(root)
    _warnings(root)
    return root


def _tables(root: Path) -> None:
    lines = ["order_id,customer_id,ordered_at,net,cost,currency"]
    day = date(2025, 10, 1)
    while day <= AS_OF:  # the shop sells every day, so that the data end on the last one
        lines.append(f"o{day},c{day.toordinal() % 5 + 1},{day}T12:00:00Z,10,6,EUR")
        day += timedelta(days=1)
    for name, text in (
        ("transactions", "\n".join(lines) + "\n"),
        ("interactions", INTERACTIONS),
        ("memberships", MEMBERSHIPS),
    ):
        path = root / "incoming" / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        ingest(root, path, options=IngestOptions(table=name))


def effect(metric: str, estimate: float, low: float, high: float, treated: int) -> MeasuredEffect:
    """Return an effect with an interval; the means of the arms are arbitrary, because no metric uses them."""
    return MeasuredEffect(metric, estimate, low, high, treated, 20, 0.0, 0.0, "by hand")


def _audiences(root: Path) -> None:
    audience(root, "spring", date(2026, 4, 10), 30, 80, "voucher",
             effect("order", 0.1, 0.02, 0.18, 80), effect("net", 30, 5, 55, 80),
             effect("margin", 12, 2, 22, 80))  # fmt: skip
    audience(root, "calls", date(2026, 5, 1), 14, 40, "", effect("margin", 10, 4, 16, 40))
    audience(root, "early", date(2026, 1, 10), 30, 50, "",
             effect("churn", -0.04, -0.1, 0.02, 50), effect("margin", 2, -2, 6, 50))  # fmt: skip
    audience(root, "running", date(2026, 6, 20), 30, 10, "")


def audience(
    root: Path, name: str, assigned_on: date, days: int, treated: int, offer: str, *effects: MeasuredEffect
) -> None:
    """Write an assignment, and its final outcome if there are effects."""
    assignment = Assignment(
        name=name, origin="file", assigned_on=assigned_on, metric=effects[0].metric if effects else "order",
        window_days=days, share=0.2, salt="s", rule="r", strata=(Stratum("all", treated + 20, 20),), offer=offer,
    )  # fmt: skip
    written = commit(root / "audiences" / name, assignment, pl.DataFrame({"customer_id": ["c1"]}))
    if effects:
        OutcomeRecord(
            audience=name, origin="file", entry="", offer=offer, digest=str(written.document()["digest"]),
            metric=effects[0].metric, first_day=assigned_on + timedelta(days=1), last_day=written.last_day,
            as_of=written.last_day, status="final", currency="EUR", primary=effects[0], secondary=effects[1:],
        ).write(root / "audiences" / name / OUTCOME)  # fmt: skip


def entry(root: Path, name: str, confidence: str, origin: str, author: str, collected: str, reasons: str = "",
          mode: str = "", seen: str = "", evidence: str = "") -> None:  # fmt: skip
    """Write a knowledge entry."""
    more = seen + evidence + (f"seci: {{mode: {mode}}}\n" if mode else "")
    text = ENTRY.format(
        id=name, confidence=confidence, origin=origin, author=author, collected=collected, reasons=reasons, more=more
    )
    (root / "kb" / f"{name}.yaml").write_text(text, encoding="utf-8")


def _knowledge(root: Path, *, git: bool) -> None:
    for path in (root / "kb").glob("*.yaml"):
        path.unlink()
    if git:
        call(root, "init", "-q")
    seen_old = SEEN.format(by="Bo", at="2026-02-01", due="2026-05-01")
    seen_late = SEEN.format(by="Bo", at="2026-04-11", due="2027-04-11")
    seen_price = SEEN.format(by="Cy", at="2026-05-21", due="2027-05-21")
    old = ("old", "validated", "document", "Dee", "2026-01-05", "many_returns")
    late = ("late", "validated", "complaint", "Ann", "2026-04-01", "late_delivery")
    price = ("price", "validated", "question", "Ann", "2026-05-01", "small_orders", "combine", seen_price)
    steps: dict[str, list[tuple[str, ...]]] = {
        "2026-02-01": [(*old, "socialise", seen_old)],
        "2026-04-15": [(*old, "externalise", seen_old), (*late, "externalise", seen_late)],
        "2026-05-25": [price],
        "2026-06-01": [(*late, "combine", seen_late, EVIDENCE), ("idea", "wip", "idea", "Eve", "2026-06-01")],
    }
    for day, entries in steps.items():
        for each in entries:
            entry(root, *each)
        if git:
            call(root, "add", "kb")
            call(root, "commit", "-qm", day, day=day)


def call(root: Path, *words: str, day: str = "2026-01-01") -> None:
    """Run a git command with noon of a day as the time of the commit."""
    at = f"{day}T12:00:00+00:00"
    who = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    environment = os.environ | who | {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, env=environment)


def _logs(root: Path) -> None:
    for day, hits in (("2026-03-15", 0), ("2026-04-02", 3), ("2026-05-02", 0), ("2026-06-02", 1), ("2026-06-30", 2)):
        at = datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=UTC)
        search_log.append(root / "out" / search_log.FILE, search_log.LoggedSearch(at, (), hits, None))
    for day, name, helpful in (
        ("2026-05-01", "late", True),
        ("2026-05-02", "late", False),
        ("2026-05-03", "price", None),
    ):
        at = datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=UTC)
        usage_log.append_use(root / "out" / usage_log.FILE, usage_log.LoggedUse(at, name, None, helpful))
    assert json.loads((root / "out" / usage_log.FILE).read_text(encoding="utf-8").splitlines()[0])["entry"] == "late"


def _warnings(root: Path) -> None:
    rows = [
        ("c1", 100.0, "late_delivery"),
        ("c2", 300.0, "small_orders silent"),
        ("c3", 100.0, "silent"),
        ("c4", -5.0, ""),
    ]
    types = RUN_COLUMNS | REPORT_COLUMNS
    frame = pl.DataFrame(
        {"customer_id": [row[0] for row in rows], "value_at_risk": [row[1] for row in rows],
         "reasons": [row[2] or None for row in rows]}
    )  # fmt: skip
    whole = frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in types.items()
    )
    Store(root / "store").save_run(ANALYSIS, run_name(30), VERSION, date(2026, 6, 15), whole, {})
