"""History of knowledge entries in git: entries of a day, modes, and days in the time zone of the shop."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from ckm._evaluate.entry_history import read_history
from tests._evaluate.shop import call, entry


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in a folder of a repository; commits change one entry, move another and remove a third."""
    repository = tmp_path_factory.mktemp("history")
    call(repository, "init", "-q")
    shop = repository / "data" / "shop"
    (shop / "kb" / "deep").mkdir(parents=True)
    entry(shop, "changed", "wip", "idea", "Ann", "2026-01-01", mode="socialise")
    entry(shop, "moved", "wip", "idea", "Ann", "2026-01-01", mode="combine")
    entry(shop, "removed", "wip", "idea", "Ann", "2026-01-01", mode="combine")
    (shop / "kb" / "broken.yaml").write_text("id: [\n", encoding="utf-8")
    (shop / "kb" / "note.txt").write_text("id: note\n", encoding="utf-8")
    save(repository, "2026-01-10")
    entry(shop, "changed", "validated", "idea", "Ann", "2026-01-01", mode="externalise")
    (shop / "kb" / "moved.yaml").rename(shop / "kb" / "deep" / "moved.yaml")
    (shop / "kb" / "removed.yaml").unlink()
    save(repository, "2026-02-10")
    entry(shop, "changed", "validated", "idea", "Ann", "2026-01-01", mode="internalise")  # not committed
    return shop


def save(repository: Path, day: str) -> None:
    call(repository, "add", "-A")
    call(repository, "commit", "-qm", day, day=day)


def test_entries_on_a_day_are_those_committed_by_then(root: Path) -> None:
    history = read_history(root / "kb", "UTC")
    assert history is not None
    assert history.entries_on(date(2026, 1, 9)) is None
    before, after = history.entries_on(date(2026, 2, 9)), history.entries_on(date(2026, 2, 10))
    assert [(each.id, each.state.confidence) for each in before or ()] == [
        ("changed", "wip"),
        ("moved", "wip"),
        ("removed", "wip"),
    ]
    assert [(each.id, each.path) for each in after or ()] == [("changed", "changed.yaml"), ("moved", "deep/moved.yaml")]


def test_modes_change_with_the_commits_even_if_a_file_is_moved(root: Path) -> None:
    history = read_history(root / "kb", "UTC")
    assert history is not None
    assert history.modes()["changed"] == [(date(2026, 1, 10), "socialise"), (date(2026, 2, 10), "externalise")]
    assert history.modes()["moved"] == [(date(2026, 1, 10), "combine")]


def test_the_day_of_a_commit_is_in_the_time_zone_of_the_shop(root: Path) -> None:
    history = read_history(root / "kb", "Pacific/Kiritimati")  # noon in UTC is the next day there
    assert history is not None
    assert history.versions[0].day == date(2026, 1, 11)


def test_git_settings_of_the_user_do_not_change_the_history(root: Path) -> None:
    before = read_history(root / "kb", "UTC")
    for name, value in (("color.ui", "always"), ("log.showSignature", "true"), ("diff.renames", "copies")):
        call(root, "config", name, value)
    assert read_history(root / "kb", "UTC") == before


def test_a_folder_outside_of_a_repository_has_no_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_history(tmp_path, "UTC") is None
    monkeypatch.setitem(os.environ, "PATH", "")  # git is not installed
    assert read_history(tmp_path, "UTC") is None
