"""Read the description of a platform; the format of the files is documented in ``docs/reference/platforms.md``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.io.mapping.mapping_file import KEYS, check_schema, fields_of, mapping_of, mistake, texts
from ckm.io.mapping.platform import Fingerprint, Platform
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.yamlfile import YamlEntry

SCHEMA = "ckm.platform/1"
"""The version of the file format."""
OWN_KEYS = ("title", "documentation", "recognise", "headers", "by_name")
"""Keys of a platform file in addition to those of a mapping."""
DEFAULT_LEAST_SHARE = 0.75
"""Default share of fingerprint columns needed for recognition."""


def read_platform(path: Path) -> Platform:
    """Read the description of a platform.

    Raises
    ------
    UsageError
        A key is unknown or missing, or a value has the wrong type; the error has file and line.
    """
    root = read_yaml(path)
    if root is None:
        raise UsageError(f"{path}:1: the file is empty", hint=f"start it with 'schema: {SCHEMA}'", where=f"{path}:1")
    entries = fields_of(root, (*(key for key in KEYS if key != "files"), *OWN_KEYS))
    check_schema(root, entries, SCHEMA)
    for needed in ("name", *OWN_KEYS[:3], "columns"):
        if needed not in entries:
            raise mistake(root, f"no '{needed}'")
    name = entries["name"].text()
    if name != path.stem:
        raise mistake(entries["name"], f"the file is named '{path.stem}', but its platform '{name}'")
    headers = entries["headers"].mapping() if "headers" in entries else {}
    return Platform(
        name=name,
        title=entries["title"].text(),
        documentation=texts(entries["documentation"]),
        fingerprint=_fingerprint(entries["recognise"]),
        headers={column: texts(others) for column, others in headers.items()},
        mapping=mapping_of(root, entries, default_name=name),
        by_name=texts(entries["by_name"]) if "by_name" in entries else (),
    )


def _fingerprint(entry: YamlEntry) -> Fingerprint:
    found = fields_of(entry, ("columns", "least", "without", "values"))
    columns = texts(found["columns"]) if "columns" in found else ()
    if not columns:
        raise mistake(entry, "no columns to recognise it by", hint="list 'columns' that no other export has")
    least = found["least"].whole() if "least" in found else -int(-DEFAULT_LEAST_SHARE * len(columns) // 1)
    if not 1 <= least <= len(columns):
        raise mistake(found["least"], f"'least' is a number from 1 to {len(columns)}, the columns of the fingerprint")
    values = found["values"].mapping() if "values" in found else {}
    return Fingerprint(
        columns,
        least,
        texts(found["without"]) if "without" in found else (),
        {column: _regex(regex) for column, regex in values.items()},
    )


def _regex(entry: YamlEntry) -> str:
    try:
        re.compile(entry.text())
    except re.error as error:
        raise mistake(entry, f"invalid regular expression: {error}") from None
    return entry.text()
