"""Headlines of the charts of a model card, computed from its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._churn.card_figures import RECENCY

if TYPE_CHECKING:
    from ckm._churn.card_figures import CardDecile, ModelCard

GOOD_ERROR = 0.03
"""Calibration error of a decile up to which probabilities count as accurate: three percentage points."""
CONTACTED = 0.2
"""Share of customers contacted in the headline of the gain curve."""
NEARLY = 0.005
"""Largest difference of ROC AUC without a practical effect on a list."""


def reliability_finding(card: ModelCard) -> str:
    """Return the past calibration error of the probabilities, its direction, and the error expected next."""
    total = sum(decile.n for decile in card.reliability)
    if not total:
        return "The accuracy of the probabilities is not known."
    if card.leaks:
        return f"All figures are unreliable: {_leaks(card)}."
    predicted = sum(decile.n * decile.predicted for decile in card.reliability) / total
    observed = sum(decile.n * decile.observed for decile in card.reliability) / total
    error = sum(decile.n * _off(decile) for decile in card.reliability) / total
    if _off(_furthest(card)) <= GOOD_ERROR:
        return (
            f"{_past(card)} the probabilities were accurate: the error of every decile was at most "
            f"{_off(_furthest(card)) * 100:.1f} points.{_ahead(card)}"
        )
    if error <= GOOD_ERROR:
        far = _furthest(card)
        return (
            f"{_past(card)} the probabilities had a mean error of {error * 100:.1f} points; the largest was in the "
            f"decile with a predicted churn rate of {far.predicted:.0%} and an observed one of {far.observed:.0%}."
            f"{_ahead(card)}"
        )
    if abs(predicted - observed) < error / 2:
        return (
            f"{_past(card)} the probabilities had a mean error of {error * 100:.1f} points, too high for some "
            f"customers and too low for others.{_ahead(card)}"
        )
    how = "too high" if predicted > observed else "too low"
    rates = f"predicted churn rate {predicted:.0%}, observed {observed:.0%}"
    return f"{_past(card)} the probabilities were {how}: {rates}.{_ahead(card)}"


def gain_finding(card: ModelCard) -> str:
    """Return the share of churned customers reached by contacting 20 %, beside recency alone and the optimum."""
    chosen, recency = card.gain(card.chosen), card.gain(RECENCY)
    if chosen is None:
        return ""
    reached = f"{chosen.at(CONTACTED):.0%} of the churned customers"
    sentence = f"Contacting the {CONTACTED:.0%} of customers at highest risk reaches {reached}"
    if recency is not None and card.chosen != RECENCY:
        alone = f"{recency.at(CONTACTED):.0%}"
        as_many = alone == f"{chosen.at(CONTACTED):.0%}"
        sentence += ", the same as by recency alone" if as_many else f", compared with {alone} by recency alone"
    base = card.mean(card.chosen, "base_rate")
    if base is not None and base > CONTACTED:
        sentence += f"; the maximum is {CONTACTED / base:.0%}"
    return sentence + _unless_leaked(card)


def models_finding(card: ModelCard) -> str:
    """Return how well the chosen model ranks, beside plain recency."""
    mine, silence = card.mean(card.chosen, "roc_auc"), card.mean(RECENCY, "roc_auc")
    if mine is None:
        return f"{card.chosen} was selected; its ROC AUC is not known."
    sentence = f"{card.chosen} ranks the churned customer above the retained one in {mine:.1%} of all pairs"
    if silence is None or card.chosen == RECENCY:
        return sentence + _unless_leaked(card)
    if abs(mine - silence) <= NEARLY:
        return f"{sentence}, about the same as recency alone ({silence:.1%})."
    return f"{sentence}; recency alone in {silence:.1%}."


def _past(card: ModelCard) -> str:
    return "At past cut-offs" if card.cut_offs else "Out of fold"


def _ahead(card: ModelCard) -> str:
    """Return a sentence on the calibration error expected in the next window; empty for labelled data."""
    if card.horizon_days is None:
        return ""
    if card.expected_error is None:
        return " One cut-off is not enough for a prediction interval of the next calibration error."
    low, high = (100 * each for each in card.expected_error)
    return (
        f" In the next {card.horizon_days} days expect a calibration error of {low:.1f} to {high:.1f} points "
        "(80 % prediction interval)."
    )


def _off(decile: CardDecile) -> float:
    return abs(decile.predicted - decile.observed)


def _furthest(card: ModelCard) -> CardDecile:
    return max(card.reliability, key=_off)


def _leaks(card: ModelCard) -> str:
    names = ", ".join(card.leaks)
    if len(card.leaks) == 1:
        return f"column {names} reveals the label and was most likely filled in after the outcome"
    return f"columns {names} reveal the label and were most likely filled in after the outcome"


def _unless_leaked(card: ModelCard) -> str:
    return f"; unreliable because of {', '.join(card.leaks)}." if card.leaks else "."
