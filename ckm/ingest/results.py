"""What a file's ingest comes to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ckm.errors import CkmError


class Status(StrEnum):
    """How a file's ingest ended."""

    loaded = "loaded"
    unchanged = "unchanged"
    failed = "failed"


@dataclass(frozen=True)
class FileResult:
    """One file's ingest. ``rows`` is the sum of the five counts after it, for every file that could be read.

    Attributes
    ----------
    encoding, delimiter, decimal, date_format
        What was detected or given; null where a file has none.
    accepted, updated, unchanged, duplicates, quarantined
        New rows; rows that replaced one with the same key; rows that were there already; rows that stand more than
        once in the file; rows that broke a rule or could not be read.
    reasons
        Count per ``column|rule`` of the quarantined rows, most frequent first.
    remarks
        What was assumed or mended.
    error
        Why the file failed.
    """

    file: str
    table: str
    status: Status
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    date_format: str | None = None
    rows: int = 0
    accepted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    quarantined: int = 0
    load_id: str | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    error: CkmError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as one JSON object."""
        return {**asdict(replace(self, error=None)), "error": self.error.to_dict() if self.error else None}
