"""Every lint rule finds its violations, and a valid base has no findings."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._kb.entry_files import read_folder
from ckm._kb.lint import RULES, LintFinding, LintOptions, LintReport, lint_base, lint_folder
from ckm._kb.lint.links import _circles
from ckm.errors import UnknownNameError
from ckm.severity import Severity

from .bases import TODAY, full, smallest, write

EXPECTED = LintOptions(
    topics=frozenset({"delivery"}),
    departments=frozenset({"service"}),
    segments=frozenset({"Champions", "At Risk"}),
    reasons=frozenset({"late_delivery", "price"}),
    freshness={"policy": timedelta(days=180), "transaction": timedelta(days=30)},
)


def lint(folder: Path, *documents: str, as_of: date = TODAY, expected: LintOptions = EXPECTED) -> LintReport:
    if documents:
        write(folder, *documents)
    return lint_base(read_folder(folder), as_of, expected)


def only(report: LintReport, rule: str) -> LintFinding:
    found = [each for each in report.findings if each.rule == rule]
    assert len(found) == 1, report.findings
    return found[0]


def test_valid_entries_and_the_smallest_draft_have_no_errors_or_warnings(tmp_path: Path) -> None:
    report = lint(tmp_path, full("a"), full("b", 1), smallest("c"))
    assert [(each.rule, each.severity) for each in report.findings] == [("answers-nothing", Severity.info)]
    assert report.entries == 3


CASES = {
    "duplicate-id": ([full("a"), full("a", 1)], "duplicate id 'a', first in entries.yaml:2", 20),
    "dangling-link": ([full("late-parcel", more="links: {related: [late-parcels]}")], "names 'late-parcels'", 17),
    "circular-link": (
        [
            full("a", more="links: {supersedes: [b]}"),
            full("b", 1, more="links: {supersedes: [c]}"),
            full("c", 2, more="links: {supersedes: [a]}"),
        ],
        "'a', 'b', 'c' supersede each other",
        17,
    ),
    "unverified": ([full().replace("status: verified, by: ben, ", "")], "validated without a verifier", 14),
    "self-verified": ([full().replace("by: ben", "by: ' ANNA '")], "verified by its author", 14),
    "validity-reversed": ([full().replace("2026-12-31", "2025-12-31")], "before it begins on 2026-01-01", 12),
    "unknown-reason": ([full().replace("late_delivery", "late_delivry")], "unknown churn reason 'late_delivry'", 11),
    "personal-data": (
        [full(title="Late", issue="Ask anna.meier@shop.example about the parcel.")],
        "an e-mail address under",
        8,
    ),
    "same-answer": (
        [full("a", question="Where is it?"), full("b", 1, question="WHERE is it")],
        "answers the same question as 'a' (entries.yaml:1) in the same case",
        29,
    ),
    "near-duplicate": (
        [full("a", title="Parcel has not come"), full("b", title="Parcel has not cone")],
        "% similar to 'a' (entries.yaml:1)",
        25,
    ),
    "review-overdue": (
        [full().replace("last: 2026-05-02", "last: 2025-12-31")],
        "was due on 2026-06-29, 1 day ago",
        15,
    ),
    "expired": ([full().replace("2026-12-31", "2026-06-29")], "valid until 2026-06-29", 12),
    "stale": ([full().replace("facet: policy", "facet: transaction")], "last checked 59 days ago", 15),
    "future-day": ([full().replace("at: 2026-05-02", "at: 2026-07-01")], "authentic.at is 2026-07-01", 14),
    "answers-nothing": (
        [full().replace("resolution", "cause")],
        "validated without a resolution",
        11,
    ),
    "unfilled": ([full(title="'?'")], "placeholders to fill in: title", 7),
    "unknown-topic": ([full(more="classify: {topics: [delivry]}")], "unknown topic 'delivry'", 17),
    "unknown-department": ([full(more="classify: {departments: [sales]}")], "unknown department 'sales'", 17),
    "unknown-segment": ([full(more="classify: {segments: [at risk]}")], "unknown segment 'at risk'", 17),
    "unknown-key": ([full(more="mood: good")], "unknown key 'mood'", 17),
    "unusual-word": ([full().replace("audience: customer", "audience: custmer")], "unusual word: an audience", 10),
    "control-characters": ([full(title='"\\e[31m"')], "control characters under 'title'", 7),
    "lost-text": ([full(title="Order #123 is late")], "what follows '#' is a YAML comment", 7),
    "review-unplanned": ([full().replace(", interval_days: 180", "")], "no date of the next review", 15),
    "superseded-in-use": (
        [full("a"), full("b", 1, more="links: {supersedes: [a]}")],
        "superseded by 'b' (entries.yaml:19)",
        10,
    ),
    "measured-harm": (
        [
            full(
                more="evidence:\n  - {audience: may, metric: order, effect: -0.05, low: -0.09, high: -0.01, "
                "treated: 200, holdout: 100, window_days: 30, date: 2026-01-02, run: 'abc'}"
            )
        ],
        "audience may: order -0.05 (-0.09 to -0.01) against the holdout",
        17,
    ),
    "unreadable-evidence": ([full(more="evidence: a survey")], "not as ckm outcome publish writes it", 17),
    "missing-translation": ([full(title="{en: x, de: y}")], "issue in de; resolution in de", 8),
    "schema": ([full().replace("kind: for", "kind: four")], "a kind must be one of", 3),
    "file": ([full() + "  broken: [\n"], "", 18),
}


@pytest.mark.parametrize("rule", list(CASES))
def test_each_rule_reports_its_violation_once_with_the_line(tmp_path: Path, rule: str) -> None:
    documents, message, line = CASES[rule]
    found = only(lint(tmp_path, *documents), rule)
    assert message in found.message
    assert found.line == line
    assert found.hint
    assert found.file == "entries.yaml"


def test_every_rule_has_a_test_case_a_condition_and_a_remedy() -> None:
    assert set(CASES) == {rule.id for rule in RULES}
    assert all(rule.condition and rule.remedy for rule in RULES)
    severities = [rule.severity.rank for rule in RULES]
    assert severities == sorted(severities)


def test_a_skipped_rule_has_no_findings_and_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    documents = [full("a", more="mood: x"), full("a", 1)]
    assert lint(tmp_path, *documents, expected=LintOptions(skip=("duplicate-id", "unknown-key"))).findings == ()
    with pytest.raises(UnknownNameError, match="duplicate"):
        lint(tmp_path, expected=LintOptions(skip=("duplicate",)))


def test_an_entry_without_resolution_reasons_and_questions_answers_nothing(tmp_path: Path) -> None:
    bare = full("a", confidence="not_validated").replace("resolution:", "cause:")
    bare = bare.replace("answers: {reasons: [late_delivery], questions: [What about a?]}\n", "")
    found = only(lint(tmp_path, bare), "answers-nothing")
    assert (found.severity, found.line) == (Severity.warning, 1)
    promised = full("b").replace("resolution:", "cause:")
    assert "without a resolution" in only(lint(tmp_path, promised), "answers-nothing").message
    assert not lint(tmp_path, promised.replace("kind: for", "kind: about")).findings


def test_reviewers_count_as_verifiers_without_another_verifier(tmp_path: Path) -> None:
    without = full().replace("authentic: {status: verified, by: ben, at: 2026-05-02, how: tried}\n", "")
    assert not lint(tmp_path, without.replace("owner: anna", "owner: anna, reviewers: [ben]")).findings
    own = without.replace("owner: anna", "owner: ben, reviewers: [Anna]")
    assert [each.rule for each in lint(tmp_path, own).findings] == ["self-verified"]
    assert "disputed" in only(lint(tmp_path, full().replace("verified,", "disputed,")), "unverified").message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("applies: {channels: [web]}", "applies: {channels: [store]}"),
        ("applies: {regions: [DE]}", "applies: {regions: [TH, CN]}"),
        ("applies: {valid_until: 2026-06-30}", "applies: {valid_from: 2026-07-01}"),
        ("classify: {products: [a]}", "classify: {products: [b]}"),
        ("classify: {segments: [Champions]}", "classify: {segments: [At Risk]}"),
        ("environment: App", "environment: Shop"),
        ("links: {supersedes: [b]}", "need: explicit"),
    ],
)
def test_two_entries_may_answer_the_same_question_for_different_cases(tmp_path: Path, one: str, other: str) -> None:
    texts = [full(name, number, question="Where is it?") for number, name in enumerate("ab")]
    plain = [text.replace("applies: {valid_from: 2026-01-01, valid_until: 2026-12-31}\n", "") for text in texts]
    plain = [text.replace("need: explicit\n", "") for text in plain]
    assert only(lint(tmp_path, *plain), "same-answer").entry == "b"
    report = lint(tmp_path, plain[0] + one + "\n", plain[1] + other + "\n")
    assert "same-answer" not in {each.rule for each in report.findings}


def test_a_link_to_an_entry_that_was_left_out_is_not_dangling(tmp_path: Path) -> None:
    lost = full("lost", 1).replace("confidence: validated", "confidence: surely")
    report = lint(tmp_path, full("a", more="links: {related: [lost]}"), lost)
    assert [each.rule for each in report.findings] == ["schema"]


def test_archived_entries_have_no_findings_about_dates(tmp_path: Path) -> None:
    old = (
        full(confidence="archived").replace("2026-12-31", "2026-02-01").replace("last: 2026-05-02", "last: 2020-05-02")
    )
    assert lint(tmp_path, old).findings == ()


def test_findings_are_sorted_by_severity_rule_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, full("b", 1, more="mood: x"), name="b.yaml")
    write(tmp_path, full("a", more="mood: x\nodd: y"), full("a", 2), name="a.yaml")
    report = lint(tmp_path)
    assert [(each.rule, each.file, each.line) for each in report.findings] == [
        ("duplicate-id", "a.yaml", 21),
        ("unknown-key", "a.yaml", 17),
        ("unknown-key", "a.yaml", 18),
        ("unknown-key", "b.yaml", 17),
    ]
    assert (report.count(Severity.error), report.reaches(Severity.error)) == (1, True)
    assert report.frame.columns == ["severity", "rule", "file", "line", "entry", "message", "hint"]


@given(st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefg"), max_size=3)))
def test_a_circle_is_a_path_that_returns_to_its_start(links: dict[str, list[str]]) -> None:
    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = list(links[start])
        while waiting:
            name = waiting.pop()
            if name in links and name not in found:
                found.add(name)
                waiting += links[name]
        return found

    reach = {name: reached(name) for name in links}
    wanted = {
        frozenset(other for other in reach[name] if name in reach[other]) for name in links if name in reach[name]
    }
    assert {frozenset(circle) for circle in _circles({name: tuple(each) for name, each in links.items()})} == wanted


def test_a_chain_of_ten_thousand_links_needs_no_recursion() -> None:
    links = {str(number): (str(number + 1),) for number in range(10_000)}
    assert list(_circles(links)) == []


def test_a_cached_report_equals_a_new_one_and_is_valid_for_one_day(tmp_path: Path) -> None:
    kb, place = tmp_path / "kb", tmp_path / "place"
    write(kb, full("a", question="Where is it?"), full("b", 1, question="Where is it?", more="mood: x"))
    write(
        kb,
        full("c", issue="Ask anna.meier@shop.example now"),
        full("d", issue="Ask anna.meier@shop.example nov"),
        name="x.yaml",
    )
    for day in (TODAY, TODAY, TODAY + timedelta(days=400), TODAY):
        anew = lint_base(read_folder(kb), day, EXPECTED)
        assert lint_folder(kb, day, lambda: EXPECTED, options_key="1", place=place) == anew
        assert lint_folder(kb, day, lambda: EXPECTED, options_key="1") == anew
    assert {"same-answer", "personal-data"} <= {each.rule for each in anew.findings}
    other = LintOptions(skip=("personal-data",))
    assert lint_folder(kb, TODAY, lambda: other, options_key="2", place=place) == lint_base(
        read_folder(kb), TODAY, other
    )
