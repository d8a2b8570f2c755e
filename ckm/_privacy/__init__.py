"""Inside of :mod:`ckm.privacy`: erasure, tombstones, access."""
