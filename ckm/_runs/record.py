"""Recording of a run: inputs and settings before its command, output files after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ckm._runs.figures import figures_of
from ckm._runs.manifest import Manifest, write_manifest
from ckm._runs.state import code_of, inputs_of, relative_path, request_id, settings_of, versions_of
from ckm.metadata import file_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Begun:
    """A run whose command has not ended yet.

    Attributes
    ----------
    root
        The workspace.
    manifest
        Manifest without outputs.
    outputs
        Path of each output file or folder, by name of the option that names it.
    """

    root: Path
    manifest: Manifest
    outputs: Mapping[str, Path]


def begin(
    root: Path,
    command: str,
    arguments: Sequence[str],
    *,
    seed: int | None,
    named: Iterable[Path],
    outputs: Mapping[str, Path],
) -> Begun:
    """Return the manifest of a run from the state of the workspace before its command starts.

    Parameters
    ----------
    root
        The workspace.
    command, arguments
        Name of the command, and its arguments without the options that name output files.
    seed
        Random seed of the run; None if the command has none.
    named
        Input files and folders that the arguments name.
    outputs
        Path of each output file or folder, by name of the option that names it.
    """
    settings, inputs = settings_of(root), inputs_of(root, command, named)
    manifest = Manifest(
        run=request_id(command, arguments, settings, inputs),
        command=command,
        arguments=tuple(arguments),
        seed=seed,
        recorded_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        settings=settings,
        inputs=inputs,
        code=code_of(),
        versions=versions_of(),
    )
    return Begun(root, manifest, outputs)


def finish(begun: Begun, written: Iterable[Path]) -> Manifest | None:
    """Write the manifest of a run with its output files; return it, or None if the run has no output file.

    Parameters
    ----------
    begun
        The run.
    written
        Files that the command wrote. Output files are those that are named by an option of ``begun.outputs``, or are
        in a folder that is named by one.
    """
    outputs: dict[str, dict[str, Any]] = {}
    for path in written:
        for option, place in begun.outputs.items():
            target = place.resolve()
            if (path == target or target in path.parents) and path.is_file():
                outputs[relative_path(path, begun.root)] = {
                    "option": option,
                    "sha256": file_digest(path),
                    "bytes": path.stat().st_size,
                    "figures": figures_of(path),
                }
    if not outputs:
        return None
    return write_manifest(begun.root, replace(begun.manifest, outputs=dict(sorted(outputs.items()))))
