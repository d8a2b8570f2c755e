"""The fingerprint of a folder changes with every YAML file, and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._kb import fingerprint as module
from ckm._kb.fingerprint import fingerprint
from tests._kb.kb_files import replace_unseen, small_base, write_entry
from tests.conftest import examples


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return small_base(tmp_path / "kb")


def test_an_unchanged_folder_has_the_same_fingerprint(base: Path) -> None:
    assert fingerprint(base) == fingerprint(base)


def test_a_new_removed_renamed_or_changed_file_changes_the_fingerprint(base: Path) -> None:
    seen = [fingerprint(base)]
    path = write_entry(base, "deep/deeper/more", "More")
    seen.append(fingerprint(base))
    path.write_text(path.read_text() + "lang: en\n")
    seen.append(fingerprint(base))
    os.utime(path, ns=(1, 1))
    seen.append(fingerprint(base))
    path.rename(path.with_name("other.yml"))
    seen.append(fingerprint(base))
    assert len(set(seen)) == len(seen)
    path.with_name("other.yml").unlink()
    assert fingerprint(base) == seen[0]


@pytest.mark.skipif(os.name == "nt", reason="no time of change there")
def test_changed_content_with_equal_size_and_time_changes_the_fingerprint(base: Path) -> None:
    before = fingerprint(base)
    replace_unseen(base / "red.yaml", "widget", "gadget")
    assert fingerprint(base) != before


def test_other_files_do_not_change_the_fingerprint(base: Path) -> None:
    before = fingerprint(base)
    (base / "README.md").write_text("hello")
    (base / ".git").mkdir()
    (base / ".git" / "x.yaml").write_text("hello")
    assert fingerprint(base) == before


def test_a_link_changes_the_fingerprint_and_is_not_followed(base: Path) -> None:
    before = fingerprint(base)
    (base / "link.yaml").symlink_to(base / "old.yaml")
    (base / "out").symlink_to("/")
    assert fingerprint(base) != before


def test_a_missing_folder_has_the_fingerprint_of_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert fingerprint(tmp_path / "missing") == fingerprint(tmp_path / "empty")


def test_a_file_name_that_is_not_utf8_changes_the_fingerprint(base: Path) -> None:
    before = fingerprint(base)
    Path(os.fsdecode(os.fsencode(base) + b"/\xff.yaml")).write_text("x")
    assert fingerprint(base) != before


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes share the work where there is fork")
def test_several_processes_compute_the_same_fingerprint(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(200):
        write_entry(base, f"many/{number % 7}/entry-{number}", "Many")
    alone = fingerprint(base)
    monkeypatch.setattr(module, "workers", lambda: 3)
    assert fingerprint(base, expected=module.MIN_PARALLEL) == alone


@pytest.mark.slow
@given(st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=5), max_size=12))
@settings(max_examples=examples(25))
def test_files_in_every_subfolder_change_the_fingerprint(
    tmp_path_factory: pytest.TempPathFactory, places: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("kb")
    for number, place in enumerate(places):
        write_entry(folder, "/".join((*place, f"e{number}")), "Some")
    for path in sorted(folder.rglob("*.yaml")):
        before = fingerprint(folder)
        os.utime(path, ns=(1, 1))
        assert fingerprint(folder) != before
