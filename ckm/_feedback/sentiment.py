"""Polarity of comments, learned from the ratings in the data, and their kind: complaint, question, praise or idea."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ckm._feedback.text_vectors import hashed
from ckm.customers.contacts import LOWEST_SATISFIED
from ckm.io.values.word_lists import load_data
from ckm.models.threads import one_thread
from ckm.models.topics import unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Vectors = NDArray[np.float16]

RATED = 250
"""Fewest rated comments of a language for a model of this language."""
FEWEST_OF_A_SIGN = 30
"""Fewest comments of each sign among them; with fewer the model would nearly always predict the other sign."""
BATCH = 8192
"""Comments per batch of predictions."""
MOST_RATED = 4000
"""Most rated comments on which a model is fitted, the newest ones."""
STRENGTH = 3.0
"""Inverse regularisation strength of the logistic regression (accuracy was 0.86 for values from 1 to 10)."""
LOWEST_POSITIVE = {"nps_0_10": 9, "csat_1_5": 4, "ces_1_7": 5}
"""Lowest positive rating by scale; negative are those below :data:`ckm.customers.contacts.LOWEST_SATISFIED`."""
BY_RATING, LEARNED, OTHER_LANGUAGES = "rating", "learned", "other languages"
KINDS = ("complaint", "question", "praise", "idea")
CERTAIN = 0.15
"""Largest distance of the probability of a positive rating from 0.5 at which a comment is neither praise nor
complaint."""
FEWEST_KINDS = 40
"""Comments of each kind, with a kind from their source, from which the kinds of a language are learned."""


@dataclass(frozen=True)
class Polarity:
    """Polarity of comments, and how it was determined.

    Attributes
    ----------
    values
        Polarity from -1 (negative) to 1 (positive), shape (n,); NaN if unknown.
    by
        How the polarity of each comment was determined: by its rating (:data:`BY_RATING`), by the model of its language
        (:data:`LEARNED`), or by the model of all languages (:data:`OTHER_LANGUAGES`); empty if unknown. Length n.
    languages
        Number of rated comments by language, for the languages that have enough of them for a model.
    """

    values: Floats
    by: tuple[str, ...]
    languages: Mapping[str, int] = field(default_factory=dict)


def rating_sign(rating: float | None, scale: str | None) -> int:
    """Return 1 for a positive rating, -1 for a negative one, 0 for one in between, or without a rating or scale.

    >>> rating_sign(9, "nps_0_10"), rating_sign(6, "nps_0_10"), rating_sign(5, "csat_1_5"), rating_sign(None, None)
    (1, -1, 1, 0)
    """
    if rating is None or scale not in LOWEST_POSITIVE:
        return 0
    return -1 if rating < LOWEST_SATISFIED[scale] else 1 if rating >= LOWEST_POSITIVE[scale] else 0


class PolarityModel:
    """Logistic regression of the sign of a comment's rating on the features of its text."""

    def fit(self, features: Any, signs: NDArray[np.int64]) -> PolarityModel:
        """Fit the regression on features, shape (n, d), with rows of length 1, and signs (-1 or 1), shape (n,)."""
        from sklearn.linear_model import LogisticRegression

        with one_thread():
            self.model_ = LogisticRegression(C=STRENGTH, max_iter=300, class_weight="balanced").fit(features, signs)
        return self

    def positive(self, features: Any) -> Floats:
        """Return the probability of a positive rating, shape (n,), from features of shape (n, d)."""
        found: Floats = self.model_.predict_proba(features)[:, list(self.model_.classes_).index(1)]
        return found


def polarity_of(frame: pl.DataFrame, vectors: Vectors | None, covered: Callable[[str], bool]) -> Polarity:
    """Return the polarity of each comment: by its rating, else by a model of rated comments.

    A comment with a rating has the sign of the rating as its polarity. The polarity of an unrated comment is predicted
    by a model of the rated comments of its language, if there are at least :data:`RATED` of them, with at least
    :data:`FEWEST_OF_A_SIGN` of each sign. In other languages that the encoder covers it is predicted by a model of the
    encoder's vectors of the rated comments in all covered languages (zero-shot transfer), by the same condition.
    Otherwise it is unknown.

    Parameters
    ----------
    frame
        One row per comment: text, lang, rating, scale.
    vectors
        Encoder's vector of each comment, shape (n, d), not normalised; zeros for languages that the encoder does not
        cover. None without an encoder.
    covered
        Function that returns whether the encoder covers a language.
    """
    signs = np.array([rating_sign(*row) for row in frame.select("rating", "scale").iter_rows()], dtype=np.int64)
    langs = frame["lang"].to_list()
    texts = frame["text"].to_list()
    values = np.where(signs != 0, signs, np.nan).astype(np.float64)
    # A comment with a rating in the middle is neither positive nor negative.
    between = (signs == 0) & frame["rating"].is_not_null().to_numpy() & frame["scale"].is_not_null().to_numpy()
    values[between] = 0.0
    by = np.where(np.isnan(values), "", BY_RATING).astype(object)
    languages = {}
    for lang in sorted(set(langs)):
        mine = np.array([each == lang for each in langs])
        rated, unknown = np.flatnonzero(mine & (signs != 0)), np.flatnonzero(mine & np.isnan(values))
        if not _enough(signs[rated]):
            continue
        languages[lang] = len(rated)
        if not len(unknown):
            continue
        rated = rated[-MOST_RATED:]
        meaning = vectors if vectors is not None and covered(lang) else None
        model = PolarityModel().fit(_features(texts, langs, meaning, rated), signs[rated])
        values[unknown] = _judged(model, texts, langs, meaning, unknown)
        by[unknown] = LEARNED
    if vectors is not None:
        able = np.array([covered(lang) for lang in langs], dtype=bool)
        rated, unknown = np.flatnonzero(able & (signs != 0)), np.flatnonzero(able & np.isnan(values))
        if len(unknown) and _enough(signs[rated]):
            rated = rated[-MOST_RATED:]
            general = PolarityModel().fit(_features(texts, (), vectors, rated), signs[rated])
            values[unknown] = _judged(general, texts, (), vectors, unknown)
            by[unknown] = OTHER_LANGUAGES
    return Polarity(values, tuple(by), languages)


def kinds_of(frame: pl.DataFrame, polarity: Floats) -> list[str | None]:
    """Return the kind of each comment (one of :data:`KINDS`), a list of length n; None if undetermined.

    The kind is that of the source, if it is one of :data:`KINDS`. Otherwise the first rule that applies determines it:
    a phrase of a wish or proposal (idea), a question mark or a phrase of a question (question, or complaint if the
    polarity is negative), a clearly positive polarity (praise), a clearly negative polarity (complaint).

    Parameters
    ----------
    frame
        One row per comment: kind (of the source), text, lang.
    polarity
        Polarity of each comment, shape (n,); NaN if unknown.
    """
    found: list[str | None] = []
    for (kind, text, lang), value in zip(
        frame.select("kind", "text", "lang").iter_rows(), polarity.tolist(), strict=True
    ):
        if kind in KINDS:
            found.append(kind)
        elif _has_words(text, "idea", lang):
            found.append("idea")
        elif any(mark in text for mark in load_data("feedback_words.yaml")["question_marks"]) or _has_words(
            text, "question", lang
        ):
            # A question with a negative polarity is a complaint: "Why does nobody answer?"
            found.append("complaint" if value < -2 * CERTAIN else "question")
        elif value > 2 * CERTAIN:
            found.append("praise")
        elif value < -2 * CERTAIN:
            found.append("complaint")
        else:
            found.append(None)
    return found


def _judged(
    model: PolarityModel, texts: Sequence[str], langs: Sequence[str], vectors: Vectors | None, rows: NDArray[np.int64]
) -> Floats:
    """Return the predicted polarity (-1 to 1) of the comments at ``rows``, in batches: features take 2 kB a comment."""
    parts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    return np.concatenate([2 * model.positive(_features(texts, langs, vectors, part)) - 1 for part in parts])


def _features(texts: Sequence[str], langs: Sequence[str], vectors: Vectors | None, rows: NDArray[np.int64]) -> Any:
    """Return the features of the comments at ``rows``: the encoder's vectors and hashed words, each of length 1.

    Without ``vectors`` the features are hashed words and character grams; without ``langs`` only the vectors.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.preprocessing import normalize

    meaning = unit(vectors[rows].astype(np.float32)) if vectors is not None else None
    if not langs:
        return meaning
    chosen = [texts[row] for row in rows.tolist()], [langs[row] for row in rows.tolist()]
    words = normalize(hashed(*chosen, grams=meaning is None))
    return words if meaning is None else hstack([csr_matrix(meaning), words]).tocsr()


def _enough(signs: NDArray[np.int64]) -> bool:
    return len(signs) >= RATED and min((signs > 0).sum(), (signs < 0).sum()) >= FEWEST_OF_A_SIGN


@cache
def _phrases(kind: str, lang: str) -> tuple[str, ...]:
    return tuple(load_data("feedback_words.yaml")[kind].get(lang.partition("-")[0], ()))


def _has_words(text: str, kind: str, lang: str) -> bool:
    folded = text.casefold()
    return any(phrase in folded for phrase in _phrases(kind, lang))
