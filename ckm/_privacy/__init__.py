"""Implementation of :mod:`ckm.privacy`: erasure, tombstones, access, retention, pseudonymised copies."""
