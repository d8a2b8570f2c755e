"""Settings of a workspace, and the workspace itself.

A setting is taken from the option of the command, or else the environment (``CKM_INGEST_MAX_REJECTS``), ``ckm.yaml``,
or its default (:mod:`ckm.settings`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ckm.errors import UnknownNameError, UsageError
from ckm.settings import Config
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm.yamlfile import YamlEntry

__all__ = ["CONFIG_NAME", "LEDGER_FOLDER", "Config", "Workspace", "find_workspace", "load_config", "open_workspace"]

CONFIG_NAME = "ckm.yaml"
LEDGER_FOLDER = "ledger"
"""Folder in the store with the cached customer ledger; it is not a table, and the erasure of a customer deletes it."""
ENVIRONMENT_PREFIX = "CKM_"
NEARLY = 0.85
"""Similarity of two names from which one is probably a misspelling of the other."""

T = TypeVar("T")


@dataclass(frozen=True)
class Workspace:
    """A folder with a ``ckm.yaml``, and the locations in it."""

    root: Path
    config: Config

    @property
    def store_dir(self) -> Path:
        """Folder of the Delta tables."""
        return self.root / "store"

    @property
    def ledger_dir(self) -> Path:
        """Folder of the cached customer ledger."""
        return self.store_dir / LEDGER_FOLDER

    @property
    def maps_dir(self) -> Path:
        """Folder of the mappings."""
        return self.root / "maps"

    @property
    def kb_dir(self) -> Path:
        """Folder of the knowledge entries."""
        return self.root / "kb"

    @property
    def out_dir(self) -> Path:
        """Folder of the results."""
        return self.root / "out"

    @property
    def runs_dir(self) -> Path:
        """Folder of the manifests of runs (:mod:`ckm.runs`)."""
        return self.root / "runs"

    @property
    def writable(self) -> bool:
        """Whether an analysis may write here: false on a read-only disk or without permission."""
        folders = [folder for folder in (self.root, self.store_dir) if folder.is_dir()]
        return all(os.access(folder, os.W_OK) for folder in folders)


def find_workspace(start: Path) -> Path | None:
    """Return the first folder from ``start`` upwards with a ``ckm.yaml``; None without one.

    A ``ckm.yaml`` that is not a file, or is a broken link, counts too; otherwise another workspace would be opened.
    """
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if os.path.lexists(folder / CONFIG_NAME)), None)


def open_workspace(root: Path | None = None) -> Workspace:
    """Return the workspace at ``root``; without ``root``, the workspace around the current folder.

    Raises
    ------
    UsageError
        There is no workspace, or its ``ckm.yaml`` is invalid.
    """
    found = find_workspace(Path.cwd()) if root is None else root
    if found is None:
        raise UsageError(
            f"no {CONFIG_NAME} here or above", hint="make a workspace with 'ckm init DIR', or name one by -C"
        )
    return Workspace(found.resolve(), load_config(found))


def workspace_folder(root: Path | None = None) -> Path:
    """Return the folder of the workspace that :func:`open_workspace` opens, as ``root`` names it.

    Messages then name files as the caller wrote their folder.

    Raises
    ------
    UsageError
        As :func:`open_workspace`.
    """
    found = open_workspace(root)
    return found.root if root is None else root


def load_config(root: Path | None, variables: Mapping[str, str] | None = None) -> Config:
    """Return the settings of the workspace at ``root``; without it, those of the environment and the defaults.

    ``variables`` are further environment variables.

    Raises
    ------
    UsageError
        ``ckm.yaml`` is missing, is not YAML, or has an unknown key or an invalid value (the error has file and line);
        or a ``CKM_*`` variable is invalid.
    """
    _refuse_misspelt_variables()
    environment = {**os.environ, **(variables or {})}
    if root is None:
        return _fill(Config, {}, "", ENVIRONMENT_PREFIX, environment)
    path = root / CONFIG_NAME
    try:
        path.lstat()
    except PermissionError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", hint="check the permissions of its folder"
        ) from None
    except OSError:
        why = f"{root} is not a workspace: it has no {CONFIG_NAME}"
        raise UsageError(why, hint=f"make one with 'ckm init {root}'") from None
    document = read_yaml(path)
    return _fill(Config, document.mapping() if document is not None else {}, "", ENVIRONMENT_PREFIX, environment)


def _refuse_misspelt_variables() -> None:
    """Refuse a ``CKM_*`` variable with a name similar to a setting's; others may belong to another program."""
    known = list(_variables(Config, ENVIRONMENT_PREFIX))
    for name in os.environ:
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known and get_close_matches(name, known, 1, NEARLY):
            raise UnknownNameError("setting", name, known, where="environment")


def _variables(cls: type, prefix: str) -> Iterator[str]:
    for each in fields(cls):
        variable = prefix + each.name.upper()
        if isinstance(each.default_factory, type):
            yield from _variables(each.default_factory, f"{variable}_")
        elif "default" in each.metadata:
            yield from (f"{variable}_{name.upper()}" for name in each.metadata["default"])
        else:
            yield variable


def _fill(
    cls: type[T], entries: Mapping[str, YamlEntry], inside: str, prefix: str, environment: Mapping[str, str]
) -> T:
    """Return the settings class ``cls`` from the environment, or else the file's ``entries``."""
    assert is_dataclass(cls)
    known = {each.name: each for each in fields(cls)}
    for name in [each for each in entries if each not in known]:
        raise UnknownNameError("setting", inside + name, [inside + each for each in known], where=entries[name].where)
    values: dict[str, Any] = {}
    for name, each in known.items():
        entry = entries.get(name)
        variable = prefix + name.upper()
        if isinstance(each.default_factory, type):
            children = entry.mapping() if entry is not None else {}
            values[name] = _fill(each.default_factory, children, f"{name}.", f"{variable}_", environment)
        elif "default" in each.metadata:
            values[name] = _named_values(each.metadata, entry, f"{variable}_", environment)
        elif variable in environment:
            values[name] = _parsed(each.metadata, environment[variable], variable)
        elif entry is not None and not entry.is_null:
            values[name] = _parsed(
                each.metadata, entry.joined() if each.metadata.get("list") else entry.text(), entry.where
            )
    return cls(**values)


def _named_values(
    metadata: Mapping[str, Any], entry: YamlEntry | None, prefix: str, environment: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return one value per name: the defaults, overridden by the file, overridden by the environment.

    A null value in the file removes a name: no limit.
    """
    default: Mapping[str, Any] = metadata["default"]
    values = dict(default)
    for name, child in (entry.mapping() if entry is not None else {}).items():
        if name not in default and not metadata["any_name"]:
            raise UnknownNameError(metadata["what"], name, default, where=child.where)
        if child.is_null:
            values.pop(name, None)
        else:
            values[name] = _parsed(metadata, child.text(), child.where)
    for name in {**default, **values}:
        if (variable := prefix + name.upper()) in environment:
            values[name] = _parsed(metadata, environment[variable], variable)
    return MappingProxyType(values)


def _parsed(metadata: Mapping[str, Any], text: str, where: str) -> Any:
    try:
        return metadata["parse"](text)
    except UsageError as error:
        if not metadata["shown"]:
            raise UsageError(
                f"{where}: invalid value",
                hint="'ckm init' explains each in its ckm.yaml",
                where=where,
            ) from None
        raise UsageError(f"{where}: {error}", hint=error.hint, where=where) from None
