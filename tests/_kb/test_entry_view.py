"""An entry with its links in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckm._kb.entry_view import LinkedEntry
from ckm.errors import UnknownNameError, UsageError
from ckm.kb import show

from .bases import TODAY, full, smallest, write


def test_links_are_shown_in_both_directions(tmp_path: Path) -> None:
    write(
        tmp_path,
        full("new", 0, title="{en: New, de: Neu}", more="links: {supersedes: [old, gone], related: [near]}"),
        full("old", 1, confidence="archived", title="Old"),
        full("near", 2, title="Near"),
        full("far", 3, title="Far", more="links: {related: [new]}"),
        full("newer", 3, confidence="wip", title="Newer", more="links: {supersedes: [new]}"),
    )
    shown = show(tmp_path, "new", TODAY, lang="de", similar=["far"])
    assert shown.supersedes == (LinkedEntry("old", "Old", "archived"), LinkedEntry("gone"))
    assert shown.superseded_by == (LinkedEntry("newer", "Newer", "wip"),)
    assert [each.id for each in shown.related] == ["near", "far"]
    assert shown.similar == (LinkedEntry("far", "Far", "validated"),)
    assert show(tmp_path, "old", TODAY, lang="de").superseded_by == (LinkedEntry("new", "Neu", "validated"),)


def test_only_mistakes_of_the_entry_itself_are_shown(tmp_path: Path) -> None:
    write(tmp_path, full("a", more="mood: x"), full("b", 1, more="tone: y"))
    assert [each.message for each in show(tmp_path, "b", TODAY).mistakes] == ["unknown key 'tone'"]


def test_an_unknown_id_suggests_similar_ids(tmp_path: Path) -> None:
    write(tmp_path, *(smallest(f"late-parcel-{number}") for number in range(9)))
    with pytest.raises(UnknownNameError, match="unknown entry 'late-parcl-3'") as caught:
        show(tmp_path, "late-parcl-3", TODAY)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("did you mean 'late-parcel-3' or")
    with pytest.raises(UnknownNameError) as caught:
        show(tmp_path, "完全不同", TODAY)
    assert caught.value.hint == "there are 9 entries; search them with ckm kb-search"


def test_an_unreadable_entry_is_an_error_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, smallest("late").replace("wip", "final"))
    with pytest.raises(UsageError, match=r"entries.yaml:6: a confidence must be one of"):
        show(tmp_path, "late", TODAY)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        show(tmp_path / "nowhere", "x", TODAY)
