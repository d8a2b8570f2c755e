"""Facts of a run, which ``--meta FILE`` writes beside a result: data, model, parameters, definitions, remarks.

Equal runs on equal data give equal bytes: there is no time of the run, and paths are relative.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ckm import __version__
from ckm.customers.dictionary import load_dictionary
from ckm.errors import UsageError
from ckm.files import replacing
from ckm.paths import STDIN
from ckm.plaintext import unicode_text
from ckm.settings import plain_settings
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckm.config import Config
    from ckm.dataset import Dataset
    from ckm.ingest.options import IngestOptions

SCHEMA = "ckm.run/1"
COLUMNS = Path(__file__).parent / "data" / "result_columns.yaml"
COLUMNS_SCHEMA = "ckm.result_columns/1"
EXECUTION_OPTIONS = frozenset({"wait", "cache", "keep", "defer", "repeat", "engine", "rows"})
"""Options that do not change a result."""


def data_facts(dataset: Dataset, path: Path | None, options: IngestOptions) -> dict[str, Any]:
    """Return what identifies the data of a run.

    For a workspace: the version of each table in the store, the number of its loads, and a digest of their contents
    and mappings. For a file or a folder: the options by which it is read, and the SHA-256 of each file; null for
    standard input, which is read once.

    Parameters
    ----------
    dataset
        The tables.
    path
        The argument DATA of the command.
    options
        Mapping and format options of a file.
    """
    if dataset.workspace is not None:
        return {"label": dataset.label, "workspace": True, "tables": store_facts(dataset.workspace.store_dir)}
    assert path is not None  # without it the data are a workspace
    files = [path]
    if path.is_dir():
        from ckm.io.readers.folder import files_in

        files = list(files_in(path).files)
    return {"label": dataset.label, "workspace": False, **file_facts(files, options)}


def file_facts(files: Iterable[Path], options: IngestOptions) -> dict[str, Any]:
    """Return the options by which files are read, and the SHA-256 of each file; null for standard input."""
    plain = _plain(options)
    hints = plain.pop("hints")
    given = {name: each for name, each in {**plain, **hints}.items() if each not in (None, {}, [])}
    if options.map_file is not None:
        given["map_sha256"] = file_digest(options.map_file)
    return {
        "options": given,
        "files": [{"name": unicode_text(file.name), "sha256": file_digest(file)} for file in files],
    }


def knowledge_facts(folder: Path, root: Path | None) -> dict[str, Any]:
    """Return what identifies a knowledge base: its name, the number of its files, and a digest of names and contents.

    Parameters
    ----------
    folder
        The knowledge folder.
    root
        The workspace; None if there is none.
    """
    from ckm._kb.file_listing import files

    names = [name for name, _ in files(folder).files]
    lines = [f"{unicode_text(name)} {file_digest(folder / name)}" for name in names]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    label = unicode_text((root or folder).resolve().name)
    return {"label": label, "workspace": root is not None, "files": len(names), "sha256": digest}


def run_facts(
    command: str,
    dataset: Dataset,
    data: Mapping[str, Any],
    *,
    as_of: date | None,
    parameters: Any,
    settings: Iterable[str],
    columns: Iterable[str],
    remarks: Iterable[str],
    **more: Any,
) -> dict[str, Any]:
    """Return the facts of an analysis of tables as JSON values.

    Parameters
    ----------
    command
        Name of the command.
    dataset, data
        The tables, and the result of :func:`data_facts`.
    settings
        Names of the sections of ``ckm.yaml`` that the command uses besides currency and time zone.
    as_of, parameters, columns, remarks, **more
        As for :func:`command_facts`, with its ``defined``.
    """
    return command_facts(
        command,
        data,
        as_of=as_of,
        parameters=parameters,
        config=dataset.config,
        settings=("currency", "time_zone", "stray_dates", *settings),
        columns=columns,
        remarks=dict.fromkeys([*dataset.remarks, *remarks]),  # most results repeat those of the tables
        root=dataset.workspace.root if dataset.workspace is not None else None,
        **more,
    )


def command_facts(
    command: str,
    data: Mapping[str, Any],
    *,
    as_of: date | None,
    parameters: Any,
    config: Config,
    settings: Iterable[str],
    columns: Iterable[str],
    remarks: Iterable[str],
    root: Path | None,
    defined: Mapping[str, str] = MappingProxyType({}),
    **more: Any,
) -> dict[str, Any]:
    """Return the facts of a run of any command as JSON values.

    Parameters
    ----------
    command
        Name of the command.
    data
        What identifies the data: the result of :func:`data_facts`, :func:`file_facts` or :func:`knowledge_facts`.
    as_of
        As-of date of the result; None if the data have no dates.
    parameters
        Options of the run: a dataclass or a mapping.
    config, settings
        The settings, and the names of the sections that the command uses; settings that may not be shown are left out.
    columns
        Columns of the results.
    defined
        Definitions of columns that another program names; all other columns are defined in ``result_columns.yaml``.
    remarks
        Notes for the reader, as sentences. Paths in the workspace ``root`` become relative to it.
    root
        The workspace; None if there is none.
    **more
        Further facts, such as the model.
    """
    every = plain_settings(config, shown_only=True)
    return {
        "schema": SCHEMA,
        "command": command,
        "ckm": __version__,
        "data": dict(data),
        "as_of": _plain(as_of),
        "parameters": {name: each for name, each in _plain(parameters).items() if name not in EXECUTION_OPTIONS},
        "settings": {name: every[name] for name in settings},
        **{name: _plain(each) for name, each in more.items()},
        "columns": definitions(command, (each for each in columns if each not in defined)) | dict(defined),
        "remarks": [relative(text, root) for text in remarks],
    }


def write_facts(facts: Mapping[str, Any], path: Path) -> None:
    """Write facts as a JSON file, whole or not at all.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with replacing(path) as draft:
        draft.write_text(unicode_text(text), encoding="utf-8", newline="\n")


def definitions(command: str, columns: Iterable[str]) -> dict[str, str]:
    """Return the definitions of columns of a command's results, in their order.

    Raises
    ------
    UsageError
        A column has no definition.
    """
    described = _described()[command]
    found: dict[str, str] = {}
    for name in dict.fromkeys(columns):
        feature = next((each for each in load_dictionary() if each.names(name)), None)
        if name in described:
            found[name] = described[name]
        elif feature is not None:
            found[name] = f"{feature.meaning} Formula: {feature.formula}."
        else:
            raise UsageError(f"column '{name}' of {command} has no definition", hint=f"add it to {COLUMNS.name}")
    return found


def relative(text: str, root: Path | None) -> str:
    """Return a text whose paths below a folder are relative to it; without a folder the text itself."""
    for written in dict.fromkeys((str(root.resolve()), str(root))) if root is not None else ():
        text = text.replace(f"{written}{os.sep}", "")
    return text


def store_facts(store_dir: Path) -> dict[str, Any]:
    """Return version, number of loads and digest of each table of a store."""
    from ckm.store import Store  # imports deltalake, which a file does not need

    store = Store(store_dir)
    history = [load.facts for load in store.history() if not load.undone]
    tables = {}
    for name in store.tables():
        contents = [facts.content_id for facts in history if facts.table == name]
        digest = hashlib.sha256("\n".join(contents).encode()).hexdigest()
        version = (store.state(name) or "").partition("-")[0]
        tables[name] = {"version": int(version), "loads": len(contents), "sha256": digest}
    return tables


def file_digest(path: Path) -> str | None:
    """Return the SHA-256 of a file; None for standard input, which is read once."""
    if path == STDIN:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _described() -> dict[str, dict[str, str]]:
    """Return the definitions of columns by command."""
    document = read_yaml(COLUMNS)
    commands = document.mapping() if document is not None else {}
    if "schema" not in commands or commands["schema"].text() != COLUMNS_SCHEMA:
        raise UsageError(f"{COLUMNS}: not a file of {COLUMNS_SCHEMA}")
    return {
        command: {name: entry.text() for name, entry in columns.mapping().items()}
        for command, columns in commands.items()
        if command != "schema"
    }


def _plain(value: Any) -> Any:
    """Return a value as a JSON value; a path becomes its file name."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return unicode_text(value.name)
    if isinstance(value, Enum):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
