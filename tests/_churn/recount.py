"""Every fact that a churn warning can state, recounted from the raw rows with polars and without the ledger.

Only ``months_before`` is ckm's own function, because it is the definition of a month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from ckm.customers.calendar import months_before

RATINGS = {"nps_0_10": (0, 10, 7), "csat_1_5": (1, 5, 3), "ces_1_7": (1, 7, 4)}
INVOICES = ("invoice", "invoices", "rechnung", "rechnungen", "ใบแจ้งหนี้", "发票", "發票", "فاکتور")
NUMBER = r"(\N{MINUS SIGN}?[\d,]+(?:\.\d+)?|none|nothing|less than 1|once)"
CURRENCY = r" [A-Z]{3}"
DAYS, SHARE, MONEY, TIMES, PLAIN = r"(?: days?)?", r"(?: %)?", f"(?:{CURRENCY})?", r"(?: times)?", ""
MEDIAN = "; median of returning customers "
FEWEST_INTERVAL_DAYS = 3
"""Fewest purchase days for a sentence about an interval."""
SAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "silent": (
        f"no order for {NUMBER}{DAYS}; median interval {NUMBER}{DAYS} .{NUMBER} purchase days.",
        ("days_silent", "median_interpurchase_days", "purchase_days"),
    ),
    "no_recent_purchase": (f"no order for {NUMBER}{DAYS}{MEDIAN}{NUMBER}{DAYS}", ("days_silent", "~days_silent")),
    "bought_once": (f"one-time buyer: {NUMBER}{MONEY}, {NUMBER}{DAYS} ago", ("last_day_value", "days_silent")),
    "few_purchases": (f"bought on {NUMBER} days{MEDIAN}{NUMBER}", ("purchase_days", "~purchase_days")),
    "longer_gap": (
        f"the last interval was {NUMBER}{DAYS}, the median before it {NUMBER}{DAYS} .{NUMBER} purchase days.",
        ("gap_last", "gap_before", "purchase_days"),
    ),
    "slow_rhythm": (
        f"median interval {NUMBER}{DAYS} .{NUMBER} purchase days.{MEDIAN}{NUMBER}{DAYS}",
        ("median_interpurchase_days", "purchase_days", "~median_interpurchase_days"),
    ),
    "out_of_season": (
        f"{NUMBER} of {NUMBER} purchase days of the last year were in the coming season{MEDIAN}{NUMBER}{SHARE}",
        ("season_days", "year_days", "~same_season"),
    ),
    "low_spend": (f"spent {NUMBER}{MONEY} in 12 months{MEDIAN}{NUMBER}{MONEY}", ("spend_12mo", "~spend_12mo")),
    "falling_spend": (
        f"spent {NUMBER}{MONEY} in the last 6 months and {NUMBER}{MONEY} in the 6 months before",
        ("spend_6mo", "spend_previous_6mo"),
    ),
    "small_last_order": (
        f"spent {NUMBER}{MONEY} on the last purchase day; mean of earlier purchase days {NUMBER}{MONEY}",
        ("last_day_value", "earlier_day_value"),
    ),
    "small_orders": (
        f"average order value {NUMBER}{MONEY} .of {NUMBER} orders?.{MEDIAN}{NUMBER}{MONEY}",
        ("order_value", "orders", "~order_value"),
    ),
    "large_orders": (
        f"average order value {NUMBER}{MONEY} .of {NUMBER} orders?.{MEDIAN}{NUMBER}{MONEY}",
        ("order_value", "orders", "~order_value"),
    ),
    "discounts": (f"discounts were {NUMBER}{SHARE} of the price{MEDIAN}{NUMBER}{SHARE}", ("discounted", "~discounted")),
    "lost_category": (
        f"{NUMBER} of {NUMBER} purchases of the last year were in categories no longer sold",
        ("lost_purchases", "category_purchases"),
    ),
    "few_categories": (
        f"bought from (one|[0-9,]+) categor(?:y|ies) in 12 months{MEDIAN}{NUMBER}",
        ("categories_12mo", "~categories_12mo"),
    ),
    "few_channels": (
        f"bought through (one|[0-9,]+) channels? in 12 months{MEDIAN}{NUMBER}",
        ("channels_12mo", "~channels_12mo"),
    ),
    "late_delivery": (f"a delivery of the last 90 days was {NUMBER}{DAYS} late", ("days_late_90d",)),
    "recent_returns": (
        f"returns or refunds on {NUMBER}{DAYS} in the last 90 days{MEDIAN}{NUMBER}{DAYS}",
        ("returns_90d", "~returns_90d"),
    ),
    "many_returns": (
        f"returns and refunds are {NUMBER}{SHARE} of all purchases{MEDIAN}{NUMBER}{SHARE}",
        ("returned", "~returned"),
    ),
    "rejected_invoice": (
        f"had an invoice problem {NUMBER}{TIMES} in the last 90 days",
        ("rejected_invoices_90d",),
    ),
    "open_complaint": (
        r"(a|[0-9,]+) complaints? of the last 180 days (?:is|are) not settled",
        ("open_complaints",),
    ),
    "complaint": (f"complained {NUMBER}{TIMES} in the last 90 days", ("complaints_90d",)),
    "low_rating": (r"gave (a|[0-9,]+) low ratings? in the last 90 days", ("rating_low_90d",)),
    "cooler_rating": (
        f"the last rating was {NUMBER}{SHARE} of the scale{MEDIAN}{NUMBER}{SHARE}",
        ("rating_last", "~rating_last"),
    ),
    "young_customer": (f"first order {NUMBER}{DAYS} ago{MEDIAN}{NUMBER}{DAYS}", ("tenure_days", "~tenure_days")),
}
"""By code of a reason: the pattern of its sentence, and the fact of each number; ~ marks the median of returning
customers."""
WORDS = {"none": 0.0, "nothing": 0.0, "once": 1.0, "one": 1.0, "a": 1.0}


@dataclass(frozen=True)
class Recount:
    """Facts of customers as of a day, and medians of returning customers, counted from the rows.

    ``transactions`` needs customer_id, ordered_at, net and type; ``interactions`` customer_id, at and kind. Other
    columns are optional.
    """

    transactions: pl.DataFrame
    as_of: date
    horizon: int
    time_zone: str = "UTC"
    interactions: pl.DataFrame | None = None
    cache: dict[str, Any] = field(default_factory=dict)

    @property
    def now(self) -> dict[str, dict[str, float | None]]:
        """Facts as of the day, by customer."""
        if "now" not in self.cache:
            self.cache["now"] = _by_customer(self._facts(self.as_of))
        found: dict[str, dict[str, float | None]] = self.cache["now"]
        return found

    @property
    def returning(self) -> pl.DataFrame:
        """Facts of those who bought within the last horizon, as they stood before it."""
        if "returning" not in self.cache:
            since = self.as_of - timedelta(days=self.horizon)
            back = self._lines(self.as_of).filter(pl.col("order_day") > since)["customer_id"].unique()
            then = self._facts(since)
            self.cache["returning"] = then.filter(pl.col("customer_id").is_in(back.implode()))
        found: pl.DataFrame = self.cache["returning"]
        return found

    def median(self, fact: str) -> float | None:
        """Lower median among those who came back."""
        known = self.returning[fact].drop_nulls().sort()
        return float(known[(len(known) - 1) // 2]) if len(known) else None

    def mistakes(self, customer: str, code: str, text: str) -> list[str]:
        """What of a sentence is not so."""
        pattern, facts = SAYS[code]
        found = re.fullmatch(pattern, text)
        if found is None:
            return [f"{code}: not the sentence expected: {text}"]
        wrong = []
        mine = self.now[customer]
        for written, fact in zip(found.groups(), facts, strict=True):
            true = self.median(fact[1:]) if fact.startswith("~") else mine[fact]
            if not _is(written, true, fact.lstrip("~")):
                wrong.append(f"{code}: {written} is said of {fact}, which is {true}")
        if {"median_interpurchase_days", "gap_last"} & set(facts) and (
            mine["purchase_days"] or 0
        ) < FEWEST_INTERVAL_DAYS:
            wrong.append(f"{code}: an interval of {mine['purchase_days']} purchase days")
        return wrong

    def _lines(self, until: date) -> pl.DataFrame:
        """Purchase lines by the end of a day, with their day and that of their order."""
        if ("lines", until) not in self.cache:
            rows = self._rows().filter(pl.col("day") <= until, pl.col("customer_id").is_not_null(), _bought())
            order = ["customer_id", "order"]
            self.cache["lines", until] = rows.with_columns(order_day=pl.col("day").min().over(order))  # type: ignore[index]
        found: pl.DataFrame = self.cache["lines", until]  # type: ignore[index]
        return found

    def _rows(self) -> pl.DataFrame:
        if "rows" not in self.cache:
            rows = self.transactions
            types = {"order_id": pl.String, "category": pl.String, "channel": pl.String, "discount": pl.Float64}
            types |= {"promised_on": pl.Date, "delivered_on": pl.Date, "product_id": pl.String}
            missing = [pl.lit(None, dtype).alias(name) for name, dtype in types.items() if name not in rows.columns]
            stamp = pl.col("ordered_at").dt.epoch("us").cast(pl.String)
            self.cache["rows"] = rows.with_columns(
                *missing, day=pl.col("ordered_at").dt.convert_time_zone(self.time_zone).dt.date()
            ).with_columns(order=pl.coalesce("order_id", "at " + stamp))
        found: pl.DataFrame = self.cache["rows"]
        return found

    def _facts(self, day: date) -> pl.DataFrame:
        lines = self._lines(day)
        year, half = months_before(day, 12), months_before(day, 6)
        days = lines.select("customer_id", day="order_day").unique().sort("customer_id", "day")
        by_day = lines.group_by("customer_id", "day").agg(pl.col("net").sum())
        parts = [
            _frequency(days, day, self.horizon),
            _money(lines, days.join(by_day, on=["customer_id", "day"], how="left"), day, half, year),
            self._returns(day, year, lines),
            self._categories(day, year, lines),
            self._deliveries(day),
            *([self._contacts(day)] if self.interactions is not None else []),
        ]
        facts = days.select(pl.col("customer_id").unique(maintain_order=True))
        for part in parts:
            facts = facts.join(part, on="customer_id", how="left", maintain_order="left")
        return facts.with_columns(pl.col(name).fill_null(0) for name in facts.columns if name in COUNTS).with_columns(
            returned=_ratio(pl.col("given_back"), pl.col("bought"))
        )

    def _returns(self, day: date, year: date, lines: pl.DataFrame) -> pl.DataFrame:
        rows = self._rows().filter(
            pl.col("day") <= day, pl.col("customer_id").is_not_null(), pl.col("type") != "cancel"
        )
        back = rows.filter(~_bought())
        recent = pl.col("day") > day - timedelta(days=90)
        spent = rows.filter(pl.col("day") > year).group_by("customer_id").agg(spend_12mo=pl.col("net").sum())
        returns = back.group_by("customer_id").agg(
            given_back=-pl.col("net").sum(), returns_90d=pl.col("day").filter(recent).n_unique()
        )
        who = lines.select(pl.col("customer_id").unique())
        return who.join(spent, on="customer_id", how="left").join(returns, on="customer_id", how="left")

    def _categories(self, day: date, year: date, lines: pl.DataFrame) -> pl.DataFrame:
        sold = (
            self._rows()
            .filter(pl.col("day") <= day, pl.col("category").is_not_null(), _bought())
            .select("category", "day")
            .unique()
        )
        weeks = (pl.col("last") - pl.col("day")).dt.total_days() // 7
        gone = (
            sold.with_columns(last=pl.col("day").max().over("category"), any_last=pl.col("day").max())
            .with_columns(week=weeks)
            .group_by("category")
            .agg(
                weeks=pl.col("week").filter(pl.col("week") < 26).n_unique(),
                last=pl.col("last").first(),
                any_last=pl.col("any_last").first(),
            )
            .filter(pl.col("weeks") >= 21, (pl.col("any_last") - pl.col("last")).dt.total_days() >= 28)["category"]
        )
        recent = lines.filter(pl.col("day") > year)
        bought = recent.filter(pl.col("category").is_not_null()).select("customer_id", "category", "day").unique()
        of_categories = bought.group_by("customer_id").agg(
            categories_12mo=pl.col("category").n_unique(),
            category_purchases=pl.len(),
            lost_purchases=pl.col("category").is_in(gone.implode()).sum(),
        )
        channels = recent.group_by("customer_id").agg(channels_12mo=pl.col("channel").drop_nulls().n_unique())
        who = lines.select(pl.col("customer_id").unique())
        return who.join(of_categories, on="customer_id", how="left").join(channels, on="customer_id", how="left")

    def _deliveries(self, day: date) -> pl.DataFrame:
        delivered = pl.when(pl.col("delivered_on") <= day).then(pl.col("delivered_on"))
        until = pl.coalesce(delivered, pl.lit(day))
        known = pl.max_horizontal("day", pl.col("promised_on") + timedelta(days=1))
        late = self._lines(day).filter(
            pl.col("promised_on").is_not_null(),
            delivered.is_null() | (delivered > pl.col("promised_on")),
            known > day - timedelta(days=90),
            known <= day,
        )
        days = (until - pl.col("promised_on")).dt.total_days()
        return late.group_by("customer_id").agg(days_late_90d=days.max())

    def _contacts(self, day: date) -> pl.DataFrame:
        assert self.interactions is not None
        types = {"topic": pl.String, "rating": pl.Float64, "scale": pl.String}
        rows = self.interactions
        rows = rows.with_columns(pl.lit(None, t).alias(n) for n, t in types.items() if n not in rows.columns)
        if "resolved_at" not in rows.columns:
            rows = rows.with_columns(resolved_at=pl.lit(None, rows.schema["at"]))
        local = rows.with_columns(
            day=pl.col("at").dt.convert_time_zone(self.time_zone).dt.date(),
            resolved=pl.col("resolved_at").dt.convert_time_zone(self.time_zone).dt.date(),
        ).filter(pl.col("day") <= day, pl.col("customer_id").is_not_null())
        low, high, happy = (
            pl.col("scale").cast(pl.String).replace_strict({k: v[n] for k, v in RATINGS.items()}, default=None)
            for n in range(3)
        )
        score = ((pl.col("rating") - low) / (high - low)).clip(0, 1)
        recent, complaint = pl.col("day") > day - timedelta(days=90), pl.col("kind") == "complaint"
        still = pl.max_horizontal("resolved", "day") > day
        is_open = complaint & (pl.col("day") > day - timedelta(days=180)) & (pl.col("resolved").is_null() | still)
        invoice = (pl.col("kind") == "event") & pl.col("topic").str.to_lowercase().is_in(INVOICES)
        return (
            local.with_columns(score=score, unhappy=(pl.col("rating") < happy) & score.is_not_null())
            .sort("customer_id", "at", "score", descending=[False, False, True])
            .group_by("customer_id")
            .agg(
                complaints_90d=(complaint & recent).sum(),
                open_complaints=is_open.sum(),
                rejected_invoices_90d=(invoice & recent).fill_null(value=False).sum(),
                rating_low_90d=(pl.col("unhappy") & recent).fill_null(value=False).sum(),
                rating_last=pl.col("score").drop_nulls().last(),
            )
        )


SHARES = frozenset({"discounted", "returned", "rating_last", "same_season"})
MONEY_FACTS = frozenset(
    {"last_day_value", "earlier_day_value", "spend_12mo", "spend_6mo", "spend_previous_6mo", "order_value"}
)
COUNTS = frozenset(
    {
        "spend_12mo", "given_back", "returns_90d", "categories_12mo", "category_purchases", "lost_purchases",
        "channels_12mo", "days_late_90d", "complaints_90d", "open_complaints", "rejected_invoices_90d",
        "rating_low_90d", "spend_6mo", "spend_previous_6mo",
    }
)  # fmt: skip
"""Facts that are 0 for a customer without a row."""


def _bought() -> pl.Expr:
    return ~pl.col("type").is_in(["return", "cancel"]) & (pl.col("net") >= 0)


def _frequency(days: pl.DataFrame, day: date, horizon: int) -> pl.DataFrame:
    """Return the facts about intervals; ``days`` has one row per customer and purchase day, sorted."""
    since = pl.col("day") - pl.col("day").shift()
    a_year_ago = day - timedelta(days=365)
    comes_now = (pl.col("day") > a_year_ago) & (pl.col("day") <= a_year_ago + timedelta(days=horizon))
    found = days.group_by("customer_id", maintain_order=True).agg(
        purchase_days=pl.len(),
        days_silent=(pl.lit(day) - pl.col("day").max()).dt.total_days(),
        tenure_days=(pl.lit(day) - pl.col("day").min()).dt.total_days(),
        gaps=since.dt.total_days().drop_nulls(),
        season_days=comes_now.sum(),
        year_days=(pl.col("day") > a_year_ago).sum(),
    )
    habit = pl.col("purchase_days") >= FEWEST_INTERVAL_DAYS
    return found.with_columns(
        median_interpurchase_days=pl.when(habit).then(pl.col("gaps").list.median()),
        gap_last=pl.when(habit).then(pl.col("gaps").list.last()),
        gap_before=pl.when(habit).then(pl.col("gaps").list.head(pl.col("gaps").list.len() - 1).list.median()),
        same_season=pl.when((pl.col("tenure_days") >= 365) & (pl.col("year_days") > 0) & (horizon <= 180)).then(
            pl.col("season_days") / pl.col("year_days")
        ),
    ).drop("gaps")


def _money(lines: pl.DataFrame, days: pl.DataFrame, day: date, half: date, year: date) -> pl.DataFrame:
    """Return the facts about spend; ``days`` has one row per customer and purchase day, sorted, with its net."""
    of_lines = lines.group_by("customer_id").agg(
        bought=pl.col("net").sum(),
        orders=pl.col("order").n_unique(),
        discount=pl.col("discount").sum(),
        discount_known=pl.col("discount").is_not_null().any(),
        spend_6mo=pl.col("net").filter(pl.col("day") > half).sum(),
        spend_previous_6mo=pl.col("net").filter((pl.col("day") > year) & (pl.col("day") <= half)).sum(),
    )
    of_days = days.group_by("customer_id", maintain_order=True).agg(
        last_day_value=pl.col("net").last(), earlier_day_value=pl.col("net").head(pl.len() - 1).mean()
    )
    return of_lines.join(of_days, on="customer_id", how="left").with_columns(
        order_value=pl.col("bought") / pl.col("orders"),
        discounted=_ratio(pl.col("discount"), pl.col("bought") + pl.col("discount")),
    )


def _ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part / whole)


def _by_customer(facts: pl.DataFrame) -> dict[str, dict[str, float | None]]:
    return {row["customer_id"]: row for row in facts.iter_rows(named=True)}


def _is(written: str, true: float | None, fact: str) -> bool:
    """Return whether a formatted number equals the true value, rounded to the same digits."""
    if true is None:
        return False
    if written == "less than 1":
        return 0 < true < 0.005
    if written in WORDS:
        return true == WORDS[written]
    number = float(written.replace(",", "").replace("\N{MINUS SIGN}", "-"))
    if fact in SHARES:
        return abs(number - 100 * true) <= 0.5 + 1e-6
    if fact in MONEY_FACTS:  # half a cent may be rounded to either side
        return abs(number - true) <= 0.5 * 10 ** -len(written.partition(".")[2]) + 1e-6
    return abs(number - true) <= 0.05 + 1e-6
