"""``ckm audience``, ``ckm outcome`` and ``ckm kb-used``: printed text, files and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckm._audience.export_files import TARGETS
from ckm._kb.usage_log import FILE, read_uses
from tests._outcome.shop import STARTED, make_shop
from tests.conftest import Run

pytestmark = pytest.mark.slow
NEW = ("audience", "new", "may", "--as-of", STARTED)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "shop")


def made(run: Run, shop: Path, *options: str) -> None:
    done = run(*NEW, "--from", str(shop / "list.csv"), "-C", shop, "-f", "table", *options)
    assert done.exit_code == 0, done.stderr


def test_a_new_audience_prints_its_arms_and_its_power(run: Run, shop: Path) -> None:
    done = run(*NEW, "--from", str(shop / "list.csv"), "-C", shop, "-f", "table", "-v")
    assert done.exit_code == 0
    assert "treated" in done.stdout
    assert "only effects of at least" in done.stderr
    assert "open_complaint 1" in done.stderr


def test_a_dry_run_writes_no_audience_and_prints_the_members(run: Run, shop: Path) -> None:
    done = run(*NEW, "--from", str(shop / "list.csv"), "-C", shop, "--dry-run", "-f", "csv")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].startswith("customer_id,arm,stratum,why,entry")
    assert not (shop / "audiences").exists()


def test_the_contact_file_is_readable_by_its_owner_only(run: Run, shop: Path, tmp_path: Path) -> None:
    made(run, shop)
    path = tmp_path / "meta.csv"
    done = run("audience", "export", "may", "--to", "meta", "-o", path, "-C", shop)
    assert done.exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().splitlines()[0] == "email,phone,fn,ln,country"
    assert "@" not in path.read_text()


def test_a_changed_file_exits_with_6_and_too_few_buyers_exit_with_4(run: Run, shop: Path) -> None:
    made(run, shop)
    few = run("outcome", "record", "may", "-C", shop)
    assert few.exit_code == 4
    assert "10 are needed" in few.stderr
    path = shop / "audiences" / "may" / "assignment.json"
    path.write_text(path.read_text().replace('"order"', '"churn"'))
    assert run("audience", "show", "may", "-C", shop).exit_code == 6
    assert run("outcome", "record", "may", "-C", shop).exit_code == 6


def test_the_json_error_of_a_refused_outcome_has_no_customer_ids(run: Run, shop: Path) -> None:
    made(run, shop)
    done = run("outcome", "record", "may", "-C", shop, "-f", "json")
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert (error["code"], error["needed"]) == ("not-enough-data", 10)
    assert "c0" not in done.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("audience", "make", "x"), "unknown action"),
        (("audience", "new", "x"), "new needs --from"),
        (("audience", "show", "may", "--from", "churn-warn"), "does not go with show"),
        (("audience", "export", "may", "--to", "klavyo"), "did you mean 'klaviyo'?"),
        (("audience", "show", "june"), "unknown audience 'june'"),
        (("outcome", "publish"), "one name of an audience"),
        (("outcome", "publish", "may", "--dry-run"), "go with record"),
    ],
)
def test_invalid_arguments_exit_with_a_hint(run: Run, shop: Path, words: tuple[str, ...], hint: str) -> None:
    made(run, shop)
    done = run(*words, "-C", shop)
    assert done.exit_code == 2
    assert hint in done.stderr


def test_uses_of_an_entry_are_counted(run: Run, shop: Path) -> None:
    for options, said in (
        (("--helpful", "yes"), "used 1 time, "),
        (("--helpful", "no"), "used 2 times, "),
        ((), "3 times"),
    ):
        done = run("kb-used", "call-back", *options, "-C", shop)
        assert done.exit_code == 0
        assert said in done.stderr
    log = read_uses(shop / "out" / FILE)
    assert log.counts("call-back") == (3, 1, 1)
    assert (shop / "out" / FILE).stat().st_mode & 0o777 == 0o600
    done = run("kb-used", "call-bak", "-C", shop)
    assert done.exit_code == 2
    assert "did you mean 'call-back'?" in done.stderr


def test_a_broken_line_of_the_usage_log_is_counted(run: Run, shop: Path) -> None:
    run("kb-used", "call-back", "-C", shop)
    with (shop / "out" / FILE).open("a") as file:
        file.write('{"at": "soon"}\nnot json\n')
    log = read_uses(shop / "out" / FILE)
    assert (len(log.uses), log.broken) == (1, 2)


@pytest.mark.parametrize(
    "words",
    [
        ("new", "x", "--from", "list.csv", "--to", "klaviyo"),
        ("show", "x", "--budget", "5"),
        ("list", "--dry-run"),
        ("export", "x", "--window", "60"),
    ],
)
def test_an_option_of_another_action_is_refused(run: Run, shop: Path, words: tuple[str, ...]) -> None:
    done = run("audience", *words, "-C", shop)
    assert done.exit_code == 2
    assert f"does not go with {words[0]}" in done.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_meta_of_an_export_defines_each_column_and_has_no_contacts(
    run: Run, shop: Path, tmp_path: Path, target: str
) -> None:
    assert run(*NEW, "--from", str(shop / "list.csv"), "-C", shop).exit_code == 0
    contacts, path = tmp_path / "contacts.csv", tmp_path / "meta.json"
    done = run("audience", "export", "may", "--to", target, "-o", contacts, "-C", shop, "--meta", path)
    assert done.exit_code == 0, done.stderr
    facts = json.loads(path.read_text())
    [header, *rows] = contacts.read_text().splitlines()
    assert list(facts["columns"]) == header.split(",")
    assert all(facts["columns"].values())
    assert facts["parameters"] == {"action": "export", "name": "may", "to": target}
    assert facts["as_of"] == json.loads((shop / "audiences" / "may" / "assignment.json").read_text())["assigned_on"]
    email = rows[0].split(",")[header.split(",").index("email")] if target == "csv" else rows[0].split(",")[0]
    assert email not in path.read_text()


def test_meta_describes_the_columns_of_audience_and_outcome(run: Run, tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", {f"c{number:04d}" for number in range(0, 600, 4)})
    for number, words in enumerate(
        ((*NEW, "--from", str(shop / "list.csv"), "--entry", "call-back"), ("audience", "show", "may"),
         ("audience", "list"), ("outcome", "record", "may"), ("outcome", "publish", "may"))
    ):  # fmt: skip
        path = tmp_path / f"{number}.json"
        done = run(*words, "-C", shop, "--meta", path)
        assert done.exit_code == 0, done.stderr
        facts = json.loads(path.read_text())
        assert facts["command"] == words[0]
        assert set(done.stdout.splitlines()[0].split(",")) <= set(facts["columns"])
        assert str(tmp_path) not in path.read_text()
