"""``ckm network``: findings on the screen, tables in machine formats, pages, and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests._network.shop import AS_OF, sales, workspace
from tests.conftest import Run

RELATIONSHIPS = "\n".join(f"c{each},buys through,north,," for each in range(6)) + "\nann,works at,c0,,\n"
CUSTOMERS = "north,<b>Nord</b> & Co,distributor,DE,trade,,\nann,Ann Arbor,person,DE,,,\n"
AMOUNTS = {"north": 10.0, **{f"c{each}": 100.0 for each in range(6)}}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("network") / "shop"
    return workspace(root, relationships=RELATIONSHIPS, customers=CUSTOMERS, sales=sales(**AMOUNTS))


def test_the_screen_has_each_finding_with_amount_computation_and_rows(shop: Path, run: Run) -> None:
    shown = run("network", shop, "--as-of", AS_OF, "-f", "table").stdout
    first = shown.split("groups", maxsplit=1)[0]
    assert "610.00 EUR" in first
    assert "computed: net sales 2025-07-01 to 2026-06-30: 10.00 EUR of its own" in first
    assert "rows: relationships.csv row 2" in first
    assert max(map(len, first.splitlines())) <= 80


def test_machine_formats_have_the_findings_or_one_table(shop: Path, run: Run) -> None:
    rows = run("network", shop, "--as-of", AS_OF, "-f", "csv").stdout.splitlines()
    assert rows[0] == "finding,party_id,name,customers,money,revenue_share,text,computation,evidence"
    partners = json.loads(run("network", shop, "--as-of", AS_OF, "-f", "json", "--show", "partners").stdout)
    assert [(each["party_id"], each["revenue_lost"]) for each in partners] == [("north", 610.0)]
    whole = json.loads(run("network", shop, "--as-of", AS_OF, "-f", "json").stdout)
    assert {"findings", "groups", "distributors", "partners", "single_contacts", "referrals"} <= set(whole)
    assert run("network", shop, "--as-of", AS_OF, "--show", "cycles", "-f", "json").stdout.strip() == "[]"


def test_the_page_has_a_picture_and_escaped_names(shop: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "network.html"
    assert run("network", shop, "--as-of", AS_OF, "-o", path).exit_code == 0
    page = path.read_text(encoding="utf-8")
    assert "<svg" in page
    assert "&lt;b&gt;Nord&lt;/b&gt; &amp; Co" in page
    assert "<b>Nord" not in page
    assert "Ann Arbor" not in page


def test_meta_has_the_definitions_of_the_columns(shop: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "meta.json"
    assert run("network", shop, "--as-of", AS_OF, "--show", "groups", "--meta", path, "-f", "csv").exit_code == 0
    facts = json.loads(path.read_text(encoding="utf-8"))
    assert (facts["command"], facts["as_of"]) == ("network", AS_OF)
    assert facts["columns"]["levels"]
    assert facts["data"]["tables"]["relationships"]["loads"] == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [(("-o", "x.pdf"), 2), (("-o", "x.csv", "-f", "json"), 2), (("--as-of", "2001-01-01"), 4)],
    ids=["suffix", "format against suffix", "before the data"],
)
def test_wrong_usage_exits_with_2_and_days_without_data_with_4(
    shop: Path, run: Run, words: tuple[str, ...], code: int
) -> None:
    assert run("network", shop, *words).exit_code == code


def test_a_file_of_orders_has_no_relations(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order_id,customer_id,ordered_at,net,currency\no1,a,2026-01-01,5,EUR\n", encoding="utf-8")
    done = run("network", path)
    assert done.exit_code == 4
    assert "relationships" in done.stderr
