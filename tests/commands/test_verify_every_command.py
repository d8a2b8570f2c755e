"""``ckm runs verify`` of each command that writes a file: equal bytes, and the library whose version changed."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ckm.cli import app
from ckm.example.workspace import lay_out_example
from ckm.runs import runs, verify

pytestmark = pytest.mark.slow
LIBRARY, EARLIER = "polars", "0.0.1"
OLD, NEW = "incoming/web-orders-2024.csv", "incoming/web-orders-2025-26.csv"
COMMANDS = [
    ["segment", "-o", "out/rfm.csv", "--meta", "out/rfm.json"],
    ["segment", "--by", "value", "-o", "out/value.parquet"],
    ["segment", "--by", "lifecycle", "-o", "out/lifecycle.xlsx"],
    ["segment", OLD, "-o", "out/file.ndjson"],
    ["churn-warn", "--model", "scorecard", "-o", "out/churn.csv"],
    ["loyalty-report", "-o", "out/report.html", "--export", "out/lists"],
    ["check", "-o", "out/check.csv"],
    ["link", "--dry-run", "-o", "out/links.csv"],
    ["inspect", OLD, "-o", "out/clean.csv"],
    ["diff", OLD, NEW, "-o", "out/diff.csv"],
    ["kb-search", "the parcel is late", "-o", "out/hits.json"],
    ["kb-lint", "-o", "out/lint.csv"],
    ["kb-gaps", "-o", "out/gaps.csv"],
    ["network", "-o", "out/network.csv"],
    ["feedback-mine", "-o", "out/topics.csv"],
    ["needs", "-o", "out/needs.csv"],
    ["forecast", "-o", "out/forecast.csv"],
    ["audience", "new", "letter", "--from", "second-order", "-o", "out/letter.csv"],
    ["audience", "show", "letter", "-o", "out/members.csv"],
    ["audience", "export", "letter", "-o", "out/contacts.csv"],
    ["evaluate", "-o", "out/return.html"],
]


def shadow_version(folder: Path) -> Path:
    """Write installed metadata with the version :data:`EARLIER` of the library; return the folder for ``sys.path``."""
    [name] = [Path(str(each)).parent.name for each in metadata.files(LIBRARY) or () if each.name == "METADATA"]
    installed = Path(str(metadata.distribution(LIBRARY).locate_file(name)))
    text = (installed / "METADATA").read_text(encoding="utf-8")
    copied = folder / f"{LIBRARY}-{EARLIER}.dist-info"
    copied.mkdir(parents=True)
    version = f"Version: {metadata.version(LIBRARY)}\n"
    assert version in text
    (copied / "METADATA").write_text(text.replace(version, f"Version: {EARLIER}\n", 1), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example shop with one recorded run per command; the library had the earlier version then."""
    root = tmp_path_factory.mktemp("verify") / "shop"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CKM_CACHE", str(root.parent / "cache"))
        patch.setattr("ckm.example.simulation.CUSTOMERS", 600)
        lay_out_example(root)
        patch.chdir(root)
        assert CliRunner().invoke(app, ["ingest"]).exit_code == 0
        patch.syspath_prepend(shadow_version(root.parent / "installed"))
        for words in COMMANDS:
            done = CliRunner().invoke(app, words)
            assert done.exit_code == 0, (words, done.stderr)
    assert metadata.version(LIBRARY) != EARLIER
    return root


def test_each_command_has_one_run(shop: Path) -> None:
    assert [each.command for each in runs(shop).manifests] == [words[0] for words in COMMANDS]


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=[" ".join(words[:3]) for words in COMMANDS])
def test_verify_computes_the_same_bytes_and_names_the_changed_version(shop: Path, number: int) -> None:
    recorded = runs(shop).manifests[number]
    found = verify(shop, recorded.run)
    assert found.equal, found.remarks
    versions = [(each.name, each.before, each.after) for each in found.causes if each.what == "version"]
    assert versions == [(LIBRARY, EARLIER, metadata.version(LIBRARY))]


def test_verify_needs_no_output_files_on_disk(shop: Path) -> None:
    first = runs(shop).manifests[0]
    assert json.loads((shop / "runs" / f"{first.run}.json").read_text())["schema"] == "ckm.manifest/1"
    shutil.move(shop / "out", shop / "moved")
    try:
        assert verify(shop, first.run).equal
    finally:
        shutil.move(shop / "moved", shop / "out")
