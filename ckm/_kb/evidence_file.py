"""Writing of evidence to the YAML file of a knowledge entry; comments and layout of the file do not change."""

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
    """Add evidence to a knowledge entry, and return the path of the changed file.

    Existing evidence of the same audience and metric is replaced.

    Parameters
    ----------
    folder
        Folder of the knowledge base.
    entry
        Id of the entry.
    item
        The evidence.

    Raises
    ------
    UnknownNameError
        No entry has this id.
    UsageError
        The file is not UTF-8, the value of ``evidence`` is not a list, or the edit would change other values.
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
    """Return the text of a YAML file with evidence added to one of its documents.

    Existing evidence of the same audience and metric is replaced. Returns None if the value of ``evidence`` is not a
    list, or if the edited text has other values than before besides the evidence.

    Parameters
    ----------
    text
        Text of the file, without a byte order mark.
    document
        1-based number of the document in the file.
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
    """Return the text with evidence added to the existing list of a key; None if its value is not a list.

    Parameters
    ----------
    text
        Text of the file.
    key, value
        Nodes of the key ``evidence`` and of its value, which may be null.
    item
        The evidence.
    end
        Line end of the file.
    """
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
    """Return the text with a new key ``evidence`` in block style.

    The key is inserted before the key ``review`` and the comment lines directly above it; without this key, after the
    last one.

    Parameters
    ----------
    text, root
        Text of the file, and node of the document.
    pairs
        Nodes of key and value, by name of the key.
    item
        The evidence.
    end
        Line end of the file.
    """
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
    """Return the index of the first character after a value, before blank lines and comments that follow the value."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _rest(text: str, place: int) -> str:
    """Return the text from an index on; if whitespace precedes the index, from the start of this whitespace.

    The value before the index may be a block scalar, which includes its line end.
    """
    back = place - len(text[:place].rstrip())
    return text[place - back :] if back else text[place:]


def _is_same_otherwise(roots: list[yaml.Node], written: str, document: int) -> bool:
    """Return whether an edited text has the same values as before, except for the evidence in one document.

    Parameters
    ----------
    roots
        Nodes of the documents before the edit.
    written
        Edited text.
    document
        1-based number of the document with the new evidence.
    """
    try:
        after = list(compose_documents(written))
    except Exception:  # a text with any parse error is not written
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
