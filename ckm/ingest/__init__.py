"""Load files into the store: convert, hold against the contract, quarantine what breaks it, commit the rest.

No record is lost: for every file that is loaded, rows = accepted + updated + unchanged + duplicates + quarantined.
"""

from __future__ import annotations

from ckm.ingest.load import Settings, content_id, ingest_file
from ckm.ingest.plan import ByNames, Mapped, Plan
from ckm.ingest.results import FileResult, Status

__all__ = ["ByNames", "FileResult", "Mapped", "Plan", "Settings", "Status", "content_id", "ingest_file"]
