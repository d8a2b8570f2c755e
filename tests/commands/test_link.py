"""``ckm link``: output, written files, and exit codes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest

from bench.link_people import six_script_shop
from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.workspace import lay_out
from tests.conftest import Run

PEOPLE = 250


@pytest.fixture(scope="module")
def contacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("contacts") / "contacts.csv"
    six_script_shop(PEOPLE, seed=8).drop("person").write_csv(path)
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, contacts: Path) -> Path:
    root = tmp_path_factory.mktemp("shop") / "shop"
    lay_out(root)
    ingest(root, contacts, options=IngestOptions(table="customers"))
    return root


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


pytestmark = pytest.mark.slow


def test_a_file_of_records_gives_the_person_of_each_record_and_is_not_changed(run: Run, contacts: Path) -> None:
    done = run("link", contacts, "-f", "csv")
    assert done.exit_code == 0
    found = rows(done.stdout)
    assert len(found) == pl.read_csv(contacts).height
    assert 0.85 * PEOPLE < len({row["person_id"] for row in found}) < 1.15 * PEOPLE
    assert {path.name for path in contacts.parent.iterdir()} == {"contacts.csv"}


def test_a_dry_run_writes_nothing_and_a_second_run_changes_nothing(run: Run, shop: Path) -> None:
    assert run("link", "-C", shop, "--dry-run", "-q").exit_code == 0
    assert not (shop / "identities.csv").exists()
    assert run("link", "-C", shop, "-q").exit_code == 0
    first = (shop / "identities.csv").read_bytes()
    assert run("link", "-C", shop, "-q").exit_code == 0
    assert (shop / "identities.csv").read_bytes() == first


def test_decisions_on_uncertain_pairs_are_read_from_a_file(run: Run, shop: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    assert run("link", "review", "-C", shop, "-o", pairs).exit_code == 0
    open_pairs = pl.read_csv(pairs, infer_schema=False)
    assert open_pairs.height
    open_pairs.with_columns(verdict=pl.lit("different")).write_csv(pairs)
    assert run("link", "review", "-C", shop, "--from", pairs, "--by", "Ann").exit_code == 0
    assert run("link", "-C", shop, "-q").exit_code == 0
    left, right = open_pairs.select("left", "right").row(0)
    explained = run("link", "explain", left, right, "-C", shop)
    assert explained.exit_code == 0
    assert "verdict: different" in explained.stderr
    assert not rows(run("link", "review", "-C", shop, "-f", "csv").stdout)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nobody@example.com,{known},same", "line 3: the customer id in column 'left' is unknown"),
        ("{known},nobody@example.com,different", "line 3: the customer id in column 'right' is unknown"),
        ("{known},{known},same", "line 3: two different customer ids are needed"),
        ("{known},c0000002,perhaps", "line 3: unknown verdict 'perhaps'"),
    ],
)
def test_a_reviewed_line_with_an_unknown_value_is_refused_by_its_number(
    run: Run, shop: Path, tmp_path: Path, row: str, message: str
) -> None:
    pairs, before = tmp_path / "pairs.csv", (shop / "identities.csv").read_bytes()
    pairs.write_text("left,right,verdict\nc0000003,c0000004,\n" + row.format(known="c0000001"), encoding="utf-8")
    refused = run("link", "review", "-C", shop, "--from", pairs, "--by", "Ann")
    assert refused.exit_code == 2
    assert message in " ".join(refused.stderr.split())
    assert "nobody@example.com" not in refused.stderr
    assert (shop / "identities.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("explain", "a"), 2, "two customer ids"),
        (("explain", "nobody", "c0000001"), 2, "unknown customer id"),
        (("review", "--from", "pairs.csv"), 2, "--from needs --by"),
        (("--by", "Ann"), 2, "--by needs review"),
        (("explain", "a", "b", "--dry-run"), 2, "contradict each other"),
    ],
)
def test_wrong_usage_is_refused(run: Run, shop: Path, words: tuple[str, ...], code: int, message: str) -> None:
    done = run("link", *words, "-C", shop)
    assert (done.exit_code, message in done.stderr) == (code, True)


def test_a_file_without_a_comparable_field_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("colour,size\nred,1\nblue,2\n", encoding="utf-8")
    assert run("link", path).exit_code == 4
    path.write_text("name,email\nAnn,ann@example.com\n", encoding="utf-8")
    assert run("link", path).exit_code == 4
