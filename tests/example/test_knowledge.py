"""Knowledge base of the example shop: six languages, and no entry that needs a review except those its page names."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ckm._churn.knowledge_answers import answers_for
from ckm.example.days import LAST, as_date
from ckm.example.knowledge import KB, SUITE, write_knowledge
from ckm.example.words import words
from tests.conftest import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED = Path(str(files("ckm").joinpath("data", "example")))
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "example-shop.md"
TODAY = as_date(LAST)
SEARCHABLE = {"de": 60, "en": 60, "th": 28, "zh-Hans": 20, "fa": 20, "zh-Hant": 16}
"""Entries with title, issue and resolution in a language, at least."""
GAPS = {"large_orders", "cooler_rating"}
"""Churn reasons without a valid entry, which `ckm kb-gaps` lists."""
PERSONAL = {
    "an e-mail address": r"[\w.+-]+@[\w-]+\.\w",
    "a telephone number": r"(?<![\w-])(?:\+|00)\d[\d ()/-]{6,}|\(?\b0\d{2,4}\)?[ /-]\d[\d -]{4,}",
    "a card number or an account": r"\b(?:\d[ -]?){12,19}\b|\b[A-Z]{2}\d{2}(?: ?\w{4}){3,}",
}
FACETS = {"transaction", "background", "policy", "domain", "environment", "product", "competitor", "process"}
MODES = {"socialise", "externalise", "combine", "internalise"}
TEXTS = ("title", "issue", "cause", "resolution")


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    return [entry for path in sorted((SHIPPED / KB).rglob("*.yaml")) for entry in _documents(path)]


@pytest.fixture(scope="module")
def suite() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((SHIPPED / SUITE).read_text(encoding="utf-8"))
    return found


def languages(entry: dict[str, Any]) -> set[str]:
    return set(entry["title"])


def reasons() -> dict[str, bool]:
    """Whether each churn reason is a cause, by its code."""
    listed = yaml.safe_load(files("ckm").joinpath("data", "churn_reasons.yaml").read_text(encoding="utf-8"))["reasons"]
    return {reason["code"]: reason["cause"] for reason in listed}


@pytest.mark.slow
def test_ids_are_unique_and_every_entry_has_the_required_keys(entries: list[dict[str, Any]]) -> None:
    assert max(Counter(entry["id"] for entry in entries).values()) == 1
    needed = {"schema", "id", "kind", "title", "issue", "state", "review", "provenance"}
    assert [entry["id"] for entry in entries if needed - set(entry) or entry["schema"] != "ckm.kb/1"] == []


@pytest.mark.slow
def test_all_texts_of_an_entry_are_in_the_same_languages(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        assert entry["lang"] in languages(entry), entry["id"]
        assert set(entry["issue"]) == set(entry["resolution"]) == languages(entry), entry["id"]
        assert set(entry.get("cause", {})) <= languages(entry), entry["id"]
        assert set(entry.get("aliases", {})) <= languages(entry), entry["id"]


def test_each_of_the_six_languages_has_a_minimum_number_of_entries(entries: list[dict[str, Any]]) -> None:
    served = Counter(lang for entry in entries for lang in languages(entry))
    assert set(served) == set(SEARCHABLE)
    assert {lang: n for lang, n in served.items() if n < SEARCHABLE[lang]} == {}
    assert sum(len(languages(entry)) == 6 for entry in entries) == 9


def test_all_kinds_facets_states_and_modes_occur(entries: list[dict[str, Any]]) -> None:
    assert {entry["kind"] for entry in entries} == {"about", "for", "from"}
    assert {entry["facet"] for entry in entries} == FACETS
    assert {entry["need"] for entry in entries} == {"explicit", "implied"}
    assert {entry["seci"]["mode"] for entry in entries} == MODES
    states = Counter(entry["state"]["confidence"] for entry in entries)
    assert states["validated"] > 0.8 * len(entries)
    assert (states["wip"], states["archived"]) == (2, 1)
    assert states["not_validated"] >= 4
    assert {role for entry in entries for role in entry.get("access", {}).get("read", [])} == {"service", "management"}


def test_no_entry_is_verified_by_its_author(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        if entry["state"]["confidence"] in {"validated", "archived"}:
            assert entry["authentic"]["by"] != entry["provenance"]["collected_by"], entry["id"]
            assert entry["provenance"]["collected_at"] <= entry["authentic"]["at"] <= TODAY, entry["id"]
            assert entry["authentic"]["at"] <= entry["review"]["last"] <= TODAY, entry["id"]


def test_on_the_last_day_one_review_is_overdue_and_two_entries_have_expired(entries: list[dict[str, Any]]) -> None:
    def ended(entry: dict[str, Any]) -> bool:
        return bool(entry.get("applies", {}).get("valid_until", date.max) < TODAY)

    in_use = [entry for entry in entries if entry["state"]["confidence"] != "archived"]
    assert {entry["id"] for entry in in_use if ended(entry)} == {"delivery-strike-2025", "campaign-may-voucher"}
    live = [entry for entry in in_use if not ended(entry)]
    assert {entry["id"] for entry in live if entry["review"].get("due", date.max) < TODAY} == {"tea-puerh"}


def test_links_lead_to_entries_and_one_entry_supersedes_another(entries: list[dict[str, Any]]) -> None:
    ids = {entry["id"] for entry in entries}
    links = {entry["id"]: entry.get("links", {}) for entry in entries}
    aims = {(name, aim) for name, link in links.items() for aims in link.values() for aim in aims}
    assert {(name, aim) for name, aim in aims if aim not in ids or aim == name} == set()
    assert {name: link["supersedes"] for name, link in links.items() if link.get("supersedes")} == {
        "delivery-late": ["delivery-late-2024"]
    }


@pytest.mark.slow
def test_every_causal_churn_reason_has_a_valid_entry_and_two_other_reasons_have_none(
    entries: list[dict[str, Any]],
) -> None:
    causes = reasons()
    found = answers_for(causes, SHIPPED / KB, TODAY)
    assert found.remarks == ()
    assert set(causes) - set(found.by_reason) == GAPS
    assert {code for code in GAPS if causes[code]} == set()
    validated = {entry["id"] for entry in entries if entry["state"]["confidence"] == "validated"}
    assert {code for code, ids in found.by_reason.items() if not validated & set(ids)} == set()


def test_entries_name_only_products_reasons_and_languages_of_the_shop(entries: list[dict[str, Any]]) -> None:
    products = {product["id"] for product in words("products")["products"]}
    assert {name for entry in entries for name in entry["classify"].get("products", [])} <= products
    assert {code for entry in entries for code in entry["answers"].get("reasons", [])} <= set(reasons())
    assert set(words("feedback")) == set(SEARCHABLE)
    channels = {name for entry in entries for name in entry.get("applies", {}).get("channels", [])}
    assert channels == {"web", "till", "branch"}


@pytest.mark.slow
def test_the_knowledge_base_contains_no_personal_data(
    entries: list[dict[str, Any]], suite: list[dict[str, Any]]
) -> None:
    texts = [str(entry[part]) for entry in entries for part in (*TEXTS, "aliases") if part in entry]
    texts += [row["query"] for row in suite]
    for what, pattern in PERSONAL.items():
        assert [text for text in texts if re.search(pattern, text)] == [], what


def test_the_suite_has_queries_in_six_languages_for_entries_in_these_languages(
    entries: list[dict[str, Any]], suite: list[dict[str, Any]]
) -> None:
    spoken = {entry["id"]: languages(entry) for entry in entries}
    asked = Counter(row["lang"] for row in suite)
    assert set(asked) == set(SEARCHABLE)
    assert min(asked.values()) >= 18
    assert len(suite) >= 120
    assert [
        row["query"] for row in suite if not all(row["lang"] in spoken.get(name, ()) for name in row["expect"])
    ] == []
    titles = {title.casefold() for entry in entries for title in entry["title"].values()}
    assert [row["query"] for row in suite if row["query"].casefold() in titles] == []
    assert len({(row["lang"], row["query"]) for row in suite}) == len(suite)


def test_creating_the_example_again_restores_its_files_and_keeps_added_ones(tmp_path: Path) -> None:
    first = write_knowledge(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in first}
    assert f"{KB}/delivery/late.yaml" in before
    assert SUITE in before
    (tmp_path / KB / "delivery" / "late.yaml").write_text("broken", encoding="utf-8")
    (tmp_path / KB / "delivery" / "ours.yaml").write_text("id: ours\n", encoding="utf-8")
    assert write_knowledge(tmp_path) == first
    assert {name: (tmp_path / name).read_bytes() for name in first} == before
    assert (tmp_path / KB / "delivery" / "ours.yaml").read_text(encoding="utf-8") == "id: ours\n"


@pytest.mark.slow
@pytest.mark.usefixtures("small_shop")
def test_init_demo_writes_the_knowledge_base_and_reports_it(run: Run, tmp_path: Path) -> None:
    told = run("init", "--demo", tmp_path / "shop", "-v")
    assert told.exit_code == 0, told.stderr
    assert "kb/ " in told.stderr
    assert SUITE in told.stderr
    assert (tmp_path / "shop" / KB / "range" / "ceramics.yaml").read_bytes() == (
        SHIPPED / KB / "range" / "ceramics.yaml"
    ).read_bytes()


def test_the_page_has_the_number_of_entries_and_names_the_exceptions(
    entries: list[dict[str, Any]], suite: list[dict[str, Any]]
) -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    served = Counter(lang for entry in entries for lang in languages(entry))
    said = [f"{len(entries)} entries", f"{len(suite)} searches", *(f"`{lang}` {n}" for lang, n in served.items())]
    said += [f"`{code}`" for code in GAPS]
    said += [
        "`delivery-late-2024`",
        "`delivery-strike-2025`",
        "`campaign-may-voucher`",
        "`tea-puerh`",
        "`invoice-post`",
    ]
    assert [each for each in said if each not in page] == []
