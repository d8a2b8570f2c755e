"""BLAKE2b without :mod:`hashlib`, whose import loads OpenSSL: that alone takes a tenth of the time of a search."""

from __future__ import annotations

try:
    from _blake2 import blake2b  # what hashlib.blake2b is
except ImportError:  # another Python than CPython
    from hashlib import blake2b

__all__ = ["SIZE", "blake2b", "digest"]

SIZE = 16
"""Bytes of a digest."""


def digest(data: bytes) -> str:
    """Return the digest of some bytes in hexadecimal digits."""
    return blake2b(data, digest_size=SIZE).hexdigest()
