"""Writing evidence to a file does not change its comments, layout, line ends and other values."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ckm._kb.entry_files import read_folder
from ckm._kb.evidence import Evidence, read_evidence
from ckm._kb.evidence_file import with_evidence, write_evidence
from ckm.errors import UnknownNameError, UsageError
from tests._outcome.shop import ENTRY

MAY = Evidence("may", "order", 0.05, 0.01, 0.09, 200, 100, 30, date(2026, 5, 1), "0123456789ab")
JUNE = Evidence("june", "order", 0.02, -0.01, 0.05, 300, 150, 30, date(2026, 6, 1), "ba9876543210")
EXAMPLES = Path(__file__).parents[2] / "ckm" / "data" / "example" / "kb"


def written(text: str, item: Evidence = MAY, document: int = 1) -> str:
    found = with_evidence(text, document, item)
    assert found is not None
    return found


def test_evidence_is_written_before_the_review_and_its_comment() -> None:
    lines = written(ENTRY).splitlines()
    place = lines.index("# Reviews are in spring.")
    assert lines[place - 2] == "evidence:"
    assert lines[place - 1] == f"  - {MAY.line()}"
    assert [line for line in lines if line not in lines[place - 2 : place]] == ENTRY.splitlines()


def test_evidence_of_another_audience_is_added_and_of_the_same_audience_replaced() -> None:
    both = written(written(ENTRY), JUNE)
    assert both.count("audience: ") == 2
    newer = Evidence("may", "order", 0.06, 0.02, 0.1, 210, 105, 30, date(2026, 5, 2), "0123456789ab")
    again = written(both, newer)
    assert newer.line() in again
    assert MAY.line() not in again
    assert JUNE.line() in again


@pytest.mark.parametrize(
    "text",
    [
        ENTRY.replace("\n", "\r\n"),
        ENTRY.replace("# Reviews are in spring.\nreview: {owner: Ann, due: 2027-03-01}\n", "review: {owner: Ann}"),
        ENTRY.replace("review:", "evidence: []\nreview:"),
        ENTRY.replace("review:", "evidence:\nreview:"),
        ENTRY.replace("review:", "evidence: ~   # none yet\nreview:"),
        ENTRY.replace("review:", f"evidence: [{JUNE.line()}]  # measured\nreview:"),
        ENTRY.replace("review:", f"evidence:\n- {JUNE.line()}\n\n# below\nreview:"),
        ENTRY.replace("review:", "evidence:\n    - note: old\n      by: Ann\nreview:"),
        ENTRY + "links: {related: [other]}\n# the end\n",
        "{schema: ckm.kb/1, id: flow, kind: for, title: T, issue: I, state: {confidence: wip}, review: {},"
        " provenance: {}}\n",
        "schema: ckm.kb/1\nid: short\nresolution: |\n  Two\n  lines.\n",
    ],
)
def test_every_layout_keeps_its_other_lines(text: str) -> None:
    found = written(text)
    assert MAY.line() in found
    missing = [line for line in text.splitlines() if line not in found.splitlines() and "evidence" not in line]
    assert not [line for line in missing if not line.startswith("{schema")]
    assert ("\r\n" in found) == ("\r\n" in text)
    assert "\r\n" not in text or "\n" not in found.replace("\r\n", "")


def test_only_the_named_document_of_a_file_changes() -> None:
    second = ENTRY.replace("call-back", "letter")
    found = written(f"{ENTRY}---\n{second}", MAY, 2)
    assert found.startswith(f"{ENTRY}---\n")
    assert found.count(MAY.line()) == 1


def test_an_entry_whose_evidence_is_not_a_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ENTRY.replace("review:", "evidence: a survey\nreview:"))
    with pytest.raises(UsageError, match="evidence cannot be added here"):
        write_evidence(tmp_path, "call-back", MAY)
    with pytest.raises(UnknownNameError, match="knowledge entry"):
        write_evidence(tmp_path, "call-bak", MAY)


@pytest.mark.slow
def test_every_entry_of_the_example_shop_can_have_evidence(tmp_path: Path) -> None:
    for path in EXAMPLES.rglob("*.yaml"):
        copy = tmp_path / path.relative_to(EXAMPLES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = {each.id: each for each in read_folder(tmp_path).entries}
    for name in before:
        write_evidence(tmp_path, name, MAY)
    after = read_folder(tmp_path)
    assert {each.id for each in after.entries} == set(before)
    for each in after.entries:
        assert read_evidence(each.evidence) == (MAY,)
        assert {**each.plain, "evidence": None} == {**before[each.id].plain, "evidence": None}
