"""Computation of a recorded run for a second time, in a copy of the workspace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING

from ckm._runs.manifest import FOLDER
from ckm._runs.state import inputs_of
from ckm.errors import CkmError
from ckm.files import temporary_folder
from ckm.store.runs import PREFIX
from ckm.store.store_copy import mirror

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ckm._runs.manifest import Manifest

NOT_COPIED = frozenset({"store", "out", "privacy", "incoming", FOLDER, ".git"})
FLAGS = {"output": "-o", "meta": "--meta", "export": "--export", "save_map": "--save-map"}
"""Options that name output files, by name of the command's parameter."""


class RecomputeError(CkmError):
    """The command of a recorded run fails when it is run a second time."""

    exit_code = 6


def recompute(root: Path, manifest: Manifest, variables: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Run the command of a manifest again, and return the path of each new output by its path in the manifest.

    The command runs in a copy of the workspace, because it may save results. Data files of the store are linked, not
    copied, where the file system has links.

    Parameters
    ----------
    root
        The workspace.
    manifest
        The run.
    variables
        Environment variables to set for the command besides those of the present process.

    Returns
    -------
    dict
        Path of each new output in a temporary folder; the command may not have written the file.

    Raises
    ------
    RecomputeError
        The command ends with an exit code other than 0 and 1.
    """
    copy = temporary_folder() / f"verify-{manifest.run}" / root.name
    shutil.rmtree(copy.parent, ignore_errors=True)
    copy.mkdir(parents=True)
    for path in root.iterdir():
        if path.name in ("incoming", "privacy"):
            (copy / path.name).symlink_to(path)
        elif path.name not in NOT_COPIED:
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, copy / path.name)
    if (root / ".git").exists():  # ckm evaluate reads the history of the knowledge base
        (copy / ".git").symlink_to(root / ".git")
    for name in later_files(root, manifest):
        (copy / name).unlink()
    if (root / "store").is_dir():
        mirror(root / "store", copy / "store")
        for folder in (copy / "store").glob(f"{PREFIX}*"):
            if folder.name.removeprefix(PREFIX) not in manifest.inputs["saved"]:
                shutil.rmtree(folder)  # first saved by this run, or by a later one
    (copy / "out").mkdir()
    for path in (root / "out").glob("*.ndjson"):  # the search log
        shutil.copy2(path, copy / "out" / path.name)
    places: dict[str, Path] = {}
    for option in {facts["option"]: None for facts in manifest.outputs.values()}:
        paths = [path for path, facts in manifest.outputs.items() if facts["option"] == option]
        place = os.path.commonpath(paths if option != "export" else [str(PurePath(each).parent) for each in paths])
        places[option] = copy.parent / "written" / place.lstrip("/")
    words = [part for option, place in places.items() for part in (FLAGS[option], str(place))]
    done = subprocess.run(
        [sys.executable, "-m", "ckm", *manifest.command.split(), *manifest.arguments, *words, "--quiet"],
        cwd=copy,
        env={**_environment(), **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if done.returncode not in (0, 1):  # 1: the command has findings, and --fail-on makes them an exit code
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")] or lines[-1:]
        raise RecomputeError(f"run {manifest.run} cannot be computed again: {errors[0]}")
    return {path: copy.parent / "written" / path.lstrip("/") for path in manifest.outputs}


def later_files(root: Path, manifest: Manifest) -> list[str]:
    """Return the paths of input files that were added after a run, such as a definition that the run itself saved.

    Paths are relative to the workspace. A folder that the manifest has as one digest (more than
    :data:`ckm._runs.state.MOST_FILES` files) is left out, because its single files at the time of the run are unknown.
    """
    then = manifest.inputs["files"]
    now = inputs_of(root, manifest.command, ())["files"]
    listed = [name for name in now if (root / name).is_file()]
    folders = {name.partition("/")[0] for name in then if not (root / name).exists()}
    return [name for name in listed if name not in then and name.partition("/")[0] not in folders]


def _environment() -> dict[str, str]:
    """Return the environment of the process without the variables that change the output format or the workspace."""
    left_out = {"CKM_FORMAT", "CKM_WORKSPACE"}
    return {name: value for name, value in os.environ.items() if name not in left_out}
