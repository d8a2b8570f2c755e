"""Load files into the store: convert, validate against the schema, quarantine failed rows, commit the others.

No record is lost: for every file that is loaded, rows = accepted + updated + unchanged + duplicates + quarantined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ckm.ingest.files import IngestResult, ingest
    from ckm.ingest.options import IngestOptions

__all__ = ["IngestOptions", "IngestResult", "ingest"]


def __getattr__(name: str) -> Any:
    """Import on first access: analyses need the options only, and the readers of files take a fifth of a second."""
    if name == "IngestOptions":
        from ckm.ingest import options

        return options.IngestOptions
    if name in __all__:
        from ckm.ingest import files

        return getattr(files, name)
    raise AttributeError(f"module 'ckm.ingest' has no attribute '{name}'")
