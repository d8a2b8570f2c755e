"""``ckm evaluate``: sections on the screen, CSV and JSON, HTML pages in six languages, and exit codes."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from ckm._evaluate.result import COLUMNS
from ckm.names import LANGUAGES
from tests._evaluate.shop import AS_OF, make_shop
from tests.conftest import Run

DAY = ("--as-of", AS_OF.isoformat())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shop(tmp_path_factory.mktemp("evaluate") / "shop")


def test_the_screen_has_all_sections_and_the_metrics_without_a_value(shop: Path, run: Run) -> None:
    done = run("evaluate", shop, *DAY, "-f", "table")
    assert done.exit_code == 0
    for title in ("return", "efficiency", "service", "coverage", "what cannot be said"):
        assert f"\n{title}\n" in f"\n{done.stdout}"
    assert "net_return" in done.stdout
    assert done.stdout.startswith("2026-04-01 to 2026-06-30, compared with 2026-01-01 to 2026-03-31\n")
    assert "\nwhat is left out\n" in done.stdout


def test_csv_and_json_have_every_row(shop: Path, run: Run) -> None:
    rows = list(csv.DictReader(StringIO(run("evaluate", shop, *DAY, "-f", "csv").stdout)))
    whole = json.loads(run("evaluate", shop, *DAY, "-f", "json").stdout)
    assert list(rows[0]) == list(COLUMNS)
    assert [(each["metric"], each["of"]) for each in rows] == [
        (each["metric"], each["of"]) for each in whole["metrics"]
    ]
    assert whole["period"] == {"first": "2026-04-01", "last": "2026-06-30"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_html_page_is_written_in_each_language(shop: Path, run: Run, tmp_path: Path, lang: str) -> None:
    path = tmp_path / "page.html"
    assert run("evaluate", shop, *DAY, "--lang", lang, "-o", path).exit_code == 0
    page = path.read_text(encoding="utf-8")
    assert f'<html lang="{lang}" dir="{"rtl" if lang == "fa" else "ltr"}">' in page
    assert "<script" not in page
    assert "{" not in page.partition("<body>")[2]


def test_the_option_period_sets_the_length_of_both_periods(shop: Path, run: Run) -> None:
    whole = json.loads(run("evaluate", shop, *DAY, "--period", "1mo", "-f", "json").stdout)
    assert whole["period"] == {"first": "2026-06-01", "last": "2026-06-30"}
    assert whole["compared"] == {"first": "2026-05-01", "last": "2026-05-31"}


def test_the_option_meta_writes_the_facts_of_the_run(shop: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "meta.json"
    assert run("evaluate", shop, *DAY, "-f", "csv", "--meta", path).exit_code == 0
    facts = json.loads(path.read_bytes())
    assert (facts["command"], facts["as_of"]) == ("evaluate", AS_OF.isoformat())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--period", "5"), 2),
        (("-o", "page.pdf"), 2),
        (("-o", "page.html", "-f", "csv"), 2),
        (("--lang", "xx"), 2),
    ],
)
def test_invalid_arguments_have_their_exit_code(shop: Path, run: Run, words: tuple[str, ...], code: int) -> None:
    assert run("evaluate", shop, *DAY, *words).exit_code == code


def test_a_changed_assignment_is_refused(tmp_path: Path, run: Run) -> None:
    root = make_shop(tmp_path / "shop", git=False)
    path = root / "audiences" / "spring" / "assignment.json"
    path.write_text(path.read_text(encoding="utf-8").replace("voucher", "nothing"), encoding="utf-8")
    assert run("evaluate", root, *DAY).exit_code == 6


@pytest.mark.slow
def test_verify_reproduces_the_page_byte_for_byte_and_names_a_changed_log(tmp_path: Path, run: Run) -> None:
    root = make_shop(tmp_path / "shop")
    assert run("evaluate", *DAY, "-o", root / "out" / "page.html", "-C", root).exit_code == 0
    [made] = [path.stem for path in (root / "runs").glob("*.json")]
    assert run("runs", "verify", made, "-C", root).exit_code == 0
    with (root / "out" / "kb-queries.ndjson").open("a", encoding="utf-8") as file:
        file.write('{"at": "2026-06-29T08:15:00+00:00", "role": null, "hits": 2}\n')
    done = run("runs", "verify", made, "-C", root)
    assert done.exit_code == 6
    assert "out/kb-queries.ndjson" in done.output


def test_data_and_a_workspace_contradict_each_other(shop: Path, run: Run) -> None:
    done = run("evaluate", shop, "--workspace", shop)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "DATA and --workspace contradict each other" in done.stderr


def test_data_take_precedence_over_the_workspace_of_the_environment(
    shop: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKM_WORKSPACE", str(tmp_path))
    assert run("evaluate", shop, *DAY, "-f", "json").exit_code == 0
    assert run("evaluate", "-f", "json").exit_code == 2
