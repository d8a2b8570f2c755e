"""Tables without data quality problems, to which each test adds one problem."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from ckm.check import CheckLimits, CheckReport, Finding, check_tables
from ckm.schema import Customers, Interactions, Transactions

FIRST = date(2024, 1, 1)
DAYS = 180
CUSTOMERS = 40


def _complete(frame: pl.DataFrame, schema: type) -> pl.DataFrame:
    """Return ``frame`` with all columns of its table, with the types of the schema."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(column.dtype).alias(name)
        for name, column in schema.columns().items()
    )


def make_transactions() -> pl.DataFrame:
    """Return three sales on every day but Sundays, one per channel, each with another customer and amount."""
    days = [FIRST + timedelta(days=i) for i in range(DAYS)]
    days = [day for day in days if day.isoweekday() != 7]
    rows = [(day, channel) for day in days for channel in ("web", "till", "phone")]
    return _complete(
        pl.DataFrame(
            {
                "order_id": [f"O{i:05}" for i in range(len(rows))],
                "line_no": ["1"] * len(rows),
                "customer_id": [f"C{i % CUSTOMERS:03}" for i in range(len(rows))],
                "ordered_at": [datetime(day.year, day.month, day.day, 12, tzinfo=UTC) for day, _ in rows],
                "product_id": [f"P{i % 7}" for i in range(len(rows))],
                "quantity": [float(1 + i % 3) for i in range(len(rows))],
                "net": [10.0 + i % 11 for i in range(len(rows))],
                "currency": ["EUR"] * len(rows),
                "channel": [channel for _, channel in rows],
                "type": ["sale"] * len(rows),
            }
        ),
        Transactions,
    )


def make_customers() -> pl.DataFrame:
    ids = [f"C{i:03}" for i in range(CUSTOMERS)]
    return _complete(pl.DataFrame({"customer_id": ids, "created_on": [FIRST] * CUSTOMERS}), Customers)


def make_interactions() -> pl.DataFrame:
    ids = [f"I{i:03}" for i in range(60)]
    at = [datetime(2024, 1, 1, 9, tzinfo=UTC) + timedelta(days=3 * i) for i in range(60)]
    return _complete(
        pl.DataFrame(
            {
                "interaction_id": ids,
                "customer_id": ["C000"] * 60,
                "at": at,
                "kind": ["survey"] * 60,
                "rating": [9.0] * 60,
                "scale": ["nps_0_10"] * 60,
            }
        ),
        Interactions,
    )


class Shop:
    """The three tables, with methods that change and check them."""

    def __init__(self) -> None:
        self.tables = {
            "transactions": make_transactions(),
            "customers": make_customers(),
            "interactions": make_interactions(),
        }

    def change(self, table: str = "transactions", *, where: pl.Expr | bool = True, **columns: object) -> "Shop":
        """Set columns of the rows that meet ``where``."""
        frame = self.tables[table]
        condition = pl.lit(where) if isinstance(where, bool) else where
        self.tables[table] = frame.with_columns(
            pl.when(condition).then(pl.lit(value)).otherwise(pl.col(name)).cast(frame[name].dtype).alias(name)
            for name, value in columns.items()
        )
        return self

    def keep(self, condition: pl.Expr, table: str = "transactions") -> "Shop":
        """Keep the rows of a table that meet ``condition``."""
        self.tables[table] = self.tables[table].filter(condition)
        return self

    def check(self, **options: object) -> CheckReport:
        """Check all tables with keyword arguments of ``check_tables``."""
        return check_tables({name: frame.lazy() for name, frame in self.tables.items()}, **options)

    def findings(self, check: str, **options: object) -> list[Finding]:
        """Return the findings of one check."""
        return [finding for finding in self.check(**options).findings if finding.check == check]

    def finding(self, check: str, **limits: object) -> Finding:
        """Return the only finding of a check with ``limits``."""
        [finding] = self.findings(check, limits=CheckLimits(**limits))
        return finding


@pytest.fixture
def shop() -> Shop:
    return Shop()
