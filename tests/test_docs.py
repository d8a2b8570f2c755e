"""The documentation equals what the program prints; its links and screens are complete."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import typer

from ckm.cli import app
from tests.conftest import ROOT

COMMANDS = sorted(typer.main.get_command(app).commands)
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    specification = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_command_reference_equals_the_help_texts(generate: ModuleType) -> None:
    written = generate.REFERENCE.read_text(encoding="utf-8")
    assert written == generate.reference(), "run: python docs/generate.py"


def test_the_table_of_features_equals_the_dictionary_of_the_program(generate: ModuleType) -> None:
    written = generate.FEATURES.read_text(encoding="utf-8")
    assert written == generate.dictionary(written), "run: python docs/generate.py"
    assert "| `recency_days` | Int64, days |" in written


def test_the_tables_of_entry_keys_and_lint_rules_equal_those_of_the_program(generate: ModuleType) -> None:
    for page, table in ((generate.ENTRY, generate.keys), (generate.LINT, generate.rules)):
        written = page.read_text(encoding="utf-8")
        assert written == table(written), "run: python docs/generate.py"
    assert "| **`state.confidence`** |" in generate.ENTRY.read_text(encoding="utf-8")
    assert "| `near-duplicate` | warning |" in generate.LINT.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"\n| `ckm {name}` |" in README


def test_a_screen_is_replaced_and_the_text_around_it_stays(
    generate: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*words: str, folder: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, 0, stdout="a table\n", stderr="")

    monkeypatch.setattr(generate, "call_ckm", answer)
    once = generate.screens("before\n<!-- screen: ckm segment -->\nafter\n", ROOT)
    assert once == "before\n<!-- screen: ckm segment -->\n```text\n$ ckm segment\na table\n```\nafter\n"
    assert generate.screens(once, ROOT) == once


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("**/*.md")), ids=lambda path: path.name)
def test_every_screen_marker_has_its_screen(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").split("\n")
    marks = [at for at, line in enumerate(lines) if line.startswith(("<!-- session:", "<!-- screen:"))]
    assert [lines[at] for at in marks if not lines[at + 1].startswith("```")] == []


def test_no_text_recommends_the_other_package_named_ckm() -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, check=False, cwd=ROOT, encoding="utf-8")
    texts = [ROOT / name for name in listed.stdout.splitlines() if not name.startswith("tests/")]
    wrong = re.compile(r"pip install ckm(?!-toolkit)\b")
    for path in {*PAGES, *texts}:
        assert not wrong.search(path.read_bytes().decode("utf-8", "replace")), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_has_a_target(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_that_a_file_names_by_its_path_exists() -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, check=False, cwd=ROOT, encoding="utf-8")
    for name in listed.stdout.splitlines():
        if name.endswith((".py", ".yaml", ".toml", ".md")) and (ROOT / name).exists():
            text = (ROOT / name).read_text(encoding="utf-8")
            for page in re.findall(r"(?<![\w/.-])docs/[\w/-]+\.md", text):
                assert (ROOT / page).exists(), (name, page)


def test_every_page_is_in_the_index_and_in_the_navigation_of_the_site() -> None:
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text(encoding="utf-8")
    navigation = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    for page in docs.glob("*/*.md"):
        name = page.relative_to(docs).as_posix()
        assert f"({name})" in index
        assert f'"{name}"' in navigation


def test_every_page_is_in_a_folder_by_its_kind() -> None:
    docs = ROOT / "docs"
    assert {page.parent.name for page in docs.glob("*/*.md")} == {"tutorial", "how-to", "reference", "explanation"}
    assert [page.name for page in docs.glob("*.md")] == ["index.md"]


def test_the_commands_that_install_ckm_for_users_and_for_developers_are_the_ones_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for page, command in ((README, "pip install . && ckm demo"), (contributing, 'pip install -e ".[dev]" && pytest')):
        assert f"\n{command}\n" in page
        assert command in ci


def test_the_readme_has_at_most_120_lines() -> None:
    assert len(README.splitlines()) <= 120


def test_each_language_has_a_picture_of_the_first_page_with_a_digest_and_a_page_that_shows_it(
    generate: ModuleType,
) -> None:
    shown = README + (ROOT / "docs" / "reference" / "loyalty-page.md").read_text(encoding="utf-8")
    for picture in generate.PICTURES.values():
        assert 10_000 < picture.stat().st_size < 200_000
        assert re.fullmatch("[0-9a-f]{64}", generate.digest_beside(picture))
        assert f"images/{picture.name}" in shown
