"""The sentences over the charts of a model card, computed from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.churning.card import RECENCY

if TYPE_CHECKING:
    from ckm.churning.card import CardDecile, ModelCard

GOOD_ERROR = 0.03
"""Error of a tenth up to which probabilities are called right: three points, as far as people plan with them."""
CONTACTED = 0.2
"""The share of customers that the sentence over the gain curve speaks of."""
NEARLY = 0.005
"""Differences of ROC AUC that nobody would notice in a list."""


def reliability_finding(card: ModelCard) -> str:
    """Return how right the probabilities were on the past, which way they erred, and what to expect of them."""
    total = sum(tenth.n for tenth in card.reliability)
    if not total:
        return "How right the probabilities are is not known."
    if card.leaks:
        return f"None of its figures can be relied on: {_leaks(card)}."
    said = sum(tenth.n * tenth.said for tenth in card.reliability) / total
    came = sum(tenth.n * tenth.came for tenth in card.reliability) / total
    error = sum(tenth.n * _off(tenth) for tenth in card.reliability) / total
    if _off(_furthest(card)) <= GOOD_ERROR:
        return (
            f"{_past(card)} its probabilities held: no decile of the customers was off by more than "
            f"{_off(_furthest(card)) * 100:.1f} points.{_ahead(card)}"
        )
    if error <= GOOD_ERROR:
        far = _furthest(card)
        return (
            f"{_past(card)} its probabilities were right to {error * 100:.1f} points on average; furthest off was the "
            f"decile of which it expected {far.said:.0%} to leave, and {far.came:.0%} did.{_ahead(card)}"
        )
    if abs(said - came) < error / 2:
        return (
            f"{_past(card)} its probabilities were off by {error * 100:.1f} points on average, too high for some "
            f"customers and too low for others.{_ahead(card)}"
        )
    how = "too much" if said > came else "too little"
    return f"{_past(card)} it warned {how}: it expected {said:.0%} to leave, and {came:.0%} did.{_ahead(card)}"


def gain_finding(card: ModelCard) -> str:
    """Return the share of churned customers reached by contacting 20 %, beside recency alone and the optimum."""
    chosen, recency = card.gain(card.chosen), card.gain(RECENCY)
    if chosen is None:
        return ""
    reached = f"{chosen.at(CONTACTED):.0%} of churning customers"
    sentence = f"Contacting the {CONTACTED:.0%} of customers at highest risk reaches {reached}"
    if recency is not None and card.chosen != RECENCY:
        alone = f"{recency.at(CONTACTED):.0%}"
        as_many = alone == f"{chosen.at(CONTACTED):.0%}"
        sentence += ", as many as by silence alone" if as_many else f", against {alone} by silence alone"
    base = card.mean(card.chosen, "base_rate")
    if base is not None and base > CONTACTED:
        sentence += f"; more than {CONTACTED / base:.0%} is not possible"
    return sentence + _unless_leaked(card)


def models_finding(card: ModelCard) -> str:
    """Return how well the chosen model ranks, beside plain recency."""
    mine, silence = card.mean(card.chosen, "roc_auc"), card.mean(RECENCY, "roc_auc")
    if mine is None:
        return f"{card.chosen} was chosen; how well it ranks is not known."
    sentence = f"{card.chosen} ranks the churned customer above the retained one in {mine:.1%} of all pairs"
    if silence is None or card.chosen == RECENCY:
        return sentence + _unless_leaked(card)
    if abs(mine - silence) <= NEARLY:
        return f"{sentence}, hardly different from silence alone ({silence:.1%})."
    return f"{sentence}; silence alone in {silence:.1%}."


def _past(card: ModelCard) -> str:
    return "At past cut-offs" if card.cut_offs else "On rows that it had not seen"


def _ahead(card: ModelCard) -> str:
    """Say what to expect of the next window, where the past tells it."""
    if card.horizon_days is None:
        return ""
    if card.expected_error is None:
        return " How right it will be cannot be told from one cut-off."
    low, high = (100 * each for each in card.expected_error)
    return (
        f" In the next {card.horizon_days} days expect a calibration error of {low:.1f} to {high:.1f} points "
        "(80 % prediction interval)."
    )


def _off(tenth: CardDecile) -> float:
    return abs(tenth.said - tenth.came)


def _furthest(card: ModelCard) -> CardDecile:
    return max(card.reliability, key=_off)


def _leaks(card: ModelCard) -> str:
    names = ", ".join(card.leaks)
    if len(card.leaks) == 1:
        return f"column {names} gives the label away and was most likely filled in after the outcome"
    return f"columns {names} give the label away and were most likely filled in after the outcome"


def _unless_leaked(card: ModelCard) -> str:
    return f"; not to be relied on, because of {', '.join(card.leaks)}." if card.leaks else "."
