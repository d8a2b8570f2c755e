"""Random samples by hashed id, which do not depend on the order of the rows."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_BYTES = 8


def sample_by_id(ids: Sequence[str], size: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the positions of a random sample of ``size`` ids, ascending; of all ids if there are at most ``size``.

    The sample is the ids with the smallest hashes (:func:`id_hashes`, keyed by the seed). It does not depend on the
    order of the ids, and contains every smaller sample with the same seed. A million ids take less than a second.
    """
    if len(ids) <= size:
        return np.arange(len(ids))
    return np.sort(np.argsort(id_hashes(ids, key=str(seed)), kind="stable")[:size])


def id_hashes(ids: Iterable[str], *, key: str = "") -> NDArray[np.uint64]:
    """Return a hash of each id, shape (n,): 8 bytes of keyed BLAKE2b of its UTF-8 text."""
    secret = key.encode()
    digests = b"".join([blake2b(each.encode(), digest_size=_BYTES, key=secret).digest() for each in ids])
    return np.frombuffer(digests, dtype=f">u{_BYTES}").astype(np.uint64)
