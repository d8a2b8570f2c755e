"""Load files into the store: convert, validate against the schema, quarantine failed rows, commit the others.

No record is lost: for every file that is loaded, rows = accepted + updated + unchanged + duplicates + quarantined.
"""

from ckm.ingest.files import IngestResult, ingest
from ckm.ingest.options import IngestOptions

__all__ = ["IngestOptions", "IngestResult", "ingest"]
