"""A shop small enough to count by hand: 13 customers and guest sales, 2023 to 2025, as of 31 December 2025.

The period is 2025, compared with 2024; the data begin on 10 January 2023, so that 2023 can be compared with as well.
All amounts are whole euros. What one customer is, at a glance (purchase days with their euros; r: return, x: cancelled):

    who    party        country  2023          2024                   2025                                          in 2025
    anna   person       DE       01-10  50     03-05  60, 09-05  40   02-10 100, 06-10 80, r 06-20 -30, 11-10 120   retained
    bern   person       DE       05-02  20                            04-01  30                                     reactivated
    cara   person       TH                     02-01 200, 02-20 100                                                 lost
    dong   company      TH                     01-15 500, 07-15 500   01-15 600, 07-15 400                          retained
    elif   company      DE                     11-30  80              01-20  90                                     retained
    fred   person       DE                                            03-03  25                                     new
    gabi   person       TH                                            05-05  45, 05-25 30 + 25                      new
    hugo   distributor  DE                     06-01 1000             06-01 900, 12-01 1100, r 12-15 -100           retained
    ines   person       DE                     04-04  35, r 04-10 -35                                               lost
    juri   partner      TH                                            10-10 300, x 11-11 999                        new
    kiri   person                08-08  15     08-08  15                                                            lost
    lena   (not in the customers' table)                              12-20  60                                     new
    otto   (not in the customers' table)                              r 02-02 -12                                   no customer
    mira   person       DE       a prospect: never bought anything
    till                                       05-05  10              05-05  20, r 06-06 -5

2025: 9 active = 4 new + 4 retained + 1 reactivated; 14 orders
    bought   300 + 30 + 1000 + 90 + 25 + 100 + 2000 + 300 + 60 = 3905    (anna, bern, dong, elif, fred, gabi, ...)
    returned -30 - 100 - 12 = -142                                        known customers: 3763
    till     20 - 5 = 15                                                  revenue:         3778
2024: 7 active (4 of them retained, 3 lost in 2025) = 5 new + 2 retained + 0 reactivated; 10 orders
    bought   100 + 300 + 1000 + 80 + 1000 + 35 + 15 = 2530
    returned -35                                                          known customers: 2495
    till     10                                                           revenue:         2505
2023: 3 active (anna, bern, kiri); 3 orders; 85

After the as-of date: anna, 5 January 2026, 70.
"""  # noqa: E501

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from ckm.config import Config
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import compared_with, period_until
from ckm.metrics.context import ReportContext

AS_OF = date(2025, 12, 31)
CUSTOMERS = [
    ("anna", "person", "DE"),
    ("bern", "person", "DE"),
    ("cara", "person", "TH"),
    ("dong", "company", "TH"),
    ("elif", "company", "DE"),
    ("fred", "person", "DE"),
    ("gabi", "person", "TH"),
    ("hugo", "distributor", "DE"),
    ("ines", "person", "DE"),
    ("juri", "partner", "TH"),
    ("kiri", "person", None),
    ("mira", "person", "DE"),
]
LINES: list[tuple[str, str | None, str, float, str, str | None, str | None, float | None]] = [
    # order, who, day, net, type, channel, category, cost
    ("o01", "anna", "2023-01-10", 50, "sale", "web", "tea", None),
    ("o02", "bern", "2023-05-02", 20, "sale", "till", "tea", None),
    ("o03", "kiri", "2023-08-08", 15, "sale", "till", "tea", None),
    ("o04", "dong", "2024-01-15", 500, "sale", "phone", "coffee", 300),
    ("o05", "cara", "2024-02-01", 200, "sale", "web", "ware", None),
    ("o06", "cara", "2024-02-20", 100, "sale", "web", "ware", None),
    ("o07", "anna", "2024-03-05", 60, "sale", "web", "tea", None),
    ("o08", "ines", "2024-04-04", 35, "sale", "web", "ware", None),
    ("o09", "ines", "2024-04-10", -35, "return", "web", "ware", None),
    ("o10", None, "2024-05-05", 10, "sale", "till", "tea", None),
    ("o11", "hugo", "2024-06-01", 1000, "sale", "phone", "coffee", 800),
    ("o12", "dong", "2024-07-15", 500, "sale", "phone", "coffee", 300),
    ("o13", "kiri", "2024-08-08", 15, "sale", "till", "tea", None),
    ("o14", "anna", "2024-09-05", 40, "sale", "web", "tea", None),
    ("o15", "elif", "2024-11-30", 80, "sale", "web", "ware", 40),
    ("o16", "dong", "2025-01-15", 600, "sale", "phone", "coffee", 360),
    ("o17", "elif", "2025-01-20", 90, "sale", "web", "ware", 45),
    ("o18", "otto", "2025-02-02", -12, "return", "till", "ware", None),
    ("o19", "anna", "2025-02-10", 100, "sale", "web", "tea", None),
    ("o20", "fred", "2025-03-03", 25, "sale", "till", "tea", None),
    ("o21", "bern", "2025-04-01", 30, "sale", "till", "tea", None),
    ("o22", "gabi", "2025-05-05", 45, "sale", "web", "tea", None),
    ("o23", None, "2025-05-05", 20, "sale", "till", None, None),
    ("o24", "gabi", "2025-05-25", 30, "sale", "web", "tea", None),
    ("o24", "gabi", "2025-05-25", 25, "sale", "web", "ware", None),
    ("o25", "hugo", "2025-06-01", 900, "sale", "phone", "coffee", 720),
    ("o26", None, "2025-06-06", -5, "return", "till", None, None),
    ("o27", "anna", "2025-06-10", 80, "sale", "web", "tea", None),
    ("o28", "anna", "2025-06-20", -30, "return", "web", "tea", None),
    ("o29", "dong", "2025-07-15", 400, "subscription", "phone", "coffee", 240),
    ("o30", "juri", "2025-10-10", 300, "sale", "web", "coffee", 200),
    ("o31", "anna", "2025-11-10", 120, "sale", "web", "tea", None),
    ("o32", "juri", "2025-11-11", 999, "cancel", "web", "coffee", None),
    ("o33", "hugo", "2025-12-01", 1100, "sale", "phone", "coffee", 880),
    ("o34", "hugo", "2025-12-15", -100, "return", "phone", "coffee", -80),
    ("o35", "lena", "2025-12-20", 60, "sale", "till", None, None),
    ("o36", "anna", "2026-01-05", 70, "sale", "web", "tea", None),
]
ANSWERS: list[tuple[str, str, str, float | None, str | None]] = [
    # who, day, kind, rating, scale. Of a scale the newest answer of a period counts.
    ("cara", "2024-02-25", "survey", 2, "nps_0_10"),
    ("hugo", "2024-06-10", "survey", 9, "nps_0_10"),
    ("elif", "2024-12-02", "survey", 5, "csat_1_5"),
    ("elif", "2025-01-22", "survey", 3, "ces_1_7"),
    ("elif", "2025-01-25", "survey", 6, "nps_0_10"),
    ("anna", "2025-02-15", "survey", 5, "nps_0_10"),  # superseded by the one of June
    ("fred", "2025-03-05", "survey", 3, "nps_0_10"),
    ("bern", "2025-04-03", "survey", 6, "ces_1_7"),
    ("gabi", "2025-05-26", "survey", 5, "csat_1_5"),
    ("gabi", "2025-05-30", "survey", 8, "nps_0_10"),
    ("anna", "2025-06-15", "survey", 10, "nps_0_10"),
    ("dong", "2025-07-20", "survey", 9, "nps_0_10"),
    ("juri", "2025-10-12", "survey", 4, "csat_1_5"),
    ("fred", "2025-11-02", "complaint", None, None),
    ("hugo", "2025-12-05", "survey", 10, "nps_0_10"),
    ("lena", "2025-12-22", "survey", 2, "csat_1_5"),
    ("anna", "2026-01-06", "survey", 0, "nps_0_10"),  # after the as-of date
]


def _noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC)


def shop_tables() -> dict[str, pl.LazyFrame]:
    """The shop's tables, with the columns of the contract that it fills."""
    columns = ("order_id", "customer_id", "ordered_at", "net", "type", "channel", "category", "cost")
    lines = pl.DataFrame([(a, b, _noon(day), *rest) for a, b, day, *rest in LINES], schema=columns, orient="row")
    answers = pl.DataFrame(
        [(who, _noon(day), *rest) for who, day, *rest in ANSWERS],
        schema=("customer_id", "at", "kind", "rating", "scale"),
        orient="row",
    )
    return {
        "transactions": lines.with_columns(
            pl.col("ordered_at").cast(pl.Datetime("us", "UTC")),
            pl.col("net", "cost").cast(pl.Float64),
            line_no=pl.int_range(pl.len()).over("order_id").cast(pl.String),
            currency=pl.lit("EUR"),
        ).lazy(),
        "customers": pl.LazyFrame(CUSTOMERS, schema=("customer_id", "party_type", "country"), orient="row"),
        "interactions": answers.with_columns(
            pl.col("at").cast(pl.Datetime("us", "UTC")),
            pl.col("rating").cast(pl.Float64),
            interaction_id=pl.lit("i") + pl.int_range(pl.len()).cast(pl.String),
        ).lazy(),
    }


def shop_context(
    tables: dict[str, pl.LazyFrame] | None = None,
    *,
    as_of: date = AS_OF,
    months: int = 12,
    by: str | None = None,
    **changes: Any,
) -> ReportContext:
    """The shop's context as of the end of 2025: 2025 compared with 2024."""
    tables = shop_tables() if tables is None else tables
    period = period_until(as_of, months)
    found = ReportContext(
        tables=tables,
        ledger=read_ledger(tables, as_of=as_of, needs=replace(EVERYTHING, by=by)),
        period=period,
        compared=compared_with(period, months, "previous"),
        config=Config(),
    )
    return found if not changes else ReportContext(**{**vars(found), **changes})
