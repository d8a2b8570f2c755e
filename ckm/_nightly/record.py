"""The record of the last nightly run: a digest of the inputs from which its list of new warnings was computed.

The record is a file in the folder of the store, so that deleting the tables also deletes the record.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from ckm import __version__
from ckm.files import replacing
from ckm.settings import plain_settings
from ckm.store import Store

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from ckm.config import Workspace

FILE = "nightly.json"
RECORD_SCHEMA = "ckm.nightly/1"


def warning_inputs(workspace: Workspace, *, as_of: date | None, seed: int) -> str:
    """Return a SHA-256 of all inputs of the list of new warnings, except knowledge entries.

    The inputs are the states of the tables, the settings, the mappings (which declare payments), the segment
    definitions, the as-of date, the seed and the version of ckm. If only knowledge entries have changed, the digest is
    the same, so that the list of warnings is not written again.

    Parameters
    ----------
    workspace
        The workspace.
    as_of
        As-of date of the run; None for the newest usual day with a transaction.
    seed
        Random seed of the run.
    """
    store = Store(workspace.store_dir)
    facts = {
        "ckm": __version__,
        "tables": {name: store.state(name) for name in store.tables()},
        "settings": plain_settings(workspace.config, shown_only=False),
        "files": [
            (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
            for folder in (workspace.maps_dir, workspace.root / "segments")
            for path in sorted(folder.glob("*.y*ml"))
        ],
        "as_of": as_of,
        "seed": seed,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def recorded_inputs(workspace: Workspace) -> str | None:
    """Return the digest that :func:`record_inputs` saved; None if the record is missing or cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(_file(workspace).read_text(encoding="utf-8"))
        if record["schema"] == RECORD_SCHEMA:
            return str(record["warned"])
    return None


def record_inputs(workspace: Workspace, inputs: str) -> None:
    """Save the digest of the inputs (:func:`warning_inputs`), after the list of warnings was written."""
    text = json.dumps({"schema": RECORD_SCHEMA, "warned": inputs}, indent=2) + "\n"
    with replacing(_file(workspace)) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def _file(workspace: Workspace) -> Path:
    """Return the path of the record."""
    return workspace.store_dir / FILE
