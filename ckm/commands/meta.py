"""The option ``--meta`` of the commands whose result is a table or a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ckm.errors import UsageError
from ckm.output import note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

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
    """Refuse ``--meta`` together with an option that prints something else than the command's result.

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


def write_knowledge_meta(
    path: Path | None,
    command: str,
    folder: Path,
    root: Path | None,
    *,
    parameters: Mapping[str, object],
    sources: Mapping[str, object] | None = None,
    as_of: date,
    columns: Iterable[str],
    remarks: Iterable[str],
    **more: Any,
) -> None:
    """Write the facts of a run on a knowledge base; do nothing without ``--meta``.

    Parameters
    ----------
    path
        The file of ``--meta``; None without the option.
    folder, root
        The knowledge folder; its workspace, None without one.
    sources
        What identifies further data of the run.
    command, parameters, as_of, columns, remarks, **more
        As for :func:`ckm.metadata.command_facts`.
    """
    if path is None:
        return
    from ckm.config import load_config
    from ckm.metadata import command_facts, knowledge_facts

    facts = command_facts(
        command,
        {**knowledge_facts(folder, root), **(sources or {})},
        as_of=as_of,
        parameters=parameters,
        config=load_config(root),
        settings=("kb",),
        columns=columns,
        remarks=remarks,
        root=root,
        **more,
    )
    write_meta(facts, path)


def write_workspace_meta(
    path: Path | None,
    command: str,
    root: Path,
    *,
    columns: Iterable[str],
    parameters: Mapping[str, object],
    as_of: date | None = None,
    settings: Iterable[str] = (),
    remarks: Iterable[str] = (),
    **more: object,
) -> None:
    """Write the facts of a run on all tables of a workspace; do nothing without ``--meta``.

    Parameters
    ----------
    path
        The file of ``--meta``; None without the option.
    root
        The workspace.
    command, parameters, as_of, settings, columns, remarks, **more
        As for :func:`ckm.metadata.run_facts`.
    """
    if path is None:
        return
    from ckm.dataset import AS_FOUND
    from ckm.dataset.source import dataset_of
    from ckm.metadata import data_facts, run_facts

    dataset = dataset_of(root, by_customer=True)
    facts = run_facts(
        command,
        dataset,
        data_facts(dataset, root, AS_FOUND),
        as_of=as_of,
        parameters=parameters,
        settings=settings,
        columns=columns,
        remarks=remarks,
        **more,
    )
    write_meta(facts, path)


def write_meta(facts: Mapping[str, Any], path: Path) -> None:
    """Write the facts of a run, and a note."""
    from ckm.metadata import write_facts

    write_facts(facts, path)
    note(f"wrote {path}")
