"""The manifest of a run: a JSON file in the folder ``runs/`` of a workspace.

A manifest contains settings, digests of files and tables, and sums and counts of columns. It never contains rows or
values of single customers.
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
"""Name of a run: its request id, followed by ``.2``, ``.3``, … for the second and later runs of the same request."""


@dataclass(frozen=True)
class Manifest:
    """What one run of a command read and wrote.

    Attributes
    ----------
    run
        Name of the run: the request id (ten hexadecimal digits of a digest of command, arguments, settings and
        inputs), followed by ``.2``, ``.3``, … for later runs of the same request whose code, library versions or
        outputs differ.
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
        Settings in effect, by dotted name; a setting with a secret value has a digest instead.
    inputs
        ``files`` (path to SHA-256), ``tables`` (name to number of loads and digest of their contents), ``saved``
        (analysis to digest of its saved runs) and ``erasures`` (number of receipts of erasures).
    code
        Version of ckm, and SHA-256 of its code and data files.
    versions
        Versions of Python and of each dependency, by name.
    outputs
        Facts of each output file by its path: ``option`` (name of the option that names the file), ``sha256``,
        ``bytes`` (size) and ``figures`` (see :func:`ckm._runs.figures.figures_of`).
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
        """Return the content of the manifest's file: JSON, with the schema as its first key."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    def same_result(self, other: Manifest) -> bool:
        """Return whether two runs of one request have the same code, versions and outputs."""
        return (self.code, self.versions, self.outputs) == (other.code, other.versions, other.outputs)


def read_manifest(path: Path) -> Manifest:
    """Read the manifest in a JSON file.

    Raises
    ------
    InputError
        The file cannot be read, or is not a manifest.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document.pop("schema") == SCHEMA
        found = {each.name: document[each.name] for each in fields(Manifest)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise InputError(f"{path}: not a manifest of a run", hint="remove the file") from error
    return Manifest(**{**found, "arguments": tuple(found["arguments"])})


def manifests(root: Path) -> list[Manifest]:
    """Return all manifests of a workspace, sorted by time of the run, oldest first.

    Raises
    ------
    InputError
        A file in ``runs/`` with the name of a run is not a manifest.
    """
    found = [read_manifest(path) for path in (root / FOLDER).glob("*.json") if NAME.fullmatch(path.stem)]
    return sorted(found, key=lambda each: (each.recorded_at, each.run))


def find_manifest(root: Path, run: str) -> Manifest:
    """Return the manifest of a run by its name or by the beginning of its request id.

    Parameters
    ----------
    root
        The workspace.
    run
        Full name of a run such as ``0123456789.2``, or at least the first four digits of a request id. Several runs of
        one request match a request id: the newest of them is returned.

    Raises
    ------
    UnknownNameError
        No run has this name, or the request ids of several requests begin with ``run``.
    """
    every = manifests(root)
    exact = [each for each in every if each.run == run and "." in run]
    begun = [each for each in every if each.run.startswith(run)] if "." not in run and len(run) >= 4 else []
    found = exact or (begun if len({each.run[:10] for each in begun}) == 1 else [])
    if not found:
        raise UnknownNameError("run", run, [each.run for each in reversed(every)], where="ckm runs list")
    return found[-1]


def write_manifest(root: Path, made: Manifest) -> Manifest:
    """Write the manifest of a new run, and return it with the name that the run got.

    If an earlier run has the same request, code, library versions and outputs, its manifest is replaced.

    Parameters
    ----------
    root
        The workspace.
    made
        The manifest, with the request id as the name of the run.
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
    """Return the attributes of a manifest by name, without a deep copy."""
    return {each.name: getattr(made, each.name) for each in fields(made)}
