"""``ckm loyalty-report`` on the command line, run on files."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer.testing import CliRunner

from ckm.cli import app
from ckm.metrics.metric import COLUMNS
from tests.conftest import OTHER_THREADS, ROOT, Run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("coarse")
HEADER = "order_id,customer_id,ordered_at,net,currency,channel"
END = date(2025, 12, 31)


def orders(seed: int = 0, customers: int = 120) -> list[str]:
    """Return two and a half years of customers, each with a constant purchase interval; some of them churn."""
    dice = random.Random(seed)
    rows = []
    for customer in range(customers):
        gap, day = dice.randint(15, 90), END - timedelta(dice.randint(200, 900))
        leaves = END - timedelta(dice.choice([0, 0, 0, 200, 400]))
        while day <= leaves:
            net = f"{dice.lognormvariate(3, 0.6):.2f}"
            rows.append(f"o{len(rows)},c{customer:03},{day},{net},EUR,{dice.choice(['web', 'shop'])}")
            day += timedelta(max(1, round(dice.gauss(gap, gap / 4))))
    return rows


def write(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "orders.csv", orders())


@pytest.fixture(scope="module")
def told(coarse: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the rows of ``-f json`` for these orders, from one run."""
    path = write(tmp_path_factory.mktemp("told") / "orders.csv", orders())
    done = CliRunner().invoke(app, ["loyalty-report", str(path), "-f", "json"])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def measured(text: str) -> pl.DataFrame:
    return pl.DataFrame(json.loads(text), schema=COLUMNS)


@pytest.mark.slow
def test_json_has_every_measure_as_a_row(told: str) -> None:
    rows = measured(told)
    assert rows["section"].unique(maintain_order=True).to_list() == [
        "changed", "relationships", "loyalty", "growth_potential", "churn", "data_quality",
    ]  # fmt: skip
    assert rows.filter(pl.col("definition").is_null()).is_empty()


@pytest.mark.slow
def test_the_revenue_is_the_sum_of_the_file_to_the_cent(told: str, shop: Path) -> None:
    rows = measured(told)
    table = pl.read_csv(shop).with_columns(day=pl.col("ordered_at").str.to_date())
    last = table["day"].max()
    year = table.filter(pl.col("day") > pl.lit(last).dt.offset_by("-1y"))
    revenue = rows.filter(pl.col("metric") == "revenue")["value"].item()
    assert revenue == round(sum(round(net * 100) for net in year["net"]) / 100, 2)


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
def test_a_table_is_for_a_person_and_a_pipe_gets_rows(run: Run, shop: Path) -> None:
    summary = run("loyalty-report", shop, "-f", "table").stdout
    assert summary.startswith("Loyalty report, ")
    assert max(map(len, summary.splitlines())) <= 80
    assert run("loyalty-report", shop).stdout.startswith(",".join(COLUMNS))
    assert run("loyalty-report", shop, "-f", "md").stdout.startswith("# ")


@pytest.mark.slow
def test_a_report_by_one_thread_and_by_two_has_the_same_bytes(told: str, shop: Path) -> None:
    words = [sys.executable, "-m", "tests.coarse", "loyalty-report", str(shop), "-f", "json"]
    done = subprocess.run(words, capture_output=True, check=True, cwd=ROOT, env={**os.environ, **OTHER_THREADS})
    assert done.stdout.decode() == told


@pytest.mark.slow
def test_shuffled_rows_give_the_same_report(run: Run, told: str, tmp_path: Path) -> None:
    rows = orders()
    random.Random(1).shuffle(rows)
    assert run("loyalty-report", write(tmp_path / "orders.csv", rows), "-f", "json").stdout == told


@pytest.mark.slow
def test_rows_after_the_day_are_not_seen(run: Run, shop: Path) -> None:
    day = "2025-09-30"
    whole = run("loyalty-report", shop, "--as-of", day, "-f", "json").stdout
    write(shop, [row for row in orders() if row.split(",")[2] <= day])
    cut = run("loyalty-report", shop, "--as-of", day, "-f", "json").stdout
    later = ["rows_left_out", "rows_used"]
    shown = [measured(text).filter(~pl.col("metric").is_in(later)) for text in (whole, cut)]
    assert shown[0].equals(shown[1])


@pytest.mark.slow
def test_slices_of_a_channel_add_up_to_the_revenue(run: Run, shop: Path) -> None:
    rows = measured(run("loyalty-report", shop, "--by", "channel", "-f", "json").stdout)
    revenue = rows.filter(pl.col("metric") == "revenue")
    parts = {row["slice"]: row["value"] for row in revenue.iter_rows(named=True)}
    assert set(parts) == {"", "channel=web", "channel=shop"}
    assert round(parts["channel=web"] + parts["channel=shop"], 2) == parts[""]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (["1,a,2025-03-01,10.00,EUR,web"], [], "only 1 customer"),
        (["1,a,2025-03-01,10.00,EUR,web"], ["--as-of", "2027-01-01"], "Active customers"),
        (["1,a,2025-03-01,10.00,EUR,web", "2,a,2025-04-01,-10.00,EUR,web"], [], "Revenue"),
    ],
    ids=["one customer", "an empty period", "all was taken back"],
)
def test_thin_data_say_what_is_missing(
    run: Run, tmp_path: Path, rows: list[str], options: list[str], said: str
) -> None:
    done = run("loyalty-report", write(tmp_path / "orders.csv", rows), *options, "-f", "table")
    assert done.exit_code == 0, done.stderr
    assert said in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--period", "5d"], 2, "--period"),
        (["--period", "24mo", "--compare", "year-ago"], 2, "overlaps"),
        (["--by", "chanel"], 2, "channel"),
        (["--by", "order_id"], 2, "single"),
        (["--explain", "ginni"], 2, "gini"),
        (["--lang", "fr"], 2, "fr"),
        (["-o", "report.pdf"], 2, ".html"),
        (["--as-of", "2001-01-01"], 4, "reach from"),
    ],
)
def test_an_invalid_option_is_refused_with_a_hint(
    run: Run, shop: Path, options: list[str], code: int, said: str
) -> None:
    done = run("loyalty-report", shop, *options)
    assert done.exit_code == code
    assert done.stdout == ""
    assert said in done.stderr


def test_two_currencies_are_not_added(run: Run, tmp_path: Path) -> None:
    rows = ["1,a,2025-03-01,10.00,EUR,web", "2,b,2025-03-01,10.00,USD,web"]
    done = run("loyalty-report", write(tmp_path / "orders.csv", rows))
    assert done.exit_code == 2
    assert "EUR, USD" in done.stderr


def test_a_measure_is_explained_with_formula_and_source(run: Run) -> None:
    told = run("loyalty-report", "--explain", "gini", "-f", "table").stdout
    assert "formula" in told
    assert "Gini 1912" in told
    (row,) = json.loads(run("loyalty-report", "--explain", "gini", "-f", "json").stdout)
    assert row["name"] == "gini"


@pytest.mark.slow
def test_the_export_has_a_row_per_customer_and_describes_every_column(run: Run, shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "for" / "others"
    assert run("loyalty-report", shop, "--export", folder, "-f", "json").exit_code == 0
    table = pl.read_parquet(folder / "customers.parquet")
    assert table.height == pl.read_csv(shop)["customer_id"].n_unique()
    columns = json.loads((folder / "dictionary.json").read_text(encoding="utf-8"))["columns"]
    assert [each["name"] for each in columns] == table.columns


@pytest.mark.slow
def test_what_a_spreadsheet_would_run_is_disarmed_in_the_lists(run: Run, tmp_path: Path) -> None:
    rows = [row.replace("c000", "=cmd|' /C calc'!A0") for row in orders()]
    folder = tmp_path / "lists"
    shop = write(tmp_path / "orders.csv", rows)
    assert run("loyalty-report", shop, "--export", folder, "-f", "json").exit_code == 0
    for path in folder.glob("*.csv"):
        assert not any(line.startswith("=") for line in path.read_text(encoding="utf-8").splitlines()), path.name


@pytest.mark.slow
def test_markup_in_the_data_is_text_on_the_page(run: Run, tmp_path: Path) -> None:
    rows = [row.replace(",web", ",<script>alert(1)</script>") for row in orders()]
    page = tmp_path / "report.html"
    assert run("loyalty-report", write(tmp_path / "orders.csv", rows), "--by", "channel", "-o", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.slow
def test_a_goal_of_the_workspace_is_reached_or_not(run: Run, shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    run("init", workspace)
    assert run("ingest", shop, "--as", "transactions", "-C", workspace).exit_code == 0
    settings = workspace / "ckm.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("\ngoals: {}", "\ngoals:\n  customers_active: 1000000\n"), encoding="utf-8")
    rows = measured(run("loyalty-report", "-C", workspace, "-f", "json").stdout)
    goal = rows.filter(pl.col("metric") == "goal").row(0, named=True)
    assert goal["slice"] == "goal=customers_active"
    settings.write_text(text.replace("\ngoals: {}", "\ngoals:\n  customers_activ: 10\n"), encoding="utf-8")
    refused = run("loyalty-report", "-C", workspace)
    assert refused.exit_code == 2
    assert "customers_active" in refused.stderr
