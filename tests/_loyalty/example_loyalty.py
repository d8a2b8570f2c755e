"""The loyalty report of the example shop, read from its metrics in the machine format."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

from ckm._loyalty.document import loyalty_document
from ckm._loyalty.words import load_words
from ckm.customers.period import Period
from ckm.metrics.drivers import Driver
from ckm.metrics.goals import Goal
from ckm.metrics.loyalty_matrix import LOYAL_COLUMNS
from ckm.metrics.metric import SLICE_SEPARATOR, Metric, Metrics, Missing
from ckm.metrics.next_steps import AT_RISK_COLUMNS
from ckm.metrics.report import LoyaltyReport
from ckm.metrics.significance import Change
from ckm.render.document import Document
from ckm.render.page import render_page

DATA = Path(__file__).parent / "data"
PERIOD = Period(date(2025, 7, 1), date(2026, 6, 30))
BEFORE = Period(date(2024, 7, 1), date(2025, 6, 30))


@cache
def example_metrics() -> tuple[Metric, ...]:
    """Return every metric of the example shop, of all customers and by channel."""
    with (DATA / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_metric(row) for row in csv.DictReader(file))


@cache
def example_document(lang: str = "en") -> Document:
    """Return the document of the example in a language."""
    return loyalty_document(example_report(), lang)


@cache
def example_page(lang: str) -> str:
    """Return the page of the example in a language."""
    return render_page(example_document(lang), load_words(lang).page_words())


def example_report(**changes: object) -> LoyaltyReport:
    """Return the report on a year of the example shop, with some fields replaced."""
    fields: dict[str, object] = {
        "label": "shop",
        "shop": "Teahouse",
        "period": PERIOD,
        "compared": BEFORE,
        "comparison": "previous",
        "as_of": PERIOD.last,
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "days": (365, 365),
        "metrics": Metrics(example_metrics()),
        "missing": (
            Missing("loyalty", "few_ratings", (("there", 1), ("needed", 2))),
            Missing("growth_potential", "no_wallet_survey"),
            Missing("changed", "hidden_cells", (("count", 2), ("min_group_size", 5))),
        ),
        "drivers": (
            Change(
                "revenue",
                value=1172977.57,
                previous=994313.78,
                lo=61272.69,
                hi=296054.89,
                drivers=(
                    Driver("effect", "customers", 58807.84),
                    Driver("effect", "frequency", 110271.28),
                    Driver("effect", "order_value", 4376.67),
                    Driver("effect", "without_customer", 5208.0),
                    Driver("segment value", "maintain", 255081.92),
                    Driver("segment value", "grow", -246560.72),
                    Driver("segment value", "rest", 170142.59),
                ),
            ),
            Change("retention_rate", value=0.514, previous=0.7003, lo=-0.22, hi=-0.153),
            Change("nps", value=6.0, previous=8.1, lo=-10.0, hi=5.9),
        ),
        "goals": (
            Goal("retention_rate", 0.55, ">=", 0.514, 0.491, 0.537, on_track=False),
            Goal("median_interpurchase_days", 30, "<=", 28.0, None, None, on_track=True),
            Goal("nps", 10, ">=", 6.0, 0.3, 11.6, on_track=None),
        ),
        "loyal": pl.read_csv(DATA / "loyal.csv", schema=LOYAL_COLUMNS),
        "at_risk": pl.read_csv(DATA / "at_risk.csv", schema=AT_RISK_COLUMNS),
        "by": "channel",
        "remarks": ("33.1 % of the rows have no cost.",),
    }
    return LoyaltyReport(**{**fields, **changes})  # type: ignore[arg-type]


def _metric(row: dict[str, str]) -> Metric:
    pairs = [pair.split("=", 1) for pair in row["slice"].split(SLICE_SEPARATOR) if pair]
    number = {key: float(row[key]) if row[key] else None for key in ("value", "lo", "hi", "previous")}
    return Metric(
        row["metric"],
        number["value"],
        tuple((dimension, value) for dimension, value in pairs),
        n=int(row["n"]) if row["n"] else None,
        lo=number["lo"],
        hi=number["hi"],
        previous=number["previous"],
    )
