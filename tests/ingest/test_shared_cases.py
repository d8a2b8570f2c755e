"""Real-world inputs of the shared folder are loaded correctly or refused with their reason; they are never copied."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT, Run

CASES = Path(os.environ.get("CKM_SHARED") or ROOT.parent / "shared" / "data").parent / "cases" / "ingest"
ORDERS = "transactions"


@dataclass(frozen=True)
class Right:
    """The expected result for a file: stored values by column in file order, and messages.

    ``refused`` is what a refusal says; then nothing is stored.
    """

    stored: dict[str, list[object]] = field(default_factory=dict)
    said: str = ""
    refused: str = ""
    table: str = ORDERS
    words: tuple[str, ...] = ()
    zone: str = "UTC"


def days(*texts: str) -> list[object]:
    return list(texts)


RIGHT = {
    "s02-thai-month-names.csv": Right(refused="--dates buddhist", zone="Asia/Bangkok"),
    "s02-thai-numeric.csv": Right(
        {"day": days("2025-03-04", "2025-02-15", "2024-12-31")}, words=("--dates", "buddhist"), zone="Asia/Bangkok"
    ),
    "s03-yymmdd.csv": Right(refused="--dates ymd", zone="Asia/Tokyo"),
    "s04-numeric-cells.xlsx": Right({"quantity": [1.125, 2.375, 3.0]}),
    "s04-one-column.xlsx": Right({"net": [0.5, 1.5, 2.5, 1.125, 1234.567]}),
    "s04-numbers.jsonl": Right({"quantity": [1.125, 2.375]}),
    "s04-refused.jsonl": Right({"net": [1.125, 2.375]}),
    "s04-refused.xlsx": Right({"net": [1.125, 2.375, 10.0]}),
    "s05-woocommerce.csv": Right(
        {"type": ["sale", "sale", "cancel", "cancel", "sale"], "net": [20.0, 40.0, 40.0, 40.0, 40.0]}
    ),
    "s05-r01-shopify.csv": Right({"currency": ["USD"] * 5}, said="recognised as Shopify"),
    "s09-amazon-all-orders.txt": Right({"net": [20.0, 40.0, 0.0]}, words=("--currency", "USD")),
    "r08-paypal.csv": Right({"net": [100.0, 1000.0, -100.0], "type": ["sale", "sale", "return"]}),
    "s06-sci-customers.csv": Right(said="scientific notation", table="customers"),
    "s06-sci-orders.csv": Right(said="scientific notation"),
    "s07-null-words.csv": Right({"customer_id": [None, None, "C1", *[None] * 7]}),
    "s08-currency-signs.csv": Right(refused="several currencies"),
    "s08-currency-late.csv": Right(refused="several currencies"),
    "s10-invisible.csv": Right({"customer_id": ["C1"] * 8}),
    "s10-bom-inside.csv": Right({"order_id": ["A1", "A2", "A3"]}),
    "s11-nested-customer.jsonl": Right({"customer_id": ["C1", "C2"]}),
    "s12-merged-cells.xlsx": Right({"customer_id": ["C1", "C1", "C1", "C2"]}),
    "s13-percent.csv": Right({"discount": [None, None]}),
    "s14-hive/currency=USD/month=3/part-0.parquet": Right({"currency": ["USD", "USD"]}),
    "s15-homoglyph.csv": Right(
        {"customer_id": [None, None]}, said="no customer column: every row is without a customer; closest"
    ),
    "s16-two-net-columns.csv": Right(refused="2 columns have the name 'net'"),
    "s17-1904-general.xlsx": Right({"day": days("2025-03-04", "2025-03-05")}),
    "s18-number-formats.xlsx": Right({"currency": ["USD"] * 3}, said="leading zeros", words=("--currency", "USD")),
    "c01-uuid.parquet": Right({"order_id": ["A1", "A2"]}),
    "c01-uuid-extra.parquet": Right({"customer_id": ["C1", "C2"]}),
    "c02-list.parquet": Right({"net": [10.5, 20.0]}),
    "c02-duration.parquet": Right({"net": [10.5, 20.0]}),
    "c03-offset-0330-extra.parquet": Right({"net": [10.5, 20.0]}),
    "c04-decimal256.parquet": Right({"net": [1.5, 2.0]}),
    "c05-lone-surrogate.jsonl": Right({"order_id": ["A1\ufffd"]}, words=("--max-rejects", "1")),
    "r02-google-forms.csv": Right(
        {"day": [f"2025-03-{day:02}" for day in range(1, 5)]},
        table="interactions",
        words=("--column", "interaction_id=Email Address"),
    ),
    "r03-nan.jsonl": Right({"discount": [None, 1.0]}),
    "r04-pretty.json": Right({"net": [10.5, 20.25]}),
    "r04-wrapped.json": Right({"net": [10.5, 20.25]}, said="the list 'orders'"),
    "r05.ods": Right({"net": [10.5, 20.0], "day": days("2025-03-04", "2025-03-05")}),
    "r06-spark": Right({"order_id": ["A1", "A2"]}),
    "s14-hive": Right({"currency": ["EUR"] * 4 + ["USD"] * 4}),
    "r07-repeated-header.csv": Right({"order_id": [f"A{number}" for number in range(1, 11)]}),
    "r07-repeated-header-tiny.csv": Right({"net": [10.5, 11.5]}),
    "r07-qualtrics.csv": Right({"interaction_id": ["R_000", "R_001"]}, table="interactions"),
    "m01-magento.csv": Right(
        {"order_id": ["000000001", "000000002"], "net": [1250.5, 40.0], "type": ["sale", "cancel"]},
        words=("--currency", "USD"),
    ),
    "m03-no-header-names.csv": Right(refused="no column for customer_id", table="customers"),
    "m05-hidden-sheet-first.xlsx": Right({"net": [10.5, 20.0]}, said="hidden"),
    "m06-epoch-ms.parquet": Right(refused="--dates epoch_ms"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_each_input_is_loaded_correctly_or_refused_with_its_reason(run: Run, tmp_path: Path, name: str) -> None:
    source, right = CASES / name, RIGHT[name]
    if not source.exists():
        pytest.skip(f"{source} is absent; CKM_SHARED names the folder of real data")
    shop = tmp_path / "shop"
    assert run("init", "-q", "--time-zone", right.zone, shop).exit_code == 0
    done = run("ingest", source, "-C", shop, "--as", right.table, *right.words, "-v")
    if right.refused:
        assert done.exit_code in (2, 3)
        assert right.refused in done.stderr
        assert "Purchase Point" not in done.stderr
        return
    assert done.exit_code == 0, done.stderr
    assert right.said in done.stderr
    rows = pl.read_delta(str(shop / "store" / right.table))
    rows = rows.sort("currency", "source_row") if source.is_dir() else rows.sort("source_row")
    moment = "at" if right.table == "interactions" else "ordered_at"
    if moment in rows.columns:
        rows = rows.with_columns(day=pl.col(moment).dt.convert_time_zone(right.zone).dt.date().cast(pl.String))
    for column, values in right.stored.items():
        assert rows[column].head(len(values)).to_list() == values


def test_an_order_that_comes_again_with_other_content_replaces_the_earlier_state(run: Run, tmp_path: Path) -> None:
    weeks = [CASES / "s01-week1.csv", CASES / "s01-week2.csv"]
    if not all(week.exists() for week in weeks):
        pytest.skip(f"{weeks[0]} is absent; CKM_SHARED names the folder of real data")
    assert run("init", "-q", tmp_path / "shop").exit_code == 0
    for week in weeks:
        assert run("ingest", week, "-C", tmp_path / "shop", "--as", ORDERS).exit_code == 0
    rows = pl.read_delta(str(tmp_path / "shop" / "store" / ORDERS))
    assert rows["net"].sum() == 155
    assert rows["order_id"].n_unique() == rows.height == 3
