"""Analyses of a file without a workspace take the mapping and format options of ``ckm ingest``."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
import typer

from ckm.cli import app
from ckm.commands.options import FileOptions
from ckm.io.values.style_detection import DATE_WORDS
from tests.conftest import Run

ANALYSES = ("segment", "churn-warn", "loyalty-report", "check")
READERS = (*ANALYSES, "ingest", "inspect")
START = date(2023, 1, 1)
DATA = Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[3] / "shared" / "data")


def purchases() -> Iterator[tuple[str, date, float]]:
    """Sixty customers who buy about every 20 to 80 days over three years; a third stop on the way."""
    dice = Random(14)
    for number in range(60):
        day = START + timedelta(dice.randrange(200))
        last = START + timedelta(500 if number % 3 == 0 else 1090)
        pace = dice.randrange(20, 80)
        while day <= last:
            yield f"K{number:03}", day, dice.randrange(500, 9000) / 100
            day += timedelta(max(1, round(dice.expovariate(1 / pace))))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``customer_id,date,amount``, as CLV libraries take it."""
    path = tmp_path_factory.mktemp("plain") / "sales.csv"
    lines = [f"{who},{day},{amount:.2f}" for who, day, amount in sorted(purchases(), key=lambda each: each[1])]
    path.write_text("\n".join(["customer_id,date,amount", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same purchases as a German program writes them, with names that nobody knows."""
    path = tmp_path_factory.mktemp("foreign") / "sales.csv"
    lines = [
        f"{who};{day:%d/%m/%Y};{amount:.2f}".replace(".", ",")
        for who, day, amount in sorted(purchases(), key=lambda each: each[1])
    ]
    path.write_bytes("\r\n".join(["Export für Müller", "wér;wann;wieviel", *lines]).encode("cp1252"))
    return path


SAID = ("--encoding", "cp1252", "--delimiter", ";", "--header", "2", "--dates", "dmy", "--decimal", ",")
NAMED = ("--column", "customer_id=wér", "--column", "ordered_at=wann", "--column", "net=wieviel")


def rows(run: Run, *words: object) -> list[dict[str, str]]:
    result = run(*words, "-f", "csv")
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.mark.parametrize("command", READERS)
def test_every_command_that_reads_files_has_all_file_options(command: str) -> None:
    declared = {each.name for each in typer.main.get_command(app).commands[command].params}  # type: ignore[attr-defined]
    assert {each.name for each in fields(FileOptions)} <= declared


@pytest.mark.parametrize("word", DATE_WORDS)
def test_help_lists_every_value_of_dates(word: str) -> None:
    [dates] = [each for each in typer.main.get_command(app).commands["segment"].params if each.name == "dates"]  # type: ignore[attr-defined]
    assert word in str(dates.help)


@pytest.mark.parametrize("words", [("segment", "--customers"), ("check",)], ids=["segment", "check"])
def test_a_file_read_with_options_or_a_mapping_equals_the_plain_file(
    run: Run, plain: Path, foreign: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (mapping := tmp_path / "till.yaml").write_text(
        "schema: ckm.map/1\nname: till\ntable: transactions\n"
        "format: {encoding: cp1252, delimiter: ';', header: 2, dates: dmy, decimal: ','}\n"
        "columns: {order_id: {expr: '\"wér\" || wann'}, customer_id: wér, ordered_at: wann, net: wieviel,\n"
        "  type: {value: sale}}\n",
        encoding="utf-8",
    )
    expected = rows(run, *words, plain)
    assert rows(run, *words, foreign, *SAID, *NAMED) == expected
    assert rows(run, *words, foreign, "--map", mapping) == expected


@pytest.mark.slow
def test_file_options_apply_to_warnings_and_the_report(run: Run, plain: Path, foreign: Path) -> None:
    for words in (("churn-warn", "--model", "rule", "--all"), ("loyalty-report",)):
        assert rows(run, *words, foreign, *SAID, *NAMED) == rows(run, *words, plain)


def test_currency_and_time_zone_are_those_of_the_options(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    # An evening in New York is the next day in UTC.
    more = [f"C{number},2025-02-0{number}T12:00:00-05:00,5" for number in range(2, 8)]
    path.write_text("\n".join(["customer_id,date,amount", "C1,2025-03-04T23:30:00-05:00,5", *more]))
    result = run("segment", path, "--currency", "USD", "--time-zone", "America/New_York", "--customers", "-f", "json")
    assert result.exit_code == 0, result.output
    assert {each["currency"] for each in json.loads(result.stdout)} == {"USD"}
    assert "as of 2025-03-04" in result.stderr
    assert "as of 2025-03-05" in run("segment", path, "--customers", "-f", "json", "-v").stderr


def test_the_time_zone_of_a_mapping_is_that_of_the_analysis(run: Run, tmp_path: Path) -> None:
    more = [f"C{number},2025-02-0{number} 12:00,5" for number in range(2, 8)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["customer_id,date,amount", "C1,2025-03-04 01:30,5", *more]))
    (mapping := tmp_path / "m.yaml").write_text(
        "schema: ckm.map/1\nname: m\ntable: transactions\ntime_zone: Asia/Bangkok\n"
        "columns: {order_id: date, customer_id: customer_id, ordered_at: date, net: amount}\n"
    )
    assert "as of 2025-03-04" in run("segment", path, "--map", mapping).stderr


@pytest.mark.parametrize(
    "words", [("--currency", "euro"), ("--time-zone", "Mars/Base"), ("--column", "net"), ("--header", "first")]
)
def test_an_invalid_option_is_refused(run: Run, plain: Path, words: tuple[str, ...]) -> None:
    for command in ANALYSES:
        assert run(command, plain, *words).exit_code == 2


def test_a_mapping_of_another_table_is_refused(run: Run, plain: Path, tmp_path: Path) -> None:
    (mapping := tmp_path / "m.yaml").write_text(
        "schema: ckm.map/1\nname: m\ntable: customers\ncolumns: {customer_id: customer_id}\n"
    )
    result = run("segment", plain, "--map", mapping)
    assert result.exit_code == 2
    assert "maps into customers" in result.stderr


def test_a_workspace_refuses_file_options(run: Run, tmp_path: Path) -> None:
    assert run("init", tmp_path / "shop").exit_code == 0
    for command in ANALYSES:
        result = run(command, tmp_path / "shop", "--dates", "dmy")
        assert result.exit_code == 2
        assert "need a FILE" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("source", ["generated", "CDNOW"])
def test_a_file_needs_only_customer_date_and_amount(run: Run, plain: Path, tmp_path: Path, source: str) -> None:
    path = plain if source == "generated" else cdnow(tmp_path / "cdnow.csv")
    with path.open(encoding="utf-8") as file:
        sold = [(row["customer_id"], float(row["amount"])) for row in csv.DictReader(file)]
    segments = rows(run, "segment", path)
    assert sum(int(each["customers"]) for each in segments) == len({who for who, _ in sold})
    assert sum(float(each["revenue"]) for each in segments) == pytest.approx(sum(amount for _, amount in sold))
    warned = rows(run, "churn-warn", path, "--model", "rule", "--all")
    assert {each["customer_id"] for each in warned} == {who for who, _ in sold}
    report = rows(run, "loyalty-report", path, "--period", "60mo", "--min-group-size", "1")
    [revenue] = [float(each["value"]) for each in report if each["metric"] == "revenue" and not each["slice"]]
    assert revenue == pytest.approx(sum(amount for _, amount in sold))


def cdnow(path: Path) -> Path:
    """CDNOW as ``customer_id,date,amount``."""
    source = DATA / "transactions" / "CDNOW_master.txt"
    if not source.exists():
        pytest.skip(f"{source} is absent; CKM_SHARED names the folder of real data")
    lines = [line.split() for line in source.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]
    kept = [f"{who},{day[:4]}-{day[4:6]}-{day[6:]},{dollars}" for who, day, _, dollars in lines]
    path.write_text("\n".join(["customer_id,date,amount", *kept]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def visits(plain: Path) -> Path:
    """The purchases without their amounts."""
    path = plain.with_name("visits.csv")
    lines = plain.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("by", ["rfm", "lifecycle"])
def test_segments_without_amounts_differ_only_in_the_columns_of_money(
    run: Run, plain: Path, visits: Path, by: str
) -> None:
    found, expected = (rows(run, "segment", path, "--customers", "--by", by) for path in (visits, plain))
    of_time = ("customer_id", "recency_days", "frequency")
    assert [[each[name] for name in of_time] for each in found] == [
        [each[name] for name in of_time] for each in expected
    ]
    assert {each[name] for each in found for name in ("monetary", "currency")} == {""}
    if by == "lifecycle":
        assert [each["segment"] for each in found] == [each["segment"] for each in expected]
    result = run("segment", visits, "--by", by, "-f", "table")
    assert "XXX" not in result.output
    assert "revenue" not in result.stdout
    assert "amounts not known" in result.stderr


def test_without_amounts_warnings_have_the_same_probabilities_and_no_money(run: Run, plain: Path, visits: Path) -> None:
    words = ("churn-warn", "--model", "rule", "--all")
    found, expected = (
        {each["customer_id"]: each for each in rows(run, *words[:1], path, *words[1:])} for path in (visits, plain)
    )
    assert {who: each["p_churn"] for who, each in found.items()} == {
        who: each["p_churn"] for who, each in expected.items()
    }
    of_money = ("value_at_risk", "expected_gain", "last_order_value", "currency")
    assert {each[name] for each in found.values() for name in of_money} == {""}
    for form in ("table", "md"):
        result = run("churn-warn", visits, "--model", "rule", "-f", form)
        assert result.exit_code == 0
        assert "XXX" not in result.output
        assert "at risk |" not in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("loyalty-report",),
        ("segment", "--by", "value"),
        ("segment", "--monetary", "mean"),
        ("churn-warn", "--model", "rule", "--profit-curve"),
    ],
    ids=" ".join,
)
def test_methods_that_need_amounts_say_so(run: Run, visits: Path, words: tuple[str, ...]) -> None:
    result = run(words[0], visits, *words[1:])
    assert result.exit_code == 4
    assert result.stdout == ""
    assert "need amounts" in result.stderr
    assert "--column net=COLUMN" in result.stderr


def test_returns_without_amounts_are_not_purchases(run: Run, tmp_path: Path) -> None:
    lines = [f"C{number},2025-01-{number + 1:02},{kind}" for number, kind in enumerate(["sale"] * 9 + ["return"])]
    (path := tmp_path / "a.csv").write_text("\n".join(["customer_id,date,type", *lines]))
    assert len(rows(run, "segment", path, "--customers")) == 9


def test_a_labelled_table_is_read_with_the_format_options_and_without_a_mapping(run: Run, tmp_path: Path) -> None:
    rows = [f"K{number:03};{number % 7},5;{'ja' if number % 3 == 0 else 'nein'}" for number in range(300)]
    path = tmp_path / "telco.csv"
    path.write_bytes("\r\n".join(["Export für Müller", "id;wért;weg", *rows]).encode("cp1252"))
    words = ("churn-warn", path, "--label", "weg", "--positive", "ja", "--id", "id", "-f", "csv")
    read = ("--encoding", "cp1252", "--delimiter", ";", "--header", "2")
    found = list(csv.DictReader(io.StringIO(run(*words, *read).stdout)))
    assert {each["id"] for each in found} == {f"K{number:03}" for number in range(300)}
    refused = run(*words, *read, "--column", "net=wért")
    assert refused.exit_code == 2
    assert "not mapped" in refused.stderr
