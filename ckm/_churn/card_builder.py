"""Model cards of a backtest and of a cross-validated labelled table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._churn.card_figures import RECENCY, CardColumns, CardData, CardDecile, CardFeature, Gain, ModelCard, Scores
from ckm._churn.feature_catalogue import load_catalogue
from ckm.customers.calendar import calendar_day
from ckm.models.churn.stack import PRIOR_MODELS, STACK

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from ckm._churn.horizon import Horizon
    from ckm.models.backtest import Backtest
    from ckm.models.churn.labelled_models import LabelledFit
    from ckm.models.metrics import Reliability
    from ckm.models.model_score import ModelScore

    Floats = NDArray[np.float64]

GAIN_POINTS = 50


@dataclass(frozen=True)
class CardContext:
    """Facts of a model card from outside of the model.

    Attributes
    ----------
    data
        Rows and customers used.
    assumptions
        Name and value, formatted for readers.
    versions
        Software versions.
    """

    data: CardData
    assumptions: tuple[tuple[str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


def card_of_backtest(
    backtest: Backtest,
    context: CardContext,
    *,
    as_of: date,
    horizon: Horizon,
    features: Collection[str],
    model: str,
) -> ModelCard:
    """Return the model card of the selected model, with its backtest scores.

    Parameters
    ----------
    backtest, context
        Scores, and facts from outside of the model.
    as_of
        As-of date of the analysis.
    horizon
        Horizon with its reasoning.
    features
        Names of the features in the data.
    model
        The selected model.
    """
    table = backtest.curves[model].reliability if model in backtest.curves else None
    catalogue = load_catalogue().features
    return ModelCard(
        as_of=as_of,
        question=f"Probability of no purchase within {backtest.horizon} days after a cut-off.",
        horizon_days=backtest.horizon,
        horizon_reasoning=horizon.reasoning,
        chosen=model,
        chosen_because=_because(backtest, model),
        expected_error=backtest.expected_error(model) if model in backtest.models else None,
        data=context.data,
        scores=tuple(_scores(each) for each in backtest.scores),
        reliability=_deciles(table) if table is not None else (),
        gains=tuple(
            _gain(name, backtest.curves[name].share, backtest.curves[name].churned_reached)
            for name in dict.fromkeys((model, RECENCY))
            if name in backtest.curves
        ),
        features=tuple(CardFeature(each.name, each.group, each.meaning) for each in catalogue if each.name in features),
        missing=tuple(each.name for each in catalogue if each.name not in features),
        not_compared=tuple((name, reason.rstrip(".")) for name, reason in backtest.left_out.items()),
        assumptions=context.assumptions,
        versions=context.versions,
    )


def card_of_labels(fit: LabelledFit, context: CardContext, *, label: str, positive: str) -> ModelCard:
    """Return the model card of a labelled table, with its scores out of fold.

    Parameters
    ----------
    fit, context
        The fitted models, and facts from outside of the model.
    label, positive
        The column, and its value for churned customers.
    """
    from ckm.models import metrics

    loss = next(each.log_loss for each in fit.scores if each.model == fit.model)
    because = f"{fit.model} has the lowest log loss, {loss:.4f}, out of fold."
    return ModelCard(
        as_of=None,
        question=f"Probability that {label} is {positive}.",
        horizon_days=None,
        horizon_reasoning="",
        chosen=fit.model,
        chosen_because=because,
        data=context.data,
        scores=tuple(_scores(each) for each in fit.scores),
        reliability=_deciles(metrics.reliability(fit.churned, fit.probability)),
        gains=(_gain(fit.model, *metrics.gain_curve(fit.churned, fit.log_odds, GAIN_POINTS)),),
        assumptions=context.assumptions,
        versions=context.versions,
        columns=CardColumns(
            used=(*fit.encoding.numbers, *fit.encoding.levels),
            left_out=tuple(fit.encoding.left_out.items()),
            all_different=fit.encoding.all_different,
            leaks=tuple((each.column, each.auc, each.sentence(label)) for each in fit.leaks),
        ),
    )


def _because(backtest: Backtest, model: str) -> str:
    if model not in backtest.models:
        return f"{model} was selected by the user."
    losses = {name: backtest.mean(name).log_loss for name in backtest.models}
    best = min(losses, key=lambda name: losses[name])
    others = "it is the lowest" if model == best else f"the lowest is {losses[best]:.4f} of {best}"
    if model != STACK:
        return f"{model} was selected by the user. Its log loss is {losses[model]:.4f} on average; {others}."
    weights = ", ".join(f"{name} {weight:.0%}" for name, weight in backtest.weights.items())
    return (
        f"The stack is a weighted mean of the models' log odds: {weights}. The weights minimise the log loss over the "
        f"cut-offs, shrunk towards equal shares of {', '.join(PRIOR_MODELS)}. With weights from the other cut-offs, "
        f"its mean log loss is {losses[model]:.4f}; {others}."
    )


def _scores(score: ModelScore) -> Scores:
    return Scores(
        model=score.model,
        cut_off=None if score.cutoff is None else calendar_day(score.cutoff),
        n=score.n,
        base_rate=score.base_rate,
        roc_auc=score.auc,
        average_precision=score.average_precision,
        lift_top_decile=score.lift_top_decile,
        log_loss=_known(score.log_loss),
        brier=_known(score.brier),
        calibration_error=_known(score.calibration_error),
    )


def _deciles(table: Reliability) -> tuple[CardDecile, ...]:
    rows = zip(table.n.tolist(), table.predicted.tolist(), table.observed.tolist(), strict=True)
    return tuple(CardDecile(int(n), float(predicted), float(observed)) for n, predicted, observed in rows)


def _gain(name: str, share: Floats, reached: Floats) -> Gain:
    return Gain(name, tuple(map(float, share)), tuple(map(float, reached)))


def _known(value: float) -> float | None:
    return None if value != value else value
