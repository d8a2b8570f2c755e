"""A refusal names the failed rules with row counts, row numbers and options; ``inspect`` reports the same before."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.ingest.conftest import desk as desk
from tests.ingest.workspace import Desk

HEADER = "order_id,customer_id,date,Betrag,currency"


def lines(*, no_currency: int = 0, no_number: int = 0, no_date: int = 0, short: int = 0, good: int = 20) -> list[str]:
    bad = [
        *["N{0},c1,2025-01-02,5.50,"] * no_currency,
        *["B{0},c2,2025-01-02,viel,EUR"] * no_number,
        *["D{0},c3,gestern,5.50,EUR"] * no_date,
        *["S{0},c4,2025-01-02,5.50,EUR,6,7"] * short,
    ]
    return [line.format(number) for number, line in enumerate([*["A{0},c0,2025-01-02,5.50,EUR"] * good, *bad])]


CASES = [
    ({"no_currency": 15}, {"currency|nullability": 15}, "currency: missing value in 15 rows (22, 23, 24, 25, 26, …)"),
    ({"no_number": 1, "good": 3}, {"net|number": 1}, "net (column 'Betrag'): invalid number in row 5"),
    ({"no_date": 2, "good": 5}, {"ordered_at|date": 2}, "ordered_at (column 'date'): invalid date in 2 rows (7, 8)"),
    ({"short": 3, "good": 9}, {"record|7 fields, 5 expected": 3}, "7 fields, 5 expected in 3 rows (11, 12, 13)"),
]


@pytest.mark.parametrize(("broken", "rules", "sentence"), CASES, ids=lambda each: str(each)[:20])
def test_a_refusal_names_rules_rows_and_options_and_inspect_counts_the_same(
    run: Run, desk: Desk, broken: dict[str, int], rules: dict[str, int], sentence: str
) -> None:
    path = desk.orders("a.csv", *lines(**broken), header=HEADER)
    refused = run("ingest", "-C", desk.root, path, "--as", "transactions", "-f", "json")
    assert refused.exit_code == 3
    error = json.loads(refused.stderr.splitlines()[-1])["error"]
    assert sentence in error["message"]
    assert error["reasons"] == rules
    assert error["hint"].startswith("--")
    analysed = run("check", path)
    assert analysed.exit_code == 3
    assert sentence in analysed.stderr
    [seen] = json.loads(run("inspect", path, "-f", "json").stdout)
    assert {each["rule"]: each["rows"] for each in seen["proposal"]["rules"]} == rules
    assert seen["proposal"]["failed"] == sum(rules.values())
    assert sentence in run("inspect", path, "-f", "table").stdout


def test_the_hint_suggests_max_rejects_only_for_few_failed_rows_and_then_works(run: Run, desk: Desk) -> None:
    words = ("ingest", "-C", desk.root, "--as", "transactions", "-f", "csv")
    many = run(*words, desk.orders("many.csv", *lines(no_number=8), header=HEADER))
    assert many.exit_code == 3
    assert "--max-rejects" not in many.stderr
    few = desk.orders("few.csv", *lines(no_number=2), header=HEADER)
    refused = run(*words, few)
    assert refused.exit_code == 3
    [share] = re.findall(r"--max-rejects (\d+%)", refused.stderr)
    assert run(*words, few, "--max-rejects", share).exit_code == 0


def test_inspect_counts_what_a_load_would_quarantine(run: Run, desk: Desk) -> None:
    path = desk.orders("a.csv", *lines(no_currency=1, no_number=2, no_date=1, short=1, good=200), header=HEADER)
    [seen] = json.loads(run("inspect", path, "-f", "json").stdout)
    [loaded] = desk.ingest(path, "--as", "transactions", "--dry-run")
    found = {each["rule"]: each["rows"] for each in seen["proposal"]["rules"]}
    assert seen["proposal"]["failed"] == loaded["quarantined"] == 5
    assert {f"{rule}: {rows}" for rule, rows in found.items()} == set(loaded["reasons"])
    assert "no row fails" not in run("inspect", path, "-f", "table").stdout


def test_inspect_takes_the_mapping_of_a_load(run: Run, desk: Desk, tmp_path: Path) -> None:
    rows = [f"A{number};c{number};{number}.01.2025;{number},50" for number in range(10, 30)]
    path = desk.orders("a.csv", *rows, header="Beleg-Lfd;Wer;Wann;Wieviel")
    by_hand = [
        word
        for pair in ("order_id=Beleg-Lfd", "customer_id=Wer", "ordered_at=Wann", "net=Wieviel")
        for word in ("--column", pair)
    ]
    [seen] = json.loads(run("inspect", path, *by_hand, "-f", "json").stdout)
    assert seen["proposal"]["columns"]["net"] == "Wieviel"
    assert seen["proposal"]["failed"] == 0
    (mapping := tmp_path / "m.yaml").write_text(
        "schema: ckm.map/1\nname: m\ntable: transactions\n"
        "columns: {order_id: Beleg-Lfd, customer_id: Wer, ordered_at: Wer, net: Wieviel}\n"
    )
    [seen] = json.loads(run("inspect", path, "--map", mapping, "-f", "json").stdout)
    assert [each["rule"] for each in seen["proposal"]["rules"]] == ["ordered_at|date"]
