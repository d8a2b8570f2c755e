"""Everything on which a result depends: input files and tables, settings, code and library versions."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ckm
from ckm._evaluate.entry_history import last_commit
from ckm._kb.search_log import FILE as SEARCH_LOG
from ckm._kb.shown_log import FILE as SHOWN_LOG
from ckm._kb.usage_log import FILE as USAGE_LOG
from ckm.config import load_config
from ckm.metadata import file_digest, store_facts
from ckm.plaintext import unicode_text
from ckm.settings import plain_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

READ = ("audiences", "controls.csv", "identities.csv", "kb", "segments", "topics.yaml")
"""Files and folders of a workspace that analyses read besides its settings and its store."""
KNOWLEDGE = "kb"
READS_NO_KNOWLEDGE = frozenset({"check", "diff", "forecast", "link", "segment"})
"""Commands that read no knowledge entries: the digest of the entries, seconds for 100,000 of them, is not computed."""
MOST_FILES = 1000
"""Maximum number of files of a folder that a manifest lists one by one; a larger folder gets a single digest."""
READ_LOGS = {"kb-gaps": (SEARCH_LOG,), "evaluate": (SEARCH_LOG, SHOWN_LOG, USAGE_LOG)}
"""Log files in ``out/`` that a command reads, by command."""
READS_HISTORY = frozenset({"evaluate"})
"""Commands that read the versions of the knowledge entries in git."""
RECEIPTS = Path("privacy") / "receipts"


def inputs_of(root: Path, command: str, named: Iterable[Path]) -> dict[str, Any]:
    """Return digests of everything that a command may read: the workspace, and the files that its arguments name.

    Parameters
    ----------
    root
        The workspace.
    command
        Name of the command.
    named
        Input files and folders that the arguments name.

    Returns
    -------
    dict
        ``files``, ``tables``, ``saved`` and ``erasures``; see :attr:`ckm._runs.manifest.Manifest.inputs`.
    """
    files: dict[str, str | None] = {}
    for name in READ:
        if name != KNOWLEDGE or command not in READS_NO_KNOWLEDGE:
            files |= _digests(root / name, name)
    for name in READ_LOGS.get(command, ()):
        if (log := root / "out" / name).is_file():
            files[f"out/{name}"] = file_digest(log)
    if command in READS_HISTORY and (commit := last_commit(root / KNOWLEDGE)) is not None:
        files[f"{KNOWLEDGE} (git)"] = commit
    for path in named:
        name = relative_path(path, root)
        if path.exists() and path.resolve() != root and name.partition("/")[0] not in ("store", *READ):
            files |= _digests(path, name)
    store = root / "store"
    tables = {name: _without_version(facts) for name, facts in store_facts(store).items()} if store.is_dir() else {}
    receipts = len(list((root / RECEIPTS).glob("*"))) if (root / RECEIPTS).is_dir() else 0
    return {"files": files, "tables": tables, "saved": _saved(store), "erasures": receipts}


def settings_of(root: Path, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the settings in effect by dotted name; a setting with a secret value has a digest instead.

    Parameters
    ----------
    root
        The workspace.
    variables
        Environment variables that override settings, besides those of the process.
    """
    config = load_config(root, variables)
    every = dict(_flat(plain_settings(config, shown_only=False)))
    shown = dict(_flat(plain_settings(config, shown_only=True)))
    return {name: value if name in shown else _digest(value) for name, value in every.items()}


def code_of() -> dict[str, str]:
    """Return the version of ckm and a digest of its code and data files."""
    package = Path(ckm.__file__).parent
    found = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix not in (".pyc", ".md") and path.is_file():
            found.update(f"{path.relative_to(package).as_posix()}\0".encode())
            found.update(path.read_bytes())
    return {"ckm": ckm.__version__, "sha256": found.hexdigest()}


def versions_of() -> dict[str, str]:
    """Return the versions of Python and of each installed dependency of ckm, by name; all are texts."""
    try:
        required = metadata.requires("ckm-toolkit") or ()
    except metadata.PackageNotFoundError:  # runs from a checkout that is not installed
        required = ()
    names = {re.split(r"[\s<>=!~;\[(]", each, maxsplit=1)[0] for each in required}
    found = {"python": platform.python_version()}
    for name in sorted(names):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def request_id(command: str, arguments: Iterable[str], settings: Any, inputs: Any) -> str:
    """Return the request id: ten hexadecimal digits of a digest of command, arguments, settings and inputs.

    Digests of saved runs are left out of the inputs. An analysis saves its result as such a run, so that with them the
    id of a second, equal call would differ.
    """
    asked = {name: each for name, each in inputs.items() if name != "saved"}
    return _digest([command, list(arguments), settings, asked])[:10]


def relative_path(path: Path, root: Path) -> str:
    """Return a path, relative to the workspace if it is inside, else absolute; separators are ``/``."""
    whole = path.resolve()
    return unicode_text((whole.relative_to(root) if whole.is_relative_to(root) else whole).as_posix())


def _digests(path: Path, name: str) -> dict[str, str | None]:
    """Return the SHA-256 of a file, or of each file of a folder, by path; empty if the path does not exist.

    Hidden files are left out. A folder with more than :data:`MOST_FILES` files has one digest of all of them.
    """
    if path.is_file():
        return {name: file_digest(path)}
    if not path.is_dir():
        return {}
    files = [each for each in sorted(path.rglob("*")) if each.is_file() and not _hidden(each, path)]
    digests = {f"{name}/{unicode_text(each.relative_to(path).as_posix())}": file_digest(each) for each in files}
    if len(digests) > MOST_FILES:
        return {f"{name}/ ({len(digests):,} files)": _digest(digests)}
    return {**digests}


def _hidden(path: Path, folder: Path) -> bool:
    """Return whether the name of a file, or of a folder between ``folder`` and the file, begins with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _saved(store: Path) -> dict[str, str]:
    """Return a digest of all saved runs of an analysis, by name of the analysis."""
    from ckm.store import Store
    from ckm.store.runs import PREFIX

    found = {}
    for folder in sorted(store.glob(f"{PREFIX}*")):
        analysis = folder.name.removeprefix(PREFIX)
        found[analysis] = _digest([repr(run) for run in Store(store).runs(analysis)])
    return found


def _without_version(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a table without its Delta version, which compaction changes."""
    return {name: each for name, each in facts.items() if name != "version"}


def _flat(values: dict[str, Any], inside: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the value of each setting in nested mappings."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{inside}{name}.")
        else:
            yield f"{inside}{name}", value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
