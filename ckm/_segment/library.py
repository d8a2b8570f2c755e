"""Saved definitions (``segments/NAME.yaml``) and runs (in the store)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ckm._segment.definition_file import SavedDefinition, load_definition, parse_definition
from ckm.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from ckm._segment.result import Segmentation
    from ckm.store import Store

ANALYSIS = "segments"
_NAME = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class Library:
    """The definitions in a folder.

    Attributes
    ----------
    folder
        Folder; created with the first definition.
    """

    folder: Path

    def path(self, name: str) -> Path:
        """Return the file of a definition: a file in the folder for a name, or the path itself.

        Raises
        ------
        UsageError
            The name is neither a plain word nor a path that ends in ``.yaml``.
        """
        if name.endswith((".yaml", ".yml")):
            return Path(name)
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"invalid definition name '{name}'",
                hint="use letters, digits, '.', '_' and '-'; or a path to a .yaml file",
            )
        return self.folder / f"{name}.yaml"

    def find(self, name: str) -> SavedDefinition | None:
        """Return the definition with this name; None if there is none."""
        path = self.path(name)
        return load_definition(path) if path.exists() else None

    def load(self, name: str) -> SavedDefinition:
        """Return the definition of this name.

        Raises
        ------
        UsageError
            The definition does not exist; the error lists existing ones.
        """
        found = self.find(name)
        if found is None:
            names = ", ".join(sorted(path.stem for path in self.folder.glob("*.yaml")))
            raise UsageError(
                f"definition {self.path(name)} does not exist",
                hint=f"existing definitions: {names}" if names else f"--save {Path(name).stem} fits one",
            )
        return found

    def save(self, saved: SavedDefinition, name: str) -> Path:
        """Write a definition, and return its file."""
        path = self.path(name)
        saved.save(path)
        return path


@dataclass(frozen=True)
class EarlierRun:
    """Segments of customers on an earlier day.

    Attributes
    ----------
    as_of
        As-of date of the run.
    customers
        Columns customer_id, segment, rows, net_total.
    definition
        Definition of the segments.
    """

    as_of: date
    customers: pl.DataFrame
    definition: SavedDefinition


def last_run(store: Store, saved: SavedDefinition, as_of: date, *, until: date | None = None) -> EarlierRun | None:
    """Return the latest saved run of a definition up to the day of the current run, other than the current run.

    Parameters
    ----------
    store
        Store of the runs.
    saved, as_of
        Definition and day of the current run.
    until
        Latest as-of date of the returned run.
    """
    earlier = [
        run
        for run in store.runs(ANALYSIS, saved.name)
        if run.as_of <= min(as_of, until or as_of) and (run.version, run.as_of) != (saved.version, as_of)
    ]
    if not earlier:
        return None
    run = max(earlier, key=lambda run: (run.as_of, run.number))
    path = Path(f"run-{run.number}") / f"{run.name}.yaml"  # for errors
    return EarlierRun(run.as_of, store.read_run(run), parse_definition(run.facts["definition"], path))


def keep(store: Store, result: Segmentation) -> None:
    """Save a run with its definition, so that a later run can explain segment changes."""
    saved = result.definition
    store.save_run(
        ANALYSIS, saved.name, saved.version, result.as_of, result.kept, {"definition": saved.to_yaml()}
    )  # fmt: skip
