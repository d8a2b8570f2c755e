"""ckm: customer knowledge from files, on one machine, with no server."""

__version__ = "0.1.0"
