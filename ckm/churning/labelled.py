"""Who has a label, learned from a table that already says it of others: a snapshot of subscribers, say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.churning.base_rate import DIGITS
from ckm.churning.levels import Thresholds, level_of
from ckm.models.churn.labelled import LabelledFit, fit_labelled
from ckm.settings import ChurnSettings
from ckm.sources.read import open_source

if TYPE_CHECKING:
    from pathlib import Path

P_DIGITS = 6


@dataclass(frozen=True)
class LabelledList:
    """How likely each row is to have the label.

    Attributes
    ----------
    frame
        One row per row of the table, the likeliest first: the id under its own name, p_churn (of models that never saw
        the row), level (one of :data:`ckm.churning.levels.LEVELS`; null: below), label (Boolean), model.
    scores
        One row per model: how right it was about rows that it had not seen.
    fit
        What was learned.
    remarks
        What a reader should know, as sentences.
    """

    frame: pl.DataFrame
    scores: pl.DataFrame
    fit: LabelledFit
    remarks: tuple[str, ...]


def score_table(
    path: Path, *, label: str, positive: str, id_column: str, seed: int = 0, settings: ChurnSettings | None = None
) -> LabelledList:
    """Learn who has the positive label from a table of customers, and score every row out of fold.

    Parameters
    ----------
    path
        Any table that ckm reads; its columns stay as they are.
    label, positive
        Column of the outcome, and its value for those who left, as text.
    id_column
        Column that names the customer.
    seed
        Of the folds.
    settings
        Where the levels begin. Default: :class:`ckm.settings.ChurnSettings`.

    Raises
    ------
    UsageError, InputError, NotEnoughDataError
        See :func:`ckm.models.churn.labelled.fit_labelled`; or the file cannot be read.
    """
    with open_source(path) as source:
        batches = [batch.records for batch in source.batches()]
        frame = pl.concat(batches) if batches else pl.DataFrame(schema=dict.fromkeys(source.format.columns, pl.String))
    fit = fit_labelled(frame, label, positive, id_column, seed=seed)
    thresholds = Thresholds.of(settings or ChurnSettings(), round(float(fit.away.mean()), DIGITS))
    listed = pl.DataFrame(
        {
            id_column: fit.ids,
            "p_churn": pl.Series(fit.probability).round(P_DIGITS),
            "level": pl.select(level_of(pl.lit(pl.Series(fit.probability)), thresholds)).to_series(),
            "label": pl.Series(fit.away),
            "model": fit.model,
        }
    ).sort("p_churn", id_column, descending=[True, False])
    scores = pl.DataFrame([vars(score) for score in fit.scores]).drop("cutoff")
    best = next(score for score in fit.scores if score.model == fit.model)
    remark = (
        f"model {fit.model}, out of fold on {best.n:,} rows ({best.base_rate:.1%} labelled): ROC AUC {best.auc:.4f}, "
        f"Brier score {best.brier:.4f}, calibration error {best.calibration_error:.4f}; no row was scored by a model "
        "that saw it, but a column that was filled in after the outcome would tell it, and ckm cannot know"
    )
    return LabelledList(listed, scores, fit, (remark, thresholds.sentence))
