"""Drafts: valid without changes, named after any title, and never written over another file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._kb.draft import DraftFields, origins, slug
from ckm._kb.entry_files import read_folder
from ckm._kb.entry_schema import all_keys
from ckm._kb.lint import lint_base
from ckm.errors import UsageError
from ckm.kb import new_entry
from ckm.severity import Severity

from .bases import TODAY, smallest, write

TITLES = (
    "Parcel left in the rain",
    "Päckchen: nass?",
    "พัสดุเปียกฝน",
    "包裹淋雨了",
    "بسته خیس شد",
    "no",
    "null",
    "- x: [y] #z",
)


@pytest.mark.parametrize("origin", list(origins()))
def test_a_draft_of_any_origin_has_no_errors_and_the_mode_of_the_origin(tmp_path: Path, origin: str) -> None:
    new_entry(tmp_path, DraftFields(origin), TODAY)
    base = read_folder(tmp_path)
    report = lint_base(base, TODAY)
    assert {(each.rule, each.severity) for each in report.findings} == {("unfilled", Severity.warning)}
    entry = base.entries[0]
    assert (entry.seci, entry.kind) == (origins()[origin].mode, origins()[origin].kind)
    assert (entry.provenance.origin, entry.provenance.collected_at) == (origin, TODAY)
    assert entry.review.due is not None
    assert (entry.review.due - TODAY).days == 180


@pytest.mark.parametrize("title", TITLES)
def test_a_title_in_any_script_is_stored_and_gives_the_file_name(tmp_path: Path, title: str) -> None:
    draft = new_entry(tmp_path, DraftFields("question", title=title, lang="de"), TODAY)
    entry = read_folder(tmp_path).entries[0]
    assert entry.title.by_lang == {"de": title}
    assert (entry.id, draft.path) == (draft.id, tmp_path / f"{draft.id}.yaml")


@given(st.text())
def test_no_title_gives_a_path_outside_the_folder(title: str) -> None:
    name = slug(title)
    assert not {"/", "\\", ".", " ", "\0"} & set(name)
    assert len(name.encode()) <= 250
    assert name.isprintable()
    assert slug(name) == name or name.endswith("-entry")


@pytest.mark.parametrize("name", ["../../outside", "/etc/x", "..", "a/b", "C:\\x", "con"])
def test_no_id_gives_a_path_outside_the_folder(tmp_path: Path, name: str) -> None:
    draft = new_entry(tmp_path / "kb", DraftFields(id=name), TODAY)
    assert draft.path.parent == tmp_path / "kb"
    assert [path.parent.name for path in tmp_path.rglob("*.yaml")] == ["kb"]
    assert read_folder(tmp_path / "kb").entries[0].id == name


def test_an_existing_file_is_overwritten_only_with_force(tmp_path: Path) -> None:
    write(tmp_path, "mine", name="late.yaml")
    with pytest.raises(UsageError, match="already exists"):
        new_entry(tmp_path, DraftFields(id="late"), TODAY)
    assert (tmp_path / "late.yaml").read_text() == "mine"
    new_entry(tmp_path, DraftFields(id="late"), TODAY, force=True)
    assert read_folder(tmp_path).entries[0].id == "late"


def test_an_id_of_another_file_is_refused_even_with_force(tmp_path: Path) -> None:
    write(tmp_path, smallest("late"), name="deep/other.yaml")
    for force in (False, True):
        with pytest.raises(UsageError, match="is taken by"):
            new_entry(tmp_path, DraftFields(id="late"), TODAY, force=force)


def test_the_same_title_twice_gives_two_entries(tmp_path: Path) -> None:
    ids = [new_entry(tmp_path, DraftFields(title="Late parcel"), TODAY).id for _ in range(3)]
    assert ids == ["late-parcel", "late-parcel-2", "late-parcel-3"]


def test_a_symbolic_link_is_not_followed_for_writing(tmp_path: Path) -> None:
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "late.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(UsageError, match="is a link"):
        new_entry(tmp_path / "kb", DraftFields(id="late"), TODAY, force=True)
    assert not (tmp_path / "outside.yaml").exists()


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        (DraftFields("complain"), "unknown origin 'complain'", "did you mean 'complaint'?"),
        (DraftFields(kind="form"), "unknown kind 'form'", "did you mean 'for'?"),
        (DraftFields(lang="english"), "not a language tag", "BCP 47"),
        (DraftFields(id="two words"), "no spaces", "two-words"),
        (DraftFields(id="-rf"), "dash", "rf"),
        (DraftFields(id="x" * 501), "at most 500", ""),
        (DraftFields(title="\x1b[31m"), "control characters", ""),
        (DraftFields(title=" "), "one line", ""),
    ],
)
def test_invalid_fields_are_refused_with_a_suggestion(
    tmp_path: Path, wanted: DraftFields, message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        new_entry(tmp_path, wanted, TODAY)
    assert hint in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


def test_the_comments_of_a_draft_describe_every_key(tmp_path: Path) -> None:
    text = new_entry(tmp_path, DraftFields(lang="en"), TODAY).text
    for name, shape in all_keys():
        if name not in {"evidence", "history"}:
            assert shape.description in text, name
