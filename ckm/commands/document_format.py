"""Formats of commands whose result is a document as well as a table: ``--format`` and the suffix of ``--output``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import FORMAT_HELP
from ckm.errors import UnknownNameError, UsageError
from ckm.output import FILE_ONLY, default_format

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class DocumentFormat(StrEnum):
    """Format of a document: tables for the terminal, rows, or the whole as JSON, Markdown or an HTML page."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    md = "md"
    html = "html"


DocumentOutputFormat = Annotated[DocumentFormat | None, typer.Option("--format", "-f", help=FORMAT_HELP)]


def document_format(fmt: DocumentFormat | None, output: Path | None) -> DocumentFormat | str:
    """Return the format: that of the suffix of ``output``, else the given one, else that of the terminal or pipe.

    Formats that only a file has, such as ``xlsx``, are returned as text.

    Raises
    ------
    UsageError
        As :func:`suffix_format`.
    """
    only_in_files = (suffix.removeprefix(".") for suffix in FILE_ONLY)
    return suffix_format(fmt, output, (*DocumentFormat, *only_in_files)) or fmt or DocumentFormat(default_format())


def suffix_format(fmt: StrEnum | None, output: Path | None, formats: Iterable[str]) -> str | None:
    """Return the format that the suffix of ``output`` names, one of ``formats`` but ``table``; None for stdout.

    Raises
    ------
    UsageError
        The suffix is unknown, or contradicts ``fmt``.
    """
    if output is None or str(output) == "-":
        return None
    suffix = output.suffix.lower().removeprefix(".")
    known = [each for each in formats if each != DocumentFormat.table]
    if suffix not in known:
        raise UnknownNameError("file format", output.suffix, [f".{each}" for each in known], where=f"-o {output}")
    if fmt is not None and fmt != suffix:
        raise UsageError(
            f"--format {fmt} contradicts -o {output}", hint="leave out --format: the suffix of the file sets the format"
        )
    return suffix
