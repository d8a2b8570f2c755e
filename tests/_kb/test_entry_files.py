"""Reading a folder: a hostile file is a mistake and never an exception, and other files are read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._kb import entry_files as reading
from ckm._kb.entry_files import read_file, read_folder
from tests.conftest import examples

from .bases import smallest, write

NO_YAML = "check the indentation and quotes"
"""The hint beside what PyYAML says, whose words are its own and change."""

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


def test_entries_are_in_the_order_of_files_and_lines_and_a_file_may_have_several(tmp_path: Path) -> None:
    write(tmp_path, smallest("b"), "# nothing\n", smallest("a"), name="x.yaml")
    write(tmp_path, smallest("c"), name="deep/er/y.yml")
    write(tmp_path, "not: yaml", name="notes.txt")
    write(tmp_path, "on: push", name=".github/workflows/ci.yml")
    base = read_folder(tmp_path)
    assert [(each.id, each.path, each.line, each.document) for each in base.entries] == [
        ("c", "deep/er/y.yml", 1, 1),
        ("b", "x.yaml", 1, 1),
        ("a", "x.yaml", 12, 2),
    ]
    assert base.mistakes == ()


def test_a_missing_folder_has_no_entries(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "nowhere").entries == ()


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"\x00\x01\x02", "forbids", 1),
        (b"id: a\nb: c\x00d\n", "forbids", 2),
        (b"id: a\nb: \x1b[31m\n", "forbids", 2),
        ("id: ä\n".encode("utf-16"), "UTF-16, not UTF-8 text", 0),
        (b"id: a\ntitle: caf\xe9\n", "not UTF-8 text", 2),
        (b"\x1f\x8b\x08\x00", "gzip, not", 0),
        (b"PK\x03\x04", "zip, not", 0),
        (b"[" * 100_000, NO_YAML, 1),
        (b"- " * 100_000, NO_YAML, 1),
        (b"{a: " * 5_000, NO_YAML, 1),
        (b"id: [a\n", NO_YAML, 2),
        (b"id: *nobody\n", "begins with '*' in quotes", 1),
        (b"id: !!python/object/apply:os.system [x]\n", "expected a text under 'id'", 1),
        (b"- one\n- two\n", "expected 'key: value' pairs", 1),
        (b"just words\n", "expected 'key: value' pairs", 1),
        (b"42\n", "expected 'key: value' pairs", 1),
        (b"%YAML 9.9\n---\nid: a\n", NO_YAML, 1),
    ],
    ids=range(17),
)
def test_a_hostile_file_is_a_mistake_and_other_files_are_read(
    tmp_path: Path, data: bytes, message: str, line: int
) -> None:
    (tmp_path / "bad.yaml").write_bytes(data)
    write(tmp_path, smallest("good"), name="good.yaml")
    base = read_folder(tmp_path)
    assert [each.id for each in base.entries] == ["good"]
    found = [each for each in base.mistakes if message in f"{each.message}; {each.hint}"]
    assert found, base.mistakes
    assert (found[0].path, found[0].line, found[0].left_out) == ("bad.yaml", line, True)


@pytest.mark.parametrize("data", [b"", b"\n\n# nothing\n", b"null\n", b"~\n---\n...\n---\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_neither_entries_nor_mistakes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "empty.yaml").write_bytes(data)
    base = read_folder(tmp_path)
    assert (base.entries, base.mistakes) == ((), ())


def test_aliases_are_not_expanded(tmp_path: Path) -> None:
    text = BOMB + smallest("bomb") + "aliases: *a11\nhistory: *a11\nloop: &l [*l, {again: *l}]\n"
    entries, mistakes = read_file(write(tmp_path, text), tmp_path)
    assert [each.id for each in entries] == ["bomb"]
    assert any("20,000 values" in each.message for each in mistakes)
    assert len(repr(entries[0].extra)) < 1_000_000


def test_entries_before_a_syntax_error_are_read(tmp_path: Path) -> None:
    entries, mistakes = read_file(write(tmp_path, smallest("first"), "id: [\n", smallest("last")), tmp_path)
    assert [each.id for each in entries] == ["first"]
    assert "the rest of the file is not read" in (mistakes[-1].hint or "")


def test_files_and_entries_above_the_size_limit_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(100 * 1024**2)  # sparse: it takes no room
    write(tmp_path, smallest() + "cause: " + "x" * (1024 * 1024) + "\n", name="book.yaml")
    messages = {each.path: each.message for each in read_folder(tmp_path).mistakes}
    assert "larger than 16 MB" in messages["huge.yaml"]
    assert "an entry larger than 1 MB" in messages["book.yaml"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_not_followed_and_links_out_of_the_folder_are_reported(tmp_path: Path) -> None:
    kb, outside = tmp_path / "kb", tmp_path / "outside"
    write(kb, smallest("inside"), name="inside.yaml")
    write(outside, smallest("secret"), name="secret.yaml")
    (kb / "file.yaml").symlink_to(outside / "secret.yaml")
    (kb / "folder").symlink_to(outside)
    (kb / "self.yaml").symlink_to("self.yaml")
    (kb / "loop").symlink_to(kb)
    (kb / "again.yaml").symlink_to("inside.yaml")
    base = read_folder(kb)
    assert [each.id for each in base.entries] == ["inside"]
    assert {each.path: each.message for each in base.mistakes} == {
        "file.yaml": "link out of the folder, which is not followed",
        "folder": "link out of the folder, which is not followed",
        "self.yaml": "broken link",
    }
    assert read_file(kb / "file.yaml", kb)[0] == []


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real", smallest())
    (tmp_path / "kb").symlink_to(tmp_path / "real")
    assert len(read_folder(tmp_path / "kb").entries) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes of that kind there")
def test_a_pipe_is_reported_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert [each.message for each in read_folder(tmp_path).mistakes] == ["not a file but a pipe or a device"]
    assert read_file(tmp_path / "pipe.yaml", tmp_path)[0] == []


def test_an_unreadable_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, smallest())

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reading.os, "open", refuse)
    assert [each.message for each in read_folder(tmp_path).mistakes] == ["cannot be read: Permission denied"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_control_characters_of_file_names_are_escaped(tmp_path: Path) -> None:
    name = os.fsdecode(b"\x1b[31m\n\xff.yaml")
    (tmp_path / name).write_text("[", encoding="utf-8")
    (tmp_path / name).with_suffix(".yml").write_text(smallest(), encoding="utf-8")
    base = read_folder(tmp_path)
    assert base.mistakes[0].path == "\\x1b[31m\\n\\xff.yaml"
    assert base.entries[0].path.isprintable()


@pytest.mark.slow
@settings(max_examples=examples(100))
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_no_file_content_raises_an_exception(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "any.yaml").write_bytes(data)
    entries, mistakes = read_file(folder / "any.yaml", folder)
    assert all(entry.id for entry in entries)
    assert all(f"{each.message}{each.hint}".isprintable() for each in mistakes)


_KEYS = st.sampled_from(
    ["id", "state", "title", "links", "applies", "review", "answers", "x", "classify", "confidence"]
)
_VALUES = st.recursive(
    st.sampled_from(["a", "", "~", "wip", "2026-01-01", "'\"'", "&a b", "*a", "!!int 3", "|\n  x"])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(_KEYS, inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        )
    ),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=examples(100))
@given(st.lists(st.tuples(_KEYS, _VALUES), max_size=6))
def test_no_value_of_a_known_key_raises_an_exception(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in pairs)
    test_no_file_content_raises_an_exception.hypothesis.inner_test(tmp_path_factory, text.encode())
