"""Banned phrases (``tests/language.yaml``) occur nowhere in code, help, data and docs."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PHRASES = yaml.safe_load((ROOT / "tests" / "language.yaml").read_text(encoding="utf-8"))["phrases"]
FOLDERS = {
    "ckm": (".py", ".pyi", ".yaml", ".j2"),
    "docs": (".md", ".py"),
    "bench": (".py",),
    "examples": (".md", ".py"),
}
OTHER_LANGUAGES = re.compile(r"data/report/(?!en\.yaml)|data/example/|data/platforms/")
"""Data in other languages, entries of the example shop, and column names of other systems."""


def texts() -> list[Path]:
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for folder, suffixes in FOLDERS.items():
        found += [path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in suffixes]
    return [path for path in found if not OTHER_LANGUAGES.search(path.as_posix())]


@pytest.mark.parametrize("rule", PHRASES, ids=[rule["phrase"] for rule in PHRASES])
def test_a_banned_phrase_is_nowhere(rule: dict[str, str]) -> None:
    phrase = re.compile(rf"(?<![\w-])(?:{rule['phrase']})(?![\w-])", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if phrase.search(line)
    ]
    assert not found, f"write {rule['instead']!r}"
