"""True values of the simulated shop (files in ``truth/``), for tests and to measure the accuracy of analyses."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ckm.example import days, seasons
from ckm.example.channels.crm import not_in_crm
from ckm.example.channels.web import overlap
from ckm.example.finance import MISBOOKED_CENTS, MISBOOKED_MONTH, MISBOOKED_ROWS
from ckm.example.products import lost_categories
from ckm.example.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ckm.example.channels.channel_export import ChannelExport
    from ckm.example.purchase_history import CustomerHistory
    from ckm.example.simulation import Simulation

TRUTH_FILES = ("truth.json", "customers.csv", "customer_weeks.csv", "feedback.csv")
CUSTOMER_COLUMNS = (
    "customer_id", "group", "lang", "home", "favourite", "usual_gap_days", "orders", "left_on", "reason", "odds_ratio",
    "troubles",
)  # fmt: skip


def truth_of(world: Simulation, exports: Sequence[ChannelExport]) -> dict[str, Any]:
    """Return the content of ``truth.json``: parameters of the simulation, true counts, and facts of each export."""
    return {
        "seed": world.seed,
        "first_day": str(days.FIRST_DATE),
        "last_day": str(days.LAST_DATE),
        "customers": len(world.customers),
        "buyers": len(world.histories),
        "one_time_buyers": sum(len(history.purchases) == 1 for history in world.histories),
        "groups": dict(sorted(Counter(history.customer.group for history in world.histories).items())),
        "leaving": {
            "model": "weekly odds = odds of the group × product of the odds ratios of the troubles of that week",
            "weekly_odds": {group: traits["odds"] for group, traits in words("groups").items()},
            "odds_ratios": {kind: each["odds"] for kind, each in words("troubles").items() if kind != "rates"},
            "weeks": {kind: each["weeks"] for kind, each in words("troubles").items() if kind != "rates"},
            "reasons": dict(sorted(Counter(each.churn.reason for each in world.histories if each.churn).items())),
        },
        "lost_categories": {category: str(days.as_date(day)) for category, day in lost_categories().items()},
        "campaign": _campaign(world),
        "sales_without_customer": {channel: _unnamed(world, channel) for channel in ("till", "branch")},
        "identical_till_rows": _identical_till_rows(world),
        "not_in_crm": not_in_crm(world),
        "gap": {
            "channel": "web",
            "first": str(days.as_date(seasons.outage("web")[0])),
            "last": str(days.as_date(seasons.outage("web")[-1])),
        },
        "controls_mismatch": {
            "month": MISBOOKED_MONTH,
            "net": MISBOOKED_CENTS / 100,
            "rows": MISBOOKED_ROWS,
        },
        "overlap": overlap(world),
        "tables": _tables(exports, overlap(world)["lines"]),
        "files": [{**asdict(export), "good": export.good} for export in exports],
    }


def write_truth(world: Simulation, exports: Sequence[ChannelExport], folder: Path) -> dict[str, Any]:
    """Write the files :data:`TRUTH_FILES` to a folder, and return the content of ``truth.json``."""
    truth = truth_of(world, exports)
    text = json.dumps(truth, ensure_ascii=False, indent=1)
    (folder / "truth.json").write_bytes(f"{text}\n".encode())
    _write_csv(folder / "customers.csv", CUSTOMER_COLUMNS, _customers(world))
    exposure = sorted(world.exposure.items())
    weeks = ((group, " ".join(troubles), count, int(left)) for (group, troubles, left), count in exposure)
    _write_csv(folder / "customer_weeks.csv", ("group", "troubles", "weeks", "left"), weeks)
    topics = ((each.number, each.topic) for each in world.responses if each.topic)
    _write_csv(folder / "feedback.csv", ("interaction_id", "topic"), topics)
    return truth


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV with a header and without quotes; None is an empty cell."""
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in [columns, *rows]]
    path.write_bytes(("\n".join(lines) + "\n").encode())


def _customers(world: Simulation) -> Iterable[tuple[object, ...]]:
    """Yield the rows of ``customers.csv``, one per customer with an order."""
    sales = Counter(order.customer_id for order in world.orders if order.kind == "sale")
    return (_customer(history, sales[history.customer.customer_id]) for history in world.histories)


def _customer(history: CustomerHistory, sales: int) -> tuple[object, ...]:
    """Return a row with the columns :data:`CUSTOMER_COLUMNS`; ``sales`` is the customer's number of sales."""
    customer, churn = history.customer, history.churn
    last = days.LAST if churn is None else churn.day
    troubles = Counter(trouble.kind for trouble in history.troubles if trouble.first <= last)
    return (
        customer.customer_id,
        customer.group,
        customer.lang,
        customer.home,
        customer.favourite,
        f"{customer.gap:.1f}",
        sales,
        None if churn is None else days.as_date(churn.day),
        None if churn is None else churn.reason,
        None if churn is None else f"{churn.odds_ratio:g}",
        " ".join(f"{kind}:{count}" for kind, count in sorted(troubles.items())),
    )


def _campaign(world: Simulation) -> dict[str, Any]:
    """Return the facts of the campaign, with the true order rates of all its customers without and with the letter."""
    plan, people = words("campaign"), world.assignments
    return {
        "campaign_id": plan["campaign_id"],
        "assigned_at": str(plan["assigned_at"]),
        "outcome": f"at least one sale in the {plan['window_days']} days after",
        "window_days": plan["window_days"],
        "customers": len(people),
        "holdout_chance": plan["holdout"],
        "rate_without": sum(each.orders_without for each in people) / len(people),
        "rate_with": sum(each.orders_with for each in people) / len(people),
        "effect": sum(each.orders_with - each.orders_without for each in people) / len(people),
    }


def _tables(exports: Sequence[ChannelExport], in_both: int) -> dict[str, int]:
    """Return the number of rows of each table after loading all exports.

    ``in_both`` is the number of order lines that are in both web exports; they count once.
    """
    rows = Counter({"transactions": -in_both})
    for export in exports:
        rows[export.table] += export.good
    return dict(sorted(rows.items()))


def _unnamed(world: Simulation, channel: str) -> float:
    """Return the true share of guest sales among all sales of a channel."""
    sales = [order.customer_id for order in world.orders if order.channel == channel and order.kind == "sale"]
    return round(sales.count(None) / len(sales), 4)


def _identical_till_rows(world: Simulation) -> int:
    """Return the number of rows in the export of the till that equal an earlier row in all columns."""
    orders = [order for order in world.orders if order.channel == "till"]
    return sum(len(order.lines) - len(set(order.lines)) for order in orders)
