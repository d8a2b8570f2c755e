"""Damaged, unreadable and foreign files are never read as an empty table: every command names them and exits with 3."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from typer.testing import CliRunner

from ckm.cli import app
from ckm.workspace import lay_out
from tests.conftest import Run

TABLE = "transactions"
LOG = "_delta_log"
Damage = Callable[[Path], None]


def _csv(path: Path, first: int, count: int) -> None:
    rows = [
        f"K{number},1,c{number % 40},2025-{1 + number % 12:02}-{1 + number % 28:02},{number + 1},EUR"
        for number in range(first, first + count)
    ]
    path.write_text("\n".join(["order_id,line_no,customer_id,ordered_at,net,currency", *rows, ""]), encoding="utf-8")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two loads, a row in the quarantine, and saved runs."""
    root = tmp_path_factory.mktemp("damage") / "shop"
    lay_out(root)
    _csv(root / "incoming/jan.csv", 0, 300)
    _csv(root / "incoming/feb.csv", 300, 200)
    _csv(root / "incoming/new.csv", 500, 5)
    with (root / "incoming/jan.csv").open("a", encoding="utf-8") as file:
        file.write("B,1,c1,never,much,EUR\n")
    for words in (
        ["ingest", root / "incoming/jan.csv", root / "incoming/feb.csv", "--as", TABLE],
        ["segment"],
    ):
        done = CliRunner().invoke(app, [*map(str, words), "-C", str(root)])
        assert done.exit_code == 0, done.output
    return root


def entry(root: Path, version: int) -> Path:
    return root / "store" / TABLE / LOG / f"{version:020}.json"


def data_file(root: Path, table: str = TABLE) -> Path:
    return max((root / "store" / table).glob("*.parquet"), key=lambda path: path.stat().st_size)


def _replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def _overwrite(path: Path, start: int, count: int) -> None:
    content = bytearray(path.read_bytes())
    content[start : start + count] = random.Random(1).randbytes(count)
    _replace(path, bytes(content))


def _edit_first_entry(root: Path, protocol: dict[str, object]) -> None:
    lines = entry(root, 0).read_text(encoding="utf-8").splitlines()
    lines = [json.dumps({"protocol": protocol}) if line.startswith('{"protocol') else line for line in lines]
    entry(root, 0).write_text("\n".join(lines), encoding="utf-8")


def _keep_lines(root: Path, version: int, kept: slice) -> None:
    lines = entry(root, version).read_text(encoding="utf-8").splitlines(keepends=True)
    entry(root, version).write_text("".join(lines[kept]), encoding="utf-8")


def _dangling(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to("/nowhere/at/all")


def _folder_in_place(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _file_in_place(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("x", encoding="utf-8")


def _foreign_delta(root: Path) -> None:
    write_deltalake(root / "store/foreign", pl.DataFrame({"a": [1]}))


def _plain_parquet(root: Path) -> None:
    folder = root / "store/plain/month=1"
    folder.mkdir(parents=True)
    pl.DataFrame({"a": [1]}).write_parquet(folder / "part.parquet")


DAMAGE: dict[str, Damage] = {
    "a data file is missing": lambda root: data_file(root).unlink(),
    "a data file is cut short": lambda root: _replace(data_file(root), data_file(root).read_bytes()[:-100]),
    "a data file is empty": lambda root: _replace(data_file(root), b""),
    "a data file is overwritten": lambda root: _overwrite(data_file(root), 100, 1500),
    "the footer of a data file is overwritten": lambda root: _overwrite(
        data_file(root), data_file(root).stat().st_size - 300, 200
    ),
    "a data file is a folder": lambda root: _folder_in_place(data_file(root)),
    "a data file is a link to nothing": lambda root: _dangling(data_file(root)),
    "an entry of the log is missing": lambda root: entry(root, 1).unlink(),
    "the first entry of the log is missing": lambda root: entry(root, 0).unlink(),
    "an entry of the log is empty": lambda root: entry(root, 2).write_bytes(b""),
    "an entry of the log lost its files": lambda root: _keep_lines(root, 2, slice(1)),
    "an entry of the log lost its facts": lambda root: _keep_lines(root, 1, slice(1, None)),
    "an entry of the log is cut in a line": lambda root: entry(root, 2).write_bytes(entry(root, 2).read_bytes()[:400]),
    "an entry of the log is garbage": lambda root: entry(root, 1).write_bytes(random.Random(2).randbytes(500)),
    "what an entry of the log says of itself is no JSON": lambda root: _replace(
        entry(root, 1), entry(root, 1).read_bytes().replace(b'"ckm_commit":"{', b'"ckm_commit":"{{')
    ),
    "the schema in the log is no JSON": lambda root: _replace(
        entry(root, 0), entry(root, 0).read_bytes().replace(b'"schemaString":"{', b'"schemaString":"{{')
    ),
    "an entry of the log is nested deeply": lambda root: _replace(entry(root, 1), b"[" * 100_000),
    "an entry of the log is a folder": lambda root: _folder_in_place(entry(root, 2)),
    "an entry of the log is a link to nothing": lambda root: _dangling(entry(root, 2)),
    "the log is a file": lambda root: _file_in_place(root / "store" / TABLE / LOG),
    "the log is a link to nothing": lambda root: _dangling(root / "store" / TABLE / LOG),
    "the log is gone": lambda root: shutil.rmtree(root / "store" / TABLE / LOG),
    "the log is of a newer protocol": lambda root: _edit_first_entry(
        root, {"minReaderVersion": 9, "minWriterVersion": 9}
    ),
    "the log has features that ckm does not know": lambda root: _edit_first_entry(
        root,
        {
            "minReaderVersion": 3,
            "minWriterVersion": 7,
            "readerFeatures": ["deletionVectors"],
            "writerFeatures": ["deletionVectors"],
        },
    ),
    "a table of another program is in the store": _foreign_delta,
    "a folder of Parquet files is in the store": _plain_parquet,
    "the log of the quarantine is gone": lambda root: shutil.rmtree(root / "store/quarantine" / LOG),
    "the saved runs are damaged": lambda root: (root / "store/runs_segments" / LOG / f"{1:020}.json").write_bytes(b""),
    "the store is a file": lambda root: _file_in_place(root / "store"),
    "the store is a link to nothing": lambda root: _dangling(root / "store"),
}
COMMANDS: dict[str, list[str]] = {
    "ingest": ["ingest", "incoming/new.csv", "--as", TABLE],
    "dry run": ["ingest", "incoming/new.csv", "--as", TABLE, "--dry-run"],
    "history": ["ingest", "--history"],
    "undo": ["ingest", "--undo", "incoming/feb.csv"],
    "requarantine": ["ingest", "--requarantine"],
    "check": ["check"],
    "segment": ["segment"],
    "churn-warn": ["churn-warn", "--model", "rule"],
    "loyalty-report": ["loyalty-report"],
}
QUICK = ["ingest", "history", "check"]
READS_LESS = {
    "a data file is": {"history", "requarantine"},
    "the footer of": {"history", "requarantine"},
    "a data file is overwritten": {"dry run", "ingest", "undo"},
    "the footer of a data file is overwritten": {"undo"},
    "the saved runs": {"history", "undo", "requarantine"},
}
"""Commands that do not read the damaged data file: they may succeed, but not crash."""


@pytest.mark.parametrize("commands", [QUICK, pytest.param([*COMMANDS], marks=pytest.mark.slow, id="all commands")])
@pytest.mark.parametrize("kind", DAMAGE)
def test_every_command_names_damage_instead_of_an_empty_table(
    kind: str, commands: list[str], prepared: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "shop"
    shutil.copytree(prepared, root, copy_function=shutil.copy)
    DAMAGE[kind](root)
    monkeypatch.chdir(root)
    spared = set().union(*(names for start, names in READS_LESS.items() if kind.startswith(start)))
    for name in commands:
        found = run(*COMMANDS[name])
        told = f"{name}: {found.output}"
        assert found.exit_code == 3 or (name in spared and found.exit_code == 0), told
        assert "Traceback" not in found.output, told
        if found.exit_code == 3:
            assert "store" in found.stderr, told
            assert "hint: " in found.stderr, told
        else:
            assert found.stdout.count("\n") > 0 or name == "requarantine", told


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:-100], lambda content: b"", lambda content: None],
    ids=["cut short", "empty", "missing"],
)
def test_a_damaged_checkpoint_is_named_and_can_be_deleted(
    damage: Callable[[bytes], bytes | None], prepared: Path, tmp_path: Path, run: Run
) -> None:
    root = tmp_path / "shop"
    shutil.copytree(prepared, root)
    whole = run("ingest", "--history", "-C", root)
    DeltaTable(root / "store" / TABLE).create_checkpoint()
    [checkpoint] = (root / "store" / TABLE / LOG).glob("*.checkpoint.parquet")
    content = damage(checkpoint.read_bytes())
    checkpoint.unlink() if content is None else checkpoint.write_bytes(content)
    found = run("ingest", "--history", "-C", root)
    assert found.exit_code == 3, found.output
    assert "delete its checkpoints" in found.stderr
    assert run("check", "--verify", "-C", root).exit_code == 6
    checkpoint.unlink(missing_ok=True)
    (checkpoint.parent / "_last_checkpoint").unlink()
    assert run("ingest", "--history", "-C", root).stdout == whole.stdout
    assert run("check", "--verify", "-C", root).exit_code == 0


@pytest.mark.slow
def test_an_interrupted_first_load_is_no_damage(prepared: Path, tmp_path: Path, run: Run) -> None:
    shutil.copytree(prepared, tmp_path / "shop")
    store = tmp_path / "shop/store"
    (store / "customers").mkdir()
    shutil.copy(data_file(tmp_path / "shop"), store / "customers/0123456789ab-0000-0000.parquet")
    journal = {
        "load_id": "0123456789ab", "table": "customers", "app_id": "x", "mark": 1, "file_id": "", "source": "customers",
        "undoes": None, "supersedes": [],
    }  # fmt: skip
    (store / ".journal.json").write_text(json.dumps(journal), encoding="utf-8")
    assert run("check", "-C", tmp_path / "shop").exit_code == 0
    new = tmp_path / "shop/incoming/new.csv"
    assert run("ingest", new, "--as", TABLE, "-C", tmp_path / "shop").exit_code == 0
    assert list((store / "customers").iterdir()) == []


UNREADABLE: dict[str, tuple[str, int, list[list[str]]]] = {
    "kb": ("kb", 3, [["kb-search", "late"], ["kb-lint"], ["kb-show", "x"]]),
    "incoming": ("incoming", 3, [["ingest"], ["ingest", "incoming", "--as", TABLE], ["segment", "incoming"]]),
    "maps": ("maps", 2, [["ingest"], ["ingest", "incoming/new.csv"], ["ingest", "--requarantine"]]),
    "ckm.yaml": (
        "ckm.yaml",
        2,
        [["ingest"], ["check"], ["segment"], ["churn-warn"], ["loyalty-report"], ["kb-search", "late"], ["kb-lint"]],
    ),
}


@pytest.mark.parametrize("how", ["a link to nothing", "the other kind"])
@pytest.mark.parametrize("what", UNREADABLE)
def test_an_unreadable_place_is_named_instead_of_an_empty_table(
    what: str, how: str, prepared: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "shop"
    shutil.copytree(prepared, root)
    (root / "maps/shop.yaml").write_text(
        f"schema: ckm.map/1\nname: shop\nfiles: [incoming/*.csv]\ntable: {TABLE}\n", encoding="utf-8"
    )
    name, code, commands = UNREADABLE[what]
    path = root / name
    if how == "a link to nothing":
        _dangling(path)
    elif path.is_dir():
        _file_in_place(path)
    else:
        _folder_in_place(path)
    monkeypatch.chdir(root)
    for words in commands:
        found = run(*words)
        if words[1:2] == [name] and (how == "the other kind" or words[0] == "segment"):  # another kind of file
            assert found.exit_code in (2, 3), found.output
            continue
        assert found.exit_code in {code, 2} if words[1:2] == [name] else found.exit_code == code, found.output
        assert name in found.stderr
        assert "hint: " in found.stderr


NOBODY = 65534


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize(
    ("place", "words", "code"),
    [
        (f"store/{TABLE}/{LOG}", ["segment"], 3),
        (f"store/{TABLE}/{LOG}", ["ingest", "--history"], 3),
        ("store", ["check"], 3),
        ("kb", ["kb-search", "late"], 3),
        ("kb", ["kb-lint"], 3),
        ("incoming", ["ingest"], 3),
        ("maps", ["ingest"], 2),
        ("ckm.yaml", ["segment"], 2),
    ],
)
def test_a_place_without_permission_is_named_instead_of_an_empty_table(
    place: str, words: list[str], code: int, prepared: Path, tmp_path: Path
) -> None:
    root = tmp_path / "shop"
    shutil.copytree(prepared, root)
    (root / "maps/shop.yaml").write_text(
        f"schema: ckm.map/1\nname: shop\nfiles: [incoming/*.csv]\ntable: {TABLE}\n", encoding="utf-8"
    )
    for path in [root, *root.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    for folder in tmp_path.parents[:3]:  # the folders of pytest are readable by their owner only
        folder.chmod(0o755)
    tmp_path.chmod(0o755)
    (root / place).chmod(0)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # all modules are imported by now; the user nobody could not read them
        try:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.chdir(root)
            os.environ["CKM_CACHE"] = str(root / "cache")
            found = CliRunner().invoke(app, words)
            os.write(writing, json.dumps([found.exit_code, found.output]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        found_code, output = json.loads(pipe.read())
    os.waitpid(child, 0)
    assert found_code == code, output
    assert place.split("/")[0] in output
    assert "Traceback" not in output
