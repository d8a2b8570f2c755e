"""Samples by hashed id, independent of the order of the rows."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_BYTES = 8


def sample_by_id(ids: Sequence[str], size: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the positions of ``size`` ids, ascending; of all ids if there are no more.

    Selects the smallest hashes (BLAKE2b of the UTF-8 text, 8 bytes, keyed by the seed). The sample does not depend on
    the order of the ids, and a larger sample contains a smaller one. A million ids take less than a second.
    """
    if len(ids) <= size:
        return np.arange(len(ids))
    return np.sort(np.argsort(id_hashes(ids, key=str(seed)), kind="stable")[:size])


def id_hashes(ids: Iterable[str], *, key: str = "") -> NDArray[np.uint64]:
    """Return the hash of each id: BLAKE2b of its UTF-8 text with a key, 8 bytes."""
    secret = key.encode()
    digests = b"".join([blake2b(each.encode(), digest_size=_BYTES, key=secret).digest() for each in ids])
    return np.frombuffer(digests, dtype=f">u{_BYTES}").astype(np.uint64)
