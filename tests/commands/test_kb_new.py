"""``ckm kb-new``: the draft that it writes, and its options."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ckm._kb.draft import origins
from tests.conftest import Run, Shell

DAY = ("--as-of", "2026-06-30")


def test_the_command_prints_the_file_name_and_the_draft_has_no_errors(run: Run, tmp_path: Path) -> None:
    result = run("kb-new", "--kb", tmp_path, "--from", "complaint", "--title", "Paket war nass", "--lang", "de", *DAY)
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'paket-war-nass.yaml'}\n")
    assert "as of 2026-06-30" in result.stderr
    assert run("kb-lint", "--kb", tmp_path, *DAY, "--fail-on", "error").exit_code == 0


def test_the_default_date_is_today(run: Run, tmp_path: Path) -> None:
    result = run("kb-new", "--kb", tmp_path)
    assert f"as of {date.today()}" in result.stderr
    assert f"collected_at: {date.today()}" in Path(result.stdout.strip()).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_draft_is_written_into_the_workspace_around_the_current_folder(shell: Shell, tmp_path: Path) -> None:
    assert shell("init", ".").returncode == 0
    result = shell("kb-new", "--title", "Late parcel", *DAY)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "kb" / "late-parcel.yaml").is_file()


def test_invalid_options_exit_2_with_a_hint(run: Run, tmp_path: Path) -> None:
    assert run("kb-new", "--kb", tmp_path, "--id", "a").exit_code == 0
    for words, message in (
        (("--id", "a"), "taken"),
        (("--kind", "form"), "did you mean 'for'?"),
        (("--from", "complain"), "did you mean 'complaint'?"),
        (("--id", "a b"), "--id a-b"),
        (("--review-days", "0"), "review-days"),
    ):
        result = run("kb-new", "--kb", tmp_path, *words)
        assert result.exit_code == 2
        assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_force_overwrites_a_draft(run: Run, tmp_path: Path) -> None:
    for origin in ("complaint", "survey"):
        assert run("kb-new", "--kb", tmp_path, "--id", "a", "--from", origin, "--force").exit_code == 0
    assert "origin: survey" in (tmp_path / "a.yaml").read_text(encoding="utf-8")


def test_help_names_every_origin(run: Run) -> None:
    text = " ".join(run("kb-new", "--help").stdout.split())
    assert all(name in text for name in origins())
