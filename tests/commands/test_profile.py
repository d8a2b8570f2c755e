"""``ckm profile``: output of 80 columns, files that only their owner can read, and errors without ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckm.render.line_breaks import width
from tests._profile.conftest import AS_OF
from tests._profile.conftest import small as small
from tests.conftest import Run


def test_the_page_fits_into_80_columns_and_every_figure_keeps_its_source(small: Path, run: Run) -> None:
    told = run("profile", "ann", small, "--as-of", AS_OF)
    assert told.exit_code == 0
    assert max(map(width, told.stdout.splitlines())) <= 80
    assert told.stdout.count("date and source") == len([line for line in told.stdout.splitlines() if "figure " in line])
    assert "40.00 EUR" in told.stdout
    assert told.stdout.count("Not known:") == 1


@pytest.mark.parametrize("name", ["ann.html", "ann.md", "ann.json"])
def test_a_file_has_the_format_of_its_suffix_and_is_readable_by_its_owner_only(
    small: Path, tmp_path: Path, run: Run, name: str
) -> None:
    path = tmp_path / name
    assert run("profile", "ann", small, "--as-of", AS_OF, "-o", path).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    start = {"ann.html": "<!DOCTYPE html>", "ann.md": "# Ann", "ann.json": "{"}[name]
    assert path.read_text(encoding="utf-8").startswith(start)


def test_json_has_every_section_with_sources_and_dates(small: Path, run: Run) -> None:
    told = run("profile", "ann", "-C", small, "--as-of", AS_OF, "-f", "json")
    document = json.loads(told.stdout)
    assert (document["schema"], document["customer_id"], document["as_of"]) == ("ckm.profile/1", "ann", AS_OF)
    figures = [figure for section in document["sections"] for figure in section["figures"]]
    assert all(figure["source"] and figure["date"] for figure in figures)


def test_an_unknown_id_exits_with_2_and_names_no_customer(small: Path, run: Run) -> None:
    told = run("profile", "anne", small, "-f", "json")
    assert told.exit_code == 2
    assert told.stdout == ""
    assert not [each for each in ("ann", "bob", "acme", "eve") if each in told.stderr.replace("cannot", "")]


def test_a_role_does_not_see_columns_of_hidden_exposures(small: Path, run: Run) -> None:
    told = run("profile", "ann", small, "--as-of", AS_OF, "--role", "visitor")
    assert "Arbor" not in told.stdout
    assert "Not shown to role 'visitor'" in told.stdout


@pytest.mark.parametrize(
    "words",
    [("-o", "x.csv"), ("-o", "x.html", "-f", "json"), ("-C", ".")],
    ids=["suffix", "format against suffix", "two workspaces"],
)
def test_contradicting_options_are_refused(
    small: Path, run: Run, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("profile", "ann", small, *words).exit_code == 2
    assert not list(tmp_path.iterdir())
