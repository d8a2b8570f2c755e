"""Codes, compounds, emoji and misspelled words: a query ranks the intended entry first."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from ckm import kb
from tests._kb.kb_files import write_entry
from tests.conftest import Run

DAY = date(2026, 6, 30)
CASES = (
    Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[3] / "shared" / "data").parent / "cases" / "analysis"
)
TITLES = {
    "cpp": "Compile with C++", "csharp": "Compile with C#", "c-lang": "Compile with C", "wifi": "Wi-Fi setup",
    "usbc": "USB-C cable", "coop": "Co-op shop", "xray": "X-ray at the airport", "ab12-3": "Spare part AB-12/3",
    "emoji": "Thumbs up 👍 in the chat", "err": "'Error id:12345 on the page'", "owner": "'owner:unknown in the till'",
    "net": "Install .NET", "rd": "R&D team", "hours": "Open 24/7", "vat": "VAT on the invoice",
    "visit": "A cathedral visit",
    "de-compound": "Versandkostenpauschale", "de-words": "Kosten im Versand", "th": "พัสดุมาช้า",
}  # fmt: skip
QUERIES = [
    ("C++", "cpp"), ("C#", "csharp"), ("C", "c-lang"), ("wifi", "wifi"), ("Wi-Fi", "wifi"), ("usbc", "usbc"),
    ("USB-C", "usbc"), ("xray", "xray"), ("x-ray", "xray"), ("coop", "coop"), ("co-op", "coop"), ("AB12/3", "ab12-3"),
    ("AB-12/3", "ab12-3"), ("👍", "emoji"), ("error id:12345", "err"), ("owner:unknown", "owner"),
]  # fmt: skip
MORE = [
    ("👍🏿", "emoji"), (".NET", "net"), ("R&D", "rd"), ("24/7", "hours"), ("AB-1234", "product"), ("AB1234", "product"),
    ("sku0012", "product"), ("SKU-0012", "product"), ("xk779", "product"), ("XK 77/9", "product"),
    ("Kostenpauschale", "de-compound"),
]  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kb")
    for number in range(12):
        write_entry(
            folder, f"fill{number}", f"Filler entry {number}", "lang: en", issue=f"About delivery number {number}"
        )
    for name, title in TITLES.items():
        write_entry(folder, name, title, f"lang: {name[:2] if name[:2] in ('de', 'th') else 'en'}")
    products = "classify: {products: [AB-1234, SKU_0012, XK 77/9]}"
    write_entry(folder, "product", "A red widget", "lang: en", products)
    return folder


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKM_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def first(folder: Path, query: str) -> list[str]:
    return [hit.id for hit in kb.search(folder, query, as_of=DAY).hits][:1]


@pytest.mark.parametrize(("query", "name"), QUERIES + MORE)
def test_codes_compounds_and_emoji_rank_their_entry_first(base: Path, query: str, name: str) -> None:
    assert first(base, query) == [name]


@pytest.mark.parametrize(("query", "name"), QUERIES)
def test_real_queries_rank_their_entry_first(query: str, name: str) -> None:
    if not (CASES / "kb-search").is_dir():
        pytest.skip(f"{CASES} is absent")
    assert first(CASES / "kb-search", query) == [name]


@pytest.mark.parametrize("query", ["cat", "vta", "abc", "qqq"])
def test_one_shared_gram_does_not_make_a_hit_of_a_word_of_three_letters(base: Path, query: str) -> None:
    assert first(base, query) == []


@pytest.mark.parametrize(("query", "meant"), [("vta", "vat"), ("พัดสุ", "พัสดุ")])
def test_a_misspelled_query_has_a_suggestion_in_any_script(base: Path, query: str, meant: str) -> None:
    result = kb.search(base, query, as_of=DAY)
    assert meant in result.suggestions
    assert result.nearest is None


def test_the_nearest_entry_shares_at_least_half_of_the_grams(base: Path) -> None:
    for query in ("zzzzz", "wdgt", "ขนมปัง"):
        assert kb.search(base, query, as_of=DAY).nearest is None


def test_lint_findings_of_real_cases_have_their_lines(run: Run) -> None:
    if not (CASES / "kb-lint").is_dir():
        pytest.skip(f"{CASES} is absent")
    done = run("kb-lint", "--kb", CASES / "kb-lint", "--as-of", "2026-01-01", "-f", "csv")
    found = [line.split(",", 5) for line in done.stdout.splitlines()[1:]]
    places = {(rule, file, int(line)) for _, rule, file, line, *_ in found}
    assert places >= {
        ("lost-text", "excl.yaml", 4), ("lost-text", "hash.yaml", 4), ("lost-text", "hash.yaml", 5),
        ("file", "nbsp.yaml", 3), ("file", "fullcolon.yaml", 3), ("file", "tab.yaml", 11),
    }  # fmt: skip
    assert not [rule for rule, file, _ in places if file == "bomdoc.yaml" and rule in ("file", "schema")]
    assert [rule for rule, file, _ in places if file == "pii-full.yaml" and rule == "personal-data"]
