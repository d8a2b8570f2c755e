"""Churn probabilities of a labelled table, such as a snapshot of subscribers: one row per customer, no dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.base_rate import DIGITS
from ckm._churn.warning_levels import Thresholds, level_of
from ckm.io.readers.read import open_source
from ckm.models.churn.labelled_models import LabelledFit, fit_labelled
from ckm.remark import assumption, basis, doubt
from ckm.settings import ChurnSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckm.io.readers.hints import Hints

P_DIGITS = 6


@dataclass(frozen=True)
class LabelledList:
    """Probability of the positive label of each row.

    Attributes
    ----------
    frame
        One row per row of the table, highest probability first: the id column, p_churn (out of fold), level
        (one of :data:`ckm._churn.warning_levels.LEVELS`; null below), label (Boolean; null where blank), model.
    scores
        One row per model: its scores out of fold.
    fit
        The fitted models.
    remarks
        Notes for the reader, as sentences.
    """

    frame: pl.DataFrame
    scores: pl.DataFrame
    fit: LabelledFit
    remarks: tuple[str, ...]


def score_table(
    path: Path,
    *,
    label: str,
    positive: str,
    id_column: str,
    hints: Hints | None = None,
    seed: int = 0,
    settings: ChurnSettings | None = None,
) -> LabelledList:
    """Train on the labelled rows of a table, and score every row: labelled rows by models trained without them.

    Parameters
    ----------
    path
        Any table that ckm reads; its columns are not mapped.
    label, positive
        Column of the outcome, and its value for churned customers, as text.
    id_column
        Column of the customer id.
    hints
        Format hints, which override detection.
    seed
        Random seed of the folds.
    settings
        Thresholds of the levels. Default: :class:`ckm.settings.ChurnSettings`.

    Raises
    ------
    UsageError, InputError, NotEnoughDataError
        See :func:`ckm.models.churn.labelled_models.fit_labelled`; or the file cannot be read.
    """
    with open_source(path, hints) as source:
        batches = [batch.records for batch in source.batches()]
        frame = pl.concat(batches) if batches else pl.DataFrame(schema=dict.fromkeys(source.format.columns, pl.String))
    fit = fit_labelled(frame, label, positive, id_column, seed=seed)
    thresholds = Thresholds.of(settings or ChurnSettings(), round(float(fit.churned.mean()), DIGITS))
    scored = pl.concat(
        pl.DataFrame({id_column: ids, "p_churn": probability, "label": outcomes})
        for ids, probability, outcomes in (
            (fit.ids, fit.probability, pl.Series(fit.churned)),
            (fit.blank.ids, fit.blank.probability, pl.repeat(None, len(fit.blank.ids), dtype=pl.Boolean, eager=True)),
        )
    )
    listed = scored.select(
        id_column,
        pl.col("p_churn").round(P_DIGITS),
        level_of(pl.col("p_churn"), thresholds).alias("level"),
        "label",
        pl.lit(fit.model).alias("model"),
    ).sort("p_churn", id_column, descending=[True, False])
    scores = pl.DataFrame([vars(score) for score in fit.scores]).drop("cutoff")
    return LabelledList(listed, scores, fit, (*_remarks(fit, label), thresholds.sentence))


def _remarks(fit: LabelledFit, label: str) -> Iterator[str]:
    for leak in fit.leaks:
        yield doubt(f"leak: {leak.sentence(label)}; remove it unless it was known before the outcome")
    best = next(score for score in fit.scores if score.model == fit.model)
    accuracy = (
        f"model {fit.model}, out of fold on {best.n:,} rows ({best.base_rate:.1%} labelled positive): "
        f"ROC AUC {best.auc:.4f}, Brier score {best.brier:.4f}, calibration error {best.calibration_error:.4f}; "
        + _reliability(fit)
    )
    yield doubt(accuracy) if fit.leaks else basis(accuracy)
    if blank := len(fit.blank.ids):
        yield assumption(
            f"{blank:,} rows have a blank {label}: a model trained on the {len(fit.ids):,} labelled rows scores them; "
            "their label column is empty"
        )
    if fit.encoding.left_out:
        listed = ", ".join(f"{name} ({why})" for name, why in fit.encoding.left_out.items())
        yield assumption(f"columns not used: {listed}")
    if fit.encoding.all_different:
        yield doubt(
            f"numeric columns with a different value in every row: {', '.join(fit.encoding.all_different)}; remove "
            "those that only identify the row"
        )


def _reliability(fit: LabelledFit) -> str:
    if fit.leaks:
        return f"unreliable unless {', '.join(leak.column for leak in fit.leaks)} was known before the outcome"
    most = fit.evidence[0]
    return f"no column reveals the label alone; the highest ROC AUC of one column is {most.auc:.3f} ({most.column})"
