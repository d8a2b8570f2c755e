"""What a caller says of files that are read: their mapping and their format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckm.sources.hints import Hints

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class IngestOptions:
    """What the caller says about the files; anything unset is left to mappings and detection.

    Attributes
    ----------
    table
        Map by column names into this table.
    map_file
        Map by this mapping.
    hints
        Format of the files; overrides a mapping's hints.
    overrides
        Target to source column; overrides names and a mapping's columns.
    currency
        Of amounts for which no column names one.
    time_zone
        Of times without a zone.
    platform
        The platform whose export the files are, or ``none``; None leaves it to their columns.
    """

    table: str | None = None
    map_file: Path | None = None
    hints: Hints = Hints()
    overrides: dict[str, str] = field(default_factory=dict)
    currency: str | None = None
    time_zone: str | None = None
    platform: str | None = None
