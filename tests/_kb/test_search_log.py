"""The search log: one line per search, also by several processes; only a damaged line is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ckm._kb.gaps import fold
from ckm._kb.search_log import LONGEST, LoggedSearch, append, read
from ckm.pseudonym import without_contacts

AT = datetime(2026, 6, 30, 8, 15, tzinfo=UTC)


@given(st.none() | st.text(max_size=40), st.integers(0, 99))
def test_logged_searches_are_read_as_written(tmp_path_factory, query: str | None, hits: int) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("log") / "out" / "log"
    append(path, LoggedSearch(AT, ("service",), hits, query))
    (search,) = read(path).searches
    assert (search.at, search.roles, search.hits) == (AT, ("service",), hits)
    assert search.query == (query if query is None else without_contacts(query).encode("utf-8", "replace").decode())


def test_a_logged_query_has_no_address_and_no_telephone_number(tmp_path: Path) -> None:
    asked = "refund of 2026-06-30 for ann@example.com, +49 171 5550199 or ۰۹۱۲۵۵۵۰۱۹۹, t.me/ann_smith"
    append(tmp_path / "log", LoggedSearch(AT, (), 0, asked))
    logged = (tmp_path / "log").read_text("utf-8")
    assert not [each for each in ("ann", "5550199", "۵۵۵۰۱۹۹") if each in logged]
    assert "refund of 2026-06-30 for" in logged


def test_only_the_owner_can_read_the_log_and_long_queries_are_cut(tmp_path: Path) -> None:
    append(tmp_path / "log", LoggedSearch(AT, (), 0, "x" * 9999))
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    assert len(read(tmp_path / "log").searches[0].query or "") == LONGEST


def test_lines_of_concurrent_writers_do_not_mix(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append(tmp_path / "log", LoggedSearch(AT, (), n, f"query {n} " * 30)), range(200)))
    log = read(tmp_path / "log")
    assert (sorted(search.hits for search in log.searches), log.broken) == (list(range(200)), 0)


def test_a_broken_line_is_counted_and_other_lines_are_read(tmp_path: Path) -> None:
    append(tmp_path / "log", LoggedSearch(AT, (), 1, "a"))
    with (tmp_path / "log").open("ab") as file:
        file.write(b'\xff\n{"at": 1}\n[]\n{"at": "2026-06-30", "hits": 0}\n{"at":')
    log = read(tmp_path / "log")
    assert (len(log.searches), log.broken) == (1, 5)


def test_queries_that_differ_in_case_width_and_spaces_are_equal() -> None:
    assert fold("  Ｌate\tPARCEL ") == fold("late parcel")
