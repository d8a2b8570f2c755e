"""Model card of a backtest, and of a model that was cross-validated on a labelled table."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from ckm import __version__
from ckm._churn.feature_catalogue import load_catalogue
from ckm._churn.model_card import RECENCY, CardColumns, CardData, CardDecile, Gain, ModelCard
from ckm.customers.calendar import calendar_day
from ckm.models.churn.stack import PRIOR_MODELS, STACK

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from ckm._churn.horizon import Horizon
    from ckm.customers.history import History
    from ckm.models.backtest import Backtest
    from ckm.models.churn.labelled_models import LabelledFit
    from ckm.models.metrics import Reliability

GAIN_POINTS = 50
"""Intervals of the gain curve of a labelled table."""
LIBRARIES = ("numpy", "polars", "scikit-learn", "scipy")
"""Packages whose versions a model card lists."""


def transaction_data(history: History, customers: int) -> CardData:
    """Return what a forecast was computed from: customers with a purchase, and the rows used and excluded."""
    left = history.full_ledger.left_out
    excluded = {
        "with a stray date": left.rows_stray,
        "after the as-of date": left.rows_after_as_of,
        "of cancelled orders": left.rows_cancelled,
        "without a customer": left.rows_without_customer,
    }
    return CardData(
        customers=customers,
        rows_used=left.rows - sum(excluded.values()),
        left_out=tuple((why, rows) for why, rows in excluded.items() if rows),
        first_day=calendar_day(history.first_day),
        last_day=calendar_day(history.last_day),
    )


def card_of_backtest(
    backtest: Backtest,
    data: CardData,
    *,
    as_of: date,
    horizon: Horizon,
    features: Collection[str],
    model: str,
    assumptions: tuple[tuple[str, str], ...] = (),
) -> ModelCard:
    """Return the model card of the selected model, with its backtest scores.

    Parameters
    ----------
    backtest
        Scores of all models at past cut-offs.
    data
        Result of :func:`transaction_data`.
    as_of
        As-of date of the analysis.
    horizon
        Horizon with its reasoning.
    features
        Names of the features in the data.
    model
        The selected model.
    assumptions
        Name and value, formatted for readers.
    """
    curves, catalogue = backtest.curves, load_catalogue().features
    return ModelCard(
        as_of=as_of,
        question=f"Probability of no purchase within {backtest.horizon} days after a cut-off.",
        horizon_days=backtest.horizon,
        horizon_reasoning=horizon.reasoning,
        chosen=model,
        chosen_because=_model_choice(backtest, model),
        expected_error=backtest.expected_error(model) if model in backtest.models else None,
        data=data,
        scores=backtest.scores,
        reliability=_deciles(curves[model].reliability) if model in curves else (),
        gains=tuple(
            Gain(name, tuple(curves[name].share.tolist()), tuple(curves[name].churned_reached.tolist()))
            for name in dict.fromkeys((model, RECENCY))
            if name in curves
        ),
        features=tuple(each for each in catalogue if each.name in features),
        missing=tuple(each.name for each in catalogue if each.name not in features),
        not_compared=tuple((name, reason.rstrip(".")) for name, reason in backtest.left_out.items()),
        assumptions=assumptions,
        versions=_versions(),
    )


def card_of_labels(fit: LabelledFit, *, label: str, positive: str) -> ModelCard:
    """Return the model card of a labelled table, with its scores out of fold.

    Parameters
    ----------
    fit
        The fitted models.
    label, positive
        Name of the column with the outcome, and its value for churned customers.
    """
    from ckm.models import metrics

    loss = next(each.log_loss for each in fit.scores if each.model == fit.model)
    labelled, blank = len(fit.ids), len(fit.blank.ids)
    shares, reached = metrics.gain_curve(fit.churned, fit.log_odds, GAIN_POINTS)
    return ModelCard(
        as_of=None,
        question=f"Probability that {label} is {positive}.",
        horizon_days=None,
        horizon_reasoning="",
        chosen=fit.model,
        chosen_because=f"{fit.model} has the lowest log loss, {loss:.4f}, out of fold.",
        data=CardData(customers=labelled + blank, rows_used=labelled, blank_labels=blank),
        scores=tuple(fit.scores),
        reliability=_deciles(metrics.reliability(fit.churned, fit.probability)),
        gains=(Gain(fit.model, tuple(shares.tolist()), tuple(reached.tolist())),),
        versions=_versions(),
        columns=CardColumns(
            used=(*fit.encoding.numbers, *fit.encoding.levels),
            left_out=tuple(fit.encoding.left_out.items()),
            all_different=fit.encoding.all_different,
            leaks=tuple((each.column, each.auc, each.sentence(label)) for each in fit.leaks),
        ),
    )


def _model_choice(backtest: Backtest, model: str) -> str:
    """Return why a model was selected, with its log loss and the lowest log loss of all models."""
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


def _deciles(table: Reliability) -> tuple[CardDecile, ...]:
    return tuple(map(CardDecile, table.n.tolist(), table.predicted.tolist(), table.observed.tolist()))


def _versions() -> tuple[tuple[str, str], ...]:
    return (("ckm", __version__), *((name, version(name)) for name in LIBRARIES))
