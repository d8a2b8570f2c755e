"""Names with markup, escape sequences and invalid characters are escaped by every command in every format."""

from __future__ import annotations

import io
import json
import random
import zipfile
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from tests.conftest import Run
from tests.markup import BAD, ODD, markup_in
from tests.render.reading import read

pytestmark = pytest.mark.usefixtures("coarse")
FORMATS = ("table", "csv", "json", "ndjson", "md")
HALF = "half \ud83d of an emoji"
END = date(2025, 12, 31)


@pytest.fixture(scope="module")
def odd_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with orders of 110 customers with hostile ids, channels and categories."""
    names, dice, rows = (*ODD, HALF), random.Random(1), []
    for number in range(110):
        name = f"{names[number % len(names)]} {number // len(names)}"
        day = END - timedelta(700 - number)
        while day <= END - timedelta(number % 3 * 100):
            rows.append({
                "order_id": f"{name}/{day}", "customer_id": name, "ordered_at": str(day), "net": dice.randint(5, 90),
                "channel": names[number % 5 * 4 + 1], "category": names[number % len(names)], "currency": "EUR",
            })  # fmt: skip
            day += timedelta(dice.randint(20, 60))
    path = tmp_path_factory.mktemp("odd") / "![r](http:x)<b>\x1b[31m\u202e.ndjson"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="ascii")
    return path


def assert_plain(data: bytes, suffix: str) -> None:
    """Assert that a text has no control characters and no markup of names, and that a machine format can be parsed."""
    match suffix:
        case ".xlsx":
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                for name in packed.namelist():
                    if name.endswith((".xml", ".rels")):
                        text = packed.read(name).decode()
                        assert not BAD.search(text), name
                        assert "<f>" not in text, name
                        ElementTree.fromstring(text)
        case ".sheet":  # a list keeps every text whole; what XML cannot hold is written out
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                for name in packed.namelist():
                    ElementTree.fromstring(packed.read(name))
        case ".parquet":
            assert pq.read_table(io.BytesIO(data)).num_rows
        case ".html":
            text = data.decode()
            assert not BAD.search(text)
            assert {each.tag for each in read(text).all()}.isdisjoint({"script", "img", "b", "image"})
            assert "javascript:" not in [each.attributes.get("href", "")[:11] for each in read(text).all("a")]
        case ".md":
            text = data.decode()
            assert not BAD.search(text)
            assert not markup_in(text)
        case ".json":
            json.loads(data)
        case ".xml":
            assert not BAD.search(data.decode())
            ElementTree.fromstring(data)
        case ".ndjson":
            assert [json.loads(line) for line in data.decode().split("\n")[:-1]]
        case ".table":
            assert not BAD.search(data.decode())
        case _:
            assert data.decode()


LOYALTY = ("loyalty-report", "--by", "category", "--min-group-size", "1")


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
@pytest.mark.parametrize("suffix", [".html", ".md", ".xlsx", pytest.param(".parquet", marks=pytest.mark.slow)])
def test_a_loyalty_report_with_hostile_names_is_written_and_escaped(
    suffix: str, tmp_path: Path, run: Run, odd_file: Path
) -> None:
    path = tmp_path / f"r{suffix}"
    done = run(*LOYALTY, odd_file, "-o", path)
    assert done.exit_code == 0, done.stderr
    assert_plain(path.read_bytes(), suffix)
    assert not BAD.search(done.stderr)


COMMANDS = (
    ("inspect",),
    ("segment",),
    ("segment", "--customers"),
    ("segment", "--by", "lifecycle"),
    ("check",),
    ("churn-warn", "--model", "rule", "--all"),
    pytest.param(LOYALTY, marks=pytest.mark.slow),
)


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words))
def test_no_name_acts_as_markup_or_control_on_a_screen_in_a_mail_or_in_a_message(
    words: tuple[str, ...], run: Run, odd_file: Path
) -> None:
    for fmt in FORMATS:
        done = run(*words, odd_file, "-f", fmt)
        assert done.exit_code == 0, done.stderr
        assert_plain(done.stdout_bytes, f".{fmt}")
        assert not BAD.search(done.stderr), fmt


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
@pytest.mark.parametrize("suffix", [".xlsx", ".md", ".parquet", ".ndjson"])
def test_a_list_with_hostile_names_is_a_valid_file(suffix: str, tmp_path: Path, run: Run, odd_file: Path) -> None:
    for words in (["segment"], ["churn-warn", "--model", "rule", "--all"], ["check"]):
        path = tmp_path / f"{words[0]}{suffix}"
        done = run(*words, odd_file, "-o", path)
        assert done.exit_code == 0, done.stderr
        assert_plain(path.read_bytes(), ".sheet" if suffix == ".xlsx" else suffix)


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
def test_findings_and_model_cards_with_hostile_names_can_be_parsed(tmp_path: Path, run: Run, odd_file: Path) -> None:
    done = run("check", odd_file, "-f", "junit")
    assert_plain(done.stdout_bytes, ".xml")
    for suffix in (".html", ".md"):
        path = tmp_path / f"card{suffix}"
        done = run("churn-warn", odd_file, "--model", "rule", "--backtest", "-o", path)
        assert done.exit_code == 0, done.stderr
        assert_plain(path.read_bytes(), suffix)


@pytest.mark.slow
def test_an_error_about_a_hostile_name_is_one_escaped_line(run: Run, odd_file: Path) -> None:
    for fmt in ("table", "json"):
        done = run("loyalty-report", odd_file, "--by", "\x1b[31m\u202e\ud83d", "-f", fmt)
        assert done.exit_code == 2
        assert not BAD.search(done.stderr)
    assert json.loads(done.stderr.splitlines()[-1])["error"]


ENTRY = """\
schema: ckm.kb/1
id: odd-{number}
kind: for
title: {title}
issue: {title}
resolution: {title}
facet: policy
topics: [{title}]
origin: {{kind: experience, mode: human}}
state: {{confidence: validated, by: {title}}}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a knowledge base of entries with hostile names, each with a word that finds it."""
    folder = tmp_path_factory.mktemp("kb")
    for number, name in enumerate((*ODD, HALF)):
        text = ENTRY.format(number=number, title=json.dumps(f"parcel {name} {number}"))
        (folder / f"odd-{number}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("fmt", FORMATS)
def test_hits_and_findings_of_a_knowledge_base_are_escaped(fmt: str, run: Run, base: Path) -> None:
    for words in (
        ["kb-search", "--include-inactive", "parcel"],
        ["kb-search", "--include-inactive", "--explain", "parcel"],
        ["kb-lint"],
    ):
        done = run(*words, "--kb", base, "--as-of", "2026-01-01", "-f", fmt)
        assert done.exit_code == 0, done.stderr
        assert done.stdout.count("odd-") > 5, words
        assert_plain(done.stdout_bytes, f".{fmt}")
        assert not BAD.search(done.stderr), words


def test_junit_and_sarif_of_a_hostile_knowledge_base_are_valid(run: Run, base: Path) -> None:
    assert_plain(run("kb-lint", "--kb", base, "--as-of", "2026-01-01", "-f", "junit").stdout_bytes, ".xml")
    assert_plain(run("kb-lint", "--kb", base, "--as-of", "2026-01-01", "-f", "sarif").stdout_bytes, ".json")


def test_an_entry_is_shown_escaped(run: Run, base: Path) -> None:
    for number in range(len(ODD)):
        done = run("kb-show", f"odd-{number}", "--kb", base, "--as-of", "2026-01-01")
        if done.exit_code == 0:  # one that cannot be read at all is a finding of kb-lint
            assert_plain(done.stdout_bytes, ".table")
        else:
            assert done.exit_code in (2, 3), done.stderr
        assert not BAD.search(done.stderr)
