"""Answers: only entries valid on the day, no superseded ones, and no crash with an invalid file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._churn.knowledge_answers import AnswerEntry, answer, answers_for, read_entries, unanswered_share

TODAY = date(2026, 6, 30)
ENTRY = """\
schema: ckm.kb/1
id: {id}
kind: for
title: {title}
state: {{confidence: {confidence}}}
answers: {{reasons: [{reasons}]}}
{more}
"""


def entry(
    name: str, reasons: str = "late", confidence: str = "validated", more: str = "", title: str = "A title"
) -> str:
    return ENTRY.format(id=name, title=title, confidence=confidence, reasons=reasons, more=more)


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    return tmp_path / "kb"


EVIDENCE = (
    "evidence: [{{audience: may, metric: order, effect: {0}, low: {1}, high: {2}, treated: 9, holdout: 9, "
    "window_days: 30, date: 2026-06-01, run: x}}]"
)


def test_a_measured_benefit_is_first_and_a_measured_harm_last(kb: Path) -> None:
    write(
        kb,
        entry("a-harm", more=EVIDENCE.format(-0.2, -0.3, -0.1)),
        entry("b-none"),
        entry("c-draft", confidence="not_validated", more=EVIDENCE.format(0.2, 0.1, 0.3)),
        entry("d-unclear", more=EVIDENCE.format(0.2, -0.1, 0.5)),
    )
    assert answers_for(["late"], kb, TODAY).by_reason["late"] == ("c-draft", "b-none", "d-unclear", "a-harm")
    # before the day of the evidence only the state counts
    assert answers_for(["late"], kb, date(2026, 5, 31)).by_reason["late"][-1] == "c-draft"


def write(kb: Path, *documents: str, name: str = "entries.yaml") -> Path:
    kb.mkdir(parents=True, exist_ok=True)
    path = kb / name
    path.write_text("---\n".join(documents), encoding="utf-8")
    return path


def found(kb: Path, day: date = TODAY, code: str = "late") -> tuple[str, ...]:
    return answers_for([code], kb, day).by_reason.get(code, ())


def test_all_entries_of_all_files_are_read(kb: Path) -> None:
    write(kb, entry("b"), "# nothing\n", entry("a", "late, price"))
    write(kb / "deep", entry("c", "price"), name="more.yml")
    answers = answers_for(["price", "late", "unheard"], kb, TODAY)
    assert answers.by_reason == {"late": ("a", "b"), "price": ("a", "c")}
    assert set(answers.entries) == {"a", "b", "c"}
    assert answers.remarks == ()


def test_validated_entries_come_before_others_and_drafts_and_archived_ones_do_not_count(kb: Path) -> None:
    states = {"a": "not_validated", "b": "validated", "c": "wip", "d": "archived"}
    write(kb, *(entry(name, confidence=state) for name, state in states.items()))
    assert found(kb) == ("b", "a")


@given(st.integers(-3, 3), st.none() | st.integers(-3, 3), st.none() | st.integers(-3, 3))
def test_an_entry_is_valid_from_its_first_to_its_last_day(day: int, first: int | None, last: int | None) -> None:
    ends = [None if each is None else TODAY + timedelta(days=each) for each in (first, last)]
    held = AnswerEntry("a", {}, "validated", ends[0], ends[1], ("late",), (), "").in_force(TODAY + timedelta(days=day))
    assert held == ((first is None or first <= day) and (last is None or day <= last))


def test_validity_is_read_from_the_file(kb: Path) -> None:
    write(kb, entry("a", more="applies: {valid_from: 2026-06-30, valid_until: 2026-07-01}"))
    days = [date(2026, 6, 29), date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 2)]
    assert [found(kb, day) for day in days] == [(), ("a",), ("a",), ()]


def test_a_superseded_entry_answers_no_reason_and_a_draft_supersedes_no_entry(kb: Path) -> None:
    write(
        kb,
        entry("old"),
        entry("new", more="links: {supersedes: [old]}"),
        entry("kept"),
        entry("draft", confidence="wip", more="links: {supersedes: kept}"),
        entry("later", more="applies: {valid_from: 2030-01-01}\nlinks: {supersedes: [kept]}"),
        entry("self", more="links: {supersedes: [self]}"),
    )
    assert found(kb) == ("kept", "new", "self")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("id: a\ntitle: [b\n", 3, ""),
        ("id: a\n---\n- one\n", 3, "expected 'key: value' pairs"),
        ("title: t\nstate: {confidence: validated}\n", 1, "'id' is missing"),
        ("id: a\ntitle: t\n", 1, "'state.confidence' is missing"),
        ("id: a\nstate:\n  confidence: surely\n", 3, "a confidence must be one of"),
        ("id: a\nstate: {confidence: validated}\napplies:\n  valid_until: soon\n", 4, "expected a date"),
        ('id: "a\\e[31m"\nstate: {confidence: validated}\n', 1, "no control characters"),
        ("id: a\nstate: {confidence: validated}\nanswers: {reasons: {late: yes}}\n", 3, "expected a list"),
        ("[" * 100_000, 1, ""),
        ("- " * 100_000, 1, ""),
    ],
    ids=range(10),
)
def test_an_invalid_file_is_reported_with_its_line_and_other_files_are_read(
    kb: Path, text: str, line: int, message: str
) -> None:
    broken = write(kb, text, name="broken.yaml")
    write(kb, entry("good"))
    answers = answers_for(["late"], kb, TODAY)
    assert answers.by_reason == {"late": ("good",)}
    told = next(remark for remark in answers.remarks if message in remark)
    assert f"{broken}:{line}: " in told


def test_malicious_files_are_skipped_and_the_first_errors_are_reported(kb: Path, tmp_path: Path) -> None:
    write(kb, entry("good"))
    (kb / "binary.yaml").write_bytes(b"\x00\xff\xfe")
    (kb / "bomb.yaml").write_text(
        "id: bomb\nstate: {confidence: validated}\na: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
        ),
        encoding="utf-8",
    )
    (kb / "folder.yaml").mkdir()
    outside = tmp_path / "secret.yaml"
    outside.write_text(entry("secret"), encoding="utf-8")
    (kb / "link.yaml").symlink_to(outside)
    for number in range(7):
        write(kb, "title: none\n", name=f"x{number}.yaml")
    answers = answers_for(["late"], kb, TODAY)
    assert answers.by_reason == {"late": ("good",)}
    assert len(answers.remarks) == 6
    assert "3 more invalid entries" in answers.remarks[-1]


def test_an_id_that_occurs_twice_counts_once(kb: Path) -> None:
    write(kb, entry("a"), entry("a", "price"))
    answers = answers_for(["late", "price"], kb, TODAY)
    assert answers.by_reason == {"late": ("a",)}
    assert "id 'a' is also in" in answers.remarks[0]


def test_no_knowledge_base_and_an_empty_one_are_reported_once(kb: Path) -> None:
    assert answers_for(["late"], None, TODAY).remarks == ("there is no knowledge base: all reasons are unanswered",)
    assert answers_for(["late"], kb, TODAY).remarks == ("there is no knowledge base: all reasons are unanswered",)
    kb.mkdir()
    assert answers_for(["late"], kb, TODAY).remarks == (f"no entry in {kb} answers any of the reasons on {TODAY}",)


def test_a_title_is_in_the_readers_language_or_the_nearest(kb: Path) -> None:
    write(
        kb,
        entry("a", title="{de: Verspätet, en: Late, zh-Hant: 遲到}"),
        entry("b", title="Plain"),
        "id: c\nstate: {confidence: wip}\n",
    )
    many, plain, none = read_entries(kb)[0]
    assert [many.title(lang) for lang in ("de", "zh-Hans", "th", "de-AT")] == ["Verspätet", "遲到", "Late", "Verspätet"]
    assert (plain.title("fa"), none.title()) == ("Plain", "c")


def reasons(*rows: tuple[str, str, float, int]) -> pl.DataFrame:
    schema = {"customer_id": pl.String, "code": pl.String, "contribution": pl.Float64, "rank": pl.UInt8}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_customer_gets_the_answers_of_the_top_reason_first(kb: Path) -> None:
    write(kb, entry("about-price", "price"), entry("about-both", "price, late"))
    answers = answers_for(["late", "price"], kb, TODAY)
    given_ = reasons(("c1", "price", 2.0, 1), ("c1", "late", 0.5, 0), ("c2", "late", -1.0, 0), ("c0", "silent", 3.0, 0))
    assert answer(given_, answers).rows() == [
        ("c0", [], True),
        ("c1", ["about-both", "about-price"], False),
        ("c2", [], True),
    ]


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["c1", "c2", "c3"]), st.sampled_from(["late", "price", "silent"])), st.floats(-2, 2)
    ),
    st.randoms(),
)
def test_a_customer_without_an_answered_churn_reason_is_unanswered(
    points: dict[tuple[str, str], float], random: object
) -> None:
    from ckm._churn.knowledge_answers import FoundAnswers

    rows = [(*key, value, rank) for rank, (key, value) in enumerate(points.items())]
    found_ = FoundAnswers({"late": ("a",), "price": ("b", "a")}, {}, ())
    told = answer(reasons(*rows), found_)
    for customer, ids, unanswered in told.rows():
        wanted = {code for who, code, value, _ in rows if who == customer and value > 0} & {"late", "price"}
        assert unanswered == (not wanted) == (not ids)
        assert len(ids) == len(set(ids))
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert answer(reasons(*rows), found_).equals(told)


def test_the_unanswered_share_is_a_share_of_the_value_at_risk() -> None:
    frame = pl.DataFrame({"value_at_risk": [30.0, 10.0, -5.0, None], "unanswered": [True, False, True, True]})
    assert unanswered_share(frame) == 0.75
    assert unanswered_share(frame.tail(2)) is None
