"""The manifest of a run, a JSON file in ``runs/`` of the workspace.

A manifest has digests of files and tables, names of settings, and sums of columns. Rows and values of customers are
never in it.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ckm.errors import InputError, UnknownNameError
from ckm.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "ckm.manifest/1"
FOLDER = "runs"
NAME = re.compile(r"([0-9a-f]{10})(?:\.(\d+))?")
"""Name of a run: its request id, and from the second on its number among the runs of that request."""


@dataclass(frozen=True)
class Manifest:
    """The facts of one run.

    Attributes
    ----------
    run
        Name of the run: ten hexadecimal digits of the request (command, arguments, settings, inputs), then ``.2``,
        ``.3``, … for later runs of an equal request whose code or outputs differ.
    command
        Name of the command.
    arguments
        Arguments as words of a command line, without the options that name output files. Paths are relative to the
        workspace.
    seed
        Seed of the random number generators; None if the command has none.
    recorded_at
        Time of the run (ISO 8601, UTC).
    settings
        Settings in effect, by name; a digest for a setting whose value may not be shown.
    inputs
        ``files`` (path to SHA-256), ``tables`` (name to number of loads and digest of their contents), ``saved``
        (analysis to digest of its saved runs) and ``erasures`` (number of receipts of erasures).
    code
        Version of ckm and digest of its files.
    versions
        Versions of Python and of each dependency.
    outputs
        Path to ``option``, ``sha256``, ``bytes`` and ``figures`` (number of rows, sums and counts of columns).
    """

    run: str
    command: str
    arguments: tuple[str, ...]
    seed: int | None
    recorded_at: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, Any]
    code: Mapping[str, str]
    versions: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the manifest as a JSON text."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    def same_result(self, other: Manifest) -> bool:
        """Return whether two runs of one request have the same code, versions and outputs."""
        return (self.code, self.versions, self.outputs) == (other.code, other.versions, other.outputs)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in a file.

    Raises
    ------
    InputError
        The file is not a manifest.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document.pop("schema") == SCHEMA
        found = {each.name: document[each.name] for each in fields(Manifest)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise InputError(f"{path}: not a manifest of a run", hint="remove the file") from error
    return Manifest(**{**found, "arguments": tuple(found["arguments"])})


def manifests(root: Path) -> list[Manifest]:
    """Return all manifests of a workspace, oldest first."""
    found = [read_manifest(path) for path in (root / FOLDER).glob("*.json") if NAME.fullmatch(path.stem)]
    return sorted(found, key=lambda each: (each.recorded_at, each.run))


def find_manifest(root: Path, run: str) -> Manifest:
    """Return the manifest of a run; of a request's newest run if ``run`` is the beginning of one request id only.

    Raises
    ------
    UnknownNameError
        The workspace has no such run, or several requests begin with ``run``.
    """
    every = manifests(root)
    exact = [each for each in every if each.run == run and "." in run]
    begun = [each for each in every if each.run.startswith(run)] if "." not in run and len(run) >= 4 else []
    found = exact or (begun if len({each.run[:10] for each in begun}) == 1 else [])
    if not found:
        raise UnknownNameError("run", run, [each.run for each in reversed(every)], where="ckm runs list")
    return found[-1]


def write_manifest(root: Path, made: Manifest) -> Manifest:
    """Write the manifest of a new run; return it with its name.

    A run that equals an earlier one in request, code, versions and outputs replaces its manifest.
    """
    folder, request = root / FOLDER, made.run
    numbers: dict[int, Manifest] = {}
    for path in folder.glob(f"{request}*.json"):
        if name := NAME.fullmatch(path.stem):
            numbers[int(name[2] or 1)] = read_manifest(path)
    equal = [number for number, each in numbers.items() if each.same_result(made)]
    number = equal[0] if equal else max(numbers, default=0) + 1
    named = Manifest(**{**_fields(made), "run": request if number == 1 else f"{request}.{number}"})
    folder.mkdir(mode=0o700, exist_ok=True)
    with replacing(folder / f"{named.run}.json", owner_only=True) as draft:
        draft.write_text(named.to_json(), encoding="utf-8", newline="\n")
    return named


def _fields(made: Manifest) -> dict[str, Any]:
    return {each.name: getattr(made, each.name) for each in fields(made)}
