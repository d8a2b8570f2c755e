"""The option ``--meta`` of the analysis commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ckm.errors import UsageError
from ckm.output import note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.commands.options import FileOptions
    from ckm.dataset import Dataset

Meta = Annotated[
    Path | None,
    typer.Option(
        "--meta",
        metavar="FILE",
        help="Write the facts of the run to FILE as JSON: data, as-of date, model, parameters, definitions, remarks.",
    ),
]


def refuse_meta(path: Path | None, chosen: Mapping[str, object]) -> None:
    """Refuse ``--meta`` together with an option whose output is not a result of an analysis.

    Raises
    ------
    UsageError
        One of ``chosen`` is set.
    """
    for option, value in chosen.items():
        if path is not None and value:
            raise UsageError(f"--meta and {option} contradict each other", hint="leave out one of them")


def read_source(dataset: Dataset, data: Path | None, reading: FileOptions, path: Path | None) -> dict[str, Any]:
    """Return what identifies the data, read before the analysis; empty without ``--meta``."""
    if path is None:
        return {}
    from ckm.metadata import data_facts

    return data_facts(dataset, data, reading.ingest_options())


def write_meta(facts: Mapping[str, Any], path: Path) -> None:
    """Write the facts of a run, and a note."""
    from ckm.metadata import write_facts

    write_facts(facts, path)
    note(f"wrote {path}")
