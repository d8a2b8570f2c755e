"""No report, page, workbook or list that nobody asked for by name holds an address, a name or the machine's folders."""

from __future__ import annotations

import getpass
import json
import platform
import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from ckm.cli import app
from ckm.pseudonym import PREFIX, shown_id
from tests import revealed
from tests.conftest import Run
from tests.revealed import CUSTOMERS, OWNER, SHAPES, found, ids, secrets

pytestmark = pytest.mark.usefixtures("coarse")
HOME = "xq7-home-of-somebody"
"""Stands in the path of everything here, as a user's name does."""
FORMATS = ("table", "csv", "json", "ndjson", "md")
SUFFIXES = (".html", ".md", ".xlsx", ".json", ".csv", ".ndjson", ".parquet")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose customers are called by their addresses, below somebody's home."""
    home = tmp_path_factory.mktemp("home") / HOME
    home.mkdir()
    runner, folder = CliRunner(), home / "shop"
    assert runner.invoke(app, ["init", str(folder)]).exit_code == 0
    for table in ("orders", "customers", "interactions"):
        path = home / f"{table}.csv"
        getattr(revealed, f"write_{table}")(path)
        kind = "transactions" if table == "orders" else table
        done = runner.invoke(app, ["ingest", "-C", str(folder), str(path), "--as", kind])
        assert done.exit_code == 0, done.stderr
    shutil.rmtree(folder / "incoming")
    return folder


@pytest.fixture(autouse=True)
def _at_home(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(shop.parent))
    monkeypatch.setenv("USER", HOME)
    monkeypatch.setenv("LOGNAME", HOME)


def hidden() -> list[str]:
    """What may stand nowhere: the customers' ids, names and addresses, and where and on which machine they lie."""
    machine = [HOME, "/tmp", str(Path.home()), platform.node(), getpass.getuser()]
    return [*secrets(), *(each for each in machine if len(each) > 4 or "/" in each)]


def assert_hidden(path: Path, data: bytes | None = None) -> None:
    content = path.read_bytes() if data is None else data
    assert content, path.name
    hits = found(content, hidden())
    assert not hits, f"{path.name} holds {len(hits)} of {hits[0]!r} and its like"  # all of them are made up


@pytest.mark.slow
def test_the_search_finds_an_id_in_every_format_in_which_it_may_stand(tmp_path: Path, run: Run, shop: Path) -> None:
    for suffix in (".csv", ".json", ".ndjson", ".md", ".xlsx", ".parquet", ".tsv"):
        path = tmp_path / f"customers{suffix}"
        done = run("segment", "-C", shop, "--dry-run", "-o", path, "-q")
        assert done.exit_code == 0, done.stderr
        hits = found(path.read_bytes(), secrets())
        for shape in SHAPES:  # a list that is asked for by name keeps ids of every shape
            assert any(shape.format(number) in hits for number in range(CUSTOMERS)), (suffix, shape)


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_loyalty_report_shows_no_address_and_no_folder(suffix: str, tmp_path: Path, run: Run, shop: Path) -> None:
    path = tmp_path / f"report{suffix}"
    done = run("loyalty-report", "-C", shop, "--by", "account_owner", "-o", path)
    assert done.exit_code == 0, done.stderr
    assert_hidden(path)
    if suffix in (".html", ".md"):  # the loyal customers are listed there, and the slices of their owners
        assert PREFIX in path.read_text(encoding="utf-8")
        assert shown_id(OWNER) in path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
@pytest.mark.parametrize("fmt", FORMATS)
def test_a_loyalty_report_on_the_screen_shows_none_either(fmt: str, run: Run, shop: Path) -> None:
    done = run("loyalty-report", "-C", shop, "--by", "account_owner", "-f", fmt)
    assert done.exit_code == 0, done.stderr
    assert_hidden(Path(fmt), done.stdout_bytes)


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
def test_names_and_ids_are_in_a_report_that_is_asked_for_them(tmp_path: Path, run: Run, shop: Path) -> None:
    path = tmp_path / "report.html"
    assert run("loyalty-report", "-C", shop, "--names", "-o", path).exit_code == 0
    hits = found(path.read_bytes(), secrets())
    assert "Quellmann" in hits
    assert set(ids()) & set(hits)
    assert not found(path.read_bytes(), [HOME, "/tmp"])


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
def test_an_export_keeps_the_ids_to_act_upon_and_no_folder(tmp_path: Path, run: Run, shop: Path) -> None:
    done = run("loyalty-report", "-C", shop, "--by", "account_owner", "--export", tmp_path / "lists", "-f", "json")
    assert done.exit_code == 0, done.stderr
    exported = pl.read_parquet(tmp_path / "lists" / "customers.parquet")["customer_id"]
    assert set(exported) <= set(ids())
    assert len(exported) > 100
    for path in (tmp_path / "lists").iterdir():
        assert not found(path.read_bytes(), [HOME, "/tmp", "Quellmann", "@example.net"]), path.name
        if path.name.startswith("dictionary"):
            assert_hidden(path)


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
@pytest.mark.parametrize("words", [["--all", "-f", "table"], ["--all", "-f", "md"], ["--profit-curve", "-f", "json"]])
def test_warnings_on_a_screen_and_in_a_mail_show_pseudonyms(words: list[str], run: Run, shop: Path) -> None:
    done = run("churn-warn", "-C", shop, "--model", "rule", "--dry-run", *words)
    assert done.exit_code == 0, done.stderr
    assert_hidden(Path(words[-1]), done.stdout_bytes)
    assert (PREFIX in done.stdout) == ("--all" in words)


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
def test_a_list_of_warnings_that_is_asked_for_keeps_the_ids(run: Run, shop: Path) -> None:
    done = run("churn-warn", "-C", shop, "--model", "rule", "--dry-run", "--all", "-f", "json")
    assert {row["customer_id"] for row in json.loads(done.stdout)} <= set(ids())


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
@pytest.mark.parametrize("suffix", [".html", ".md", ".json"])
def test_a_model_card_names_no_customer_and_no_folder(suffix: str, tmp_path: Path, run: Run, shop: Path) -> None:
    path = tmp_path / f"card{suffix}"
    done = run("churn-warn", "-C", shop, "--model", "rule", "--dry-run", "--backtest", "-o", path)
    assert done.exit_code == 0, done.stderr
    assert_hidden(path)


@pytest.mark.slow
@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("words", [["segment", "--dry-run"], ["segment", "--by", "lifecycle", "--dry-run"], ["check"]])
def test_summaries_and_findings_hold_no_customer_and_no_folder(
    words: list[str], fmt: str, run: Run, shop: Path
) -> None:
    done = run(words[0], "-C", shop, *words[1:], "-f", fmt)
    assert done.exit_code == 0, done.stderr
    assert_hidden(Path(fmt), done.stdout_bytes)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".xml"])
def test_findings_in_a_file_hold_none_either(suffix: str, tmp_path: Path, run: Run, shop: Path) -> None:
    path = tmp_path / f"findings{suffix}"
    done = run("check", "-C", shop, "-o", path, *(["-f", "junit"] if suffix == ".xml" else []))
    assert done.exit_code == 0, done.stderr
    assert_hidden(path)


@pytest.mark.slow
@pytest.mark.parametrize("fmt", FORMATS)
def test_file_profiles_and_load_results_contain_no_value(
    fmt: str, run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    for words in (["inspect", "orders.csv", "customers.csv"], ["ingest", "-C", "shop", "--history"]):
        done = run(*words, "-f", fmt)
        assert done.exit_code == 0, done.stderr
        assert not found(done.stdout_bytes, secrets())


@pytest.mark.slow
@pytest.mark.usefixtures("measured_once")
def test_what_came_of_a_path_of_the_machine_is_called_by_its_last_name(tmp_path: Path, run: Run, shop: Path) -> None:
    for suffix in (".html", ".xlsx"):
        path = tmp_path / f"report{suffix}"
        done = run("loyalty-report", shop.parent / "orders.csv", "--period", "3mo", "-o", path)
        assert done.exit_code == 0, done.stderr
        assert_hidden(path)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_an_address_has_one_pseudonym(shape: str) -> None:
    one = shown_id(shape.format(1))
    assert one.startswith(PREFIX)
    assert one == shown_id(shape.format(1))
    assert one != shown_id(shape.format(2))


@pytest.mark.parametrize("plain", ["C00042", "12345", "2025-12-31", "AB-1234-X", "000012345678", "กข123", "o'neil", ""])
def test_an_id_that_is_no_address_stays_as_it_is(plain: str) -> None:
    assert shown_id(plain) == plain
