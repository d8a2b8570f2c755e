"""An entry whose title is not text in YAML does not make other entries unfindable."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Run

ENTRY = """schema: ckm.kb/1
id: {id}
kind: for
title: {title}
issue: The parcel is late
links: {{related: [good]}}
state: {{confidence: validated}}
review: {{owner: x, interval_days: 365, last: 2026-06-02}}
"""
TITLES = [
    "#1 parcel is late",
    "",
    "~",
    "2026-01-01",
    "no",
    "1.0",
    "{en: {de: x}}",
    '"\\u202eetal"',
    "[]",
    '""',
    "{fr: }",
]


@pytest.mark.parametrize("title", TITLES)
def test_an_entry_with_an_invalid_title_breaks_no_command(title: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "kb").mkdir()
    (tmp_path / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    good = ENTRY.format(id="good", title="Late parcel").replace("[good]", "[bad]")
    bad = ENTRY.format(id="bad", title=title)
    (tmp_path / "kb" / "a.yaml").write_text(f"{good}---\n{bad}", encoding="utf-8")
    for shape in ("json", "csv", "md", "table", "ndjson"):
        found = run("kb-search", "late parcel", "--include-inactive", "-C", tmp_path, "-f", shape)
        assert found.exit_code == 0, found.stderr
        assert "good" in found.stdout
    for words in (("kb-search", "parcel", "--lang", "de"), ("kb-show", "good", "--related"), ("kb-show", "bad")):
        assert run(*words, "-C", tmp_path).exit_code in {0, 2}, words
    assert run("kb-show", "good", "--related", "-C", tmp_path).exit_code == 0
