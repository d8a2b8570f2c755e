"""Vectors of the entries of a knowledge base, for search by meaning, in the cache beside the index.

Each entry has two vectors per language that the encoder covers: of its title, and of its title with its issue. They are
stored as 8-bit integers, 512 bytes a text with the built-in encoder. The first search by meaning computes them (some
600 texts a second); after a change only changed texts are encoded again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckm._kb.fingerprint import SIZE, digest
from ckm._kb.index_cache import FORMAT
from ckm.search.analysis.language_detection import detect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ckm._kb.index_cache import Progress
    from ckm.models.encoder import Encoder
    from ckm.search.index import Index

FILE = "vectors-{}.npz"
"""File of an encoder; the name has the first digits of its digest."""
_SCALE = 127
"""Factor from a component of a unit vector to an 8-bit integer."""
_BATCH = 256
"""Texts that are encoded between two steps of the progress bar."""


@dataclass(frozen=True)
class EntryVectors:
    """The vectors of entries.

    Attributes
    ----------
    keys
        Keys of the entries in the index.
    entry
        Number of the entry in ``keys`` of each vector, shape (n,).
    texts
        BLAKE2b digest of the text of each vector, shape (n, 16).
    vectors
        Components times 127, shape (n, d).
    """

    keys: tuple[str, ...]
    entry: NDArray[np.int32]
    texts: NDArray[np.uint8]
    vectors: NDArray[np.int8]

    def cosines(self, query: NDArray[np.float32]) -> dict[str, float]:
        """Return the largest cosine of each entry's vectors with the unit vector of a query, shape (d,), by key.

        Entries without a text in a language of the encoder are left out.
        """
        import numpy as np

        best = np.full(len(self.keys), -1, dtype=np.float32)
        step = 1 << 14  # vectors that are converted to floats at once
        for start in range(0, len(self.vectors), step):
            part = self.vectors[start : start + step].astype(np.float32) @ query
            np.maximum.at(best, self.entry[start : start + step], part / _SCALE)
        return {key: round(float(cosine), 4) for key, cosine in zip(self.keys, best, strict=True) if cosine > -1}


def entry_vectors(
    index: Index, encoder: Encoder, place: Path | None, fingerprint: str, progress: Progress
) -> EntryVectors:
    """Return the vectors of all entries of an index, from the cache where their texts are unchanged.

    Parameters
    ----------
    index
        The index.
    encoder
        The encoder.
    place, fingerprint
        As in :class:`ckm._kb.index_cache.Opened`; None: nothing is cached.
    progress
        Called with the number of texts to encode if there are any.
    """
    path = None if place is None else place / FILE.format(encoder.digest[:12])
    state = f"{FORMAT} {encoder.digest} {fingerprint}"
    known, known_state = _load(path)
    if known is not None and known_state == state:
        return known
    import numpy as np

    keys: list[str] = []
    entry: list[int] = []
    texts: list[str] = []
    for hit in index.records():
        for text in _texts(json.loads(hit.stored), encoder):
            entry.append(len(keys))
            texts.append(text)
        keys.append(hit.key)
    digests = [bytes.fromhex(digest(text.encode("utf-8", "replace"))) for text in texts]
    vectors = _encoded(dict(zip(digests, texts, strict=True)), encoder, known, progress)
    stacked = np.array([vectors[each] for each in digests], dtype=np.int8).reshape(len(digests), -1 if digests else 0)
    marks = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, SIZE)
    found = EntryVectors(tuple(keys), np.array(entry, dtype=np.int32), marks, stacked)
    if path is not None:
        _save(path, found, state)
    return found


def _texts(entry: Mapping[str, Any], encoder: Encoder) -> Iterator[str]:
    """Yield the texts of an entry (as :mod:`ckm._kb.entry_record` stored it) that are encoded."""
    titles, issues = entry.get("title", {}), entry.get("texts", {}).get("issue", {})
    for lang in dict.fromkeys((*titles, *issues)):
        title, issue = titles.get(lang, ""), issues.get(lang, "")
        languages = (lang,) if lang else detect(f"{title} {issue}")
        if all(encoder.covers(each) for each in languages):
            yield from dict.fromkeys(
                text for text in (title, f"{title}. {issue}" if title and issue else issue) if text
            )


def _encoded(
    texts: Mapping[bytes, str], encoder: Encoder, known: EntryVectors | None, progress: Progress
) -> dict[bytes, NDArray[np.int8]]:
    """Return the vector of each text by its digest; texts in ``known`` are not encoded again."""
    import numpy as np

    vectors: dict[bytes, NDArray[np.int8]] = {}
    if known is not None:
        vectors = {bytes(mark): vector for mark, vector in zip(known.texts, known.vectors, strict=True)}
    new = [mark for mark in texts if mark not in vectors]
    if new:
        with progress(len(new)) as advance:
            for start in range(0, len(new), _BATCH):
                part = new[start : start + _BATCH]
                unit = encoder.encode([texts[mark] for mark in part])
                vectors.update(zip(part, np.round(unit * _SCALE).astype(np.int8), strict=True))
                advance(len(part))
    return vectors


def _load(path: Path | None) -> tuple[EntryVectors | None, str]:
    """Return the vectors of a file and the state that they belong to; None if it is missing or damaged."""
    if path is None or not path.is_file():
        return None, ""
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            found = EntryVectors(tuple(about["keys"]), file["entry"], file["texts"], file["vectors"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None, ""
    sizes = {len(found.entry), len(found.texts), len(found.vectors)}
    return (found, about["state"]) if len(sizes) == 1 else (None, "")


def _save(path: Path, found: EntryVectors, state: str) -> None:
    """Write vectors, and remove those of other encoders; do nothing if the cache cannot be written."""
    import numpy as np

    from ckm.errors import UsageError
    from ckm.files import replacing

    about = np.frombuffer(json.dumps({"state": state, "keys": found.keys}).encode(), dtype=np.uint8)
    with suppress(OSError, UsageError):
        with replacing(path, owner_only=True) as draft, draft.open("wb") as file:
            np.savez(file, about=about, entry=found.entry, texts=found.texts, vectors=found.vectors)
        for other in _others(path):
            other.unlink()


def _others(path: Path) -> Iterable[Path]:
    return (each for each in path.parent.glob(FILE.format("*")) if each != path)
