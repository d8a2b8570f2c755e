"""Recording of runs: a command that writes a result file in a workspace also writes a manifest of its run."""

from __future__ import annotations

import os
from datetime import date, datetime
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ckm.errors import CkmError
from ckm.files import replaced_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typer.core import TyperCommand

    from ckm._runs.record import Begun

OUTPUT_OPTIONS = ("output", "meta", "export", "save_map")
"""Parameters whose values are the paths of files or folders that a command writes."""
NOT_RECORDED = frozenset({"demo", "ingest", "init", "mcp", "nightly", "privacy", "profile", "runs"})
"""Commands without a manifest: their arguments name a person, they change their inputs, they have no result file, or
they run other commands."""
OF_TODAY = "kb-"
"""Prefix of the names of commands whose as-of date is today by default."""

_current: Begun | None = None


def record_runs(command: Any) -> None:
    """Wrap the callback of a command, so that it writes a manifest of each run that writes a result file.

    The manifest (:mod:`ckm.runs`) is written if the command belongs to a workspace and ends with the exit code 0 or 1.
    Commands of :data:`NOT_RECORDED` are not changed.
    """
    run = command.callback
    if run is None or command.name in NOT_RECORDED:
        return

    @wraps(run)
    def wrapped(**given: Any) -> Any:
        global _current  # `ckm demo` calls other commands, which have their own manifests
        outer, before = _current, len(replaced_files())
        _current = begun = _begin(command, given)
        code = 70
        try:
            result, code = run(**given), 0
        except typer.Exit as ended:
            code = ended.exit_code
            raise
        finally:
            _current = outer
            if begun is not None and code in (0, 1):  # 1: the command has findings, and --fail-on makes them a code
                _finish(begun, before)
        return result

    command.callback = wrapped


def current_run() -> str | None:
    """Return the request id of the run in progress, which an HTML page shows; None if the run is not recorded."""
    return _current.manifest.run if _current is not None else None


def _begin(command: TyperCommand, given: Mapping[str, Any]) -> Begun | None:
    """Return the run of a command that is about to start; None if the run is not recorded.

    A run is not recorded if no option names an output file, if there is no workspace or it is read-only, if the
    command reads standard input, or if the state of the workspace cannot be read.
    """
    outputs = {name: Path(given[name]) for name in OUTPUT_OPTIONS if given.get(name) not in (None, "-", Path("-"))}
    if not outputs:
        return None
    from ckm.config import find_workspace

    data = given.get("data")
    whole = Path(data) if data is not None and (Path(data) / "ckm.yaml").is_file() else None
    root = given.get("workspace") or whole or find_workspace(Path.cwd())
    if root is None or not os.access(root, os.W_OK):
        return None
    root = Path(root).resolve()
    paths: list[Path] = []
    words = list(_arguments(command, given, root, paths))
    if Path("-") in paths:  # standard input cannot be read again
        return None
    from ckm._runs.record import begin

    name = command.name or ""
    try:
        return begin(root, name, words, seed=given.get("seed"), named=paths, outputs=outputs)
    except (CkmError, OSError):  # the command meets the same error, and reports it
        return None


def _finish(begun: Begun, before: int) -> None:
    """Write the manifest of a run and print its name; ``before`` is the number of files written before the run."""
    from ckm._runs.record import finish
    from ckm.output import detail

    try:
        made = finish(begun, replaced_files()[before:])
    except OSError as error:
        detail(f"the run is not recorded: {error.strerror}")
        return
    if made is not None:
        detail(f"run {made.run}: see 'ckm runs show {made.run}'")


def _arguments(command: TyperCommand, given: Mapping[str, Any], root: Path, paths: list[Path]) -> Iterator[str]:
    """Yield the words of the command line, without options that name output files and without the workspace.

    Paths inside of the workspace are relative to it.

    Parameters
    ----------
    command, given
        The command, and its parameters by name.
    root
        The workspace.
    paths
        List to which the paths of input files are appended.
    """
    for parameter in command.params:
        name = parameter.name or ""
        value = given.get(name)
        if name == "as_of" and value is None and (command.name or "").startswith(OF_TODAY):
            value = date.today()  # in the time zone of the computer
        if name in OUTPUT_OPTIONS or name == "workspace" or value is None or value == parameter.default:
            continue
        each = value if isinstance(value, list | tuple) else (value,)
        texts = [_word(one, root, paths) for one in each if not _is_root(one, root)]
        flags = parameter.opts if value is not False else parameter.secondary_opts
        if parameter.param_type_name == "argument":
            yield from texts
        elif isinstance(value, bool):
            yield from flags[:1]
        else:
            yield from (word for text in texts for word in (flags[0], text))


def _is_root(value: Any, root: Path) -> bool:
    """Return whether a value of a parameter is the path of the workspace."""
    return isinstance(value, str | Path) and Path(value).is_dir() and Path(value).resolve() == root


def _word(value: Any, root: Path, paths: list[Path]) -> str:
    """Return the value of a parameter as a word of a command line; append a path to ``paths``.

    A text is taken as a path if a file or folder of this name exists.
    """
    if isinstance(value, datetime | date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Path) or (isinstance(value, str) and Path(value).exists()):
        from ckm._runs.state import relative_path

        path = Path(value)
        paths.append(path)
        return str(value) if str(value) == "-" else relative_path(path, root)
    return str(value)
