"""``ckm kb-show``: a page for readers, all fields as JSON, and no escape sequences."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests._kb.bases import full, write
from tests.conftest import ROOT, Run

DAY = ("--as-of", "2026-06-30")
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
EVIL = '"\\e]0;pwned\\a\\e[31mred\\u009b2J"'


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    texts = "{en: Parcel is late, de: Paket ist spät, th: พัสดุล่าช้า}"
    more = "links: {supersedes: [old], related: [near, gone]}\nmood: good\naliases: {de: [Sendung]}"
    write(tmp_path, full("new", title=texts, issue=texts, more=more), full("old", 1), full("near", 2))
    return tmp_path


def test_a_page_shows_texts_state_and_linked_entries(run: Run, kb: Path) -> None:
    result = run("kb-show", "new", "--kb", kb, *DAY)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "Parcel is late",
        "  new · for · validated · valid until 2026-12-31 · review due 2026-10-29 · as of 2026-06-30",
        "  in en, also in de, th",
    ]
    for line in (
        "  [th] พัสดุล่าช้า",
        "  churn reasons: late_delivery",
        "  aliases [de]: Sendung",
        "  collected: question by anna on 2026-05-01",
        "  old: A pair of shoes (old) (validated)",
        "  gone: does not exist",
        "  mood: good",
        "  entries.yaml:18: unknown key 'mood'",
    ):
        assert line in lines, (line, lines)


def test_texts_are_in_the_preferred_language(run: Run, kb: Path) -> None:
    text = run("kb-show", "new", "--kb", kb, *DAY, "--prefer-lang", "de-AT").stdout
    assert text.startswith("Paket ist spät\n")
    assert "พัสดุ" not in text.partition("Issue")[2].partition("Resolution")[0]


def test_superseding_and_expired_entries_are_reported(run: Run, kb: Path) -> None:
    text = run("kb-show", "old", "--kb", kb, "--as-of", "2027-01-01").stdout
    assert "expired on 2026-12-31 · review overdue since 2026-10-29" in text
    assert "Superseded by\n  new: Parcel is late (validated)" in text


def test_json_has_all_fields(run: Run, kb: Path, tmp_path: Path) -> None:
    fields = json.loads(run("kb-show", "new", "--kb", kb, *DAY, "-f", "json").stdout)
    assert fields["title"]["de"] == "Paket ist spät"
    assert (fields["file"], fields["line"], fields["valid"], fields["review_due"]) == (
        "entries.yaml", 1, True, "2026-10-29",
    )  # fmt: skip
    assert fields["linked"]["supersedes"] == [
        {"id": "old", "title": "A pair of shoes (old)", "confidence": "validated"}
    ]
    assert fields["extra"] == {"mood": "good"}
    assert run("kb-show", "new", "--kb", kb, *DAY, "-o", tmp_path / "x.json").exit_code == 0
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == fields


def test_an_unknown_id_exits_2_and_suggests_a_similar_id(run: Run, kb: Path) -> None:
    result = run("kb-show", "neww", "--kb", kb)
    assert result.exit_code == 2
    assert "did you mean 'new'" in result.stderr
    as_json = run("kb-show", "neww", "--kb", kb, "-f", "json")
    assert json.loads(as_json.stderr)["error"]["code"] == "unknown-name"


def test_escape_sequences_of_an_entry_are_escaped(run: Run, tmp_path: Path) -> None:
    more = f"cause: {EVIL}\naliases: [{EVIL}]\n{EVIL}: [{EVIL}]\n"
    more += f"evidence: {{{EVIL}: {EVIL}}}\nlinks: {{related: [{EVIL}]}}"
    write(tmp_path, full("evil", title=EVIL, issue=EVIL, question=EVIL, more=more))
    for fmt in ("table", "json"):
        result = run("kb-show", "evil", "--kb", tmp_path, *DAY, "-f", fmt)
        assert result.exit_code == 0, result.stderr
        assert not UNSAFE.search(result.stdout + result.stderr)
    assert json.loads(result.stdout)["title"] == "\x1b]0;pwned\x07\x1b[31mred\x9b2J"
    unknown = run("kb-show", "\x1b[31m", "--kb", tmp_path)
    assert not UNSAFE.search(unknown.stdout + unknown.stderr)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_on_a_terminal_only_the_headings_are_styled(tmp_path: Path) -> None:
    import pty

    write(tmp_path, full("evil", title=EVIL, issue=EVIL))
    main, other = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "60", "NO_COLOR": ""}
    command = [sys.executable, "-m", "ckm", "kb-show", "evil", "--kb", str(tmp_path), *DAY]
    done = subprocess.Popen(command, stdout=other, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment)
    os.close(other)
    shown = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(main)
    assert done.wait() == 0
    text = re.sub("\x1b\\[(1|0)?m", "", shown.decode("utf-8")).replace("\r\n", "\n")
    assert "Resolution" in text
    assert not UNSAFE.search(text)
