"""The log of shown entries: it is written where searches are logged, and counts in ``ckm evaluate``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ckm._churn.reason_catalogue import load_reasons
from ckm._kb.shown_log import FILE, append_shown, read_shown
from ckm.evaluate import evaluate
from tests._outcome.shop import make_shop
from tests.conftest import Run


def test_each_entry_is_counted_as_often_as_it_was_shown_and_broken_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "out" / FILE
    append_shown(path, "churn-warn", ["b", "a", "b"])
    append_shown(path, "kb-show", [])
    path.write_bytes(path.read_bytes() + b"{}\n")
    found = read_shown(path)
    assert [(each.command, dict(each.entries)) for each in found.shows] == [("churn-warn", {"a": 1, "b": 2})]
    assert found.broken == 1
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_commands_log_what_they_show_only_where_searches_are_logged(tmp_path: Path, run: Run, coarse: None) -> None:
    shop = make_shop(tmp_path / "shop")
    entry = shop / "kb" / "call.yaml"
    codes = ", ".join(load_reasons().codes)
    entry.write_text(entry.read_text().replace("reasons: [no_recent_purchase]", f"reasons: [{codes}]"))
    log = shop / "out" / FILE
    show = ("kb-show", "call-back", "-C", shop, "--as-of", "2026-04-01")
    assert run(*show).exit_code == 0
    assert not log.exists()
    config = shop / "ckm.yaml"
    config.write_text(config.read_text().replace("log_queries: false", "log_queries: true"))
    assert run(*show).exit_code == 0
    assert run("kb-search", "call the customer", "-C", shop, "--as-of", "2026-04-01").exit_code == 0
    assert run("churn-warn", shop, "--as-of", "2026-03-31").exit_code == 0
    commands = [each.command for each in read_shown(log).shows]
    assert commands == ["kb-show", "kb-search", "churn-warn"]
    log.write_text(
        '{"at": "2026-05-02T09:00:00+00:00", "command": "kb-show", "entries": {"call-back": 1}}\n'
        '{"at": "2026-05-20T09:00:00+00:00", "command": "churn-warn", "entries": {"call-back": 5}}\n'
        '{"at": "2026-06-20T09:00:00+00:00", "command": "churn-warn", "entries": {"call-back": 9}}\n'
    )
    frame = evaluate(shop, as_of=date(2026, 5, 31), months=1).frame
    [row] = frame.filter(metric="entries_shown").to_dicts()
    assert (row["value"], row["note"]) == (6, "the records begin within the period")
