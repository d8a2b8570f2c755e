"""Churn models for any table with an outcome column: cross-validated scores, and scores of rows without outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm.errors import InputError, NotEnoughDataError, UnknownNameError, UsageError
from ckm.models.churn.design_matrix import DesignColumn, fit_columns
from ckm.models.churn.leakage import ColumnEvidence, column_evidence
from ckm.models.churn.scorecard import fit_logistic
from ckm.models.churn.tabular import FeatureEncoding, fit_encoding
from ckm.models.model_score import ModelScore, score
from ckm.models.sampling import id_hashes
from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.models.churn.training_set import Features, Flags, Floats

FOLDS = 5
FEWEST = 10 * FOLDS
"""Fewest rows of each outcome: ten per fold."""
STRENGTH = 1.0
"""Prior variance of the coefficients of ``logistic`` (scikit-learn's C)."""
STRENGTH_SPLINES = 0.1
"""Prior variance of the coefficients of ``splines``, which has more columns, most of them without information."""
PAIR_WEIGHT = 0.03
"""Factor of interaction columns. A smaller column is shrunk more by the same penalty; most interactions are noise."""
TREES, RATE, LEAVES, SMALLEST_LEAF = 200, 0.03, 8, 50
"""Number of trees, learning rate, leaves per tree and rows per leaf of the boosted trees: small trees and steps,
because tables with an outcome column have thousands of rows, not millions."""


@dataclass(frozen=True)
class LinearModel:
    """Logistic regression on transformed columns and, with ``pairs``, on pairwise products of columns.

    Attributes
    ----------
    columns
        Transformations of the columns.
    pairs
        Whether products of each spline column's linear term with every other linear term are included.
    coefficients, intercept
        Coefficients of the columns and then of the products; intercept.
    """

    columns: tuple[DesignColumn, ...]
    pairs: bool
    coefficients: Floats
    intercept: float

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of the positive label, shape (n,), row by row."""
        total = np.full(len(next(iter(features.values()))), self.intercept)
        for weight, part in zip(self.coefficients, _parts(self.columns, features, pairs=self.pairs), strict=True):
            total += weight * part
        return total


@dataclass(frozen=True)
class TreesModel:
    """Gradient-boosted trees on the columns ``names``."""

    names: tuple[str, ...]
    trees: Any

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of the positive label, shape (n,), row by row."""
        with one_thread():
            return np.asarray(self.trees.decision_function(np.column_stack([features[name] for name in self.names])))


@dataclass(frozen=True)
class AverageModel:
    """Mean of the log odds of several models."""

    models: tuple[LinearModel | TreesModel, ...]

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of the positive label, shape (n,), row by row."""
        return sum((model.log_odds(features) for model in self.models), start=np.zeros(1)) / len(self.models)


LabelledModel = LinearModel | TreesModel | AverageModel


@dataclass(frozen=True)
class BlankRows:
    """Rows with a blank label, scored by the model trained on all labelled rows.

    Attributes
    ----------
    ids
        Ids of the rows, sorted.
    log_odds
        Log odds of the positive label, in the order of ``ids``.
    """

    ids: pl.Series
    log_odds: Floats

    @property
    def probability(self) -> Floats:
        """Probability of the positive label, in the order of ``ids``."""
        return _probability(self.log_odds)


@dataclass(frozen=True)
class LabelledFit:
    """Result of training on a table with a label.

    Attributes
    ----------
    ids
        Ids of the labelled rows, sorted; ``churned``, ``log_odds`` and ``features`` have this order.
    churned
        Whether the label is positive, shape (n,).
    log_odds
        Log odds of the chosen model, out of fold: each row is scored by a model that was not trained on it.
    model
        Name of the chosen model, a key of ``scores``.
    scores
        One score per model, out of fold.
    encoding
        Encoding of the table as features.
    features
        Features of the rows.
    fitted
        The chosen model, trained on all labelled rows.
    blank
        Rows with a blank label, scored by ``fitted``.
    evidence
        Predictive power of each column alone, leaks first, then by ROC AUC.
    """

    ids: pl.Series
    churned: Flags
    log_odds: Floats
    model: str
    scores: tuple[ModelScore, ...]
    encoding: FeatureEncoding
    features: Features
    fitted: LabelledModel
    blank: BlankRows
    evidence: tuple[ColumnEvidence, ...]

    @property
    def probability(self) -> Floats:
        """Probability of the positive label, out of fold, shape (n,)."""
        return _probability(self.log_odds)

    @property
    def leaks(self) -> tuple[ColumnEvidence, ...]:
        """Columns that leak the label by themselves, probably because they were filled in after the outcome."""
        return tuple(each for each in self.evidence if each.leaks)


def fit_labelled(frame: pl.DataFrame, label: str, positive: str, id: str, *, seed: int = 0) -> LabelledFit:  # noqa: A002
    """Train models that predict the positive label, and score them by stratified five-fold cross-validation.

    There are four models: ``logistic``; ``splines`` for numbers, with products of columns; ``boosted`` trees; and
    ``average``, the mean of the log odds of ``splines`` and ``boosted``. The model with the lowest log loss out of fold
    is chosen, and trained on all labelled rows. It then scores the rows with a blank label (null, empty or white
    space), which are not part of the cross-validation.

    Parameters
    ----------
    frame
        One row per customer, as of one day. A column that was filled in later leaks the outcome; if it does so by
        itself, it is in :attr:`LabelledFit.leaks`, but it is used.
    label, positive
        Name of the outcome column, and its value for churned customers, as text.
    id
        Name of the column of customer ids, which is no feature.
    seed
        Random seed of folds and trees. Folds depend on the ids, not on the order of the rows.

    Raises
    ------
    UsageError
        A column is missing, the positive value does not occur, or the label has more than two values.
    InputError
        An id is missing or occurs twice.
    NotEnoughDataError
        The label is blank or equal in all rows, fewer than :data:`FEWEST` rows have one of its two values, or no other
        column varies.
    """
    frame, blank, churned = _checked(frame, label, positive, id)
    ids = frame[id].cast(pl.String)
    columns = frame.drop(label, id)
    encoding = fit_encoding(columns)
    features = encoding(frame)
    if not features:
        raise NotEnoughDataError(
            "no column but the label differs between rows", hint="add columns that describe the customers"
        )
    folds = stratified_folds(churned, ids.to_list(), seed)
    predictions = {name: np.zeros(len(churned)) for name in ("logistic", "splines", "boosted")}
    for fold in range(FOLDS):
        test = folds == fold
        train = {name: values[~test] for name, values in features.items()}
        held = {name: values[test] for name, values in features.items()}
        for name, fit in _FITS.items():
            predictions[name][test] = fit(train, churned[~test], encoding, seed).log_odds(held)
    predictions["average"] = (predictions["splines"] + predictions["boosted"]) / 2
    scores = tuple(score(name, None, churned, log_odds) for name, log_odds in predictions.items())
    best = min(scores, key=lambda score: score.log_loss).model
    parts = ("splines", "boosted") if best == "average" else (best,)
    models = tuple(_FITS[name](features, churned, encoding, seed) for name in parts)
    fitted = models[0] if len(models) == 1 else AverageModel(models)
    return LabelledFit(
        ids,
        churned,
        predictions[best],
        best,
        scores,
        encoding,
        features,
        fitted,
        BlankRows(blank[id].cast(pl.String), fitted.log_odds(encoding(blank)) if len(blank) else np.zeros(0)),
        column_evidence(columns, churned, folds),
    )


def stratified_folds(churned: Flags, ids: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Return the fold of each row by a hash of id and seed; each outcome is spread evenly over the folds."""
    keys = id_hashes([f"{seed} {each}" for each in ids])
    folds = np.zeros(len(churned), dtype=np.int64)
    for outcome in (False, True):
        rows = np.flatnonzero(churned == outcome)
        folds[rows[np.argsort(keys[rows], kind="stable")]] = np.arange(len(rows)) % FOLDS
    return folds


def _logistic(features: Features, churned: Flags, encoding: FeatureEncoding, seed: int) -> LinearModel:
    return _linear(features, churned, (), STRENGTH, pairs=False)


def _splines(features: Features, churned: Flags, encoding: FeatureEncoding, seed: int) -> LinearModel:
    return _linear(features, churned, encoding.numbers, STRENGTH_SPLINES, pairs=True)


def _linear(features: Features, churned: Flags, splines: Sequence[str], strength: float, *, pairs: bool) -> LinearModel:
    columns = fit_columns(features, splines=splines)
    design = np.column_stack(_parts(columns, features, pairs=pairs))
    coefficients, intercept = fit_logistic(design, churned, strength)
    return LinearModel(columns, pairs, coefficients, intercept)


def _parts(columns: Sequence[DesignColumn], features: Features, *, pairs: bool) -> list[Floats]:
    read = [column(features[column.name]).T for column in columns]
    parts = [part for each in read for part in each]
    if pairs:
        lines = [each[0] for each in read]
        numbers = [bool(column.knots) for column in columns]
        parts += [
            PAIR_WEIGHT * lines[one] * lines[other]
            for one in range(len(lines))
            for other in range(len(lines))
            if numbers[one] and (not numbers[other] or one < other)
        ]
    return parts


def _boosted(features: Features, churned: Flags, encoding: FeatureEncoding, seed: int) -> TreesModel:
    from sklearn.ensemble import HistGradientBoostingClassifier

    names = tuple(name for name, values in features.items() if np.isfinite(values).any())
    with one_thread():
        trees = HistGradientBoostingClassifier(
            max_iter=TREES,
            learning_rate=RATE,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=SMALLEST_LEAF,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        ).fit(np.column_stack([features[name] for name in names]), churned)
    return TreesModel(names, trees)


_FITS: Mapping[str, Callable[[Features, Flags, FeatureEncoding, int], LinearModel | TreesModel]] = {
    "logistic": _logistic,
    "splines": _splines,
    "boosted": _boosted,
}


def _probability(log_odds: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(log_odds), dtype=np.float64)


def _checked(frame: pl.DataFrame, label: str, positive: str, id: str) -> tuple[pl.DataFrame, pl.DataFrame, Flags]:  # noqa: A002
    """Return the labelled rows, the unlabelled rows (both sorted by id), and a mask of the positive labels."""
    for what, name in (("label column", label), ("id column", id)):
        if name not in frame.columns:
            raise UnknownNameError(what, name, frame.columns)
    if label == id:
        raise UsageError("the label cannot be the id", hint="give two different columns")
    ids = frame[id].cast(pl.String)
    if missing := ids.null_count():
        raise InputError(f"{missing} rows have no '{id}'", column=id)
    if doubled := len(ids) - ids.n_unique():
        raise InputError(
            f"'{id}' is not unique: {doubled} rows repeat one", hint="give one row per customer", column=id
        )
    frame = frame[ids.arg_sort()]
    labels = frame[label].cast(pl.String).str.strip_chars().replace("", None)
    known = labels.is_not_null()
    churned = _outcomes(labels.filter(known), label, positive)
    return frame.filter(known), frame.filter(~known), churned


def _outcomes(labels: pl.Series, label: str, positive: str) -> Flags:
    different = labels.n_unique()
    if different > 2:
        raise UsageError(
            f"'{label}' has {different} different values, two are needed",
            hint="use two values, such as yes and no, and blank where the outcome is unknown",
            column=label,
        )
    churned = (labels == positive).to_numpy()
    if different < 2:
        raise NotEnoughDataError(
            f"'{label}' is the same in all {len(labels)} rows" if different else f"'{label}' is blank in all rows",
            hint="use a table in which some customers churned; a blank label counts as unknown",
            column=label,
        )
    if not churned.any():
        raise UsageError(
            f"'{label}' never has the positive value given",
            hint="give the value as it is written in the column: --positive VALUE",
        )
    least = min(int(churned.sum()), int((~churned).sum()))
    if least < FEWEST:
        raise NotEnoughDataError(
            f"only {least} rows have one of the two values of '{label}'; {FEWEST} are needed",
            column=label,
            needed=FEWEST,
        )
    return churned
