"""``-q -o FILE`` prints nothing when all is well: cron mails what a command prints."""

from __future__ import annotations

import random
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench.link_people import six_script_shop
from ckm.cli import app
from ckm.workspace import lay_out
from tests.conftest import ROOT, Run

pytestmark = pytest.mark.usefixtures("coarse", "measured_once")
HEADER = "order_id,customer_id,ordered_at,net,currency,type,category"
DAY = ("--as-of", "2026-06-30")
CASES = {
    "mcp": (("--list", "-o", "out/tools.csv"),),
    "inspect": (("orders.csv", "-o", "out/clean.csv"),),
    "diff": (
        ("orders.csv", "orders.csv", "-o", "out/diff.csv"),
        ("orders.csv", "orders.csv", "--rows", "-o", "out/d.md"),
    ),
    "ingest": (("orders.csv", "--as", "transactions", "-o", "out/loads.json"), ("--history", "-o", "out/history.csv")),
    "check": (("-o", "out/check.csv"), ("-o", "out/check.xml"), ("--verify", "-o", "out/files.csv")),
    "segment": (
        ("-o", "out/customers.csv"),
        ("-o", "out/customers.csv", "-f", "json"),
        ("--by", "lifecycle", "-o", "out/lifecycle.parquet"),
        ("--features", "-o", "out/features.md"),
        ("--show-rules", "-o", "out/rules.yaml"),
    ),
    "churn-warn": (
        ("--model", "rule", "-o", "out/warnings.csv"),
        ("--model", "rule", "-o", "out/warnings.csv", "-f", "md"),
        ("--model", "rule", "-o", "out/warnings.csv", "-f", "json"),
        ("--model", "rule", "--new-only", "-o", "out/new.csv"),
        ("--model", "rule", "--profit-curve", "-o", "out/curve.csv"),
        ("--model", "rule", "--backtest", "-o", "out/card.html"),
    ),
    "loyalty-report": (
        ("-o", "out/report.html"),
        ("-o", "out/report.xlsx"),
        ("-o", "out/report.csv", "-f", "csv"),
        ("-o", "out/report.md", "--export", "out/lists"),
        ("--explain", "gini", "-o", "out/gini.json"),
    ),
    "forecast": (
        ("--by", "category", "-o", "out/demand.csv"),
        ("--methods", "--by", "category", "-o", "out/methods.md"),
    ),
    "needs": (("--next-items", "-o", "out/next.csv"),),
    "link": (("contacts.csv", "-o", "out/persons.csv"),),
    "profile": (("C0001", "-o", "out/profile.html"), ("C0001", "-o", "out/profile.json")),
    "feedback-mine": (
        ("--encoder", "none", "--learn", "--drafts", "-o", "out/feedback.html"),
        ("--encoder", "none", "--by", "product", "-o", "out/feedback.csv"),
    ),
    "privacy": (("export", "C0007", "-o", "out/C0007.json"), ("erase", "C0007", "-o", "out/receipt.csv")),
    "network": (("-o", "out/network.html"), ("-o", "out/findings.csv"), ("--show", "groups", "-o", "out/groups.xlsx")),
    "evaluate": (("-o", "out/evaluate.html"), ("-o", "out/evaluate.csv"), ("-o", "out/evaluate.json")),
    "audience": (
        ("new", "lost", "--from", "segment=lifecycle:lapsed", "-o", "out/lost.csv"),
        ("list", "-o", "out/audiences.csv"),
        ("show", "spring", "-o", "out/spring.json"),
        ("export", "spring", "-o", "out/contacts.csv"),
    ),
    "outcome": (("record", "spring", "-o", "out/outcome.csv"),),
    "nightly": (("-o", "out/nightly.csv"),),
    "runs": (("list", "-o", "out/runs.csv"),),
    "kb-search": (
        ("parcel", "-o", "out/hits.json", *DAY),
        ("parcel", "-o", "out/hits.md", *DAY),
        ("--suite", "kb-suite.yaml", "-o", "out/suite.csv", *DAY),
    ),
    "kb-show": (
        ("delivery-late", "-o", "out/entry.txt", *DAY),
        ("delivery-late", "-f", "json", "-o", "out/e.json", *DAY),
    ),
    "kb-lint": (("-o", "out/lint.csv", *DAY), ("-o", "out/kb.sarif", *DAY), ("--rules", "-o", "out/rules.csv")),
    "kb-gaps": (("-o", "out/gaps.csv", *DAY),),
}
"""Calls of every command that has ``-o``, in a workspace with orders and knowledge entries."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quiet") / "shop"
    lay_out(folder)
    shutil.copytree(ROOT / "examples" / "shop" / "kb", folder / "kb", dirs_exist_ok=True)
    shutil.copy(ROOT / "examples" / "shop" / "kb-suite.yaml", folder)
    people = ["cus_1,Ann,Lee,ann@example.com", "a@x,Ann,Lee,ann@example.com", "cus_2,Ben,Moser,ben@example.com"]
    contacts = ["customer_id,first_name,surname,email", *people]
    (folder / "contacts.csv").write_text("\n".join(contacts) + "\n", encoding="utf-8")
    dice, rows = random.Random(2), [HEADER]
    for number in range(120):
        day, gap = date(2024, 1, 1) + timedelta(days=dice.randrange(300)), dice.uniform(10, 60)
        stop = day + timedelta(days=dice.randrange(1, 700))
        while day <= min(stop, date(2025, 12, 31)):
            rows.append(f"O{len(rows)},C{number:04},{day}T12:00:00Z,20.0,EUR,sale,{len(rows) % 3}")
            day += timedelta(days=1 + int(gap * dice.uniform(0.5, 1.6)))
    (folder / "orders.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    six_script_shop(80).drop("person").write_csv(folder / "contacts.csv")
    relations = ["customer_id,relation,related_id", *(f"C{number:04},buys through,C0001" for number in range(2, 9))]
    (folder / "relations.csv").write_text("\n".join(relations) + "\n", encoding="utf-8")
    for name, table in (("orders", "transactions"), ("relations", "relationships")):
        done = CliRunner().invoke(app, ["ingest", str(folder / f"{name}.csv"), "--as", table, "-C", str(folder)])
        assert done.exit_code == 0, done.stderr
    (folder / "buyers.csv").write_text("\n".join(["customer_id", *(f"C{each:04}" for each in range(120))]) + "\n")
    spring = ("--from", str(folder / "buyers.csv"), "--metric", "net", "--as-of", "2025-03-31", "--holdout", "0.5")
    done = CliRunner().invoke(app, ["audience", "new", "spring", *spring, "-C", str(folder)])
    assert done.exit_code == 0, done.stderr
    said = ["interaction_id,customer_id,at,text"]
    said += [f"I{number},C{number:04},2025-12-{1 + number % 28:02},the parcel was late again" for number in range(60)]
    (folder / "said.csv").write_text("\n".join(said) + "\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["ingest", str(folder / "said.csv"), "--as", "interactions", "-C", str(folder)])
    assert done.exit_code == 0, done.stderr
    return folder


def test_the_cases_cover_every_command_with_an_output_file() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    with_output = {name for name, each in commands.items() if any("-o" in option.opts for option in each.params)}
    assert with_output == set(CASES)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "words"), [(name, each) for name, cases in CASES.items() for each in cases])
def test_q_with_o_prints_nothing(
    made: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str, words: tuple[str, ...]
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(made, shop)
    monkeypatch.chdir(shop)
    done = run(command, *words, "-q")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert (shop / words[words.index("-o") + 1]).stat().st_size


@pytest.mark.slow
def test_q_without_a_file_prints_the_result(made: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    done = run("check", "-q", "-f", "csv")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("severity,")
