"""Options of files that are read: mapping and format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckm.io.readers.hints import Hints

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class IngestOptions:
    """Mapping and format options; unset ones come from mappings and detection.

    Attributes
    ----------
    table
        Target table; columns are mapped by name.
    map_file
        Mapping file.
    hints
        Format of the files; overrides a mapping's hints.
    overrides
        Target to source column; takes precedence over name matching and over a mapping's columns.
    currency
        Currency of amounts without a currency column.
    time_zone
        Time zone of timestamps without one.
    platform
        Platform of the export, or ``none``; None means recognition by the columns.
    """

    table: str | None = None
    map_file: Path | None = None
    hints: Hints = Hints()
    overrides: dict[str, str] = field(default_factory=dict)
    currency: str | None = None
    time_zone: str | None = None
    platform: str | None = None
