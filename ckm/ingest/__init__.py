"""Load files into the store: convert, hold against the contract, quarantine what breaks it, commit the rest.

No record is lost: for every file that is loaded, rows = accepted + updated + unchanged + duplicates + quarantined.
"""

from ckm.ingest.files import Loaded, ingest
from ckm.ingest.options import IngestOptions

__all__ = ["IngestOptions", "Loaded", "ingest"]
