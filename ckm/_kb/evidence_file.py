"""Write evidence on an entry's file; comments and layout of the file are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from ckm._kb.entry_files import read_folder
from ckm._kb.entry_reader import MOST_VALUES
from ckm.errors import UnknownNameError, UsageError
from ckm.files import replacing
from ckm.yamlnodes import compose_documents, is_null, plain_value

if TYPE_CHECKING:
    from pathlib import Path

    from ckm._kb.evidence import Evidence

KEY, BEFORE = "evidence", "review"
DEEPEST = 30
INDENT = "  "
BOM = "\ufeff"


def write_evidence(folder: Path, entry: str, item: Evidence) -> Path:
    """Add evidence to an entry, or replace that of the same audience and metric; return the file.

    Parameters
    ----------
    folder
        The knowledge folder.
    entry
        Id of the entry.
    item
        The evidence.

    Raises
    ------
    UnknownNameError
        There is no such entry.
    UsageError
        The file is not UTF-8, its ``evidence`` is no list, or its layout cannot be edited without other changes.
    """
    entries = read_folder(folder).entries
    found = next((each for each in entries if each.id == entry), None)
    if found is None:
        raise UnknownNameError("knowledge entry", entry, [each.id for each in entries])
    path = folder / found.path
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    mark = BOM if text.startswith(BOM) else ""
    written = with_evidence(text.removeprefix(mark), found.document, item)
    if written is None:
        raise UsageError(
            f"{path}:{found.line_of(KEY)}: evidence cannot be added here",
            hint=f"make '{KEY}' a list, or remove it",
        )
    with replacing(path) as draft:
        draft.write_text(mark + written, encoding="utf-8", newline="")
    return path


def with_evidence(text: str, document: int, item: Evidence) -> str | None:
    """Return a text of YAML documents with evidence in one of them; None if the rest would change.

    Parameters
    ----------
    text
        Text of the file, without a byte order mark.
    document
        1-based number of the document.
    item
        The evidence.
    """
    roots = list(compose_documents(text))
    root = roots[document - 1]
    assert isinstance(root, yaml.MappingNode)
    end = "\r\n" if "\r\n" in text else "\n"
    pairs = {str(key.value): (key, value) for key, value in root.value}
    if KEY in pairs:
        written = _changed(text, *pairs[KEY], item, end)
    elif root.flow_style:
        place = root.end_mark.index - 1
        written = f"{text[:place].rstrip()}, {KEY}: [{item.line()}]{text[place:]}"
    else:
        written = _inserted(text, root, pairs, item, end)
    return written if written is not None and _is_same_otherwise(roots, written, document) else None


def _changed(text: str, key: yaml.Node, value: yaml.Node, item: Evidence, end: str) -> str | None:
    """Return the text with the evidence in the present value of the key; None if that is no list."""
    if is_null(value):
        return f"{text[: key.end_mark.index]}: [{item.line()}]{text[value.end_mark.index :]}"
    if not isinstance(value, yaml.SequenceNode):
        return None
    if not value.value:
        return f"{text[: value.start_mark.index]}[{item.line()}]{text[value.end_mark.index :]}"
    for each in value.value:
        plain, _ = plain_value(each, MOST_VALUES, DEEPEST)
        if isinstance(plain, dict) and (plain.get("audience"), plain.get("metric")) == (item.audience, item.metric):
            return text[: each.start_mark.index] + item.line() + text[_end(each) :]
    last = _end(value.value[-1])
    if value.flow_style:
        return f"{text[:last]}, {item.line()}{text[last:]}"
    dash = " " * value.start_mark.column
    return f"{text[:last].rstrip()}{end}{dash}- {item.line()}{_rest(text, last)}"


def _inserted(text: str, root: yaml.MappingNode, pairs: dict[str, tuple[Any, Any]], item: Evidence, end: str) -> str:
    """Return the text with a new key before ``review``, and before the comment above it; else after the last key."""
    margin = " " * root.value[0][0].start_mark.column
    block = f"{margin}{KEY}:{end}{margin}{INDENT}- {item.line()}{end}"
    if BEFORE not in pairs:
        last = _end(root.value[-1][1])
        rest = _rest(text, last)
        line, newline, after = rest.partition("\n")
        return f"{text[:last]}{line.rstrip(chr(13))}{end}{block}{after if newline else ''}"
    place = text.rfind("\n", 0, pairs[BEFORE][0].start_mark.index) + 1
    while place:
        above = text.rfind("\n", 0, place - 1) + 1
        if not text[above:place].lstrip().startswith("#"):
            break
        place = above
    return text[:place] + block + text[place:]


def _end(node: yaml.Node) -> int:
    """Return the position behind a value, without the blank lines and comments that follow a block."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _rest(text: str, place: int) -> str:
    """Return the text from a position on; behind a block scalar with its line end before it."""
    back = place - len(text[:place].rstrip())
    return text[place - back :] if back else text[place:]


def _is_same_otherwise(roots: list[yaml.Node], written: str, document: int) -> bool:
    """Return whether all documents have the same values as before, except for the evidence of one."""
    try:
        after = list(compose_documents(written))
    except Exception:  # whatever is wrong with it, it is not written
        return False
    if len(after) != len(roots):
        return False
    for number, (old, new) in enumerate(zip(roots, after, strict=True), 1):
        values = [plain_value(each, MOST_VALUES, DEEPEST)[0] for each in (old, new)]
        if number == document:
            for each in values:
                each.pop(KEY, None)
        if values[0] != values[1]:
            return False
    return True
